"""How do fine bars make coarser ones?

A bar of the wire is named by its start, which is a multiple of its length: 14:30 for the minute
from 14:30:00 to 14:30:59. Days, weeks and months begin at midnight UTC, weeks on a Monday.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

from sim2live.clock import NS, from_ns, iso, to_ns
from sim2live.gateway.projectx.shapes import BarRow
from sim2live.market.bars import Bar

_DAY = 86_400
#: Seconds of units 1 to 4.
SECONDS = {1: 1, 2: 60, 3: 3_600, 4: _DAY}
WEEK, MONTH = 5, 6

Starts = Callable[[int], int]


def starts_of(unit: int, number: int) -> Starts:
    """A function from the close of a bar to the start of the bar of a unit that it lies in.

    Args:
        unit: 1 second, 2 minute, 3 hour, 4 day, 5 week, 6 month.
        number: How many of them; at least 1.
    """
    if unit in SECONDS:
        length = SECONDS[unit] * number * NS
        return lambda close: (close - 1) // length * length
    return (lambda close: _week(close, number)) if unit == WEEK else lambda c: _month(c, number)


def _week(close: int, number: int) -> int:
    # 1970-01-05 was a Monday.
    monday, length = 4 * _DAY * NS, 7 * _DAY * NS * number
    return (close - 1 - monday) // length * length + monday


def _month(close: int, number: int) -> int:
    moment = from_ns(close - 1)
    months = (moment.year * 12 + moment.month - 1) // number * number
    year, month = divmod(months, 12)
    first = moment.replace(year=year, month=month + 1, day=1, hour=0, minute=0, second=0)
    return to_ns(first - timedelta(microseconds=first.microsecond))


def row(start: int, bar: Bar) -> BarRow:
    """A bar as it stands on the wire."""
    return BarRow(iso(start), bar.open, bar.high, bar.low, bar.close, round(bar.volume))


def gather(bars: Iterable[Bar], starts: Starts) -> list[BarRow]:
    """Coarser bars, oldest first.

    Args:
        bars: In order of time.
        starts: See :func:`starts_of`.
    """
    found: list[BarRow] = []
    now: int | None = None
    volume = 0.0
    for bar in bars:
        start = starts(bar.time)
        if start != now:
            now, volume = start, bar.volume
            found.append(row(start, bar))
            continue
        last = found[-1]
        volume += bar.volume
        last.h, last.l = max(last.h, bar.high), min(last.l, bar.low)
        last.c, last.v = bar.close, round(volume)
    return found
