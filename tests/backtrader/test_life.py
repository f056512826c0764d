"""A mirror begins, ends, is copied and is refused where real money could be meant by mistake."""

from __future__ import annotations

import pickle
from typing import Any

import backtrader as bt
import pytest
from tests.backtrader.fakes import Rows, ScriptedGate, walk
from tests.backtrader.runs import play
from tests.backtrader.strategies import Case, InAndOut, Spied, futures

import sim2live
from sim2live.backtrader import MirrorBroker, broker
from sim2live.errors import ConfigError

MES = {"one": "CME:MESZ6"}


def real() -> ScriptedGate:
    return ScriptedGate(simulated=False)


def cerebro_of(venue: Any, **options: Any) -> bt.Cerebro:
    cerebro = bt.Cerebro(stdstats=False, **options)
    cerebro.setbroker(venue)
    venue.set_cash(100_000.0)
    cerebro.adddata(Rows(rows=walk(1, 60)), name="one")
    return cerebro


@pytest.mark.parametrize("option", ["resting", "bracket", "sizing"])
def test_a_word_that_is_none_of_the_words_is_refused(option: str) -> None:
    with pytest.raises(ConfigError, match=option):
        MirrorBroker(ScriptedGate(), **{option: "perhaps"})


def test_a_misspelled_parameter_is_an_error_and_a_right_one_reaches_the_stock_broker() -> None:
    with pytest.raises(TypeError, match="csah"):
        MirrorBroker(ScriptedGate(), csah=5.0)
    assert MirrorBroker(ScriptedGate(), cash=5.0).getcash() == 5.0


def test_a_real_venue_needs_instruments() -> None:
    with pytest.raises(ConfigError, match="a real venue"):
        MirrorBroker(real())


def test_one_broker_runs_twice_and_begins_each_time_from_nothing() -> None:
    venue = MirrorBroker(ScriptedGate())
    logs = []
    for _ in range(2):
        cerebro = cerebro_of(venue)
        cerebro.addstrategy(InAndOut)
        (strategy,) = cerebro.run()
        logs.append(repr(strategy.log))
    assert logs[0] == logs[1]


def test_an_optimisation_is_plain_simulation_and_sends_nothing() -> None:
    gate = ScriptedGate()
    cerebro = cerebro_of(MirrorBroker(gate), maxcpus=1, optreturn=False)
    cerebro.optstrategy(InAndOut, unused=[])
    cerebro.strats.clear()
    cerebro.optstrategy(Sized, size=[1, 2])
    results = cerebro.run()
    assert [run[0].p.size for run in results] == [1, 2]
    assert all(run[0].fills for run in results)
    assert not gate.calls


class Sized(Spied):
    params = (("size", 1), ("unused", None))
    fills = 0

    def decide(self) -> None:
        self.order_target_size(target=self.p.size * (len(self) % 3))

    def on_order(self, order: Any) -> None:
        self.fills += order.status == order.Completed


def test_an_optimisation_on_a_real_venue_is_refused() -> None:
    cerebro = cerebro_of(MirrorBroker(real(), instruments=MES), maxcpus=1)
    cerebro.optstrategy(Sized, size=[1, 2])
    with pytest.raises(ConfigError, match="optimisation would send real orders"):
        cerebro.run()


def test_a_pickled_mirror_is_a_plain_simulation_and_a_real_one_cannot_be_pickled() -> None:
    with sim2live.connect("record") as dispatcher:
        copy = pickle.loads(pickle.dumps(MirrorBroker(dispatcher, cash=7_000.0)))
        assert copy.getcash() == 7_000.0
        strategy = play(Case(InAndOut), copy, "once")
        assert strategy.log == play(Case(InAndOut), bt.brokers.BackBroker(), "once").log
        assert not dispatcher.venue.signals
    with pytest.raises(ConfigError, match="would send real orders"):
        pickle.dumps(MirrorBroker(real(), instruments=MES))


def test_orders_of_the_past_never_reach_a_real_venue() -> None:
    cerebro = cerebro_of(MirrorBroker(real(), instruments=MES))
    cerebro.add_order_history([("2024-01-05", 1, 100.0)])
    cerebro.addstrategy(InAndOut)
    with pytest.raises(ConfigError, match="past orders"):
        cerebro.run()


def test_the_status_of_an_order_can_be_asked_for() -> None:
    venue = MirrorBroker(ScriptedGate())
    play(Case(InAndOut, prepare=futures), venue, "once")
    assert venue.orderstatus(venue.orders[0]) == bt.Order.Completed


@pytest.mark.parametrize(("word", "mirrored"), [("sim", False), ("paper", True)])
def test_one_word_of_the_environment_chooses_the_broker(
    word: str, mirrored: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIM2LIVE_MODE", word)
    chosen = sim2live.backtrader.broker(cash=1234.0)
    assert isinstance(chosen, MirrorBroker) is mirrored
    assert isinstance(chosen, bt.brokers.BackBroker)
    strategy = play(Case(InAndOut), chosen, "once")
    assert repr(strategy.log) == repr(play(Case(InAndOut), bt.brokers.BackBroker(), "once").log)


def test_live_without_a_target_and_an_unknown_mode_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SIM2LIVE_TARGET", raising=False)
    with pytest.raises(ConfigError, match="SIM2LIVE_TARGET"):
        broker(mode="live")
    with pytest.raises(ConfigError, match="must be sim, paper or live"):
        broker(mode="real")  # type: ignore[arg-type]
