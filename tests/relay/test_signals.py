"""What becomes of a signal between two hosts, with a real server between them."""

from __future__ import annotations

import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.relay.conftest import MES, Beside, order, until
from tests.relay.server import NatsServer

from sim2live.clock import SystemClock
from sim2live.errors import ConfigError
from sim2live.exchange.accounts import Pool
from sim2live.exchange.execution import Behaviour
from sim2live.gate.journal import open_journal
from sim2live.gateway.server import running_gateway
from sim2live.market.bars import Bar
from sim2live.signals import Signal
from sim2live.testing import ChaosGateway
from sim2live.venues.evalitup import EvalItUp
from sim2live.venues.nats import Nats
from sim2live.venues.outcome import Kind, Outcome
from sim2live.venues.paper import Paper
from sim2live.venues.record import Record

TIMEOUT = 10.0
Start = Callable[..., Beside]
Connect = Callable[..., Nats]


def settled(venue: Nats, signal: Signal) -> Outcome:
    """What the relay says, as soon as it says anything."""
    found: list[Outcome] = []

    def asked() -> bool:
        found.extend(one for one in [venue.lookup(signal)] if one is not None)
        return bool(found)

    until(asked)
    return found[0]


def test_the_outcome_is_what_the_real_venue_said(desk: str, relay: Start, connect: Connect) -> None:
    with ChaosGateway() as gateway:
        relay(desk, EvalItUp(gateway.url))
        venue = connect(desk)
        gateway.script("accept", "bad_request", "broken_after")
        assert venue.send(order("one"), timeout=TIMEOUT).kind is Kind.ACCEPTED
        refused = venue.send(order("two"), timeout=TIMEOUT)
        assert (refused.kind, refused.status) == (Kind.REJECTED, 400)
        assert venue.send(order("three"), timeout=TIMEOUT).kind is Kind.UNKNOWN
        assert gateway.account.held("pool", MES) == 2


def test_a_paper_gateway_is_told_which_way_a_signal_came(
    desk: str, relay: Start, connect: Connect
) -> None:
    with running_gateway({"pool": Pool.of("pool")}) as gateway:
        target = EvalItUp(gateway.url)
        assert target.prove_paper(TIMEOUT)
        relay(desk, target)
        before = SystemClock().now_ns()
        assert connect(desk).send(order("one"), timeout=TIMEOUT).kind is Kind.ACCEPTED
        until(lambda: _way(gateway.url) is not None)
        way = _way(gateway.url)
        assert (way["signal_id"], way["host"], way["relay"]) == ("one", platform.node(), "desk")
        assert before <= way["left_at"] <= way["taken_at"] <= SystemClock().now_ns()


def _way(url: str) -> Any:
    answer = requests.get(f"{url}/activity/signal?number=1", timeout=5)
    return answer.json().get("way")


def test_without_streams_nothing_was_sent(desk: str, connect: Connect) -> None:
    outcome = connect(desk).send(order("early"), timeout=TIMEOUT)
    assert outcome.kind is Kind.NOT_SENT
    assert "no relay" in outcome.reason


def test_without_a_server_nothing_was_sent(server: NatsServer, connect: Connect) -> None:
    venue = connect(server.target)
    server.kill()
    outcome = venue.send(order("early"), timeout=TIMEOUT)
    assert (outcome.kind, outcome.timed_out) == (Kind.NOT_SENT, False)


def test_an_id_passes_once_whoever_repeats_it(
    desk: str, relay: Start, connect: Connect, tmp_path: Path
) -> None:
    record = Record()
    first = relay(desk, record)
    venue = connect(desk)
    assert venue.send(order("same"), timeout=TIMEOUT).kind is Kind.ACCEPTED
    assert venue.send(order("same"), timeout=TIMEOUT).kind is Kind.ACCEPTED
    # The journal remembers, too, what the server has forgotten.
    parcel = _parcel(order("same"), first)
    first.relay.passage.carry(parcel)
    assert [one.signal_id for one in record.signals] == ["same"]


def _parcel(signal: Any, beside: Beside, *, age: float = 0.0, done: Any = None) -> Any:
    from sim2live.venues.broker import Parcel

    stored_at = round((beside.relay.lease.age(0) - age) * 1e9)
    return Parcel(signal.encode(), {}, stored_at, done or (lambda: None))


