"""A second process looks after the first: alive, dead, frozen, and what is done about it."""

from __future__ import annotations

import pytest
from tests.agreed import agreed

from sim2live import settings
from sim2live.clock import ManualClock
from sim2live.gate.alarms import Alarms
from sim2live.gate.journal import open_journal
from sim2live.gate.mailbox import Mailbox
from sim2live.guard import Guard, Verdict
from sim2live.market.bars import Bar
from sim2live.signals import Instrument
from sim2live.venues.outcome import Kind, Outcome
from sim2live.venues.record import Record

MES = Instrument("CME", "MESZ6")
FOREIGN = 4_194_305  # no process has this id on Linux


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


class Scene:
    """The first process, and the guard with a connection of its own."""

    def __init__(self, folder) -> None:
        self.path = folder / "journal.sqlite3"
        self.venue = Real()
        self.clock = ManualClock(1_796_925_600 * 10**9)  # 10 December 2026, 18:00 UTC
        self.first = self.connect("cross")
        self.watched = open_journal(str(self.path), "real", self.clock)
        self.killed: list[int] = []
        self.guard = self.make()

    def connect(self, strategy: str):
        return settings.connect(
            self.venue,
            workflow="pool",
            strategy=strategy,
            journal=self.path,
            clock=self.clock,
            settings=agreed(),
        )

    def make(self, **changes) -> Guard:
        self.alarms = Alarms()
        return Guard(
            self.watched, "real", "pool", clock=self.clock, alarms=self.alarms,
            kill=self.killed.append, **changes,
        )  # fmt: skip

    def want(self, target: int) -> None:
        now = self.clock.now_ns()
        self.first.on_bar(MES, Bar(now, 1.0, 1.0, 1.0, 1.0))
        self.first.follow(MES, target, data="mes", nth=0, decided_at=now)

    def beat(self) -> None:
        self.first.gate.journal.mailbox.beat("pool", FOREIGN)

    def die(self) -> None:
        gate = self.first.gate
        gate.journal.close()
        gate.shelf.release()
        gate._closed = True

    def later(self, seconds: float, guard: Guard | None = None):
        self.clock.advance(seconds)
        return (guard or self.guard).look()

    def close(self) -> None:
        self.guard.close()
        self.first.close()
        self.watched.close()


@pytest.fixture
def scene(tmp_path):
    made = Scene(tmp_path)
    yield made
    made.close()


def test_a_process_that_beats_is_alive(scene) -> None:
    scene.want(2)
    for _ in range(5):
        scene.beat()
        assert scene.later(10).verdict is Verdict.ALIVE
    assert scene.alarms.raised == []


def test_a_dead_process_that_holds_nothing_is_no_alarm(scene) -> None:
    scene.die()
    assert scene.later(60).verdict is Verdict.FLAT
    assert scene.alarms.raised == []


def test_a_dead_process_that_holds_something_is_alarmed(scene) -> None:
    scene.want(2)
    scene.beat()
    scene.die()
    sighting = scene.later(16)
    assert sighting.verdict is Verdict.DEAD
    assert f"process {FOREIGN} is dead and CME:MESZ6 +2 is presumed" in sighting.text
    assert len(scene.alarms.raised) == 1
    assert scene.venue.held == 2, "nobody asked it to flatten"


def test_a_clean_end_leaves_a_position_alone(scene) -> None:
    scene.want(2)
    scene.first.close()
    assert scene.later(3_600).verdict is Verdict.IDLE
    assert scene.alarms.raised == []


def test_the_guard_flattens_after_a_death_and_leaves_it_halted(scene) -> None:
    scene.want(2)
    scene.die()
    guard = scene.make(take_over=lambda: scene.connect("guard"))
    assert scene.later(16, guard).verdict is Verdict.IDLE
    assert scene.venue.held == 0
    assert scene.later(60, guard).verdict is Verdict.IDLE, "the guard closed in good order"
    scene.first = scene.connect("cross")
    assert scene.first.state(MES) == "HALTED"


def test_the_guard_presses_until_the_exit_has_gone(scene) -> None:
    scene.want(2)
    scene.die()
    scene.venue.script = [Kind.NOT_SENT, Kind.NOT_SENT, Kind.NOT_SENT]
    guard = scene.make(take_over=lambda: scene.connect("guard"))
    assert scene.later(16, guard).verdict is Verdict.FLATTENING
    assert scene.later(1, guard).verdict is Verdict.FLATTENING
    verdicts = [scene.later(1, guard).verdict for _ in range(3)]
    assert verdicts[-1] is Verdict.IDLE
    assert any("not flat yet: CME:MESZ6 +2" in alarm.text for alarm in scene.alarms.raised)


def test_what_was_under_way_counts_as_held(scene) -> None:
    def dies(signal):
        raise KeyboardInterrupt

    scene.venue._answer = dies
    with pytest.raises(KeyboardInterrupt):
        scene.want(1)
    scene.die()
    assert "CME:MESZ6 +1 under way" in scene.later(16).text


def test_a_frozen_process_is_only_alarmed(scene) -> None:
    scene.want(2)
    scene.beat()
    guard = scene.make(take_over=lambda: scene.connect("guard"))
    sighting = scene.later(16, guard)
    assert sighting.verdict is Verdict.FROZEN
    assert "does not answer" in sighting.text
    assert (scene.killed, scene.venue.held) == ([], 2)
    scene.beat()
    assert scene.later(1, guard).verdict is Verdict.ALIVE, "it woke"


def test_with_takeover_a_frozen_process_is_ended_and_its_position_closed(scene) -> None:
    scene.want(2)
    scene.beat()
    guard = scene.make(take_over=lambda: scene.connect("guard"), takeover=True)
    assert scene.later(16, guard).verdict is Verdict.FROZEN
    assert scene.killed == [FOREIGN]
    scene.die()
    assert scene.later(1, guard).verdict is Verdict.IDLE
    assert scene.venue.held == 0


@pytest.mark.parametrize("jump", [-3_600, 3_600])
def test_a_corrected_wall_clock_is_no_death(scene, jump: int) -> None:
    scene.want(2)
    scene.beat()
    assert scene.later(1).verdict is Verdict.ALIVE
    scene.clock.set_wall(scene.clock.now_ns() + jump * 10**9)
    scene.beat()
    assert scene.later(1).verdict is Verdict.ALIVE


def test_a_guard_that_starts_late_sees_an_old_beat_at_once(scene) -> None:
    scene.want(2)
    scene.die()
    scene.clock.advance(100)
    assert scene.make().look().verdict is Verdict.DEAD


def test_a_workflow_that_nobody_ever_followed_is_idle(scene) -> None:
    other = Guard(scene.watched, "real", "other", clock=scene.clock, alarms=Alarms())
    assert other.look().verdict is Verdict.IDLE
    assert isinstance(scene.watched.mailbox, Mailbox)
