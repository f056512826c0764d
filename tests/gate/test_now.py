"""History or now? Bars age while their market trades; a bar from the future stops the start."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from tests.agreed import agreed

from sim2live import settings
from sim2live.clock import NS, ManualClock, to_ns
from sim2live.gate.now import BarsNow, WallNow
from sim2live.gate.receipt import Status
from sim2live.market.bars import Bar
from sim2live.signals import Instrument
from sim2live.venues.record import Record

CHICAGO = ZoneInfo("America/Chicago")
MES = Instrument("CME", "MESZ6")
MINUTE = 60 * NS


def at(*moment: int) -> int:
    return to_ns(datetime(*moment, tzinfo=CHICAGO))


def wall(now: int, **changes) -> WallNow:
    return WallNow(ManualClock(now), **{"max_age": 120.0, **changes})


NOON = at(2026, 11, 19, 12)


@pytest.mark.parametrize(("age", "live"), [(0, 1), (120, 1), (121, 0), (-5, 1), (-6, 0)])
def test_a_bar_is_live_for_a_while(age: int, live: int) -> None:
    assert wall(NOON).is_live(MES, NOON - age * NS, 0) is bool(live)


def test_what_an_earlier_process_left_behind_is_history() -> None:
    assert wall(NOON).is_live(MES, NOON, NOON)
    assert not wall(NOON).is_live(MES, NOON - 1, NOON)


def test_fridays_last_bar_is_fresh_on_sunday_at_the_open() -> None:
    friday = at(2026, 11, 20, 16)
    sunday = at(2026, 11, 22, 17, 1)
    assert wall(sunday).is_live(MES, friday, 0)
    assert not wall(sunday).is_live(MES, friday - 2 * MINUTE, 0)
    assert not wall(sunday + 2 * MINUTE).is_live(MES, friday, 0)


def test_the_break_ages_no_bar() -> None:
    assert wall(at(2026, 11, 19, 17, 1)).is_live(MES, at(2026, 11, 19, 15, 59), 0)
    assert not wall(at(2026, 11, 19, 12, 3)).is_live(MES, at(2026, 11, 19, 12), 0)


def test_the_clock_change_ages_no_bar() -> None:
    for friday, sunday in [((2026, 3, 6), (2026, 3, 8)), ((2026, 10, 30), (2026, 11, 1))]:
        assert wall(at(*sunday, 17, 1)).is_live(MES, at(*friday, 16), 0)


def test_what_never_closes_ages_by_the_wall() -> None:
    other = Instrument("KRAKEN", "BTC")
    assert not wall(NOON).is_live(other, NOON - 121 * NS, 0)


def daily(now: int, **changes) -> WallNow:
    made = wall(now, **changes)
    for day in (16, 17, 18, 19):
        made.saw(MES, at(2026, 11, day, 15))
    return made


@pytest.mark.parametrize(
    ("now", "live"),
    [
        (at(2026, 11, 19, 15, 30), True),
        (at(2026, 11, 19, 16, 59), True),
        (at(2026, 11, 19, 17, 59), True),  # the session of the 20th is open for an hour
        (at(2026, 11, 19, 18, 1), False),
    ],
)
def test_a_daily_bar_is_good_until_the_next_session_is_an_hour_old(now: int, live: bool) -> None:
    assert daily(now).is_live(MES, at(2026, 11, 19, 15), 0) is live


def test_a_fridays_daily_bar_is_good_over_the_weekend() -> None:
    friday = at(2026, 11, 20, 15)
    assert daily(at(2026, 11, 22, 17, 30)).is_live(MES, friday, 0)
    assert not daily(at(2026, 11, 22, 18, 30)).is_live(MES, friday, 0)
    assert daily(at(2026, 11, 22, 17, 9), daily_grace=600).is_live(MES, friday, 0)
    assert not daily(at(2026, 11, 22, 17, 11), daily_grace=600).is_live(MES, friday, 0)


def test_the_interval_is_the_smallest_step_or_the_one_that_is_given() -> None:
    learned = wall(NOON)
    assert learned.interval(MES) == 0
    for closed in (at(2026, 11, 13, 16), at(2026, 11, 15, 17, 1), at(2026, 11, 15, 17, 2)):
        learned.saw(MES, closed)
        learned.saw(MES, closed)
    assert learned.interval(MES) == MINUTE
    assert wall(NOON, interval=300).interval(MES) == 300 * NS
    assert BarsNow().interval(MES) == 0


def test_months_of_a_closed_market_make_no_bar_young() -> None:
    assert not daily(NOON).is_live(MES, NOON - 15 * 86_400 * NS, 0)


# -- through the gate ------------------------------------------------------------------------


class Real(Record):
    """Records, and claims to be a real venue."""

    name = "real"
    simulated = False


@pytest.fixture
def live(tmp_path):
    clock = ManualClock(NOON)
    opened = []

    def make(**changes):
        dispatcher = settings.connect(
            Real(),
            workflow="pool",
            strategy="cross",
            journal=tmp_path / f"journal{len(opened)}.sqlite3",
            clock=clock,
            settings=agreed(**changes),
        )
        opened.append(dispatcher)
        return dispatcher

    make.clock = clock
    yield make
    for dispatcher in opened:
        dispatcher.close()


def step(dispatcher, when: int, target: int):
    dispatcher.on_bar(MES, Bar(when, 1.0, 1.0, 1.0, 1.0))
    return dispatcher.follow(MES, target, data="mes", nth=0, decided_at=when)


def test_history_sends_nothing_and_the_last_bar_does(live) -> None:
    dispatcher = live(start="send_difference")
    assert step(dispatcher, NOON - 30 * MINUTE, 1).status is Status.SHADOW
    assert step(dispatcher, NOON - 29 * MINUTE, 0).status is Status.SHADOW
    assert step(dispatcher, NOON, 2).status is Status.ACCEPTED
    assert [signal.qty for signal in dispatcher.venue.signals] == [2]


def test_a_bar_from_the_future_halts_with_a_sentence(live) -> None:
    dispatcher = live()
    dispatcher.on_bar(MES, Bar(NOON + 3_600 * NS, 1.0, 1.0, 1.0, 1.0))
    line = dispatcher.gate.book("pool", MES).line
    assert dispatcher.state(MES) == "HALTED"
    assert "3600 s in the future: its time zone is wrong" in line.halted
    receipt = step(dispatcher, NOON + 3_600 * NS, 1)
    assert receipt.status is Status.HELD
    assert "time zone" in receipt.reason
    assert dispatcher.venue.signals == []
    assert [alarm.text for alarm in dispatcher.gate.alarms.raised] == [line.halted]


def test_an_exit_goes_even_on_a_bar_from_the_future(live) -> None:
    dispatcher = live()
    assert step(dispatcher, NOON, 2).status is Status.ACCEPTED
    receipt = step(dispatcher, NOON + 3_600 * NS, 0)
    assert receipt.status is Status.ACCEPTED
    assert dispatcher.venue.signals[-1].open_close == "CLOSE"


def test_bars_that_bear_their_start_close_an_interval_later(live) -> None:
    dispatcher = live(stamp="start", interval=300.0)
    receipt = step(dispatcher, NOON - 300 * NS, 1)
    assert receipt.status is Status.ACCEPTED
    (row,) = dispatcher.gate.journal.rows()
    assert row.decided_at == NOON
    assert next(dispatcher.gate.journal.bars.recorded("", MES)).time == NOON
    assert step(dispatcher.bind(strategy="other"), NOON, 1).status is Status.HELD, "the future"


def test_a_machine_that_slept_finds_its_bar_too_old(live) -> None:
    dispatcher = live()
    assert step(dispatcher, NOON, 1).status is Status.ACCEPTED
    live.clock.advance(3_600)
    assert step(dispatcher, NOON + MINUTE, 2).status is Status.SHADOW
    assert len(dispatcher.venue.signals) == 1


def test_the_wall_clock_may_be_corrected_during_an_exchange(live) -> None:
    dispatcher = live()
    live.clock.set_wall(NOON - 3_600 * NS)
    receipt = step(dispatcher, NOON - 3_600 * NS, 1)
    assert receipt.status is Status.ACCEPTED
    assert receipt.latency_ns is not None
    assert receipt.latency_ns >= 0
