"""What happens without a bar: the end of the day, a silent feed, the kill switch, commands."""

from __future__ import annotations

import threading
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from tests.agreed import agreed

from sim2live import settings
from sim2live.clock import NS, ManualClock, to_ns
from sim2live.errors import ConfigError
from sim2live.gate.alarms import Alarm, Alarms
from sim2live.gate.control import Control
from sim2live.gate.duties import FeedWatch, FlattenAt, KillSwitch, duties
from sim2live.gate.mailbox import Command
from sim2live.gate.messenger import WAITING, Messenger
from sim2live.gate.receipt import Status
from sim2live.gate.supervisor import Duty, Supervisor
from sim2live.market.bars import Bar
from sim2live.signals import Instrument
from sim2live.venues.outcome import Kind, Outcome
from sim2live.venues.record import Record

# Its plugins are loaded with the first address, an old module of Python among them.
APPRISE = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
NEW_YORK = ZoneInfo("America/New_York")
MES = Instrument("CME", "MESZ6")


def at(*moment: int) -> int:
    return to_ns(datetime(*moment, tzinfo=NEW_YORK))


class Real(Record):
    name = "real"
    simulated = False

    def __init__(self) -> None:
        super().__init__(
            answer=lambda _: Outcome(self.script.pop(0) if self.script else Kind.ACCEPTED)
        )
        self.script: list[Kind] = []
        self.fingerprint = "real"

    @property
    def held(self) -> int:
        return sum(signal.signed for signal in self.signals)


class World:
    """A live strategy, its clock and a supervisor that is ticked by hand."""

    def __init__(self, folder, *looks: Duty, now: int = at(2026, 11, 19, 10), **changes) -> None:
        self.clock = ManualClock(now)
        self.venue = Real()
        self.nth = 0
        self.dispatcher = settings.connect(
            self.venue, workflow="pool", strategy="cross", journal=folder / "journal.sqlite3",
            clock=self.clock, settings=agreed(**changes),
        )  # fmt: skip
        self.gate = self.dispatcher.gate
        self.supervisor = Supervisor(self.gate, looks, self.clock)

    def go(self, now: int) -> None:
        self.clock.set_wall(now)
        self.supervisor.tick()

    def want(self, target: int):
        now, self.nth = self.clock.now_ns(), self.nth + 1
        self.dispatcher.on_bar(MES, Bar(now, 1.0, 1.0, 1.0, 1.0))
        return self.dispatcher.follow(MES, target, data="mes", nth=self.nth, decided_at=now)

    @property
    def alarms(self) -> list[str]:
        return [alarm.text for alarm in self.gate.alarms.raised]


@pytest.fixture
def world(tmp_path):
    opened: list[World] = []

    def make(*looks: Duty, **changes) -> World:
        opened.append(World(tmp_path, *looks, **changes))
        return opened[-1]

    yield make
    for each in opened:
        each.dispatcher.close()


FLATTEN = "15:55 America/New_York"


def test_everything_is_flat_at_the_time_that_was_set(world) -> None:
    run = world(FlattenAt(FLATTEN), flatten_at=FLATTEN)
    run.want(3)
    run.go(at(2026, 11, 19, 15, 54, 59))
    assert run.venue.held == 3
    run.go(at(2026, 11, 19, 15, 55))
    assert run.venue.held == 0
    assert run.dispatcher.state(MES) == "REDUCING", "nothing is halted: tomorrow is another day"


def test_no_entry_goes_after_the_flattening_and_all_do_in_the_next_session(world) -> None:
    run = world(FlattenAt(FLATTEN), flatten_at=FLATTEN)
    run.want(3)
    run.go(at(2026, 11, 19, 15, 55))
    run.clock.set_wall(at(2026, 11, 19, 16, 10))
    assert run.want(4).status is Status.SHADOW, "what the strategy still wants waits"
    assert run.want(0).status is Status.SHADOW
    receipt = run.want(1)
    assert receipt.status is Status.HELD
    assert receipt.reason.startswith("flatten_at: it is 2026-11-19 16:10:00")
    run.go(at(2026, 11, 19, 18, 1))
    assert run.want(-2).status is Status.ACCEPTED
    assert run.venue.held == -2
    run.go(at(2026, 11, 20, 15, 55))
    assert run.venue.held == 0


def test_what_does_not_go_is_pressed_at_every_look_and_alarmed(world) -> None:
    run = world(FlattenAt(FLATTEN))
    run.want(3)
    run.venue.script = [Kind.NOT_SENT, Kind.NOT_SENT]
    run.go(at(2026, 11, 19, 15, 55))
    assert "not flat at 15:55 America/New_York: +3 presumed" in run.alarms
    run.go(at(2026, 11, 19, 15, 55, 1))
    run.go(at(2026, 11, 19, 15, 55, 2))
    assert run.gate.book("pool", MES).line.presumed.low == 0


