"""One replay: which bars are past, which come next, and at what speed."""

from __future__ import annotations

from collections.abc import Callable

from sim2live.clock import iso
from sim2live.gateway.projectx.aggregate import Starts, gather
from sim2live.gateway.projectx.shapes import BarRow
from sim2live.gateway.projectx.table import Table
from sim2live.market.bars import Bar
from sim2live.signals import Instrument

Move = Callable[[Bar], None]


class Session:
    """Bars of a table, delivered in bars of a timeframe.

    The market moves through every bar of the table, also where the timeframe is coarser, so
    that orders are tested as finely as the data allow.

    Args:
        account: The session's account.
        instrument: What is replayed.
        table: At least one bar.
        starts: Which bar of the timeframe a bar of the table lies in.
        move: Moves the market.

    Attributes:
        done: Bars of the timeframe that were delivered.
        speed: Bars a second while it plays, else None.
    """

    def __init__(
        self, account: str, instrument: Instrument, table: Table, starts: Starts, move: Move
    ) -> None:
        self.account, self.instrument = account, instrument
        self.done = 0
        self.speed: float | None = None
        self._table, self._starts, self._move = table, starts, move
        self._ends = _ends(table, starts)
        self._since = (0.0, 0)

    @property
    def total(self) -> int:
        """Bars of the timeframe in all."""
        return len(self._ends)

    @property
    def complete(self) -> bool:
        """Whether all were delivered."""
        return self.done == len(self._ends)

    @property
    def time(self) -> int | None:
        """The close of the last delivered bar, UTC epoch nanoseconds; None before the first."""
        return self._table.times[self._ends[self.done - 1] - 1] if self.done else None

    @property
    def span(self) -> tuple[str, str]:
        """Start of the first bar and close of the last."""
        times = self._table.times
        return iso(self._starts(times[0])), iso(times[-1])

    def step(self, count: int) -> list[BarRow]:
        """Deliver the next bars, fewer at the end."""
        rows: list[BarRow] = []
        for _ in range(min(count, self.total - self.done)):
            first = self._ends[self.done - 1] if self.done else 0
            self.done += 1
            bars = [self._table.bar(at) for at in range(first, self._ends[self.done - 1])]
            for bar in bars:
                self._move(bar)
            rows += gather(bars, self._starts)
        return rows

    def before(self, moment: int) -> int:
        """How many bars not yet delivered close at a moment or before."""
        times, ends = self._table.times, self._ends
        at = self.done
        while at < len(ends) and times[ends[at] - 1] <= moment:
            at += 1
        return at - self.done

    def past(self) -> list[Bar]:
        """The bars of the table that were delivered."""
        end = self._ends[self.done - 1] if self.done else 0
        return list(self._table.bars(0, end))

    def whole_bars(self) -> list[Bar]:
        """The bars of the timeframe that were delivered; their time is that of their close."""
        found = []
        for at, end in enumerate(self._ends[: self.done]):
            bars = list(self._table.bars(self._ends[at - 1] if at else 0, end))
            high, low = max(bar.high for bar in bars), min(bar.low for bar in bars)
            volume = sum(bar.volume for bar in bars)
            found.append(Bar(bars[-1].time, bars[0].open, high, low, bars[-1].close, volume))
        return found

    # -- by itself ---------------------------------------------------------------------------
    def play(self, speed: float, now: float) -> None:
        """Go on by itself from now (monotonic seconds), so many bars a second."""
        self.speed, self._since = speed, (now, self.done)

    def pause(self) -> None:
        """Stop going on by itself."""
        self.speed = None

    def due(self, now: float) -> int:
        """How many bars should have come by now and have not."""
        if self.speed is None:
            return 0
        since, done = self._since
        # A float may fall short of the whole bar that it stands for.
        return max(0, int((now - since) * self.speed + 1e-6) + done - self.done)


def _ends(table: Table, starts: Starts) -> list[int]:
    """For each bar of the timeframe, the place after its last bar of the table."""
    ends: list[int] = []
    last: int | None = None
    for at, close in enumerate(table.times):
        start = starts(close)
        if start != last:
            if last is not None:
                ends.append(at)
            last = start
    return [*ends, len(table)] if len(table) else ends
