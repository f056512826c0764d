"""Bars as a strategy function gets them: one frame that grows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from sim2live.errors import ConfigError, DataError, shorten
from sim2live.market.bars import Bar

if TYPE_CHECKING:
    import pandas as pd

FIELDS: Final = ("Open", "High", "Low", "Close", "Volume")
Stamp = Literal["start", "end"]
Group = Mapping[str, Bar]
"""The bars of one moment, by symbol."""

_ONE: Final = ""


class Window:
    """The bars so far, as the frame that a strategy function is called with.

    With one symbol the columns are Open, High, Low, Close and Volume; with several they are a
    MultiIndex (field, symbol), so ``frame["Close"]`` has one column for each symbol. The index
    is in UTC.

    Args:
        history: Bars that are closed already, in that shape; its index has a zone. Open, High
            and Low may be missing: they are taken from Close, and Volume as 0.
        stamp: Whether a label of the index says when a bar starts or when it ends.
        interval: Length of a bar in seconds; needed where `stamp` is ``start``.
        length: How many bars the strategy gets; None for all.

    Raises:
        ConfigError: The history has another shape or no zone, or an argument does not fit.
    """

    def __init__(
        self,
        history: pd.DataFrame,
        *,
        stamp: Stamp = "end",
        interval: float | None = None,
        length: int | None = None,
    ) -> None:
        import pandas as pd

        if stamp not in ("start", "end"):
            raise ConfigError(f"stamp={shorten(stamp)}: must be start or end")
        if stamp == "start" and not interval:
            raise ConfigError("interval: is needed where bars are stamped at their start")
        if length is not None and length < 2:
            raise ConfigError(f"window={length!r}: must be 2 bars or more")
        index = history.index
        if not isinstance(index, pd.DatetimeIndex) or index.tz is None:
            raise ConfigError("history: its index must be datetimes with a zone")
        if not (index.is_monotonic_increasing and index.is_unique):
            raise ConfigError("history: its bars must be sorted, and each time stand once")
        self.symbols: tuple[str, ...] = _symbols(history.columns)
        self.shift = round((interval or 0) * 1e9) if stamp == "start" else 0
        self._length = length
        times = np.asarray(index.as_unit("ns").asi8) + self.shift
        self._used = len(times)
        self._times = times
        self._values = _values(history, self.symbols)

    @property
    def single(self) -> bool:
        """True where the frame has one symbol and no level of symbols."""
        return self.symbols == (_ONE,)

    @property
    def last(self) -> int | None:
        """Moment the latest bar closed, ns UTC; None before the first."""
        return int(self._times[self._used - 1]) if self._used else None

    def __len__(self) -> int:
        return self._used

    def group(self, bars: Bar | Group) -> dict[str, Bar]:
        """The bars of one moment by symbol.

        Raises:
            DataError: A symbol is missing or unknown, the bars close at different moments, or
                not later than the latest.
        """
        group = {_ONE: bars} if isinstance(bars, Bar) else dict(bars)
        if self.single and len(group) == 1:
            group = {_ONE: next(iter(group.values()))}
        if set(group) != set(self.symbols):
            raise DataError(f"bars={sorted(group)}: must be one for each of {list(self.symbols)}")
        times = {bar.time for bar in group.values()}
        if len(times) > 1:
            raise DataError("bars: must all close at one moment")
        moment = times.pop()
        if self.last is not None and moment <= self.last:
            raise DataError(f"time={moment}: must be later than {self.last}, the bar before")
        return group

    def append(self, group: Group) -> None:
        """Add the bars of one moment, as `group` returned them."""
        if self._used == len(self._times):
            # Twice the room at a time, so that a long run does not copy at every bar.
            room = max(1024, 2 * self._used)
            self._times = np.resize(self._times, room)
            self._values = np.resize(self._values, (room, *self._values.shape[1:]))
        row = self._used
        for place, symbol in enumerate(self.symbols):
            bar = group[symbol]
            self._values[row, :, place] = (bar.open, bar.high, bar.low, bar.close, bar.volume)
        self._times[row] = next(iter(group.values())).time
        self._used += 1

    def frame(self, *, ahead: bool = False) -> pd.DataFrame:
        """The latest bars, as the strategy gets them.

        Args:
            ahead: Add one bar that repeats the last close, so that an order waiting for the
                next open shows itself.
        """
        import pandas as pd

        start = 0 if self._length is None else max(0, self._used - self._length)
        times = self._times[start : self._used]
        values = self._values[start : self._used]
        if ahead and len(times):
            step = int(times[-1] - times[-2]) if len(times) > 1 else 1
            times = np.append(times, times[-1] + step)
            # One price for open, high, low and close, and no volume.
            flat = np.repeat(values[-1:, 3:4, :], 5, axis=1)
            flat[:, 4, :] = 0.0
            values = np.concatenate((values, flat))
        index = pd.DatetimeIndex(times - self.shift).tz_localize("UTC")
        columns: Any = list(FIELDS)
        if not self.single:
            columns = pd.MultiIndex.from_product([FIELDS, self.symbols], names=[None, "symbol"])
        table = np.array(values).reshape(len(times), -1)
        return pd.DataFrame(table, index=index, columns=columns)

    def closes(self, *, bar: int = -1) -> dict[str, float]:
        """The close of each symbol, counted from the latest bar."""
        row = self._values[self._used + bar, 3]
        return dict(zip(self.symbols, row.tolist(), strict=True))

    def at(self, row: int) -> dict[str, Bar]:
        """The bars of one row, counted from the oldest."""
        return {
            symbol: Bar(int(self._times[row]), *self._values[row, :, place].tolist())
            for place, symbol in enumerate(self.symbols)
        }


def _symbols(columns: Any) -> tuple[str, ...]:
    if columns.nlevels == 1:
        return (_ONE,)
    if columns.nlevels != 2:
        raise ConfigError("history: columns must be fields, or (field, symbol)")
    return tuple(dict.fromkeys(str(symbol) for _, symbol in columns))


def _values(history: pd.DataFrame, symbols: tuple[str, ...]) -> Any:
    """Prices as an array of (bar, field, symbol)."""
    fields = set(history.columns.get_level_values(0))
    if "Close" not in fields:
        raise ConfigError(f"history: columns={sorted(map(str, fields))}: must hold Close")
    values = np.empty((len(history), len(FIELDS), len(symbols)))
    for place, field in enumerate(FIELDS):
        found = history[field] if field in fields else history["Close"] * (field != "Volume")
        if symbols != (_ONE,):
            found = found[list(symbols)]
        values[:, place, :] = np.asarray(found, dtype=np.float64).reshape(
            len(history), len(symbols)
        )
    return values
