"""Our small table of trading hours against the calendars of another project."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import exchange_calendars
import pytest

from sim2live.clock import NS, from_ns, to_ns
from sim2live.errors import ConfigError
from sim2live.market.sessions import Timetable
from sim2live.signals import Instrument

CHICAGO = ZoneInfo("America/Chicago")
TABLE = Timetable()
FIRST, LAST = date(2015, 1, 1), date(2026, 12, 31)
DAYS = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days)]

# What the other table has and ours cannot: days of mourning are decided a week ahead.
UNPLANNED = {date(2018, 12, 5), date(2025, 1, 9)}
# What ours has and the other table lacks: Juneteenth, and the day before Independence Day.
JUNETEENTH = {date(2022, 6, 20), date(2023, 6, 19), date(2024, 6, 19), date(2025, 6, 19),
              date(2026, 6, 19)}  # fmt: skip


def chicago(*moment: int) -> int:
    return to_ns(datetime(*moment, tzinfo=CHICAGO))


def of(name: str):
    return TABLE.sessions_for(Instrument.parse(name))


@pytest.fixture(scope="module")
def oracle():
    return exchange_calendars.get_calendar("CMES", start="2015-01-01", end="2026-12-31")


@pytest.mark.parametrize("name", ["CME:MESZ6", "CME:6EZ6", "NYMEX:CLZ6", "COMEX:GCZ6", "CBOT:ZNZ6"])
def test_a_session_exists_on_the_days_of_the_other_table(name: str, oracle) -> None:
    theirs = set(oracle.sessions.date) | UNPLANNED
    assert {day for day in DAYS if of(name).spans(day)} == {day for day in DAYS if day in theirs}


@pytest.mark.parametrize("name", ["CME:MESZ6", "CME:6EZ6", "NYMEX:CLZ6", "COMEX:GCZ6", "CBOT:ZNZ6"])
def test_the_days_of_an_early_close_are_those_of_the_other_table(name: str, oracle) -> None:
    early = set()
    for day in DAYS:
        for _, end in of(name).spans(day):
            if from_ns(end).astimezone(CHICAGO).hour < 16:
                early.add(day)
    theirs = {day for day in oracle.early_closes.date if FIRST <= day < LAST}
    july = {day for day in early if (day.month, day.day) == (7, 3) and day.weekday() < 4}
    assert early - july - JUNETEENTH == theirs
    assert bool(july) == (name == "CME:MESZ6")
    assert early >= JUNETEENTH


def test_opens_equal_and_closes_are_an_hour_earlier(oracle) -> None:
    for day in DAYS:
        if day in UNPLANNED or not of("CME:6EZ6").spans(day):
            continue
        ((start, end),) = of("CME:6EZ6").spans(day)
        assert start == oracle.session_open(day.isoformat()).value
        close = from_ns(oracle.session_close(day.isoformat()).value).astimezone(CHICAGO)
        ours = from_ns(end).astimezone(CHICAGO)
        # Theirs counts the break from 16:00 to 17:00 as trading.
        assert (close - ours) / timedelta(minutes=1) in (60, 0, -15) or day in JUNETEENTH


def test_the_break_and_the_weekend_are_closed() -> None:
    mes = of("CME:MESZ6")
    assert mes.is_open(chicago(2026, 11, 19, 15, 59))
    assert not mes.is_open(chicago(2026, 11, 19, 16))
    assert not mes.is_open(chicago(2026, 11, 19, 16, 59))
    assert mes.is_open(chicago(2026, 11, 19, 17))
    assert not mes.is_open(chicago(2026, 11, 21, 12))
    assert not mes.is_open(chicago(2026, 11, 22, 16, 59))
    assert mes.is_open(chicago(2026, 11, 22, 17))


def test_next_open_next_close_and_the_date_of_a_session() -> None:
    mes = of("CME:MESZ6")
    friday_evening = chicago(2026, 11, 20, 16, 30)
    assert mes.next_open(friday_evening) == chicago(2026, 11, 22, 17)
    assert mes.next_open(chicago(2026, 11, 22, 17)) == chicago(2026, 11, 22, 17)
    assert mes.next_close(friday_evening) == chicago(2026, 11, 23, 16)
    assert mes.session_of(friday_evening) == date(2026, 11, 23)
    assert mes.session_of(chicago(2026, 11, 19, 18)) == date(2026, 11, 20)
    assert mes.session_of(chicago(2026, 11, 19, 15)) == date(2026, 11, 19)


def test_christmas_begins_on_its_eve_and_ends_in_its_evening() -> None:
    mes = of("CME:MESZ6")
    assert mes.next_close(chicago(2024, 12, 24, 9)) == chicago(2024, 12, 24, 12, 15)
    assert mes.next_open(chicago(2024, 12, 24, 13)) == chicago(2024, 12, 25, 17)


def test_age_counts_only_what_traded() -> None:
    mes = of("CME:MESZ6")
    friday, sunday = chicago(2026, 11, 20, 15, 59), chicago(2026, 11, 22, 17, 0, 30)
    assert mes.age(friday, sunday) == 90
    assert mes.age(sunday, friday) == 0
    week = mes.age(chicago(2026, 11, 8, 17), chicago(2026, 11, 15, 17))
    assert week == 5 * 23 * 3600


@pytest.mark.parametrize("day", [date(2026, 3, 8), date(2026, 11, 1)])
def test_a_change_of_the_clocks_changes_no_session(day: date) -> None:
    mes = of("CME:MESZ6")
    ((start, end),) = mes.spans(day + timedelta(days=1))
    assert end - start == 23 * 3600 * NS
    assert from_ns(start).astimezone(CHICAGO).hour == 17


def test_grains_pause_in_the_morning_and_close_on_holidays() -> None:
    corn = of("CBOT:ZCZ6")
    assert corn.is_open(chicago(2026, 11, 18, 19))
    assert not corn.is_open(chicago(2026, 11, 19, 8))
    assert corn.is_open(chicago(2026, 11, 19, 13, 19))
    assert not corn.is_open(chicago(2026, 11, 19, 13, 20))
    assert corn.spans(date(2026, 9, 7)) == ()
    assert corn.session_of(chicago(2026, 11, 19, 8)) == date(2026, 11, 19)


def test_what_is_simulated_never_closes() -> None:
    sim = of("SIM:SP500")
    midnight = to_ns(datetime(2026, 11, 21, tzinfo=UTC))
    assert sim.is_open(midnight - 1)
    assert sim.is_open(midnight)
    assert sim.session_of(midnight) == date(2026, 11, 21)
    assert sim.age(midnight - 30 * NS, midnight + 30 * NS) == 60


def test_another_exchange_comes_from_the_calendar_that_is_named() -> None:
    eurex = Timetable({"EUREX": "XEUR", "TSE": "XTKS"})
    stocks = eurex.sessions_for(Instrument("EUREX", "FDAX"))
    assert not stocks.is_open(to_ns(datetime(2026, 4, 3, 12, tzinfo=UTC))), "Good Friday"
    tokyo = eurex.sessions_for(Instrument("TSE", "7203"))
    assert len(tokyo.spans(date(2026, 6, 3))) == 2, "Tokyo has lunch"
    with pytest.raises(ConfigError, match="NOWHERE"):
        Timetable({"X": "NOWHERE"})