def test_an_id_that_means_something_else_now_is_refused(
    desk: str, relay: Start, connect: Connect
) -> None:
    record = Record()
    relay(desk, record)
    venue = connect(desk)
    assert venue.send(order("same"), timeout=TIMEOUT).kind is Kind.ACCEPTED
    other = venue.send(order("same", workflow="elsewhere"), timeout=TIMEOUT)
    assert other.kind is Kind.REJECTED
    assert "another signal" in other.reason
    assert len(record.signals) == 1


def test_an_old_entry_is_dropped_and_an_old_exit_goes(desk: str, relay: Start) -> None:
    record = Record()
    beside = relay(desk, record, life=30.0)
    for age, name in ((29, "young"), (31, "old")):
        beside.relay.passage.carry(_parcel(order(f"entry-{name}"), beside, age=age))
        beside.relay.passage.carry(
            _parcel(order(f"exit-{name}", closing=True), beside, age=100 * age)
        )
    assert [one.signal_id for one in record.signals] == ["entry-young", "exit-young", "exit-old"]
    row = beside.journal.find(["entry-old"])["entry-old"]
    assert (row.state, row.sends) == ("HELD", 0)
    assert "31 s" in row.reason


def test_what_waits_at_the_server_is_told_by_an_answer_or_withdrawn(
    desk: str, relay: Start, connect: Connect
) -> None:
    record = Record()
    beside = relay(desk, record)
    venue = connect(desk)
    venue.send(order("before"), timeout=TIMEOUT)
    beside.pause()  # it holds the lease still, and takes nothing
    assert venue.send(order("waits"), timeout=0.3).kind is Kind.UNKNOWN
    withdrawn = settled(venue, order("waits"))
    assert withdrawn.kind is Kind.REJECTED
    beside.relay.step(1.0)  # now it takes the signal
    until(lambda: beside.journal.find(["waits"])["waits"].state == "HELD")
    known = settled(venue, order("before"))
    assert known.kind is Kind.ACCEPTED
    assert [one.signal_id for one in record.signals] == ["before"]


def test_a_receipt_outlives_its_relay_and_the_strategy_that_waits(
    desk: str, relay: Start, connect: Connect
) -> None:
    beside = relay(desk, Record())
    assert connect(desk).send(order("one"), timeout=TIMEOUT).kind is Kind.ACCEPTED
    beside.pause()
    beside.relay.lease.give_back()
    found = settled(connect(desk), order("one"))
    assert found.kind is Kind.ACCEPTED
    assert connect(desk).lookup(order("never-sent")) is None


def test_an_exit_that_cannot_go_is_owed_until_somebody_asks(
    desk: str, relay: Start, connect: Connect
) -> None:
    with ChaosGateway(behaviour=Behaviour(dedupe=True)) as gateway:
        beside = relay(desk, EvalItUp(gateway.url))
        venue = connect(desk)
        venue.send(order("in"), timeout=TIMEOUT)
        gateway.down()
        owed = venue.send(order("out", closing=True), timeout=TIMEOUT)
        assert owed.kind is Kind.UNKNOWN
        assert "owes" in owed.reason
        refused = venue.send(order("more"), timeout=TIMEOUT)
        assert refused.kind is Kind.NOT_SENT
        # Asked for, it is the gate's again, and the relay leaves it alone for good.
        given_back = settled(venue, order("out", closing=True))
        assert given_back.kind is Kind.REJECTED
        # One that nobody asks about goes as soon as it can.
        venue.send(order("out-too", closing=True), timeout=TIMEOUT)
        gateway.up()
        until(lambda: gateway.account.held("pool", MES) == 0)
        assert [one.signal_id for one in gateway.received] == ["in", "out-too"]
        assert beside.journal.find(["out"])["out"].state == "REJECTED"


