"""Which orders did a portfolio fill, in which order, and what did it hold before and after?

The answer is one table of arrays. Nothing here knows about signals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim2live.errors import ConfigError, shorten

if TYPE_CHECKING:
    import pandas as pd

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

# vectorbt itself takes two quantities this close, relative to the larger, for equal.
_EQUAL = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class OrderTable:
    """Every filled order of a portfolio, as arrays of one length.

    Rows go by bar; inside a bar they keep the order in which the simulator filled them, which
    for a group that shares cash is its call sequence.

    Attributes:
        index: Labels of the bars, as the portfolio has them.
        columns: Labels of the columns.
        times: Integer time of each bar: nanoseconds UTC for an index of datetimes (a naive one
            is read as UTC), the number itself for an index of whole numbers, else the bar's
            position.
        column: Position of the order's column in `columns`.
        bar: Position of the order's bar in `index`.
        nth: How many orders its column had at that time before it.
        side: +1 for a purchase, -1 for a sale.
        size: In the portfolio's own units, never negative.
        price: Fill price, in points.
        fees: In the portfolio's money.
        before: Position of the column just before the order, in its own units.
        after: The same just after it.
    """

    index: pd.Index
    columns: pd.Index
    times: Ints
    column: Ints
    bar: Ints
    nth: Ints
    side: Ints
    size: Floats
    price: Floats
    fees: Floats
    before: Floats
    after: Floats

    def __len__(self) -> int:
        return len(self.bar)

    def positions(self, bar: int = -1) -> Floats:
        """The position of each column after `bar`, in the portfolio's own units.

        Args:
            bar: Position in `index`; negative counts from the end.
        """
        bar = bar + len(self.index) if bar < 0 else bar
        until = int(np.searchsorted(self.bar, bar, side="right"))
        held = np.zeros(len(self.columns))
        # Where an index repeats, the last value stays: rows go by time.
        held[self.column[:until]] = self.after[:until]
        return held


def read_orders(portfolio: Any, *, timezone: str | None = None) -> OrderTable:
    """Read the order records of a portfolio.

    Args:
        portfolio: A `vectorbt.Portfolio`, however it was made.
        timezone: Zone in which to read an index without one; None leaves it as it is.

    Raises:
        ConfigError: It is no portfolio, its index is not sorted, or a time does not exist or is
            ambiguous in `timezone`.
    """
    if not hasattr(portfolio, "order_records") or not hasattr(portfolio, "wrapper"):
        raise ConfigError(f"portfolio={shorten(portfolio)}: must be a vectorbt.Portfolio")
    records = portfolio.order_records
    index = zoned(portfolio.wrapper.index, timezone)
    times = bar_times(index)
    # Ids number the fills of a simulation. They keep the call sequence where a portfolio was
    # sliced, which puts the records back into columns.
    rows = np.lexsort((records["id"], records["idx"]))
    column = records["col"][rows].astype(np.int64)
    bar = records["idx"][rows].astype(np.int64)
    size = records["size"][rows]
    side = 1 - 2 * records["side"][rows].astype(np.int64)
    by_column = _sorted(column)
    before, after = _positions(column, by_column, side * size)
    return OrderTable(
        index=index,
        columns=portfolio.wrapper.columns,
        times=times,
        column=column,
        bar=bar,
        nth=_nth(column, by_column, times[bar]),
        side=side,
        size=size,
        price=records["price"][rows],
        fees=records["fees"][rows],
        before=before,
        after=after,
    )


def zoned(index: pd.Index, timezone: str | None) -> pd.Index:
    """The index with a zone, where one was named and it has none.

    Raises:
        ConfigError: A time does not exist or is ambiguous there, or the zone is unknown.
    """
    if timezone is None or getattr(index, "tz", "none") is not None:
        return index
    try:
        return index.tz_localize(timezone)
    except Exception as error:  # zone libraries share no base class
        raise ConfigError(f"timezone={timezone!r}: {error}") from error


def bar_times(index: pd.Index) -> Ints:
    """The integer time of each bar, as `OrderTable.times` has it.

    Raises:
        ConfigError: The index is not sorted.
    """
    import pandas as pd

    if not index.is_monotonic_increasing:
        raise ConfigError("index: the bars of a portfolio must be sorted by time")
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    if isinstance(index, pd.DatetimeIndex):
        return np.asarray(index.as_unit("ns").asi8, dtype=np.int64)
    if pd.api.types.is_integer_dtype(index.dtype):
        return np.asarray(index, dtype=np.int64)
    return np.arange(len(index), dtype=np.int64)


def _positions(column: Ints, by_column: Ints, signed: Floats) -> tuple[Floats, Floats]:
    """Positions before and after each order.

    Summed column by column: one running sum over all of them would carry the rounding of the
    first into the last.
    """
    sizes = signed[by_column]
    starts = _starts(column[by_column])
    before, after = np.zeros(len(sizes)), np.zeros(len(sizes))
    for start, end in zip(starts, [*starts[1:], len(sizes)], strict=False):
        held = np.cumsum(sizes[start:end])
        last = np.concatenate(([0.0], held[:-1]))
        held[np.abs(held) <= _EQUAL * np.abs(last)] = 0.0
        after[start:end] = held
        before[start + 1 : end] = held[:-1]
    return _undo(before, by_column), _undo(after, by_column)


def _nth(column: Ints, by_column: Ints, time: Ints) -> Ints:
    """Number the orders of one column at one time, from 0."""
    ordered, when = column[by_column], time[by_column]
    fresh = np.ones(len(ordered), dtype=bool)
    fresh[1:] = (ordered[1:] != ordered[:-1]) | (when[1:] != when[:-1])
    rows = np.arange(len(ordered), dtype=np.int64)
    nth: Ints = _undo(rows - np.maximum.accumulate(np.where(fresh, rows, 0)), by_column)
    return nth


def _sorted(column: Ints) -> Ints:
    """The order that puts rows of one column together, in their turn."""
    # Numbers of 16 bits are sorted by counting, many times faster.
    narrow = column.astype(np.uint16) if column.max(initial=0) < 2**16 else column
    order: Ints = np.argsort(narrow, kind="stable")
    return order


def _starts(ordered: Ints) -> list[int]:
    """Where each run of equal values begins."""
    if not len(ordered):
        return []
    starts: list[int] = (np.flatnonzero(np.diff(ordered)) + 1).tolist()
    return [0, *starts]


def _undo(values: Any, permutation: Any) -> Any:
    """Put values that were sorted by `permutation` back into their places."""
    out = np.empty_like(values)
    out[permutation] = values
    return out