def test_an_unknown_position_counts_as_open(world) -> None:
    run = world(FlattenAt(FLATTEN))
    run.want(1)
    run.venue.script = [Kind.UNKNOWN]
    run.want(3)
    run.go(at(2026, 11, 19, 15, 55))
    assert run.venue.signals[-1].qty == 1, "only the sure part goes"
    assert "not flat at 15:55 America/New_York: between +0 and +2 presumed" in run.alarms


def test_a_machine_that_slept_through_the_time_flattens_when_it_wakes(world) -> None:
    run = world(FlattenAt(FLATTEN))
    run.want(2)
    run.go(at(2026, 11, 19, 15))
    run.go(at(2026, 11, 19, 22))
    assert run.venue.held == 0


def test_a_day_that_closes_early_is_flattened_before_its_close(world) -> None:
    run = world(FlattenAt(FLATTEN), now=at(2026, 11, 27, 10))
    run.want(2)
    run.go(at(2026, 11, 27, 13, 9))
    assert run.venue.held == 2
    run.go(at(2026, 11, 27, 13, 10))
    assert run.venue.held == 0


@pytest.mark.parametrize("day", [(2026, 3, 9), (2026, 11, 2)])
def test_the_time_follows_the_clocks(world, day) -> None:
    run = world(FlattenAt(FLATTEN), now=at(*day, 10))
    run.want(2)
    run.go(at(*day, 15, 54))
    assert run.venue.held == 2
    run.go(at(*day, 15, 55))
    assert run.venue.held == 0


def test_a_silent_feed_is_alarmed_while_something_is_held(world) -> None:
    run = world()
    watch = FeedWatch(120.0, run.clock)
    run.supervisor = Supervisor(run.gate, [watch], run.clock)
    run.go(at(2026, 11, 19, 12))
    assert run.alarms == [], "nothing is held"
    run.want(1)
    run.go(at(2026, 11, 19, 12, 2))
    assert run.alarms == []
    run.go(at(2026, 11, 19, 12, 2, 1))
    assert run.alarms == ["no bar for more than 120 s while +1 is presumed"]
    run.go(at(2026, 11, 19, 12, 2, 30))
    assert len(run.alarms) == 1, "said once, not at every look"


def test_a_closed_market_has_no_silent_feed(world) -> None:
    run = world(now=at(2026, 11, 20, 16, 59))
    run.supervisor = Supervisor(run.gate, [FeedWatch(120.0, run.clock)], run.clock)
    run.want(1)
    run.go(at(2026, 11, 21, 12))
    run.go(at(2026, 11, 22, 18, 0, 30))
    assert run.alarms == []
    run.go(at(2026, 11, 22, 18, 3))
    assert len(run.alarms) == 1


def test_a_file_halts_every_workflow_and_its_absence_resumes_none(world, tmp_path) -> None:
    file = tmp_path / "kill"
    run = world(KillSwitch(file))
    run.want(2)
    run.go(at(2026, 11, 19, 10, 1))
    assert run.dispatcher.state(MES) == "ACTIVE"
    file.write_text("fire\nin the  house")
    run.go(at(2026, 11, 19, 10, 2))
    assert run.gate.book("pool", MES).line.halted == "kill switch: fire in the house"
    other = Instrument("CME", "MNQZ6")
    assert run.dispatcher.state(other) == "HALTED", "what has no book yet is halted too"
    assert run.want(3).status is Status.HELD
    assert run.want(1).status is Status.ACCEPTED, "an exit goes"
    file.unlink()
    run.go(at(2026, 11, 19, 10, 3))
    assert run.dispatcher.state(MES) == "HALTED"
    run.dispatcher.resume()
    assert run.dispatcher.state(MES) == "ACTIVE"
    assert run.dispatcher.state(Instrument("CME", "M2KZ6")) == "ACTIVE"


def test_an_empty_or_unreadable_kill_switch_counts(world, tmp_path) -> None:
    (tmp_path / "kill").mkdir()
    run = world(KillSwitch(tmp_path / "kill"))
    run.go(at(2026, 11, 19, 10, 2))
    assert run.dispatcher.state(MES) == "HALTED"


def test_a_halted_workflow_stays_so_for_new_instruments_of_the_next_process(tmp_path) -> None:
    first = World(tmp_path)
    first.dispatcher.halt("lunch")
    first.dispatcher.close()
    again = World(tmp_path)
    assert again.gate.book("pool", Instrument("CME", "MNQZ6")).line.halted == "lunch"
    again.dispatcher.close()


def test_stopped_means_that_exits_wait_too(world) -> None:
    run = world()
    run.want(2)
    control = Control(run.gate, run.clock)
    answer = control.carry_out(Command(1, "pool", "stop", "the venue trades nonsense"))
    assert answer == "pool is stopped: exits wait too, until resume"
    receipt = run.want(0)
    assert (receipt.status, receipt.granted) == (Status.PENDING, 0)
    assert run.venue.held == 2
    assert any("stays owed" in text for text in run.alarms)
    control.carry_out(Command(2, "pool", "resume", ""))
    assert run.venue.held == 0


