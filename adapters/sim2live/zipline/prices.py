"""What did an asset trade at? The bars of a run, one at a time or a stretch of the past."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd

from sim2live.market.stretch import Row, sound

FIELDS: Final = ("open", "high", "low", "close", "volume")


class Prices:
    """Reads the bars of the algorithm that runs.

    Attributes:
        algorithm: that one; None for a blotter on its own.
    """

    def __init__(self) -> None:
        self.algorithm: Any = None

    @property
    def minutes(self) -> bool:
        """Whether its bars are minutes."""
        return self.algorithm is not None and self.algorithm.data_frequency == "minute"

    def bar(self, asset: Any, dt: pd.Timestamp, bar_data: Any) -> list[float]:
        """Open, high, low, close and volume at one moment; NaN where it did not trade."""
        if not self.minutes:
            return [bar_data.current(asset, field) for field in FIELDS]
        # `BarData` would ask the calendar for each field.
        value = self.algorithm.data_portal._get_minute_spot_value
        return [value(asset, field, dt) for field in FIELDS]

    def stretch(self, asset: Any, times: Sequence[int]) -> list[Row]:
        """Minutes one after the other, without those in which it did not trade.

        Args:
            asset: The asset.
            times: ns UTC, each minute of the calendar from the first to the last.
        """
        # One reader serves all assets; behind it stands that of this one's type, at half the time.
        reader = self.algorithm.data_portal._pricing_readers["minute"]._readers[type(asset)]
        first, last = (pd.Timestamp(time, tz="UTC") for time in (times[0], times[-1]))
        columns = reader.load_raw_arrays(FIELDS, first, last, [asset])
        return sound(times, *(column[:, 0].astype(float).tolist() for column in columns))
