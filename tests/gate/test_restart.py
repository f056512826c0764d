"""A run can be stopped at any moment and started again."""

from __future__ import annotations

import pytest
from tests.gate.conftest import MES

from sim2live.gate.ledger import Presumed
from sim2live.gate.receipt import Status
from sim2live.venues.outcome import Kind

PLAN = [2, 2, 0, -1, -1, 3, 3, 1, 0, -2, 0, 4, -4, -4, 0, 1]


def run(strategy, plan, *, first: int = 0) -> list[Status]:
    statuses = []
    for number, target in enumerate(plan, start=1):
        strategy.bar(number)
        if number > first:
            statuses.append(strategy.want(target).status)
    return statuses


def restarted(connect, strategy):
    strategy.dispatcher.close()
    return connect(strategy.venue)


@pytest.mark.parametrize("stop", range(1, len(PLAN) + 1))
def test_a_restart_at_every_bar_ends_where_the_uninterrupted_run_ends(connect, stop) -> None:
    strategy = connect()
    run(strategy, PLAN[:stop])
    signals = len(strategy.venue.tried)
    strategy = restarted(connect, strategy)
    run(strategy, PLAN[:stop])
    assert len(strategy.venue.tried) == signals, "the replay sent something"
    for number, target in enumerate(PLAN[stop:], start=stop + 1):
        strategy.bar(number)
        strategy.want(target)
        assert strategy.venue.held == target


def test_refusals_are_replayed(connect) -> None:
    strategy = connect()
    strategy.bar(1)
    strategy.venue.script = [Kind.REJECTED]
    strategy.want(2)
    strategy.bar(2)
    strategy.want(0)
    strategy.bar(3)
    strategy = restarted(connect, strategy)
    strategy.bar(1)
    receipt = strategy.want(2)
    assert (receipt.status, receipt.granted) == (Status.REJECTED, 0)


def test_a_row_left_sending_is_an_interval(connect) -> None:
    strategy = connect()
    strategy.bar(1)

    def dies(signal):
        raise KeyboardInterrupt

    strategy.venue._answer = dies
    with pytest.raises(KeyboardInterrupt):
        strategy.want(2)
    strategy.venue._answer = strategy.venue._reply
    strategy = restarted(connect, strategy)
    assert strategy.presumed == Presumed(0, 2)
    assert strategy.line.state == "REDUCING"
    strategy.bar(1)
    assert strategy.want(2).status is Status.UNKNOWN
    strategy.bar(2)
    assert strategy.venue.tried == []


def test_an_exit_due_between_two_lives_goes_at_the_start(connect) -> None:
    strategy = connect()
    strategy.bar(1)
    strategy.want(2)
    strategy = restarted(connect, strategy)
    # The strategy was changed: it never wanted the position.
    for number in (1, 2):
        strategy.bar(number)
    assert strategy.venue.held == 0


def test_an_entry_missed_between_two_lives_waits(connect) -> None:
    strategy = connect()
    strategy.bar(5)
    strategy = restarted(connect, strategy)
    strategy.bar(1)
    assert strategy.want(2).status is Status.SHADOW
    strategy.bar(5)
    strategy.bar(6)
    assert strategy.line.state == "REDUCING"
    assert strategy.want(3).status is Status.SHADOW
    assert strategy.venue.held == 0
    assert strategy.want(-1).status is Status.ACCEPTED
    assert strategy.venue.held == -1


def test_two_orders_of_one_bar_with_a_stop_between_them(connect) -> None:
    strategy = connect()
    strategy.bar(1)
    strategy.want(2)
    strategy = restarted(connect, strategy)
    strategy.bar(1)
    assert strategy.want(2).status is Status.ACCEPTED
    assert strategy.want(1).status is Status.ACCEPTED
    strategy.bar(2)
    assert strategy.venue.held == 1
    assert len(strategy.venue.tried) == 2


def test_a_fresh_run_does_not_take_the_other_runs_past_for_its_own(connect) -> None:
    strategy = connect()
    strategy.bar(1)
    strategy.want(2)
    strategy.want(0)
    strategy.dispatcher.close()
    strategy = connect(strategy.venue, run="second")
    strategy.bar(1)
    assert strategy.want(2).status is Status.ACCEPTED
    assert len({signal.signal_id for signal in strategy.venue.tried}) == 3


def test_rows_of_another_venue_are_not_seen(connect) -> None:
    strategy = connect()
    strategy.bar(1)
    strategy.want(2)
    strategy.dispatcher.close()
    strategy.venue.fingerprint = "another"
    strategy = connect(strategy.venue)
    assert strategy.presumed == Presumed(0, 0)
    strategy.bar(1)
    assert strategy.want(2).status is Status.ACCEPTED


def test_a_split_that_was_booked_is_not_booked_again(connect) -> None:
    strategy = connect()
    for split in (False, True):
        for number, target in enumerate((2, 4), start=1):
            strategy.bar(number)
            if number == 1:
                strategy.want(target)
            else:
                strategy.dispatcher.adjust(MES, target, data="mes")
        assert (strategy.presumed.low, strategy.presumed.high) == (4, 4), split
        sent = len(strategy.venue.tried)
        if not split:
            strategy = restarted(connect, strategy)
    strategy.bar(3)
    assert len(strategy.venue.tried) == sent == 1
    assert strategy.line.state == "ACTIVE"


def test_a_split_while_nobody_was_here_is_booked_by_the_replay(connect) -> None:
    strategy = connect()
    run(strategy, [2])
    strategy = restarted(connect, strategy)
    strategy.bar(1)
    strategy.want(2)
    strategy.bar(2)
    strategy.dispatcher.adjust(MES, 4, data="mes")
    strategy.bar(3)
    assert strategy.presumed == Presumed(4, 4, "PRESUMED")
    assert strategy.line.state == "ACTIVE"
