"""A mapped future makes the money that its contract makes; what the user says wins."""

from __future__ import annotations

from typing import Any

import backtrader as bt
import pytest
from tests.backtrader.fakes import Rows, ScriptedGate, walk
from tests.backtrader.runs import play
from tests.backtrader.strategies import Case, Cross, InAndOut, Spied

from sim2live.backtrader import MirrorBroker, broker

MES = {"one": "CME:MESZ6"}


class InAndOutOnce(Spied):
    def decide(self) -> None:
        if len(self) == 3:
            self.buy(size=2)
        elif len(self) == 9:
            self.close()


def profit(venue: Any) -> float:
    strategy = play(Case(InAndOutOnce), venue, "once")
    assert not strategy.position
    return strategy.broker.getvalue() - 100_000.0


def test_points_of_a_mapped_contract_are_worth_what_the_exchange_says() -> None:
    rows = walk(1, 150)
    points = 2 * (rows[9][1] - rows[3][1])
    assert profit(MirrorBroker(ScriptedGate())) == pytest.approx(points)
    assert profit(MirrorBroker(ScriptedGate(), instruments=MES)) == pytest.approx(5 * points)
    sp500 = {"one": "SIM:SP500"}
    assert profit(MirrorBroker(ScriptedGate(), instruments=sp500)) == pytest.approx(5 * points)
    share = {"one": "SIM:SPY"}
    assert profit(MirrorBroker(ScriptedGate(), instruments=share)) == pytest.approx(points)


def test_an_explicit_scheme_wins_for_the_data_and_for_all_datas() -> None:
    rows = walk(1, 150)
    points = 2 * (rows[9][1] - rows[3][1])
    for name in ("one", None):
        venue = MirrorBroker(ScriptedGate(), instruments=MES)
        venue.setcommission(mult=3.0, margin=100.0, name=name)
        assert profit(venue) == pytest.approx(3 * points)
    given = bt.CommInfoBase(mult=7.0, margin=100.0)
    assert profit(MirrorBroker(ScriptedGate(), instruments=MES, commission=given)) == pytest.approx(
        7 * points
    )


@pytest.mark.parametrize("strategy", [Cross, InAndOut])
def test_the_switch_counts_the_same_money_in_simulation_as_the_mirror(strategy: Any) -> None:
    simulated = play(Case(strategy), broker(mode="sim", instruments=MES), "once")
    mirrored = play(Case(strategy), MirrorBroker(ScriptedGate(), instruments=MES), "once")
    assert repr(simulated.log) == repr(mirrored.log)


def test_a_data_that_is_only_looked_at_needs_no_instrument_but_trading_it_does() -> None:
    class LooksAtTwo(Spied):
        def decide(self) -> None:
            if len(self) == 3:
                self.buy(data=self.data1, size=1)
                self.buy(data=self.data0, size=1)

    gate = ScriptedGate()
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.setbroker(MirrorBroker(gate, instruments=MES))
    for name in ("one", "vix"):
        cerebro.adddata(Rows(rows=walk(1, 20)), name=name)
    cerebro.addstrategy(LooksAtTwo)
    (strategy,) = cerebro.run()
    ends = {e[1]: e[2] for e in strategy.log if e[0] == "order"}
    assert ends == {0: "Rejected", 1: "Completed"}
    assert "'vix' is not in it" in strategy.broker.orders[0].info.sim2live
    assert [signal.instrument.symbol for signal in gate.signals] == ["MESZ6"]
    assert {instrument.symbol for instrument, _ in gate.bars} == {"MESZ6"}
