"""What do accounts and contracts call themselves behind the second door?

Accounts have numbers there, contracts have ids such as ``CON.F.US.ENQ.Z26``, with ProjectX's
own roots for some of them. Ids are given out here and never built by a client.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from datetime import date

from sim2live.errors import SignalError
from sim2live.exchange.venue import Exchange
from sim2live.market.contracts import SIM, contract, front_month
from sim2live.market.specs import MONTHS, SPECS
from sim2live.signals import Instrument

#: Roots of the exchange -> roots of ProjectX, where they differ.
ROOTS = {
    "ES": "EP", "NQ": "ENQ", "GC": "GCE", "SI": "SIE", "HG": "CPE", "NG": "NGE",
    "CL": "CLE", "MCL": "MCLE", "QG": "NQG", "QM": "NQM",
    "6A": "DA6", "6B": "BP6", "6C": "CA6", "6E": "EU6", "E7": "EEU",
}  # fmt: skip
_BACK = {theirs: ours for ours, theirs in ROOTS.items()}
_ID = re.compile(rf"CON\.F\.US\.([A-Z0-9]{{1,8}})\.([{MONTHS}])(\d\d)")
_SIM_ID = "CON.F.SIM."
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


class Listing:
    """One contract as it is listed.

    Attributes:
        id: Such as ``CON.F.US.ENQ.Z26``.
        instrument: The same on the first door, such as ``CME:NQZ6``.
        name: Such as ``NQZ6``.
        description: In plain words.
        tick_size: In points.
        tick_value: In US dollars.
        symbol_id: Such as ``F.US.ENQ``.
    """

    __slots__ = (
        "description", "id", "instrument", "name", "symbol_id", "tick_size", "tick_value",
    )  # fmt: skip

    def __init__(self, number: str, instrument: Instrument, words: str) -> None:
        found = contract(instrument)
        self.id = number
        self.instrument = instrument
        self.name = instrument.symbol
        self.description = words
        self.tick_size = 0.01 if found is None else float(found.tick_size)
        self.tick_value = 0.01 if found is None else float(found.tick_value)
        self.symbol_id = ".".join(number.split(".")[1:4])

    def matches(self, text: str) -> bool:
        """Whether a text, in small letters, stands in id, name or description."""
        return any(text in word.lower() for word in (self.id, self.name, self.description))


class Contracts:
    """Ids of contracts, both ways. An id once given out keeps its meaning."""

    def __init__(self) -> None:
        self._by_id: dict[str, Listing] = {}
        self._by_instrument: dict[Instrument, Listing] = {}
        self._fronts: tuple[date, list[Listing]] = (date.min, [])

    def find(self, number: str) -> Listing | None:
        """The contract of an id, or None where it is none."""
        found = self._by_id.get(number)
        return self._read(number) if found is None else found

    def of(self, instrument: Instrument, on: date) -> Listing:
        """How an instrument is listed.

        Args:
            instrument: As the first door names it.
            on: Date of the question, for the decade of a one-digit year.
        """
        found = self._by_instrument.get(instrument)
        return self._list(instrument, on) if found is None else found

    def fronts(self, on: date) -> list[Listing]:
        """The front contract of each root on a day."""
        if self._fronts[0] != on:
            roots = (spec for spec in SPECS.values() if spec.ending is not None)
            self._fronts = on, [self.front(spec.root, on) for spec in roots]
        return self._fronts[1]

    def front(self, root: str, on: date) -> Listing:
        """The front contract of a root that expires."""
        found = self._list(Instrument("CME", front_month(root, on)), on)
        # Ten years ago the same symbol was another contract; the latest question decides.
        self._by_instrument[found.instrument] = found
        return found

    def _list(self, instrument: Instrument, on: date) -> Listing:
        found = contract(instrument, on=on)
        parts = re.fullmatch(rf"[A-Z0-9]+?([{MONTHS}])(\d\d?)", instrument.symbol)
        if found is None or instrument.exchange == SIM or parts is None:
            number = f"{_SIM_ID}{instrument.symbol}"
            if instrument.exchange != SIM:
                number = f"CON.F.{instrument.exchange}.{instrument.symbol}"
            return self._keep(Listing(number, instrument, "simulated"))
        year = int(parts[2])
        if len(parts[2]) == 1:
            year = on.year + (year - on.year + 4) % 10 - 4
        number = f"CON.F.US.{ROOTS.get(found.root, found.root)}.{parts[1]}{year % 100:02d}"
        month = _MONTHS[MONTHS.index(parts[1])]
        words = f"{found.description}: {month} {2000 + year % 100}"
        return self._keep(Listing(number, instrument, words))

    def _read(self, number: str) -> Listing | None:
        parts = _ID.fullmatch(number)
        if parts is None:
            return self._read_simulated(number)
        root = _BACK.get(parts[1], parts[1])
        spec = SPECS.get(root)
        if spec is None or spec.ending is None:
            return None
        year = 2000 + int(parts[3])
        return self._list(Instrument("CME", f"{root}{parts[2]}{year % 10}"), date(year, 1, 1))

    def _read_simulated(self, number: str) -> Listing | None:
        if not number.startswith(_SIM_ID):
            return None
        try:
            instrument = Instrument(SIM, number.removeprefix(_SIM_ID))
        except SignalError:
            return None
        return self._keep(Listing(number, instrument, "simulated"))

    def _keep(self, listing: Listing) -> Listing:
        known = self._by_id.setdefault(listing.id, listing)
        self._by_instrument.setdefault(listing.instrument, known)
        return known


class Accounts:
    """Numbers of accounts, both ways; they depend on the name only, so a restart keeps them.

    Args:
        exchange: Where the accounts are.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._names: dict[int, str] = {}
        self._numbers: dict[str, int] = {}

    def number(self, name: str) -> int:
        """The number of an account."""
        found = self._numbers.get(name)
        if found is None:
            found = 10_000_000 + zlib.crc32(name.encode()) % 90_000_000
            while found in self._names:
                found += 1
            self._names[found] = name
            self._numbers[name] = found
        return found

    def name(self, number: int) -> str | None:
        """The account of a number, or None."""
        if number not in self._names:
            self._learn(row.account for row in self._exchange.accounts())
        return self._names.get(number)

    def _learn(self, names: Iterable[str]) -> None:
        for name in names:
            self.number(name)
