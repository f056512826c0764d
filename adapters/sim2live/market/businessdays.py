"""Which days are business days of the US futures exchanges?

A short list of rules instead of a calendar package: enough to count the days before a contract
ends. Unplanned closings (a storm, a day of mourning) are not in it. Holiday rules: the exchange
holiday calendars of NYSE and CME Group; Juneteenth since 2022.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

_DAY: Final = timedelta(days=1)
_MONDAY: Final = 0
_THURSDAY: Final = 3
_FRIDAY: Final = 4
_JUNETEENTH_SINCE: Final = 2022


def is_business_day(day: date) -> bool:
    """Whether the US futures exchanges count `day` as a business day."""
    return day.weekday() <= _FRIDAY and not _is_holiday(day)


def back(day: date, count: int) -> date:
    """The business day that lies `count` business days before `day`; 0 is `day` or the last before.

    Args:
        day: Where to start; it is not counted itself.
        count: Business days to go back, 0 or more.
    """
    if count == 0:
        while not is_business_day(day):
            day -= _DAY
        return day
    while count:
        day -= _DAY
        count -= is_business_day(day)
    return day


def last_of_month(year: int, month: int) -> date:
    """The last business day of a month."""
    return back(after_month(year, month), 1)


def after_month(year: int, month: int) -> date:
    """The first day of the following month."""
    return date(year + month // 12, month % 12 + 1, 1)


def nth_weekday(year: int, month: int, weekday: int, n: int) -> date:
    """The `n`-th given weekday of a month (Monday is 0), such as the third Friday."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


def _is_holiday(day: date) -> bool:
    monday, thursday = day.weekday() == _MONDAY, day.weekday() == _THURSDAY
    match day.month:
        case 1:  # New Year (a Saturday moves nowhere), Martin Luther King
            return day.day == 1 or (monday and (day.day == 2 or 15 <= day.day <= 21))
        case 2:  # Presidents
            return monday and 15 <= day.day <= 21
        case 3 | 4:
            return day == _good_friday(day.year)
        case 5:  # Memorial
            return monday and day.day >= 25
        case 6:  # Juneteenth
            return day.year >= _JUNETEENTH_SINCE and _observed(day, 19)
        case 7:  # Independence
            return _observed(day, 4)
        case 9:  # Labor
            return monday and day.day <= 7
        case 11:  # Thanksgiving
            return thursday and 22 <= day.day <= 28
        case 12:  # Christmas
            return _observed(day, 25)
    return False


def _observed(day: date, fixed: int) -> bool:
    """A fixed date; on a Saturday it is kept on the Friday, on a Sunday on the Monday."""
    if day.weekday() == _FRIDAY and day.day == fixed - 1:
        return True
    if day.weekday() == _MONDAY and day.day == fixed + 1:
        return True
    return day.day == fixed


def _good_friday(year: int) -> date:
    """Two days before Easter, by the anonymous Gregorian computus (Meeus, 1991)."""
    a, b, c = year % 19, year // 100, year % 100
    d = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    e = (32 + 2 * (b % 4) + 2 * (c // 4) - d - c % 4) % 7
    f = d + e - 7 * ((a + 11 * d + 22 * e) // 451) + 114
    return date(year, f // 31, f % 31 + 1) - 2 * _DAY