def test_a_signal_meant_for_paper_never_reaches_another_venue(
    desk: str, relay: Start, connect: Connect, tmp_path: Path
) -> None:
    paper = relay(desk, Paper())
    venue = connect(desk)
    assert venue.meet(TIMEOUT)
    venue.on_bar(MES, Bar(1_000_000_000, 100.0, 100.0, 100.0, 100.0))
    assert venue.send(order("in"), timeout=TIMEOUT).kind is Kind.ACCEPTED
    until(lambda: venue.positions("pool") == {MES: 1})
    paper.close()
    with ChaosGateway() as gateway:
        relay(desk, EvalItUp(gateway.url))
        outcome = venue.send(order("again"), timeout=TIMEOUT)
        assert outcome.kind is Kind.REJECTED
        assert "another venue" in outcome.reason
        assert gateway.received == []


def test_another_journal_may_not_dispatch_from_the_same_desk(
    desk: str, relay: Start, tmp_path: Path
) -> None:
    relay(desk, Record()).close()
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(ConfigError, match="another journal"):
        _step_once(desk, other)


def _step_once(desk: str, folder: Path) -> None:
    from sim2live.gate.alarms import Alarms
    from sim2live.relay.relay import Relay
    from sim2live.venues.nats import open_broker
    from sim2live.venues.nats_address import NatsAddress
    from sim2live.venues.relay_words import Subjects

    address, clock, venue = NatsAddress(desk), SystemClock(), Record()
    subjects = Subjects(address.desk)
    made = Relay(
        open_broker(address, subjects), subjects, venue,
        open_journal(str(folder / "relay.sqlite3"), venue.fingerprint, clock),
        clock=clock, alarms=Alarms(), host="other",
    )  # fmt: skip
    try:
        made.step(0.1)
    finally:
        made.close()


def test_a_workflow_of_any_name_is_its_own(desk: str, relay: Start, connect: Connect) -> None:
    record = Record()
    relay(desk, record)
    venue = connect(desk)
    names = ["a.b", "a", ">", "*", "caf\u00e9 \U0001f600", "$JS.API", "a/../b", "%2E"]
    for name in names:
        outcome = venue.send(order(f"to {name}", workflow=name), timeout=TIMEOUT)
        assert outcome.kind is Kind.ACCEPTED, (name, outcome)
    assert [one.workflow_id for one in record.signals] == names


def test_the_server_may_die_and_come_back(
    server: NatsServer, relay: Start, connect: Connect
) -> None:
    record = Record()
    relay(server.target, record)
    venue = connect(server.target)
    assert venue.send(order("one"), timeout=TIMEOUT).kind is Kind.ACCEPTED
    server.kill()
    assert venue.send(order("two"), timeout=TIMEOUT).kind is Kind.NOT_SENT
    server.start()
    until(lambda: venue.probe(timeout=1.0))
    assert venue.send(order("three"), timeout=TIMEOUT).kind is Kind.ACCEPTED
    assert [one.signal_id for one in record.signals] == ["one", "three"]


def test_a_server_that_went_back_in_time_repeats_and_loses_nothing(
    server: NatsServer, relay: Start, connect: Connect
) -> None:
    record = Record()
    relay(server.target, record)
    venue = connect(server.target)
    venue.send(order("kept"), timeout=TIMEOUT)
    server.stop()
    server.keep_copy()
    server.start()
    until(lambda: venue.probe(timeout=1.0))
    for number in range(5):
        outcome = venue.send(order(f"lost-{number}"), timeout=TIMEOUT)
        assert outcome.kind is Kind.ACCEPTED
    server.kill()
    server.go_back()
    server.start()
    until(lambda: venue.probe(timeout=1.0))
    for number in range(5):
        known = settled(venue, order(f"lost-{number}"))
        assert known.kind is Kind.ACCEPTED
    assert venue.send(order("after"), timeout=TIMEOUT).kind is Kind.ACCEPTED
    assert len(record.signals) == 7


def test_a_frozen_server_leaves_an_unknown_outcome_that_settles_later(
    server: NatsServer, relay: Start, connect: Connect
) -> None:
    record = Record()
    relay(server.target, record)
    venue = connect(server.target)
    venue.send(order("one"), timeout=TIMEOUT)
    server.freeze()
    frozen = venue.send(order("two"), timeout=0.5)
    assert (frozen.kind, frozen.timed_out) == (Kind.UNKNOWN, True)
    server.thaw()
    found = settled(venue, order("two"))
    sent = "two" in [one.signal_id for one in record.signals]
    assert found.kind is (Kind.ACCEPTED if sent else Kind.REJECTED)
