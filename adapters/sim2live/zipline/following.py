"""Which contract follows which asset, and what is it told?

Everything that a mirror says to the gate goes through here. Nothing in this file may raise into
an algorithm: whatever goes wrong becomes a receipt.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from sim2live import sizing as sizes
from sim2live.errors import ConfigError, Sim2LiveError
from sim2live.gate.receipt import Receipt, Status
from sim2live.market.bars import Bar
from sim2live.signals import Instrument, OrderSpec

if TYPE_CHECKING:
    from sim2live.gate.dispatch import Dispatcher
    from sim2live.sizing import Sizing
    from sim2live.zipline.prices import Prices

Instruments = Mapping[str, Instrument | str] | Callable[[Any], Instrument | str] | None

log = logging.getLogger("sim2live.zipline")

FOREVER = 2**63 - 1
_TOGETHER: Final = 256


class Line:
    """One asset of the simulation and the contract that follows it.

    Attributes:
        asset: The Zipline asset.
        data: Its name at the gate.
        instrument: The contract that follows.
        raw: Position plus open market orders at the last look, in units of the simulation.
        target: What the gate granted last, in whole contracts.
        settled: False while the last answer left something open, so that the next bar asks again.
        pushed: The last bar that was handed on or kept, ns UTC.
        close: The last price that was handed on; None before the first.
        calm: True while the gate would only record a bar, so that it can wait.
        kept: Bars that wait, ns UTC.
        cutoff: ns UTC from which the contract is left, because Zipline closes it soon after.
    """

    __slots__ = (
        "_at",
        "_nth",
        "asset",
        "calm",
        "close",
        "cutoff",
        "data",
        "instrument",
        "kept",
        "pushed",
        "raw",
        "settled",
        "target",
    )

    def __init__(self, asset: Any, data: str, instrument: Instrument) -> None:
        self.asset = asset
        self.data = data
        self.instrument = instrument
        self.raw: float = 0.0
        self.target = 0
        self.settled = True
        self.pushed = -1
        self.close: float | None = None
        self.calm = False
        self.kept: list[int] = []
        self.cutoff = FOREVER
        self._at = -1
        self._nth = -1

    def call(self, at: int) -> int:
        """The number of the framework's call for this asset at this moment, from 0."""
        self._nth = self._nth + 1 if at == self._at else 0
        self._at = at
        return self._nth


