"""One strategy on the gateway's replay: through signals and through ProjectX orders."""

from __future__ import annotations

from itertools import pairwise

import backtrader as bt

from sim2live import settings
from sim2live.backtrader import BarFeed, MirrorBroker
from sim2live.gateway.server import Gateway, running_gateway
from sim2live.venues.projectx import ProjectX
from sim2live.venues.projectx_bars import ReplayBars
from sim2live.venues.projectx_dialect import TESTMAX

START = "2025-01-15"


class Crosses(bt.Strategy):
    """Turns with a fast average, and stands behind a stop."""

    def __init__(self) -> None:
        self.signal = bt.ind.CrossOver(bt.ind.SMA(period=3), bt.ind.SMA(period=7))
        self.stop_order: bt.Order | None = None
        self.held: list[float] = []

    def next(self) -> None:
        self.held.append(self.position.size)
        if not self.signal[0]:
            return
        if self.stop_order is not None:
            self.cancel(self.stop_order)
        size = 2 if self.signal[0] > 0 else -1
        self.order_target_size(target=size)
        close = self.data.close[0]
        leave = self.sell if size > 0 else self.buy
        away = 20.0 if size > 0 else -20.0
        self.stop_order = leave(size=abs(size), exectype=bt.Order.Stop, price=close - away)


def trade(gateway: Gateway, door: str) -> tuple[list[float], int]:
    """What the strategy held bar by bar, and what the account holds in the end."""
    venue = ProjectX(gateway.url, user_name="me", api_key="k", dialect=TESTMAX, poll=None)
    source = ReplayBars(venue, "NQ", start=START, timeframe="1m")
    signals = door == "signals"
    workflow = "python-test" if signals else str(source.account)
    target = gateway.url if signals else venue
    with settings.connect(target, workflow=workflow, journal=":memory:") as dispatcher:
        cerebro = bt.Cerebro()
        cerebro.adddata(BarFeed(source=source), name="NQ")
        cerebro.setbroker(MirrorBroker(dispatcher, instruments={"NQ": source.instrument}))
        cerebro.broker.setcash(1e7)
        cerebro.addstrategy(Crosses)
        (strategy,) = cerebro.run()
        if signals:
            held = gateway.desk.exchange.unit_positions(workflow) or {}
        else:
            held = venue.positions(workflow) or {}
        presumed = dispatcher.position(source.instrument)
        assert presumed.known
        assert presumed.low == held.get(source.instrument, 0)
        source.close()
    venue.close()
    return strategy.held, held.get(source.instrument, 0)


def test_both_doors_end_with_the_same_positions() -> None:
    told = {}
    for door in ("signals", "orders"):
        with running_gateway() as gateway:
            told[door] = trade(gateway, door)
    assert told["signals"] == told["orders"]
    held, _ = told["orders"]
    assert len(set(held)) >= 3
    assert sum(a != b for a, b in pairwise(held)) > 10
