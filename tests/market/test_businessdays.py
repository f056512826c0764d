"""Business days: the holidays of the US exchanges by rule."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2live.market.businessdays import back, is_business_day, last_of_month, nth_weekday

HOLIDAYS = {
    2024: "01-01 01-15 02-19 03-29 05-27 06-19 07-04 09-02 11-28 12-25",
    2025: "01-01 01-20 02-17 04-18 05-26 06-19 07-04 09-01 11-27 12-25",
    2026: "01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25",
    2027: "01-01 01-18 02-15 03-26 05-31 06-18 07-05 09-06 11-25 12-24",
    2021: "01-01 01-18 02-15 04-02 05-31 07-05 09-06 11-25 12-24",
    2022: "01-17 02-21 04-15 05-30 06-20 07-04 09-05 11-24 12-26",
    2023: "01-02 01-16 02-20 04-07 05-29 06-19 07-04 09-04 11-23 12-25",
}


@pytest.mark.parametrize("year", HOLIDAYS)
def test_the_published_holidays_and_no_others_close_a_weekday(year: int) -> None:
    days = (date(year, 1, 1) + timedelta(n) for n in range(366))
    closed = [
        f"{day:%m-%d}"
        for day in days
        if day.year == year and day.weekday() < 5 and not is_business_day(day)
    ]
    assert closed == HOLIDAYS[year].split()


def test_a_weekend_is_no_business_day() -> None:
    assert [is_business_day(date(2026, 11, d)) for d in (20, 21, 22, 23)] == [
        True,
        False,
        False,
        True,
    ]


def test_counting_back_skips_weekends_and_holidays() -> None:
    assert back(date(2026, 11, 30), 1) == date(2026, 11, 27)
    assert back(date(2026, 11, 27), 1) == date(2026, 11, 25)
    assert back(date(2026, 11, 26), 0) == date(2026, 11, 25)
    assert back(date(2026, 11, 25), 0) == date(2026, 11, 25)
    assert last_of_month(2026, 12) == date(2026, 12, 31)
    assert last_of_month(2026, 5) == date(2026, 5, 29)
    assert nth_weekday(2026, 12, 2, 3) == date(2026, 12, 16)


@given(st.dates(date(1999, 1, 1), date(2099, 1, 1)), st.integers(0, 30))
def test_counting_back_counts_business_days(day: date, count: int) -> None:
    start = back(day, count)
    assert is_business_day(start)
    between = [start + timedelta(n) for n in range((day - start).days)]
    if count:
        assert sum(map(is_business_day, between)) == count
    else:
        assert sum(map(is_business_day, between)) == (0 if start == day else 1)
