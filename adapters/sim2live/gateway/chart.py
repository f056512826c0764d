"""Which candles, and where on them are the fills and the working orders?"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import msgspec

from sim2live.clock import NS
from sim2live.exchange.orders import OrderRow
from sim2live.gateway.observer import Mark
from sim2live.market.bars import Bar

MOST_CANDLES = 160
_STEPS = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400,
    86_400, 2 * 86_400, 7 * 86_400, 14 * 86_400, 28 * 86_400, 91 * 86_400, 364 * 86_400,
)  # fmt: skip
#: A walk has one price a second; a candle of it needs a few of them.
_WALK_STEP = 5


class Candle(msgspec.Struct, array_like=True):
    """Time of its first bar (UTC epoch nanoseconds), and its four prices."""

    time: int
    open: float
    high: float
    low: float
    close: float


class Placed(msgspec.Struct, frozen=True):
    """A fill and the candle that it belongs to."""

    candle: int
    mark: Mark


class Chart(msgspec.Struct, frozen=True):
    """What is drawn.

    Attributes:
        step: Seconds of a candle; 0 when each is one bar.
        candles: Oldest first.
        fills: Fills on them, oldest first.
        working: Orders that can still fill.
    """

    step: int
    candles: list[Candle]
    fills: list[Placed]
    working: list[OrderRow]


def chart(
    bars: Sequence[Bar],
    marks: Iterable[Mark],
    working: list[OrderRow],
    *,
    walk: bool,
    met: Callable[[str], int | None],
) -> Chart:
    """Draw bars together until they are few enough to be seen.

    Args:
        bars: Oldest first.
        marks: Fills of the same instrument.
        working: Its working orders.
        walk: Whether each bar is one price of a synthetic walk.
        met: Time of the bar that a signal met, for bars of another time than the clock's.
    """
    step = _step(bars, walk)
    candles: list[Candle] = []
    group = None
    for bar in bars:
        at = bar.time // (step * NS) if step else bar.time
        if at != group:
            candles.append(Candle(bar.time, bar.open, bar.high, bar.low, bar.close))
            group = at
            continue
        last = candles[-1]
        last.high, last.low = max(last.high, bar.high), min(last.low, bar.low)
        last.close = bar.close
    starts = [candle.time for candle in candles]
    end = bars[-1].time if bars else 0
    fills = []
    for mark in marks:
        time = mark.time
        if time > end:
            # The clock is ahead of the bars, so the fill belongs to the bar that its signal met.
            known = met(mark.signal_id)
            time = end if known is None else known
        candle = bisect_right(starts, time) - 1
        if candle < 0 and starts and starts[0] - time <= step * NS:
            candle = 0  # a walk is looked at once a second, and the first order came before that
        if candle >= 0:
            fills.append(Placed(candle, mark))
    return Chart(step, candles, fills, working)


def _step(bars: Sequence[Bar], walk: bool) -> int:
    if not walk and len(bars) <= MOST_CANDLES:
        return 0
    if not bars:
        return _WALK_STEP
    seconds = (bars[-1].time - bars[0].time) / NS
    # Bars do not fill the nights and week-ends between them, so their number bounds it too.
    wanted = seconds / MOST_CANDLES
    if len(bars) > 1:
        spacing = sorted(b.time - a.time for a, b in pairwise(bars))
        wanted = min(wanted, len(bars) / MOST_CANDLES * spacing[len(spacing) // 2] / NS)
    least = _WALK_STEP if walk else 1
    return next((step for step in _STEPS if step >= max(wanted, least)), _STEPS[-1])
