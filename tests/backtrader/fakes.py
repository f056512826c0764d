"""A gate small enough to be read at a glance, and feeds with known bars."""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

import backtrader as bt

from sim2live.gate.receipt import Receipt, Status
from sim2live.market.bars import Bar
from sim2live.market.stretch import Row
from sim2live.signals import Instrument, OrderSpec, Signal


class Call(NamedTuple):
    """One question to the gate."""

    instrument: Instrument
    target: int
    data: str
    nth: int
    decided_at: int
    order: OrderSpec | None
    sent: tuple[int, ...]


class ScriptedGate:
    """Obeys the contract of a Dispatcher: sends differences, refuses entries when told to.

    Args:
        refuse: Called with (call number, signed opening size); True refuses the opening part.
        simulated: What the venue says of itself.
    """

    def __init__(
        self, refuse: Callable[[int, int], bool] = lambda n, size: False, *, simulated: bool = True
    ) -> None:
        self.venue = SimpleNamespace(simulated=simulated, can_cancel=False, name="scripted")
        self.refuse = refuse
        self.calls: list[Call] = []
        self.signals: list[Signal] = []
        self.bars: list[tuple[Instrument, Any]] = []
        self.marks: list[float] = []
        self.presumptions: list[tuple[Instrument, int]] = []
        self.cancelled: list[str] = []
        self.presumed: dict[Instrument, int] = defaultdict(int)
        self.targets: dict[tuple[Instrument, str], int] = defaultdict(int)

    def _total(self, instrument: Instrument) -> int:
        return sum(size for (which, _), size in self.targets.items() if which == instrument)

    def follow(
        self,
        instrument: Instrument,
        target: int,
        *,
        data: str,
        nth: int,
        decided_at: int,
        order: OrderSpec | None = None,
    ) -> Receipt:
        assert type(target) is int
        assert type(decided_at) is int
        owner = (instrument, data)
        before = self.targets[owner]
        self.targets[owner] = target
        held, wanted = self.presumed[instrument], self._total(instrument)
        opening = wanted - held
        parts = []
        if held * wanted < 0:
            parts, opening = [-held], wanted
        elif abs(wanted) < abs(held):
            parts, opening = [wanted - held], 0
        refused = bool(opening) and self.refuse(len(self.calls), opening)
        if opening and not refused:
            parts.append(opening)
        granted = target
        if refused:
            granted = 0 if held * wanted < 0 and before * target < 0 else before
            self.targets[owner] = granted
        self.presumed[instrument] += sum(parts)
        signals = tuple(
            self._signal(instrument, part, order if part == opening else None) for part in parts
        )
        self.signals += signals
        self.calls.append(Call(instrument, target, data, nth, decided_at, order, tuple(parts)))
        return Receipt(
            status=Status.HELD if refused else Status.ACCEPTED,
            granted=granted,
            reason="the script says no" if refused else "",
            signals=signals,
        )

    def _signal(self, instrument: Instrument, size: int, order: OrderSpec | None) -> Signal:
        return Signal(
            signal_id=str(len(self.calls)),
            workflow_id="test",
            instrument=instrument,
            side="BUY" if size > 0 else "SELL",
            qty=abs(size),
            bracket=order.bracket if order is not None else None,
        )

    def presume(
        self, instrument: Instrument, target: int, *, data: str, decided_at: int, name: str
    ) -> bool:
        self.targets[instrument, data] = target
        self.presumed[instrument] = self._total(instrument)
        self.presumptions.append((instrument, target))
        return True

    def cancel(self, instrument: Instrument, name: str, *, data: str, decided_at: int) -> None:
        self.cancelled.append(name)

    weighs = False

    def calm(self, instrument: Instrument) -> bool:
        return bool(self.venue.simulated) and self.presumed[instrument] == self._total(instrument)

    def on_bar(self, instrument: Instrument, bar: Any) -> None:
        self.bars.append((instrument, bar))

    def on_bars(self, instrument: Instrument, bars: list[Row]) -> None:
        self.bars += [(instrument, Bar(*bar)) for bar in bars]

    def mark(self, equity: float) -> None:
        self.marks.append(equity)

    def reports(self) -> list[Any]:
        return []


def walk(
    seed: int, count: int, *, step: dt.timedelta = dt.timedelta(days=1), start: float = 100.0
) -> list[tuple[Any, ...]]:
    """A random walk as (datetime, open, high, low, close, volume); the same for the same seed."""
    draw = random.Random(seed)
    when, price, rows = dt.datetime(2024, 1, 2, 0, 0), start, []
    for _ in range(count):
        opened = price + draw.gauss(0, 0.4)
        closed = opened + draw.gauss(0, 1.0)
        high = max(opened, closed) + abs(draw.gauss(0, 0.5))
        low = min(opened, closed) - abs(draw.gauss(0, 0.5))
        rows.append(
            (when, *(round(p, 2) for p in (opened, high, low, closed)), draw.randrange(5, 60))
        )
        price = closed
        when += step
    return rows


class Rows(bt.feeds.DataBase):
    """Bars from a list; with `idle`, nothing is delivered so many times before each bar."""

    params = (("rows", ()), ("idle", 0))

    def start(self) -> None:
        super().start()
        self._next_row = 0
        self._waits = self.p.idle

    def haslivedata(self) -> bool:
        return bool(self.p.idle)

    def _load(self) -> bool | None:
        if self._next_row >= len(self.p.rows):
            return False
        if self._waits:
            self._waits -= 1
            return None
        self._waits = self.p.idle
        when, *prices = self.p.rows[self._next_row]
        self._next_row += 1
        self.lines.datetime[0] = bt.date2num(when)
        for line, value in zip(("open", "high", "low", "close", "volume"), prices, strict=True):
            getattr(self.lines, line)[0] = value
        self.lines.openinterest[0] = 0
        return True
