"""Which contract of a ProjectX server is meant by an instrument?

Ids are looked up and never built: the roots in them are the platform's own (``EP`` for ES),
and nothing promises that they stay.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from msgspec import Struct

from sim2live.errors import SignalError
from sim2live.market.specs import MONTHS, SPECS
from sim2live.signals import Instrument
from sim2live.venues.projectx_dialect import Dialect

__all__ = ["Ask", "Contracts", "Listing"]

Ask = Callable[[str, Mapping[str, Any]], dict[str, Any]]
"""A call such as ``Contract/search`` and its body to the envelope of the answer."""

_SYMBOL: Final = re.compile(rf"([A-Z0-9]+?)([{MONTHS}])(\d\d?)")


class Listing(Struct, frozen=True):
    """A contract as the server lists it.

    Attributes:
        id: Such as ``CON.F.US.MES.Z26``.
        name: Such as ``MESZ6``.
        tick: Smallest step of its price, in points.
    """

    id: str
    name: str
    tick: Decimal


class Contracts:
    """Contracts by instrument and by id; what was found once is remembered.

    Args:
        dialect: How contracts are asked for.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._lock = threading.Lock()
        self._listings: dict[Instrument, Listing] = {}
        self._instruments: dict[str, Instrument] = {}

    def resolve(self, instrument: Instrument, ask: Ask) -> Listing:
        """The contract that an instrument means.

        Args:
            instrument: Its symbol is the contract's name (``MESZ6``, or ``MESZ26``) or its id.
            ask: Puts a question to the server.

        Raises:
            SignalError: The server lists no such contract, or several.
            DeliveryError: The server did not answer.
        """
        known = self._listings.get(instrument)
        if known is not None:
            return known
        seen: dict[str, dict[str, Any]] = {}
        for text in _words(instrument.symbol):
            answer = ask("Contract/search", self._dialect.find_contracts(text))
            rows = [row for row in _rows(answer.get("contracts")) if _whole(row)]
            found = [row for row in rows if _means(row, instrument.symbol)]
            if len(found) == 1:
                return self._keep(instrument, _listing(found[0]))
            seen.update((row["name"], row) for row in rows)
            if found:
                raise SignalError("symbol", instrument.symbol, f"names {len(found)} contracts")
        listed = ", ".join(sorted(seen)[:8]) or "nothing like it"
        raise SignalError("symbol", instrument.symbol, f"is not listed; the venue lists {listed}")

    def instrument(self, contract: str, ask: Ask) -> Instrument:
        """The instrument of a contract id, in the words that it was first asked for with.

        Raises:
            DeliveryError: The server did not answer.
            SignalError: The answer names no contract.
        """
        known = self._instruments.get(contract)
        if known is not None:
            return known
        answer = ask("Contract/searchById", {"contractId": contract})
        row = answer.get("contract") or next(iter(_rows(answer.get("contracts"))), None)
        if not isinstance(row, dict) or not _whole(row):
            raise SignalError("contractId", contract, "is not listed")
        found = _SYMBOL.fullmatch(row["name"])
        spec = SPECS.get(found[1]) if found else None
        instrument = Instrument("CME" if spec is None else spec.exchange, row["name"])
        self._keep(instrument, _listing(row))
        return instrument

    def known(self, contract: str) -> Instrument | None:
        """The instrument of a contract id, where it has been asked for before."""
        return self._instruments.get(contract)

    def _keep(self, instrument: Instrument, listing: Listing) -> Listing:
        with self._lock:
            self._instruments.setdefault(listing.id, instrument)
            return self._listings.setdefault(instrument, listing)


def _words(symbol: str) -> list[str]:
    """What to search for: the name itself, its short form, and its root."""
    found = _SYMBOL.fullmatch(symbol)
    words = [symbol]
    if found:
        words += [f"{found[1]}{found[2]}{found[3][-1]}", found[1]]
    return list(dict.fromkeys(words))


def _means(row: Mapping[str, Any], symbol: str) -> bool:
    name, number = row["name"], row["id"]
    if symbol in (name, number):
        return True
    asked, listed = _SYMBOL.fullmatch(symbol), _SYMBOL.fullmatch(name)
    if asked is None or listed is None or asked[1] != listed[1] or asked[2] != listed[2]:
        return False
    years = sorted((asked[3], listed[3]), key=len)
    if not years[1].endswith(years[0]):
        return False
    # The long year of the symbol is checked against the id, which always has two digits.
    return len(asked[3]) == 1 or number.endswith(asked[3])


def _rows(rows: object) -> list[dict[str, Any]]:
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _whole(row: Mapping[str, Any]) -> bool:
    tick = row.get("tickSize")
    return (
        isinstance(row.get("id"), str)
        and isinstance(row.get("name"), str)
        and isinstance(tick, int | float)
        and not isinstance(tick, bool)
        and 0 < tick < float("inf")
    )


def _listing(row: Mapping[str, Any]) -> Listing:
    return Listing(row["id"], row["name"], Decimal(repr(row["tickSize"])))
