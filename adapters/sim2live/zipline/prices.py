"""What did an asset trade at? The bars of a run, one at a time or many of the past."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from sim2live.errors import DataError
from sim2live.market.stretch import Row, sound

FIELDS: Final = ("open", "high", "low", "close", "volume")
_AHEAD: Final = 390


class _Read(NamedTuple):
    """Minutes of one asset that were read together."""

    first: int  # ns UTC
    last: int  # ns UTC
    times: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]  # shape (fields, times)

    def rows(self, times: Sequence[int]) -> list[Row]:
        """Those of some times, without the minutes in which it did not trade."""
        return sound(times, *self.values[:, self.times.searchsorted(times)].tolist())


class Prices:
    """Reads the bars of the algorithm that runs.

    Attributes:
        last: the last bar of its run, ns UTC; 0 without an algorithm.
    """

    def __init__(self) -> None:
        self.algorithm = None

    @property
    def algorithm(self) -> Any:
        """The algorithm that runs; None for a blotter on its own."""
        return self._algorithm

    @algorithm.setter
    def algorithm(self, algorithm: Any) -> None:
        # What was read for another run is not true of this one.
        self._algorithm = algorithm
        self._read: dict[Any, _Read] = {}
        self.last = 0 if algorithm is None else _last_bar(algorithm)

    @property
    def minutes(self) -> bool:
        """Whether its bars are minutes."""
        return self._algorithm is not None and self._algorithm.data_frequency == "minute"

    def bar(self, asset: Any, dt: pd.Timestamp, bar_data: Any) -> list[float]:
        """Open, high, low, close and volume at one moment; NaN where it did not trade."""
        if not self.minutes:
            return [bar_data.current(asset, field) for field in FIELDS]
        # `BarData` would ask the calendar for each field.
        value = self._algorithm.data_portal._get_minute_spot_value
        return [value(asset, field, dt) for field in FIELDS]

    def past(self, asset: Any, times: Sequence[int]) -> list[Row]:
        """Minutes of a backtest, without those in which it did not trade.

        To read one minute takes Zipline nearly as long as to read a session, so this reads ahead;
        what is handed out is what was asked for.

        Args:
            asset: The asset.
            times: ns UTC, minutes of the calendar that have passed, in their order.

        Raises:
            DataError: The reader has other minutes than the calendar.
        """
        rows: list[Row] = []
        while times:
            read = self._read.get(asset)
            if read is None or not read.first <= times[0] <= read.last:
                read = self._read[asset] = self._from(asset, times[0])
            count = bisect_right(times, read.last)
            rows += read.rows(times[:count])
            times = times[count:]
        return rows

    def _from(self, asset: Any, first: int) -> _Read:
        algorithm = self._algorithm
        minutes = algorithm.trading_calendar.minutes.asi8
        start = minutes.searchsorted(first)
        end = minutes.searchsorted(self.last, side="right")
        times = minutes[start : min(end, start + _AHEAD)]
        # One reader serves all assets; behind it stands that of this one's type, at half the time.
        reader = algorithm.data_portal._pricing_readers["minute"]._readers[type(asset)]
        begin, until = (pd.Timestamp(time, tz="UTC") for time in (times[0], times[-1]))
        columns = reader.load_raw_arrays(FIELDS, begin, until, [asset])
        values = np.array([column[:, 0] for column in columns], dtype=np.float64)
        if values.shape[1] != len(times):
            raise DataError(f"{asset}: {values.shape[1]} minutes where {len(times)} are due")
        return _Read(first, int(times[-1]), times, values)


def _last_bar(algorithm: Any) -> int:
    calendar, close = algorithm.trading_calendar, algorithm.sim_params.last_close
    if calendar.name == "us_futures":  # the one whose clock stops before the close
        close = calendar.execution_time_from_close(close)
    return int(close.value)
