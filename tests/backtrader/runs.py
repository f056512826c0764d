"""Runs a case of the corpus on a broker, in one of the run modes."""

from __future__ import annotations

import functools
from typing import Any

import backtrader as bt
from tests.backtrader.strategies import Case, Spied

MODES: dict[str, tuple[dict[str, Any], int]] = {
    "once": ({}, 0),
    "next": ({"runonce": False}, 0),
    "live": ({"live": True}, 0),
    "idle": ({"live": True}, 2),
}


def play(case: Case, broker: Any, mode: str) -> Spied:
    """Run the case and return the strategy with its log."""
    options, idle = MODES[mode]
    cerebro = bt.Cerebro(stdstats=False, **{**options, **case.cerebro})
    cerebro.setbroker(broker)
    broker.set_cash(case.cash)
    case.feed(cerebro, idle)
    case.prepare(cerebro)
    cerebro.addstrategy(case.strategy, **case.params)
    (strategy,) = cerebro.run()
    return strategy


def stock(case: Case, mode: str) -> Spied:
    """The same on Backtrader's own broker. It cannot bear idle polls: compare those with live."""
    return play(case, bt.brokers.BackBroker(**case.broker), mode)


@functools.cache
def stock_log(case: Case, mode: str) -> str:
    """What a strategy is told on Backtrader's own broker; each run is made once."""
    plain = stock(case, mode)
    assert any(entry[0] == "order" for entry in plain.log), "a case without orders proves nothing"
    return repr(plain.log)
