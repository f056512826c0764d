"""What people do from outside: resolve, set a position, halt - also beside a running process."""

from __future__ import annotations

import pytest

from sim2live.clock import ManualClock
from sim2live.errors import ConfigError, LockedError
from sim2live.gate.control import Control
from sim2live.gate.journal import open_journal
from sim2live.gate.ledger import Presumed
from sim2live.gate.operator import Operator
from sim2live.gate.receipt import Status
from sim2live.venues.outcome import Kind


def with_unknown(connect, target: int = 2):
    strategy = connect()
    strategy.bar(1)
    strategy.venue.script = [Kind.UNKNOWN]
    strategy.want(target)
    return strategy, strategy.venue.tried[-1].signal_id


def test_resolved_as_executed_the_position_is_known_and_entries_go_again(connect) -> None:
    strategy, id_ = with_unknown(connect)
    Operator(strategy.dispatcher.gate).resolve(id_, executed=True)
    assert strategy.presumed == Presumed(2, 2, "HUMAN")
    assert strategy.line.state == "ACTIVE"
    assert strategy.want(3).status is Status.ACCEPTED


def test_resolved_as_not_sent_the_instrument_waits(connect) -> None:
    strategy, id_ = with_unknown(connect)
    Operator(strategy.dispatcher.gate).resolve(id_, executed=False)
    assert strategy.presumed == Presumed(0, 0, "HUMAN")
    strategy.bar(2)
    assert len(strategy.venue.tried) == 1, "an entry is never sent late"
    assert strategy.want(3).status is Status.SHADOW
    strategy.want(0)
    assert strategy.want(1).status is Status.ACCEPTED


def test_a_wrong_id_names_the_right_ones(connect) -> None:
    strategy, id_ = with_unknown(connect)
    with pytest.raises(ConfigError, match=id_):
        Operator(strategy.dispatcher.gate).resolve("nonsense", executed=True)


def test_a_position_set_by_hand_settles_everything(connect) -> None:
    strategy, _ = with_unknown(connect, -2)
    Operator(strategy.dispatcher.gate).set_position("pool", strategy.venue.tried[0].instrument, -1)
    assert strategy.presumed == Presumed(-1, -1, "HUMAN")
    strategy.bar(2)
    assert strategy.want(0).status is Status.ACCEPTED
    assert strategy.venue.tried[-1].qty == 1


def test_a_command_left_in_the_journal_is_carried_out_and_answered(connect, tmp_path) -> None:
    strategy, id_ = with_unknown(connect)
    beside = open_journal(str(tmp_path / "journal.sqlite3"), "scripted", ManualClock())
    number = beside.mailbox.ask("pool", "resolve", f"{id_} accepted")
    wrong = beside.mailbox.ask("pool", "resolve", f"{id_} perhaps")
    elsewhere = beside.mailbox.ask("other pool", "halt", "")
    assert beside.mailbox.answered(number) is None
    assert Control(strategy.dispatcher.gate, ManualClock()).obey() == 2
    assert beside.mailbox.answered(number) == "pool CME:MESZ6: presumed +2"
    assert "must be accepted or not-sent" in (beside.mailbox.answered(wrong) or "")
    assert beside.mailbox.answered(elsewhere) is None
    beside.close()


def test_a_second_process_on_the_same_pool_is_refused(connect) -> None:
    strategy = connect()
    with pytest.raises(LockedError, match=r"another process \(pid \d+\) follows workflow 'pool'"):
        connect(strategy.venue)
    strategy.dispatcher.close()
    connect(strategy.venue)


def test_a_halt_outlives_the_process(connect) -> None:
    strategy = connect()
    strategy.bar(1)
    strategy.want(1)
    strategy.dispatcher.halt("lunch")
    strategy.dispatcher.close()
    strategy = connect(strategy.venue)
    assert strategy.line.halted == "lunch"
    strategy.bar(2)
    assert strategy.venue.held == 0, "the simulator of the new process holds nothing"
