"""Faults of the stock broker that bite live: each is there in stock, and not here."""

from __future__ import annotations

from typing import Any

import backtrader as bt
import pytest
from tests.backtrader.fakes import Rows, ScriptedGate, walk
from tests.backtrader.strategies import Spied

import sim2live
from sim2live.backtrader import MirrorBroker, VenueBroker


class Bare(bt.BrokerBase):
    """A broker that has the old names only, as live brokers of others do."""

    def getcash(self) -> float:
        return 1.0

    def getvalue(self, datas: Any = None) -> float:
        return 2.0


def test_both_spellings_of_cash_and_value_exist() -> None:
    assert not hasattr(Bare(), "get_cash"), "the alias is set under the class's own name"
    with sim2live.connect("paper") as dispatcher:
        for broker in (MirrorBroker(dispatcher, cash=5.0), VenueBroker(dispatcher, cash=5.0)):
            assert broker.get_cash() == broker.getcash() == 5.0
            assert broker.get_value() == broker.getvalue() == 5.0


class Asks(Spied):
    def decide(self) -> None:
        if len(self) == 3:
            self.order = self.buy(size=1)
        elif len(self) == 5:
            self.answer = self.broker.orderstatus(self.order)


def run(broker: Any, strategy: Any = Asks) -> Any:
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.setbroker(broker)
    broker.set_cash(100_000.0)
    cerebro.adddata(Rows(rows=walk(1, 12)), name="one")
    cerebro.addstrategy(strategy)
    return cerebro.run()[0]


def test_the_status_of_an_order_can_be_asked_for() -> None:
    with pytest.raises(AttributeError, match="status"):
        run(bt.brokers.BackBroker())
    with sim2live.connect("paper") as dispatcher:
        assert run(MirrorBroker(dispatcher)).answer == bt.Order.Completed
    with sim2live.connect("paper") as dispatcher:
        assert run(VenueBroker(dispatcher)).answer == bt.Order.Completed


class OneDay(Spied):
    def decide(self) -> None:
        if len(self) == 3:
            close = self.data.close[0]
            self.buy(size=1, exectype=bt.Order.Limit, price=close - 90, valid=0)


def test_an_order_of_today_lives_for_ever_in_stock_and_in_its_mirror() -> None:
    for broker in (bt.brokers.BackBroker(), MirrorBroker(ScriptedGate())):
        assert "Expired" not in [e[2] for e in run(broker, OneDay).log if e[0] == "order"]
    with sim2live.connect("paper") as dispatcher:
        strategy = run(VenueBroker(dispatcher), OneDay)
    assert [e[2] for e in strategy.log if e[0] == "order"][-1] == "Expired"


def test_stock_forgets_positions_that_were_there_before_the_start() -> None:
    stock = bt.brokers.BackBroker()
    data = Rows(rows=walk(1, 5))
    stock.positions[data].update(2, 100.0)
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.setbroker(stock)
    cerebro.adddata(data)
    cerebro.addstrategy(Spied)
    cerebro.run()
    assert not stock.getposition(data), "VenueBroker books what is held after the start"
