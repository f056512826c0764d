"""Backtrader strategies that the workers of a sweep import."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import backtrader as bt
import pandas as pd
from tests.sweep.worked import bars


class Above(bt.Strategy):
    """Holds one while the close is above its mean."""

    params = (("period", 10), ("size", 1))

    def __init__(self) -> None:
        if self.p.period > 50:
            raise ValueError("the period is too long")
        self.mean = bt.ind.SMA(period=self.p.period)

    def next(self) -> None:
        above = self.data.close[0] > self.mean[0]
        if above and not self.position:
            self.buy(size=self.p.size)
        elif not above and self.position:
            self.close()


class Peeks(bt.Strategy):
    """Looks at the next bar, which a preloaded data has already."""

    params = (("size", 1),)

    def next(self) -> None:
        if len(self.data) >= self.data.buflen():
            return
        rises = self.data.close[1] > self.data.close[0]
        if rises and not self.position:
            self.buy(size=self.p.size)
        elif not rises and self.position:
            self.close()


@lru_cache(maxsize=1)
def frame() -> pd.DataFrame:
    close = bars()
    return pd.DataFrame(
        {"open": close, "high": close + 1, "low": close - 1, "close": close, "volume": 1.0}
    ).tz_localize(None)


def cerebro() -> bt.Cerebro:
    """Datas, cash and commission; no strategy."""
    made = bt.Cerebro(stdstats=False)
    made.adddata(bt.feeds.PandasData(dataname=frame(), timeframe=bt.TimeFrame.Minutes), name="A")
    made.broker.setcash(5_000.0)
    made.broker.setcommission(commission=0.001)
    return made


def on_a_real_venue() -> bt.Cerebro:
    """What must never run: a broker whose orders leave the machine."""
    import sim2live
    from sim2live.backtrader import MirrorBroker

    made = cerebro()
    dispatcher = sim2live.connect("http://127.0.0.1:9", journal=":memory:", workflow="w")
    made.setbroker(MirrorBroker(dispatcher, instruments={"A": "CME:MESZ6"}))
    return made


def measured(strategy: Any) -> dict[str, float]:
    return {"cash": strategy.broker.getcash()}
