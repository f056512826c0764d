"""When a bar closed is one integer, and an idle poll is no bar."""

from __future__ import annotations

import datetime as dt

import backtrader as bt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2live.backtrader.barclock import Watch, closed_at
from sim2live.clock import from_ns

DAYS, MINUTES = bt.TimeFrame.Days, bt.TimeFrame.Minutes


@given(
    st.datetimes(dt.datetime(1975, 1, 1), dt.datetime(2060, 1, 1)).map(
        lambda t: t.replace(microsecond=t.microsecond // 1000 * 1000)
    )
)
def test_a_moment_in_whole_milliseconds_comes_back_exactly(moment: dt.datetime) -> None:
    assert from_ns(closed_at(bt.date2num(moment), MINUTES)) == moment.replace(tzinfo=dt.UTC)


@pytest.mark.parametrize("written", [dt.time(0, 0), dt.time(23, 59, 59, 999990)])
@pytest.mark.parametrize(("month", "utc_hour"), [(1, 21), (7, 20)])
def test_a_daily_bar_without_a_time_closed_at_four_in_new_york(
    written: dt.time, month: int, utc_hour: int
) -> None:
    num = bt.date2num(dt.datetime.combine(dt.date(2024, month, 5), written))
    assert from_ns(closed_at(num, DAYS)) == dt.datetime(2024, month, 5, utc_hour, tzinfo=dt.UTC)


class FiveHoursWest(dt.tzinfo):
    """Chicago in summer. Backtrader adds a method to a zone, which those of zoneinfo forbid."""

    def utcoffset(self, moment: dt.datetime | None) -> dt.timedelta:
        return dt.timedelta(hours=-5)

    def dst(self, moment: dt.datetime | None) -> dt.timedelta:
        return dt.timedelta(0)


@pytest.mark.parametrize("written", [dt.time(0, 0), dt.time(23, 59, 59, 999990)])
def test_the_end_of_the_day_in_the_zone_of_the_data_is_no_time_of_day_either(
    written: dt.time,
) -> None:
    zone = bt.utils.date.Localizer(FiveHoursWest())
    num = bt.date2num(dt.datetime.combine(dt.date(2024, 7, 5), written), tz=zone)
    assert from_ns(closed_at(num, DAYS, zone)) == dt.datetime(2024, 7, 5, 20, tzinfo=dt.UTC)


def test_a_daily_bar_with_a_time_and_a_minute_at_midnight_mean_what_they_say() -> None:
    early = dt.datetime(2024, 3, 5, 17, 30)
    assert from_ns(closed_at(bt.date2num(early), DAYS)) == early.replace(tzinfo=dt.UTC)
    midnight = dt.datetime(2024, 3, 5)
    assert from_ns(closed_at(bt.date2num(midnight), MINUTES)) == midnight.replace(tzinfo=dt.UTC)


class Line(list):  # type: ignore[type-arg]
    """One value, as a line shows its current one."""


class Data:
    """A replay: its bars grow."""

    replaying = 1

    def __init__(self, *values: float) -> None:
        names = ("datetime", "high", "low", "close", "volume")
        self.length = 1
        self.lines = type("Lines", (), {})()
        for name, value in zip(names, values, strict=True):
            setattr(self.lines, name, Line([value]))

    def __len__(self) -> int:
        return self.length


def test_only_what_changed_is_reported_even_where_nan_stands() -> None:
    data, other = Data(1.0, 2.0, 1.0, 1.5, float("nan")), Data(1.0, 2.0, 1.0, 1.5, 9.0)
    watch = Watch([data, other])
    assert watch.moved() == [data, other]
    assert watch.moved() == []
    for name in ("high", "low", "close", "volume", "datetime"):
        getattr(data.lines, name)[0] = 7.0
        assert watch.moved() == [data], name
        assert watch.moved() == []
    other.length = 2
    assert watch.moved() == [other]


def test_a_data_without_a_bar_yet_is_not_looked_at() -> None:
    data = Data(1.0, 2.0, 1.0, 1.5, 9.0)
    data.length = 0
    assert Watch([data]).moved() == []
