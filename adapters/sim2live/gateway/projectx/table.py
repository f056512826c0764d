"""Many bars in little memory, and where a date begins in them."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator

from sim2live.market.bars import Bar


class Table:
    """Bars in order of time, as columns of plain numbers.

    Args:
        bars: Oldest first.
    """

    def __init__(self, bars: Iterable[Bar] = ()) -> None:
        self.times = array("q")
        self._columns = [array("d") for _ in range(5)]
        for bar in bars:
            self.times.append(bar.time)
            values = (bar.open, bar.high, bar.low, bar.close, bar.volume)
            for column, value in zip(self._columns, values, strict=True):
                column.append(value)

    def __len__(self) -> int:
        return len(self.times)

    def bar(self, at: int) -> Bar:
        """The bar at a place."""
        opened, high, low, close, volume = (column[at] for column in self._columns)
        return Bar(self.times[at], opened, high, low, close, volume)

    def bars(self, first: int, end: int) -> Iterator[Bar]:
        """Bars from one place to before another."""
        return (self.bar(at) for at in range(first, end))

    def between(self, after: int, until: int) -> tuple[int, int]:
        """Places of the bars that close after one moment, and not after another."""
        return bisect_right(self.times, after), bisect_right(self.times, until)

    def interval(self) -> int | None:
        """The smallest distance between two bars in nanoseconds; None for fewer than two."""
        return min((b - a for a, b in zip(self.times, self.times[1:], strict=False)), default=None)