class Following:
    """The mirror's voice at the gate.

    Args:
        dispatcher: The strategy's handle.
        instruments: Symbol -> contract, or a function of the asset, or None for the asset's own
            name at exchange ``SIM`` (simulated venues only).
        sizing: ``"exact"`` or a sizing of `sim2live.sizing`.
        prices: Where bars that were kept are read.

    Raises:
        ConfigError: No instruments for a venue that is not simulated, or one that cannot be read.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        instruments: Instruments,
        sizing: Sizing | str,
        prices: Prices,
    ) -> None:
        self.dispatcher = dispatcher
        self._prices = prices
        self.simulated = bool(dispatcher.venue.simulated)
        self.sizing = sizes.of(sizing)
        self._instruments = self._checked(instruments)
        self.lines: dict[Any, Line] = {}

    def line(self, asset: Any) -> Line:
        """The line of an asset, made at its first use.

        Raises:
            ConfigError: Nothing says which contract follows this asset.
        """
        line = self.lines.get(asset)
        if line is None:
            instrument = self._instrument(asset)
            taken = {other.data for other in self.lines.values()}
            symbol = str(asset.symbol)
            data = symbol if symbol not in taken else f"{symbol}#{int(asset)}"
            line = self.lines[asset] = Line(asset, data, instrument)
        return line

    def forget(self) -> None:
        """Start over, for a new run."""
        self.lines = {}

    def wanted(self, line: Line, raw: float, at: int) -> int:
        """Whole contracts for a raw position; none once the contract is about to expire."""
        return 0 if at >= line.cutoff else self.sizing(raw)

    def follow(
        self, line: Line, raw: float, at: int, *, order: OrderSpec | None = None, call: bool = True
    ) -> Receipt:
        """Make the venue follow one asset.

        Args:
            line: The asset's line.
            raw: Position wanted now, in units of the simulation.
            at: The bar of the decision, ns UTC.
            order: What the algorithm's order adds; None for a comparison.
            call: False for a comparison, which no call of the algorithm stands behind.

        Returns:
            What became of it. It never raises: an error of ours refuses an entry and lets an exit
            go on, and the next bar asks again.
        """
        self.catch_up(line)
        before = line.target
        nth = line.call(at) if call else -1
        try:
            wanted = self.wanted(line, raw, at)
        except Sim2LiveError as wrong:
            log.error("%s: %s", line.data, wrong)
            return self._answered(
                line, Receipt(status=Status.HELD, granted=before, reason=str(wrong))
            )
        try:
            receipt = self.dispatcher.follow(
                line.instrument, wanted, data=line.data, nth=nth, decided_at=at, order=order
            )
        except Exception as wrong:  # nothing of ours may end an algorithm
            log.exception("%s: following %+d failed", line.data, wanted)
            granted = _without_opening(before, wanted)
            status = Status.PENDING if granted == wanted else Status.HELD
            receipt = Receipt(status=status, granted=granted, reason=f"internal error: {wrong!r}")
            return self._answered(line, receipt, settled=False)
        return self._answered(line, receipt)

    def presume(self, line: Line, raw: float, why: str) -> None:
        """The simulation moved without an order: the venue is presumed to have moved with it.

        Nothing is sent. It is how a split, a dividend in shares and an expired contract reach
        the ledger.
        """
        self.catch_up(line)
        try:
            wanted = self.sizing(raw)
            if wanted == line.target:
                return
            log.warning(
                "%s: %s moved the position from %+d to %+d without an order; nothing is sent",
                line.data,
                why,
                line.target,
                wanted,
            )
            self.dispatcher.adjust(line.instrument, wanted, data=line.data)
            line.target, line.settled = wanted, True
        except Exception:  # nothing of ours may end an algorithm
            log.exception("%s: %s could not be booked", line.data, why)

    def push(self, line: Line, at: int, prices: Sequence[float]) -> None:
        """Hand a bar on: (open, high, low, close, volume), stamped with its end in ns UTC."""
        line.pushed = at
        close = prices[3]
        if close != close:  # a bar without a trade has no price
            return
        line.close = close
        try:
            self.dispatcher.on_bar(line.instrument, Bar(at, *prices))
        except Exception:  # nothing of ours may end an algorithm
            log.exception("%s: a bar could not be handed on", line.data)

    def calm(self, line: Line) -> bool:
        """Whether this bar and the next ones can wait until something is decided."""
        line.calm = self.dispatcher.calm(line.instrument)
        return line.calm

    def keep(self, line: Line, at: int) -> None:
        """A bar that can wait; a full stretch is handed on."""
        line.pushed = at
        line.kept.append(at)
        if len(line.kept) >= _TOGETHER:
            self._hand_on(line)

    def catch_up_all(self) -> None:
        """The run is about to end: hand on what was kept of any asset."""
        for line in self.lines.values():
            self.catch_up(line)

    def catch_up(self, line: Line) -> None:
        """Something is about to happen: hand on what was kept, and keep nothing for now."""
        line.calm = False
        if line.kept:
            self._hand_on(line)

    def _hand_on(self, line: Line) -> None:
        times, line.kept = line.kept, []
        try:
            rows = self._prices.past(line.asset, times)
            if rows:
                line.close = rows[-1][4]
                self.dispatcher.on_bars(line.instrument, rows)
        except Exception:  # nothing of ours may end an algorithm
            log.exception("%s: bars could not be handed on", line.data)

    def _answered(self, line: Line, receipt: Receipt, settled: bool | None = None) -> Receipt:
        if settled is None:
            settled = receipt.status not in (Status.PENDING, Status.UNKNOWN)
        line.target, line.settled = receipt.granted, settled
        return receipt

    def _checked(self, instruments: Instruments) -> Instruments:
        if instruments is None:
            if not self.simulated:
                raise ConfigError(
                    "instruments=None: a venue that is not simulated needs a map such as "
                    "{'ES': 'CME:MESZ6'}"
                )
            return None
        if callable(instruments):
            return instruments
        return {str(name): _parsed(name, value) for name, value in instruments.items()}

    def _instrument(self, asset: Any) -> Instrument:
        symbol, root = str(asset.symbol), getattr(asset, "root_symbol", None)
        if self._instruments is None:
            return Instrument("SIM", symbol)
        if callable(self._instruments):
            return _parsed(symbol, self._instruments(asset))
        for name in (symbol, root):
            if name and name in self._instruments:
                return _parsed(name, self._instruments[name])
        raise ConfigError(
            f"instruments={sorted(self._instruments)}: must have an entry for {symbol}"
        )


def _parsed(name: str, value: Instrument | str) -> Instrument:
    if isinstance(value, Instrument):
        return value
    try:
        return Instrument.parse(value)
    except (ValueError, TypeError, AttributeError) as wrong:
        raise ConfigError(f"instruments[{name!r}]={value!r}: {wrong}") from wrong


def _without_opening(before: int, wanted: int) -> int:
    """The target that is left when the opening part of a move does not happen."""
    if before * wanted < 0:
        return 0
    return wanted if abs(wanted) <= abs(before) else before
