"""The recorder keeps the same of a stock run and of a mirrored one."""

from __future__ import annotations

from typing import Any

import backtrader as bt
import pytest
from tests.backtrader.fakes import Rows, ScriptedGate, walk
from tests.backtrader.strategies import BuyBracket, Cross, Fraction, Spied, Trailing

from sim2live.backtrader import MirrorBroker, Recorder
from sim2live.parity import compare
from sim2live.runs import Run


def record(strategy: Any, venue: Any, **options: Any) -> Run:
    cerebro = bt.Cerebro(stdstats=False, **options)
    cerebro.setbroker(venue)
    venue.set_cash(100_000.0)
    cerebro.adddata(Rows(rows=walk(1, 120)), name="one")
    cerebro.addstrategy(strategy)
    cerebro.addanalyzer(Recorder, name="a run")
    (played,) = cerebro.run()
    return played.analyzers.recorder.run


@pytest.mark.parametrize("strategy", [Cross, BuyBracket, Trailing, Fraction])
def test_a_mirrored_run_is_in_parity_with_the_stock_run(strategy: Any, tmp_path: Any) -> None:
    plain = record(strategy, bt.brokers.BackBroker())
    mirrored = record(strategy, MirrorBroker(ScriptedGate()), live=True)
    verdict = compare(plain, mirrored)
    assert str(verdict) == "PARITY", verdict.table()
    assert not verdict.drift
    assert plain.equity == mirrored.equity
    assert (verdict.decisions, verdict.bars) == (len(plain.decisions), 120)
    assert plain.name == "a run"
    path = tmp_path / "run.jsonl"
    plain.write(path)
    assert compare(Run.read(path), mirrored).same


def test_refused_entries_show_as_positions_that_differ_and_carry_their_reason() -> None:
    plain = record(Cross, bt.brokers.BackBroker())
    mirrored = record(Cross, MirrorBroker(ScriptedGate(lambda n, size: n == 2)))
    verdict = compare(plain, mirrored)
    assert not verdict.same
    kinds = {d.kind for d in verdict.differences}
    assert "held" in kinds, "the refusal itself is named"
    assert kinds <= {"held", "holding", "resized"}
    refused = [d for d in mirrored.decisions if d.status == "Rejected"]
    assert [d.reason for d in refused] == ["the script says no"]


class LastBar(Spied):
    def decide(self) -> None:
        if len(self) == 120:
            self.buy(size=3)


def test_the_decision_of_the_last_bar_counts_although_it_was_never_announced() -> None:
    (decision,) = record(LastBar, bt.brokers.BackBroker()).decisions
    assert (decision.side, decision.qty, decision.order_type) == ("BUY", 3.0, "Market")


def test_recording_does_not_change_the_run() -> None:
    logs = []
    for analyzers in ((), (Recorder,)):
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.broker.set_cash(100_000.0)
        cerebro.adddata(Rows(rows=walk(1, 120)), name="one")
        cerebro.adddata(Rows(rows=walk(2, 120)), name="two")
        cerebro.addstrategy(Cross)
        for analyzer in analyzers:
            cerebro.addanalyzer(analyzer)
        (played,) = cerebro.run()
        logs.append(repr(played.log))
    assert logs[0] == logs[1]
