"""Every rule: what it lets through, and the sentence with which it refuses."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from sim2live import settings
from sim2live.clock import to_ns
from sim2live.errors import ConfigError
from sim2live.gate.facts import Facts
from sim2live.gate.hours import (
    LastTradeDate,
    NoEntriesAfter,
    SessionOpen,
    TimeOfDay,
    Window,
    Windows,
)
from sim2live.gate.journal import APPLICATION_ID, MIGRATIONS
from sim2live.gate.limits import NONE, SAFE, Rules, made
from sim2live.gate.losses import DailyLoss, TrailingDrawdown
from sim2live.gate.receipt import Status
from sim2live.gate.rules import Doorkeeper, Entry, Mark, MaxSignalsPerMinute, MaxTotal, Rule
from sim2live.gate.store import Database
from sim2live.market.sessions import Timetable
from sim2live.signals import Instrument

NEW_YORK = ZoneInfo("America/New_York")
MES = Instrument("CME", "MESZ6")
DAY = date(2026, 11, 19)


def at(*moment: int) -> int:
    return to_ns(datetime(*moment, tzinfo=NEW_YORK))


def entry(time: int = 0, *, instrument: Instrument = MES, signed: int = 1, **changes) -> Entry:
    fields = {"workflow": "pool", "held": 0, "held_total": 0, "decided_at": time, **changes}
    return Entry(instrument=instrument, signed=signed, time=time, **fields)


def mark(equity: float, *, day: date = DAY, strategy: str = "a", live: bool = True) -> Mark:
    return Mark(workflow="pool", strategy=strategy, equity=equity, day=day, live=live)


# -- hours -----------------------------------------------------------------------------------


def test_no_entry_in_the_maintenance_break() -> None:
    rule = SessionOpen(Timetable())
    assert rule.refuses(entry(at(2026, 11, 19, 16, 59, 59))) == ""
    assert rule.refuses(entry(at(2026, 11, 19, 17))) == (
        "session: CME:MESZ6 does not trade at 2026-11-19 16:00:00; it opens at "
        "2026-11-19 17:00 (America/Chicago)"
    )


@pytest.mark.parametrize(
    ("moment", "open_"),
    [
        (at(2026, 11, 21, 12), False),  # Saturday
        (at(2026, 11, 26, 12, 30), True),  # Thanksgiving, until 12:00 in Chicago
        (at(2026, 11, 26, 13), False),
        (at(2026, 12, 25, 12), False),
    ],
)
def test_no_entry_on_weekends_holidays_and_after_an_early_close(moment: int, open_: bool) -> None:
    assert bool(SessionOpen(Timetable()).refuses(entry(moment))) is not open_


def test_entries_go_inside_one_of_several_windows() -> None:
    texts = ("09:30-11:30 America/New_York", "14:00-15:55 America/New_York")
    rule = Windows(tuple(Window.parse(text, "w") for text in texts))
    for clock, goes in [((9, 29), 0), ((9, 30), 1), ((11, 30), 0), ((15, 54), 1), ((15, 55), 0)]:
        assert bool(rule.refuses(entry(at(2026, 11, 19, *clock)))) is not bool(goes)
    assert rule.refuses(entry(at(2026, 11, 19, 12))) == (
        "windows: it is 2026-11-19 12:00:00 America/New_York; entries go in "
        "09:30-11:30 America/New_York, 14:00-15:55 America/New_York"
    )


def test_a_window_may_pass_midnight_and_follows_the_clocks_of_its_zone() -> None:
    night = Window.parse("18:00-02:00 America/New_York", "w")
    assert night.holds(at(2026, 11, 19, 23))
    assert night.holds(at(2026, 11, 20, 1, 59))
    assert not night.holds(at(2026, 11, 20, 2))
    day = Window.parse("09:30-15:55 America/New_York", "w")
    for month, day_of in [(3, 6), (3, 9), (10, 30), (11, 2)]:  # before and after the changes
        assert day.holds(at(2026, month, day_of, 9, 30))
        assert not day.holds(at(2026, month, day_of, 9, 29))


@pytest.mark.parametrize(
    "text", ["9:30-16:00 America/New_York", "09:30 America/New_York", "09:30-09:30 UTC", "",
             "25:00-26:00 UTC", "09:30-16:00 EST5PDX", "09:30-16:00 ../etc"]
)  # fmt: skip
def test_a_window_written_wrongly_is_named(text: str) -> None:
    with pytest.raises(ConfigError, match=r"rules\.windows"):
        Rules(windows=(text,)).check()


def test_entries_end_at_a_time_and_begin_again_with_the_next_session() -> None:
    last = TimeOfDay.parse("15:45 America/New_York", "no_entries_after")
    rule = NoEntriesAfter(last, Timetable())
    assert rule.refuses(entry(at(2026, 11, 19, 15, 44))) == ""
    assert rule.refuses(entry(at(2026, 11, 19, 16))) == (
        "no_entries_after: it is 2026-11-19 16:00:00 America/New_York; entries of this session "
        "ended at 2026-11-19 15:45:00 America/New_York"
    )
    assert rule.refuses(entry(at(2026, 11, 19, 18))) == "", "the next session has begun"


def test_a_time_after_an_early_close_means_five_minutes_before_the_close() -> None:
    last = TimeOfDay.parse("15:45 America/New_York", "no_entries_after")
    sessions = Timetable().sessions_for(MES)
    assert last.within(sessions, at(2026, 11, 27, 10)) == at(2026, 11, 27, 13, 10)
    assert last.within(sessions, at(2026, 11, 30, 10)) == at(2026, 11, 30, 15, 45)


def test_an_evening_time_belongs_to_the_session_that_begins_then() -> None:
    last = TimeOfDay.parse("20:00 America/New_York", "t")
    sessions = Timetable().sessions_for(MES)
    assert last.within(sessions, at(2026, 11, 19, 10)) == at(2026, 11, 18, 20)


@pytest.mark.parametrize("text", ["15:55", "1555 UTC", "15:55 Nowhere/City", "24:00 UTC"])
def test_a_time_written_wrongly_is_named(text: str) -> None:
    with pytest.raises(ConfigError, match="flatten_at"):
        settings.Settings(flatten_at=text).check()


# -- contracts -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "days", "goes"),
    [(17, 0, True), (18, 0, True), (17, 1, True), (18, 1, False), (16, 2, True), (17, 2, False)],
)
def test_entries_stop_before_the_last_trade_date(day: int, days: int, goes: bool) -> None:
    rule = LastTradeDate(days, Timetable())  # MESZ6 trades until Friday, 18 December 2026
    sentence = rule.refuses(entry(at(2026, 12, day, 10)))
    assert bool(sentence) is not goes
    if sentence:
        assert "MESZ6 trades until 2026-12-18" in sentence


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("CME:MESU6", "last traded on 2026-09-18; the front month is MESZ6"),
        ("CME:ES=F", "names no contract month; the front month is ESZ6"),
        ("CME:ESZ26", "is written CME:ESZ6"),
    ],
)
def test_an_expired_or_wrongly_written_contract_is_refused_with_the_right_one(
    name: str, hint: str
) -> None:
    rule = LastTradeDate(1, Timetable())
    moment = at(2026, 11, 19, 10)
    assert hint in rule.refuses(entry(moment, instrument=Instrument.parse(name)))
    assert rule.refuses(entry(moment, instrument=Instrument("SIM", "ES=F"))) == ""


# -- losses ----------------------------------------------------------------------------------


def daily(limit: float = 500.0) -> DailyLoss:
    timetable = Timetable()
    return DailyLoss(limit, lambda e: timetable.sessions_for(e.instrument).session_of(e.time))


def test_a_days_loss_is_refused_with_number_and_limit() -> None:
    rule = daily()
    rule.marked(mark(10_000))
    rule.marked(mark(9_500.01))
    assert rule.refuses(entry(at(2026, 11, 19, 10))) == ""
    rule.marked(mark(9_488))
    assert rule.refuses(entry(at(2026, 11, 19, 10))) == (
        "daily_loss: pool stands at -512.00 in the session of 2026-11-19 (presumed, from the "
        "simulator's books), the limit is a loss of 500.00"
    )


def test_a_new_session_begins_where_the_last_one_ended() -> None:
    rule = daily()
    rule.marked(mark(10_000))
    rule.marked(mark(9_000))
    evening = entry(at(2026, 11, 19, 18, 1))
    assert rule.refuses(evening) == "", "the session of the 20th has no mark yet"
    rule.marked(mark(8_600, day=date(2026, 11, 20)))
    assert rule.refuses(evening) == ""
    rule.marked(mark(8_500, day=date(2026, 11, 20)))
    assert "-500.00" in rule.refuses(evening), "the gap over the break counts"


def test_a_pools_loss_is_that_of_all_its_strategies() -> None:
    rule = daily()
    for strategy, equity in [("a", 1_000), ("b", 1_000), ("a", 600), ("b", 850)]:
        rule.marked(mark(equity, strategy=strategy))
    assert "-550.00" in rule.refuses(entry(at(2026, 11, 19, 10)))
    other = Mark(workflow="other", strategy="a", equity=1e6, day=DAY, live=True)
    rule.marked(other)
    assert rule.refuses(entry(at(2026, 11, 19, 10), workflow="other")) == ""


def test_drawdown_trails_the_highest_live_equity() -> None:
    rule = TrailingDrawdown(1_000)
    assert rule.refuses(entry()) == "", "nothing is marked yet"
    rule.marked(mark(90_000, live=False))
    rule.marked(mark(50_000))
    rule.marked(mark(51_500))
    rule.marked(mark(50_600))
    assert rule.refuses(entry()) == ""
    rule.marked(mark(50_500))
    assert rule.refuses(entry()) == (
        "trailing_drawdown: pool stands at 50500.00, 1000.00 below its peak of 51500.00 "
        "(presumed, from the simulator's books); the limit is 1000.00"
    )


def test_the_peak_outlives_the_process() -> None:
    database = Database(":memory:", application_id=APPLICATION_ID, migrations=MIGRATIONS)
    facts = Facts(database, "venue")
    TrailingDrawdown(1_000, facts).marked(mark(52_000))
    again = TrailingDrawdown(1_000, facts)
    again.marked(mark(80_000, live=False))
    again.marked(mark(51_000))
    assert "peak of 52000.00" in again.refuses(entry())
    assert Facts(database, "another").get("pool", "peak") is None
    database.close()


# -- counts ----------------------------------------------------------------------------------


def test_the_whole_pool_is_limited() -> None:
    rule = MaxTotal(5)
    assert rule.refuses(entry(signed=2, held=1, held_total=2)) == ""
    assert rule.refuses(entry(signed=-4, held=1, held_total=3)) == (
        "max_total: the pool would hold 6 contracts, the limit is 5"
    )


def test_a_refused_entry_does_not_count_as_sent() -> None:
    class Never(Rule):
        def refuses(self, entry: Entry) -> str:
            return "" if entry.signed > 0 else "short"

    counting = MaxSignalsPerMinute(1)
    door = Doorkeeper([Never(), counting])
    assert door.refuses(entry(signed=-1)) == "short"
    assert door.refuses(entry(signed=1)) == ""
    assert "1 entries went to pool within a minute; the next may go in 60 s" in door.refuses(
        entry(signed=1)
    )
    assert door.refuses(entry(60 * 10**9, signed=1)) == ""
    assert not door.weighs


# -- which rules there are -------------------------------------------------------------------


def names(limits: Rules, default: Rules, **more) -> list[str]:
    return [rule.name for rule in made(limits, default, Timetable(), **more)]


def test_a_simulated_venue_has_no_rule_that_is_not_asked_for() -> None:
    assert names(Rules(), NONE) == []
    assert names(Rules(max_total=3), NONE) == ["max_total"]


def test_a_real_venue_is_safe_without_settings() -> None:
    assert names(Rules(), SAFE) == [
        "session", "last_trade_days", "max_quantity", "max_position", "max_total",
        "max_signals_per_minute",
    ]  # fmt: skip
    limits = {rule.name: rule for rule in made(Rules(), SAFE, Timetable())}
    assert limits["max_signals_per_minute"].limit == 60


def test_every_rule_can_be_switched_on() -> None:
    limits = Rules(
        windows=("09:30-16:00 America/New_York",),
        session=True,
        daily_loss=1,
        trailing_drawdown=1,
        last_trade_days=0,
    )
    times = {
        "no_entries_after": "15:00 America/New_York",
        "flatten_at": "15:55 America/New_York",
    }
    assert names(limits, NONE, **times) == [
        "session", "windows", "no_entries_after", "flatten_at", "last_trade_days", "daily_loss",
        "trailing_drawdown",
    ]  # fmt: skip
    assert names(Rules(session=False), SAFE)[0] == "last_trade_days"


@pytest.mark.parametrize(
    "wrong", [{"max_total": 0}, {"daily_loss": 0.0}, {"daily_loss": float("nan")},
              {"trailing_drawdown": -1.0}, {"last_trade_days": -1}]
)  # fmt: skip
def test_a_limit_out_of_range_is_named(wrong: dict[str, float]) -> None:
    (name,) = wrong
    with pytest.raises(ConfigError, match=rf"rules\.{name}="):
        settings.Settings(rules=Rules(**wrong)).check()


def test_rules_are_read_from_the_environment() -> None:
    found = settings.load(
        environment={
            "SIM2LIVE_RULES_WINDOWS": "09:30-12:00 America/New_York, 13:00-16:00 America/New_York",
            "SIM2LIVE_RULES_DAILY_LOSS": "450.5",
            "SIM2LIVE_RULES_SESSION": "false",
            "SIM2LIVE_STAMP": "start",
            "SIM2LIVE_INTERVAL": "60",
        }
    )
    assert len(found.rules.windows) == 2
    assert (found.rules.daily_loss, found.rules.session) == (450.5, False)
    with pytest.raises(ConfigError, match="interval is missing"):
        settings.load(environment={"SIM2LIVE_STAMP": "start"})


def test_a_loss_stops_entries_and_no_exit(connect) -> None:
    strategy = connect(rules=Rules(daily_loss=100.0))
    strategy.bar(1)
    strategy.want(1)
    strategy.dispatcher.mark(1_000.0)
    strategy.dispatcher.mark(float("nan"))
    strategy.dispatcher.mark(890.0)
    receipt = strategy.want(2)
    assert receipt.status is Status.HELD
    assert receipt.reason.startswith("daily_loss: pool stands at -110.00")
    assert strategy.want(0).status is Status.ACCEPTED
    assert strategy.dispatcher.equity == 890.0
