"""Exactly one relay is at work, whatever the clocks and the processes do."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.relay.conftest import order, until
from tests.relay.double import Double, Server
from tests.relay.server import NatsServer
from tests.relay.world import Inline

from sim2live.clock import ManualClock
from sim2live.errors import ConfigError
from sim2live.gate.alarms import Alarms
from sim2live.gate.journal import open_journal
from sim2live.relay.lease import Lease
from sim2live.relay.relay import Relay
from sim2live.signals import Signal
from sim2live.testing import ChaosGateway
from sim2live.venues.nats import Nats
from sim2live.venues.outcome import Kind, Outcome
from sim2live.venues.record import Record
from sim2live.venues.relay_words import Subjects

TIMEOUT = 10.0


@pytest.fixture
def double(manual_clock: ManualClock) -> Server:
    return Server(Subjects("desk"), manual_clock)


def lease(server: Server, clock: ManualClock, holder: str, journal: str = "one") -> Lease:
    return Lease(Double(server), clock, holder=holder, journal=journal, host="desk", seconds=5.0)


def test_one_holds_it_and_the_other_takes_it_only_when_it_stands_still(
    double: Server, manual_clock: ManualClock
) -> None:
    first, second = lease(double, manual_clock, "a"), lease(double, manual_clock, "b")
    assert first.hold(0)
    for _ in range(20):
        manual_clock.advance(1)
        assert first.hold(0)
        assert not second.hold(0)
    manual_clock.advance(5.1)
    assert not first.valid()
    assert not second.hold(0)  # it moved five seconds ago; others count longer than the holder
    manual_clock.advance(2.6)
    assert second.hold(0)
    assert second.epoch > first.epoch
    assert not first.hold(0)
    assert not first.valid()


def test_a_corrected_wall_clock_moves_no_lease(double: Server, manual_clock: ManualClock) -> None:
    first, second = lease(double, manual_clock, "a"), lease(double, manual_clock, "b")
    first.hold(0)
    second.hold(0)
    manual_clock.set_wall(manual_clock.now_ns() + 3_600_000_000_000)
    assert first.valid()
    assert not second.hold(0)


def test_one_that_was_given_back_is_taken_at_once(
    double: Server, manual_clock: ManualClock
) -> None:
    first, second = lease(double, manual_clock, "a"), lease(double, manual_clock, "b")
    first.hold(7)
    assert first.epoch == 8
    first.give_back()
    assert not first.valid()
    assert second.hold(0)
    assert second.epoch == 9


def test_a_broker_that_forgot_it_gives_no_epoch_twice(
    double: Server, manual_clock: ManualClock
) -> None:
    first = lease(double, manual_clock, "a")
    first.hold(0)
    double.lose()
    assert not first.hold(first.epoch)
    assert first.hold(first.epoch)
    assert first.epoch == 2


def test_another_journal_takes_the_desk_only_when_a_human_says_so(
    double: Server, manual_clock: ManualClock
) -> None:
    lease(double, manual_clock, "a").hold(0)
    other = lease(double, manual_clock, "b", journal="two")
    with pytest.raises(ConfigError, match="another journal"):
        other.hold(0)
    other.forget_others()
    assert other.hold(0)
    assert other.epoch == 2


def test_a_relay_that_slept_sends_nothing_when_it_wakes(
    double: Server, manual_clock: ManualClock, tmp_path: Path
) -> None:
    record = Record()
    journal = open_journal(str(tmp_path / "j.sqlite3"), record.fingerprint, manual_clock)
    relay = Relay(
        Double(double), double.subjects, record, journal,
        clock=manual_clock, alarms=Alarms(), host="desk", lanes=Inline(),
    )  # fmt: skip
    relay.step(0.0)
    relay.step(0.0)
    strategy = Double(double)
    for name, closing in (("entry", False), ("exit", True)):
        one = order(name, closing=closing)
        strategy.put(double.subjects.signal("pool"), one.encode(), id_=name, headers={}, timeout=1)
    intend = journal.intend

    def asleep(*given: object) -> None:
        intend(*given)  # type: ignore[arg-type]
        manual_clock.advance(60)

    journal.intend = asleep  # type: ignore[method-assign]
    relay.step(0.0)
    assert record.signals == []
    journal.intend = intend  # type: ignore[method-assign]
    found = journal.find(["entry"])["entry"]
    assert (found.state, found.reason) == ("NOT_SENT", "the lease was over before a byte left")
    for _ in range(40):
        manual_clock.advance(1)
        relay.step(0.0)
    assert [one.signal_id for one in record.signals] == ["exit"]  # owed, and then sent
    relay.close()


class Refusing(Record):
    """A venue that loses every answer."""

    def send(self, signal: Signal, *, timeout: float) -> Outcome:
        super().send(signal, timeout=timeout)
        return Outcome(Kind.UNKNOWN, "no whole answer came back")


def test_an_unknown_exit_halts_and_is_never_repeated(
    double: Server, manual_clock: ManualClock, tmp_path: Path
) -> None:
    venue = Refusing()
    journal = open_journal(str(tmp_path / "j.sqlite3"), venue.fingerprint, manual_clock)
    alarms = Alarms()
    relay = Relay(
        Double(double), double.subjects, venue, journal,
        clock=manual_clock, alarms=alarms, host="desk", lanes=Inline(),
    )  # fmt: skip
    relay.step(0.0)
    relay.step(0.0)
    one = order("exit", closing=True)
    Double(double).put(
        double.subjects.signal("pool"), one.encode(), id_="exit", headers={}, timeout=1
    )
    for _ in range(40):
        relay.step(0.0)
        manual_clock.advance(1)
    assert len(venue.signals) == 1
    slip = relay.passage.ask(one.encode())
    assert slip is not None
    assert (slip.kind, slip.halts) == (Kind.UNKNOWN, True)
    assert alarms.raised
    relay.close()


@pytest.mark.slow
def test_a_standby_takes_over_from_a_relay_that_is_killed(
    server: NatsServer, command: Callable[..., subprocess.Popen[str]]
) -> None:
    with ChaosGateway() as gateway:
        words = ("relay", "--from", server.target, "--to", gateway.url)
        fast = ("--lease", "1.5", "--timeout", "0.5")
        first = command(*words, *fast)
        venue = Nats(server.target)
        until(lambda: venue.probe(timeout=1.0))
        second = command(*words, *fast)
        assert venue.send(order("one"), timeout=TIMEOUT).kind is Kind.ACCEPTED
        # One that is frozen holds the journal's lock: the standby waits, and says for whom.
        first.send_signal(signal.SIGSTOP)
        assert second.stdout is not None
        until(lambda: f"pid {first.pid}" in second.stdout.readline())
        assert not venue.probe(timeout=1.0)
        first.kill()
        until(lambda: venue.probe(timeout=1.0))
        assert venue.send(order("two"), timeout=TIMEOUT).kind is Kind.ACCEPTED
        known = venue.lookup(order("one"))
        assert known is not None
        assert known.kind is Kind.ACCEPTED
        second.terminate()
        said, _ = second.communicate(timeout=200)
        assert second.returncode == 0
        assert "Stopped" in said
        venue.close()
        assert [one.signal_id for one in gateway.received] == ["one", "two"]


@pytest.mark.timeout(120)
def test_a_lost_journal_is_given_up_by_a_human_only(
    server: NatsServer, command: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    with ChaosGateway() as gateway:
        words = ("relay", "--from", server.target, "--to", gateway.url, "--timeout", "0.5")
        first = command(*words, "--journal", str(tmp_path / "lost.sqlite3"))
        with contextlib.closing(Nats(server.target)) as venue:
            until(lambda: venue.probe(timeout=1.0))
            assert venue.send(order("one"), timeout=TIMEOUT).kind is Kind.ACCEPTED
            first.terminate()
            first.communicate(timeout=20)
            anew = (*words, "--journal", str(tmp_path / "new.sqlite3"))
            refused = command(*anew)
            said, _ = refused.communicate(timeout=40)
            assert refused.returncode == 2
            assert "another journal" in said
            assert "--new-journal" in said
            command(*anew, "--new-journal")
            until(lambda: venue.probe(timeout=1.0))
            assert venue.send(order("two"), timeout=TIMEOUT).kind is Kind.ACCEPTED
        assert [one.signal_id for one in gateway.received] == ["one", "two"]
