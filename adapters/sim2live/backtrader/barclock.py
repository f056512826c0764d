"""When did a bar close, and did anything move since the last look?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import backtrader as bt

from sim2live.clock import to_ns

_UNIX_DAY: Final = dt.date(1970, 1, 1).toordinal()
_DAY_US: Final = 86_400_000_000
_DAY_NS: Final = _DAY_US * 1000
_NOISE_US: Final = 5  # half of what a float of today's size resolves
_MS: Final = 1_000_000
_MINUTE: Final = 1 / 1440
_SESSION_CLOSE: Final = dt.time(16, 0, tzinfo=ZoneInfo("America/New_York"))


def closed_at(num: float, timeframe: int, zone: Any = None) -> int:
    """The moment a bar closed, from Backtrader's number of days.

    A float of today's size resolves about ten microseconds, so the moment is rounded to the
    millisecond: the same bar gives the same integer in every process. A daily bar that bears no
    time of day (Backtrader writes 00:00, or the last microseconds of the date, of the data's own
    zone) closed at 16:00 in New York, as everywhere in this package; the end of the day would
    lie in the future while people still act on the bar.

    Args:
        num: Days since 0001-01-01 plus one, UTC, as in ``data.datetime[0]``.
        timeframe: ``bt.TimeFrame`` of the data.
        zone: The data's zone, where it has one.

    Returns:
        Nanoseconds since 1970-01-01 UTC.
    """
    days = int(num)
    us = round((num - days) * _DAY_US)
    if timeframe >= bt.TimeFrame.Days:
        date = _date_without_time(days, us)
        if date is None and zone is not None:
            # Asked a minute earlier: num2date rounds the last microseconds into the next day.
            offset = bt.num2date(num - _MINUTE, zone, naive=False).utcoffset()
            date = _date_without_time(days, us + offset // dt.timedelta(microseconds=1))
        if date is not None:
            return _session_close(date)
    return (days - _UNIX_DAY) * _DAY_NS + round(us / 1000) * _MS


def _date_without_time(days: int, us: int) -> int | None:
    """The date of a stamp that is no time of day: midnight, or up to 1 ms before the next."""
    date, rest = divmod(us + _NOISE_US, _DAY_US)
    return days + date if rest <= 2 * _NOISE_US or rest >= _DAY_US - 1000 else None


@lru_cache(maxsize=64)
def _session_close(days: int) -> int:
    return to_ns(dt.datetime.combine(dt.date.fromordinal(days), _SESSION_CLOSE))


def moment_of(data: Any, num: float | None = None) -> int:
    """When a bar of a data closed, nanoseconds since 1970-01-01 UTC.

    Args:
        data: The data.
        num: Its number of days; by default that of the current bar.
    """
    when = data.lines.datetime[0] if num is None else num
    return closed_at(when, data._timeframe, data._tz or data._tzinput)


def moments_of(data: Any, nums: Iterable[float]) -> list[int]:
    """When bars of a data closed: `moment_of` for many at once, to the same integers.

    Args:
        data: The data.
        nums: Their numbers of days.
    """
    zone = data._tz or data._tzinput
    if data._timeframe >= bt.TimeFrame.Days:
        return [closed_at(num, data._timeframe, zone) for num in nums]
    return [
        (int(num) - _UNIX_DAY) * _DAY_NS + round(round((num - int(num)) * _DAY_US) / 1000) * _MS
        for num in nums
    ]


def moment(datas: list[Any]) -> int:
    """Now, as a strategy sees it: when the latest of the current bars closed.

    Args:
        datas: ``cerebro.datas``.

    Returns:
        Nanoseconds since 1970-01-01 UTC; 0 before the first bar.
    """
    return max((moment_of(data) for data in datas if len(data)), default=0)


class Watch:
    """Tells a new or growing bar from an idle poll of a live feed.

    Backtrader asks its broker to match also when a feed had nothing to deliver, and the stock
    broker then fills limits and stops from a bar that it has matched already. A replay, a filter
    or a live feed may change a bar without a new one, so the prices of these are looked at too.

    Args:
        datas: The datas to watch.

    Attributes:
        lengths: How many bars each data had at the last look, by the data's ``id``.
        plain: True when every data only ever appends whole bars.
    """

    def __init__(self, datas: list[Any]) -> None:
        # The line objects stay the same during a run; looking them up at each bar does not pay.
        self._plain = [(id(data), data, data.lines[0]) for data in datas if _is_plain(data)]
        self.lengths = {id(data): 0 for data in datas}
        self.plain = len(self._plain) == len(datas)
        self._datas = datas
        names = ("datetime", "high", "low", "close", "volume")
        self._lines = {
            id(data): tuple(
                getattr(data.lines, name) for name in names if hasattr(data.lines, name)
            )
            for data in datas
            if not _is_plain(data)
        }
        self._seen: dict[int, tuple[float, ...]] = {}

    def moved(self) -> list[Any]:
        """The datas that changed since the last call, in the order given."""
        if not self.plain:
            return [data for data in self._datas if self._changed(data)]
        lengths = self.lengths
        changed = []
        for key, data, line in self._plain:
            length = line.lencount
            if length != lengths[key]:
                lengths[key] = length
                changed.append(data)
        return changed

    def _changed(self, data: Any) -> bool:
        key, length = id(data), len(data)
        new = length != self.lengths[key]
        self.lengths[key] = length
        lines = self._lines.get(key)
        if lines is None or not length:
            return new and length > 0
        look = tuple(line[0] for line in lines)
        seen = self._seen.get(key, ())
        self._seen[key] = look
        # NaN differs from itself, which would make every idle poll look like a new bar.
        return new or (look != seen and repr(look) != repr(seen))


def _is_plain(data: Any) -> bool:
    return not (
        data.replaying or data.resampling or data._filters or data._ffilters or data.islive()
    )
