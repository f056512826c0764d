"""Nobody looks after a position: row 56. A page that shows what others wrote: row 33."""

from __future__ import annotations

from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.agreed import agreed
from tests.gateway.conftest import Client, a_signal

from sim2live.clock import ManualClock, to_ns
from sim2live.gate.alarms import Alarms
from sim2live.gate.duties import FeedWatch, FlattenAt
from sim2live.gate.journal import open_journal
from sim2live.gate.supervisor import Heartbeat
from sim2live.gateway.server import running_gateway
from sim2live.guard import Guard, Verdict
from sim2live.market.bars import Bar
from sim2live.settings import connect
from sim2live.signals import Instrument
from sim2live.venues.record import Record

MES = Instrument("CME", "MESH6")
MONDAY = to_ns(datetime(2026, 1, 5, 15, tzinfo=UTC))


class Scene:
    """A strategy that is long two contracts, its clock, and its journal."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(MONDAY)
        self.beside = ExitStack()
        self.journal = str(folder / "journal.sqlite3")
        self.venue = Record()
        self.venue.fingerprint = "one"
        self.dispatcher = self.open()
        self.dispatcher.on_bar(MES, Bar(MONDAY, 100.0, 100.0, 100.0, 100.0))
        self.dispatcher.follow(MES, 2, data="mes", nth=0, decided_at=MONDAY)
        Heartbeat().look(self.dispatcher.gate, MONDAY)

    def open(self) -> Any:
        return connect(
            self.venue, workflow="pool", journal=self.journal, clock=self.clock,
            settings=agreed(),
        )  # fmt: skip

    def guard(self, **more: Any) -> Guard:
        self.alarms = Alarms()
        kept = self.beside.enter_context(closing(open_journal(self.journal, "one", self.clock)))
        return Guard(kept, "one", "pool", clock=self.clock, alarms=self.alarms, **more)

    @property
    def held(self) -> int:
        return sum(signal.signed for signal in self.venue.signals)

    def die(self) -> None:
        gate: Any = self.dispatcher.gate
        gate.journal._db.close()
        gate.shelf.release()
        gate._closed = True


@pytest.fixture
def scene(tmp_path: Path) -> Any:
    made = Scene(tmp_path)
    with made.beside:
        yield made
    made.dispatcher.close()


def test_fault_56_a_frozen_feed_is_alarmed_while_something_is_held(scene: Scene) -> None:
    watch = FeedWatch(300.0, scene.clock)
    watch.look(scene.dispatcher.gate, scene.clock.now_ns())
    assert scene.dispatcher.gate.alarms.raised == []
    scene.clock.advance(301)
    watch.look(scene.dispatcher.gate, scene.clock.now_ns())
    assert "no bar for more than" in scene.dispatcher.gate.alarms.raised[-1].text


def test_fault_56_flat_by_the_time_that_was_asked_for(scene: Scene) -> None:
    duty = FlattenAt("15:55 America/New_York")
    duty.look(scene.dispatcher.gate, MONDAY)
    assert scene.held == 2
    duty.look(scene.dispatcher.gate, to_ns(datetime(2026, 1, 5, 20, 55, 1, tzinfo=UTC)))
    assert scene.held == 0


def test_fault_56_a_dead_process_is_alarmed(scene: Scene) -> None:
    guard = scene.guard()
    assert guard.look().verdict is Verdict.ALIVE
    scene.die()
    scene.clock.advance(60)
    assert guard.look().verdict is Verdict.DEAD
    assert "+2 is presumed" in scene.alarms.raised[-1].text


def test_fault_56_a_dead_process_s_position_is_brought_to_zero(scene: Scene) -> None:
    guard = scene.guard(take_over=scene.open)
    guard.look()
    scene.die()
    scene.clock.advance(60)
    guard.look()
    assert scene.held == 0
    guard.close()


def test_fault_56_a_frozen_process_is_alarmed_and_not_doubled(scene: Scene) -> None:
    guard = scene.guard(take_over=scene.open)
    guard.look()
    scene.clock.advance(60)
    assert guard.look().verdict is Verdict.FROZEN
    assert scene.held == 2
    assert scene.alarms.raised


EVIL = "<img src=x onerror=alert(1)>"


def test_fault_33_a_text_of_others_stays_text() -> None:
    """Names reach the page as JSON; the page itself is fixed, and runs no script but its own."""
    with running_gateway() as gateway:
        client = Client(gateway.port)
        client.post("/signal/python-test", a_signal(EVIL))
        client.connection.request("GET", "/")
        answer = client.connection.getresponse()
        body = answer.read().decode()
        assert answer.status == 200
        assert EVIL not in body
        policy = answer.getheader("content-security-policy") or ""
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.getheader("x-content-type-options") == "nosniff"
        client.close()
