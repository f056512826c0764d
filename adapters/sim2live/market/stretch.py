"""Many bars of one instrument at once, as rows of plain numbers.

A backtest reads its history many times over. A row costs a fraction of a `Bar`, and a stretch is
checked in one pass.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Row = tuple[int, float, float, float, float, float]
"""Time of the close (ns UTC), open, high, low, close, volume: the fields of `Bar` in order."""


def sound(
    times: Sequence[int],
    opens: Sequence[float],
    highs: Sequence[float],
    lows: Sequence[float],
    closes: Sequence[float],
    volumes: Sequence[float],
) -> list[Row]:
    """The rows that obey every rule of `sim2live.market.bars.Bar`, in the order given.

    Args:
        times: ns UTC, integers.
        opens: in points, floats like all that follow.
        highs: in points.
        lows: in points.
        closes: in points.
        volumes: not negative.
    """
    inf = math.inf
    return [
        row
        for row in zip(times, opens, highs, lows, closes, volumes, strict=True)
        # A NaN fails each of these.
        if -inf < row[3] <= row[1] <= row[2] < inf
        and row[3] <= row[4] <= row[2]
        and 0.0 <= row[5] < inf
    ]