def test_a_duty_that_fails_does_not_stop_the_others(world) -> None:
    class Broken(Duty):
        def look(self, gate, now: int) -> None:
            raise OSError("disk full")

    run = world(Broken(), FlattenAt(FLATTEN))
    run.want(1)
    run.go(at(2026, 11, 19, 15, 56))
    assert run.venue.held == 0


def test_the_thread_looks_until_it_is_closed(world) -> None:
    looked = threading.Event()

    class Look(Duty):
        def look(self, gate, now: int) -> None:
            looked.set()

    run = world(Look())
    run.supervisor.start()
    assert looked.wait(60)
    run.supervisor.close()
    assert not run.supervisor._thread.is_alive()


def test_on_a_simulated_venue_the_wall_flattens_nothing() -> None:
    clock = ManualClock()
    kinds = {"flatten_at": FLATTEN, "feed_timeout": 60.0, "kill_switch": None}
    simulated = {type(duty).__name__ for duty in duties(clock, real=False, **kinds)}
    real = {type(duty).__name__ for duty in duties(clock, real=True, **kinds)}
    assert simulated == {"Obedience", "Heartbeat"}
    assert real - simulated == {"FlattenAt", "FeedWatch", "ReadAgain"}
    kinds["kill_switch"] = "kill"
    assert isinstance(duties(clock, real=False, **kinds)[0], KillSwitch)


# -- alarms ----------------------------------------------------------------------------------


def test_an_acknowledged_alarm_is_quiet_and_a_new_one_is_not() -> None:
    alarms = Alarms()
    for second in range(3):
        alarms.sound(second * 61 * NS, "pool MES", "an exit is owed")
    assert len(alarms.raised) == 3
    assert alarms.acknowledge("pool") == 1
    alarms.sound(999 * NS, "pool MES", "an exit is owed")
    alarms.sound(999 * NS, "pool MES", "another exit is owed")
    assert [alarm.text for alarm in alarms.raised[3:]] == ["another exit is owed"]
    assert alarms.acknowledge("elsewhere") == 0


class Phone:
    def __init__(self) -> None:
        self.heard: list[str] = []
        self.rang = threading.Event()

    def notify(self, *, title: str, body: str) -> bool:
        self.heard.append(f"{title}: {body}")
        self.rang.set()
        return True


class Dead:
    def notify(self, *, title: str, body: str) -> bool:
        raise ConnectionError("tgram://SECRET/ does not answer")


def test_an_alarm_reaches_every_channel_though_one_is_dead(caplog) -> None:
    phone, clock = Phone(), ManualClock()
    messenger = Messenger.of({"dead": Dead(), "phone": phone}, clock)
    Alarms(messenger).sound(at(2026, 11, 19, 12), "pool MES", "an exit is owed")
    assert phone.rang.wait(60)
    messenger.close()
    assert phone.heard == ["sim2live: pool MES: an exit is owed\n2026-11-19T17:00:00Z"]
    assert "alert channel dead failed: ConnectionError" in caplog.text
    assert "SECRET" not in caplog.text


def test_trading_never_waits_for_a_channel_that_hangs() -> None:
    release = threading.Event()

    class Hangs:
        def notify(self, *, title: str, body: str) -> bool:
            release.wait(30)
            return True

    messenger = Messenger.of({"slow": Hangs()}, ManualClock())
    for number in range(WAITING + 20):
        messenger(Alarm(number, "pool", "text"))
    assert messenger.dropped >= 19
    messenger.close()  # on a clock that waits at once
    release.set()


@APPRISE
def test_addresses_take_their_secrets_from_the_environment(monkeypatch) -> None:
    chosen = {"phone": "json://user:{PHONE_SECRET}@127.0.0.1:9/"}
    with pytest.raises(ConfigError, match=r"alerts\.phone: the variable PHONE_SECRET is"):
        settings.connect("record", settings=settings.Settings(alerts=chosen))
    monkeypatch.setenv("PHONE_SECRET", "hunter2")
    dispatcher = settings.connect("record", settings=settings.Settings(alerts=chosen))
    assert "hunter2" not in repr(dispatcher.gate.alarms)
    dispatcher.close()


@APPRISE
def test_an_address_that_is_not_understood_is_named_and_not_shown(monkeypatch) -> None:
    monkeypatch.setenv("PHONE_SECRET", "hunter2")
    chosen = settings.Settings(alerts={"phone": "nonsense{PHONE_SECRET}"})
    with pytest.raises(ConfigError, match=r"alerts\.phone") as error:
        settings.connect("record", settings=chosen)
    assert "hunter2" not in str(error.value)
