"""The venue is made to follow the target: differences, flips, refusals, owed exits."""

from __future__ import annotations

import pytest
from tests.gate.conftest import MES

from sim2live import settings
from sim2live.gate.ledger import Presumed
from sim2live.gate.receipt import Status
from sim2live.venues.base import Profile
from sim2live.venues.outcome import Kind


def sent(strategy) -> list[tuple[str, int, str]]:
    return [(s.side, s.qty, s.open_close) for s in strategy.venue.tried]


def test_what_goes_out_is_the_difference(connect) -> None:
    strategy = connect()
    strategy.bar(1)
    assert strategy.want(2).status is Status.ACCEPTED
    assert strategy.want(5).status is Status.ACCEPTED
    assert strategy.want(1).status is Status.ACCEPTED
    assert sent(strategy) == [("BUY", 2, "OPEN"), ("BUY", 3, "OPEN"), ("SELL", 4, "CLOSE")]
    assert strategy.presumed == Presumed(1, 1)


def test_the_same_target_again_sends_nothing(connect) -> None:
    strategy = connect()
    strategy.bar(1)
    strategy.want(2)
    receipt = strategy.want(2)
    assert (receipt.status, receipt.granted) == (Status.SHADOW, 2)
    assert len(strategy.venue.tried) == 1


def test_a_flip_is_close_then_open(connect) -> None:
    strategy = connect()
    strategy.bar(1)
    strategy.want(3)
    receipt = strategy.want(-2)
    assert receipt.status is Status.ACCEPTED
    assert sent(strategy)[1:] == [("SELL", 3, "CLOSE"), ("SELL", 2, "OPEN")]
    assert len(receipt.signals) == 2


def test_a_flip_whose_opening_is_refused_keeps_the_close(connect) -> None:
    strategy = connect()
    strategy.bar(1)
    strategy.want(3)
    strategy.venue.script = [Kind.ACCEPTED, Kind.REJECTED]
    receipt = strategy.want(-2)
    assert (receipt.status, receipt.granted) == (Status.REJECTED, 0)
    strategy.bar(2)
    assert strategy.venue.held == 0
    assert len(strategy.venue.tried) == 3


def test_targets_of_several_datas_are_summed(connect) -> None:
    strategy = connect()
    strategy.bar(1)
    strategy.want(2, data="a")
    strategy.want(-1, data="b")
    assert strategy.venue.held == 1
    # The exit of b is the net position's entry, and goes as one.
    strategy.want(0, data="b")
    assert sent(strategy) == [("BUY", 2, "OPEN"), ("SELL", 1, "CLOSE"), ("BUY", 1, "OPEN")]


@pytest.mark.parametrize("kind", [Kind.REJECTED, Kind.NOT_SENT])
def test_a_refused_entry_is_not_tried_again(connect, kind: Kind) -> None:
    strategy = connect()
    strategy.bar(1)
    strategy.venue.script = [kind]
    receipt = strategy.want(2)
    assert (receipt.status.value, receipt.granted, receipt.ok) == (kind.value, 0, False)
    strategy.bar(2)
    strategy.bar(3)
    assert len(strategy.venue.tried) == 1
    assert strategy.presumed == Presumed(0, 0)


def test_an_exit_that_did_not_go_is_owed_with_the_same_bytes(connect) -> None:
    strategy = connect()
    strategy.bar(1)
    strategy.want(2)
    strategy.venue.script = [Kind.NOT_SENT, Kind.NOT_SENT]
    receipt = strategy.want(0)
    assert (receipt.status, receipt.granted) == (Status.PENDING, 0)
    assert strategy.line.reasons == ("OWED",)
    # An entry waits while the exit is owed.
    refused = strategy.want(1)
    assert refused.status is Status.HELD
    strategy.bar(2)
    strategy.bar(3)
    exits = strategy.venue.tried[1:]
    assert len({signal.encode() for signal in exits}) == 1
    assert strategy.venue.held == 0
    assert strategy.line.state == "ACTIVE"
    assert strategy.want(1).status is Status.ACCEPTED


def test_a_rejected_exit_stays_owed_under_a_fresh_id(connect) -> None:
    strategy = connect()
    strategy.bar(1)
    strategy.want(2)
    strategy.venue.script = [Kind.REJECTED]
    assert strategy.want(0).status is Status.PENDING
    strategy.bar(2)
    assert strategy.venue.held == 0
    assert strategy.venue.tried[1].signal_id != strategy.venue.tried[2].signal_id


@pytest.mark.parametrize("executed", [True, False])
def test_an_unknown_entry_is_never_sent_again(connect, executed: bool) -> None:
    strategy = connect()
    strategy.bar(1)
    strategy.venue.script = [Kind.UNKNOWN]
    strategy.venue.executes_unknown = executed
    receipt = strategy.want(2)
    assert (receipt.status, receipt.granted, receipt.ok) == (Status.UNKNOWN, 2, True)
    assert strategy.presumed == Presumed(0, 2)
    assert strategy.want(3).status is Status.HELD
    strategy.bar(2)
    # Its exit may send only what is sure, which is nothing; the rest is owed and alarmed.
    receipt = strategy.want(0)
    assert receipt.status is Status.PENDING
    assert len(strategy.venue.tried) == 1
    assert strategy.dispatcher.gate.alarms.raised


def test_an_exit_after_an_unknown_add_sends_the_sure_part(connect) -> None:
    strategy = connect()
    strategy.bar(1)
    strategy.want(2)
    strategy.venue.script = [Kind.UNKNOWN]
    strategy.want(5)
    assert strategy.presumed == Presumed(2, 5)
    receipt = strategy.want(0)
    assert receipt.status is Status.PENDING
    assert sent(strategy)[-1] == ("SELL", 2, "CLOSE")
    assert strategy.presumed == Presumed(0, 3)


def test_an_unknown_exit_halts_until_a_human_speaks(connect) -> None:
    strategy = connect()
    strategy.bar(1)
    strategy.want(2)
    strategy.venue.script = [Kind.UNKNOWN]
    assert strategy.want(0).status is Status.UNKNOWN
    assert strategy.line.state == "HALTED"
    strategy.bar(2)
    assert len(strategy.venue.tried) == 2


def test_an_unknown_exit_is_repeated_where_that_is_proved_harmless(connect) -> None:
    strategy = connect(profile=Profile(dedupe="yes"))
    strategy.bar(1)
    strategy.want(2)
    strategy.venue.script = [Kind.UNKNOWN]
    strategy.want(0)
    strategy.bar(2)
    first, again = strategy.venue.tried[1:]
    assert first.encode() == again.encode()
    assert strategy.presumed.known
    assert strategy.line.state == "ACTIVE"


def test_an_accepted_exit_that_unhappens_is_undone(connect) -> None:
    strategy = connect()
    strategy.bar(1)
    strategy.want(2)
    strategy.want(0)
    # The simulated exit is margined or cancelled: the target grows without an order.
    receipt = strategy.dispatcher.follow(
        strategy.venue.tried[0].instrument, 2, data="mes", nth=-1, decided_at=10**9
    )
    assert receipt.status is Status.ACCEPTED
    assert strategy.venue.held == 2


def test_an_unexit_that_a_rule_refuses_waits(connect) -> None:
    strategy = connect(rules=settings.Rules(max_signals_per_minute=1))
    strategy.bar(1)
    strategy.want(2)
    strategy.want(0)
    receipt = strategy.dispatcher.follow(
        strategy.venue.tried[0].instrument, 2, data="mes", nth=-1, decided_at=10**9
    )
    assert (receipt.status, receipt.granted) == (Status.SHADOW, 2)
    assert strategy.line.waiting == 1
    assert strategy.want(3).status is Status.SHADOW, "what was not undone is not opened late"
    assert strategy.venue.held == 0


@pytest.mark.parametrize("compared", [False, True])
def test_an_exit_that_finds_the_instrument_busy_ends_the_waiting(connect, compared: bool) -> None:
    strategy = connect(rules=settings.Rules(max_signals_per_minute=1))
    strategy.bar(1)
    strategy.want(2)
    strategy.want(0)
    strategy.dispatcher.follow(MES, 2, data="mes", nth=-1, decided_at=10**9)
    assert strategy.line.waiting == 1
    gate = strategy.dispatcher.gate
    gate._timeout = 0.01
    with gate.book("pool", MES).lock:
        assert strategy.want(0).status is Status.PENDING
    if compared:
        gate.heal(gate.book("pool", MES))
        assert strategy.line.state == "ACTIVE", "the next comparison knows it already"
    gate.doorkeeper.rules = ()
    assert strategy.want(2).status is Status.ACCEPTED, "a fresh entry, not a late one"
    assert strategy.venue.held == 2


def test_rules_are_asked_for_entries_only(connect) -> None:
    strategy = connect(rules=settings.Rules(max_quantity=3, max_position=4))
    strategy.bar(1)
    receipt = strategy.want(4)
    assert receipt.status is Status.HELD
    assert receipt.reason == "max_quantity: an entry of 4 contracts, the limit is 3"
    strategy.want(3)
    assert strategy.want(5).reason == (
        "max_position: CME:MESZ6 would stand at 5 contracts, the limit is 4"
    )
    strategy.want(4)
    assert strategy.want(0).status is Status.ACCEPTED
    assert sent(strategy)[-1] == ("SELL", 4, "CLOSE")


def test_flatten_sends_everything_home_and_halts(connect) -> None:
    strategy = connect()
    strategy.bar(1)
    strategy.want(3)
    strategy.venue.script = [Kind.NOT_SENT]
    strategy.dispatcher.flatten()
    strategy.bar(2)
    assert strategy.venue.held == 0
    assert strategy.line.state == "HALTED"
    assert strategy.want(4).status is Status.HELD
    strategy.dispatcher.resume()
    strategy.bar(3)
    assert strategy.venue.held == 0, "what the simulator still holds waits after a resume"
    strategy.want(0)
    assert strategy.want(1).status is Status.ACCEPTED
