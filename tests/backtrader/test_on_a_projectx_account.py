"""Backtrader on a ProjectX account at the gateway: its bars, its fills, its positions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import backtrader as bt
import pytest

from sim2live import settings
from sim2live.backtrader import BarFeed, MirrorBroker, VenueBroker
from sim2live.clock import SystemClock
from sim2live.gate.dispatch import Dispatcher
from sim2live.gateway.server import Gateway, running_gateway
from sim2live.market.bars import Bar
from sim2live.signals import Instrument, Signal
from sim2live.venues.projectx import ProjectX
from sim2live.venues.projectx_bars import ProjectXBars, ReplayBars
from sim2live.venues.projectx_dialect import PROJECTX, TESTMAX

MES = Instrument("CME", "MESZ6")
MINUTE = 60 * 10**9
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with running_gateway() as started:
        yield started


def venue_at(gateway: Gateway, dialect: Any = PROJECTX) -> ProjectX:
    accounts = {"python-test": ["python-test-1"]}
    venue = ProjectX(
        gateway.url, user_name="me", api_key="k", accounts=accounts, dialect=dialect, poll=None
    )
    assert venue.prove_paper(5.0)
    return venue


class Plan(bt.Strategy):
    """Does what a test says at a bar, and notes what it is told."""

    params = (("steps", {}),)

    def __init__(self) -> None:
        self.made: dict[str, Any] = {}
        self.told: list[tuple[str, float, float]] = []
        self.held: list[float] = []
        self.closes: list[float] = []

    def notify_order(self, order: Any) -> None:
        done = order.executed
        self.told.append((order.getstatusname(), done.size, done.price))

    def next(self) -> None:
        self.held.append(self.position.size)
        self.closes.append(self.data.close[0])
        step = self.p.steps.get(len(self))
        if step is not None:
            step(self)


class Minutes:
    """A source with time between its bars, in which the gate looks at the account as it does."""

    def __init__(self, source: Any, dispatcher: Dispatcher) -> None:
        self._source, self._dispatcher = source, dispatcher

    def __iter__(self) -> Iterator[Bar]:
        for bar in self._source:
            yield bar
            self._dispatcher.gate.news.collect()

    def close(self) -> None:
        self._source.close()


def run(venue: ProjectX, workflow: str, instrument: Instrument, source: Any, steps: Any) -> Plan:
    with settings.connect(venue, workflow=workflow, journal=":memory:") as dispatcher:
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.setbroker(VenueBroker(dispatcher, instruments={"one": instrument}, cash=50_000.0))
        cerebro.adddata(BarFeed(source=Minutes(source, dispatcher), qcheck=0.01), name="one")
        cerebro.addstrategy(Plan, steps=steps)
        (strategy,) = cerebro.run()
        held = (venue.positions(workflow) or {}).get(instrument, 0)
        assert dispatcher.position(instrument).low == held
        assert strategy.position.size == held
    return strategy


def limit_far_below(s: Plan) -> None:
    s.made["limit"] = s.buy(size=3, exectype=bt.Order.Limit, price=round(s.data.close[0]) - 500.0)


class Mirrored:
    """Bars that move the gateway's market when they are asked for, as a live market would."""

    def __init__(self, gateway: Gateway, prices: list[float]) -> None:
        self._gateway, self._prices = gateway, prices

    def __iter__(self) -> Iterator[Bar]:
        start = SystemClock().now_ns() // MINUTE * MINUTE - len(self._prices) * MINUTE
        for n, price in enumerate(self._prices):
            bar = Bar(start + n * MINUTE, price, price, price, price, 1.0)
            self._gateway.desk.push([(MES, bar)])
            yield bar

    def close(self) -> None:
        pass


def test_fills_and_a_cancel_come_from_the_account(gateway: Gateway) -> None:
    venue = venue_at(gateway)
    steps = {
        2: lambda s: s.buy(size=2),
        3: limit_far_below,
        5: lambda s: s.cancel(s.made["limit"]),
        7: lambda s: s.sell(size=3),
    }
    prices = [5070.0, 5071.0, 5072.0, 5073.0, 5074.0, 5075.0, 5076.0, 5077.0, 5078.0, 5079.0]
    strategy = run(venue, "python-test", MES, Mirrored(gateway, prices), steps)
    venue.close()
    done = [row for row in strategy.told if row[0] in ("Completed", "Canceled")]
    assert done == [("Completed", 2.0, 5071.0), ("Canceled", 0.0, 0.0), ("Completed", -3.0, 5076.0)]
    assert strategy.held[:3] == [0, 0, 2]
    assert strategy.held[-1] == -1
    states = [str(row.state) for row in gateway.desk.exchange.orders("python-test")]
    assert sorted(states) == ["CANCELLED", "FILLED", "FILLED", "FILLED"]


def test_a_position_at_the_start_is_known_and_can_be_closed(gateway: Gateway) -> None:
    venue = venue_at(gateway)
    gateway.desk.push([(MES, Bar(1, 5070.0, 5070.0, 5070.0, 5070.0))])
    before = Signal(
        signal_id="by-hand", workflow_id="python-test", instrument=MES, side="SELL", qty=2
    )
    assert venue.send(before, timeout=30.0).kind.value == "ACCEPTED"
    strategy = run(
        venue, "python-test", MES, Mirrored(gateway, [5070.0] * 6), {3: lambda s: s.close()}
    )
    venue.close()
    assert strategy.held[0] == -2
    assert strategy.held[-1] == 0


def test_each_fill_on_a_replay_has_the_close_of_the_bar_it_was_decided_on(gateway: Gateway) -> None:
    venue = venue_at(gateway, TESTMAX)
    source = ReplayBars(venue, "NQ", start="2025-01-15", timeframe="15m")
    steps = {n: (lambda s, n=n: s.buy() if n % 2 else s.sell(size=2)) for n in range(3, 15)}
    strategy = run(venue, str(source.account), source.instrument, source, steps)
    fills = [price for status, _, price in strategy.told if status == "Completed"]
    assert fills == strategy.closes[2:14]
    assert len(strategy.held) == source.total
    assert source.result["totalTrades"] > 0
    venue.close()


def test_bars_that_are_polled_drive_the_feed(gateway: Gateway) -> None:
    venue = venue_at(gateway)
    end = SystemClock().now_ns() // MINUTE * MINUTE
    for n in range(8):
        price = 5000.0 + n
        gateway.desk.push([(MES, Bar(end - (7 - n) * MINUTE, price, price, price, price, 2.0))])
    source = ProjectXBars(venue, MES, "1m", start=end - 8 * MINUTE)
    strategy = run(venue, "python-test", MES, source, {8: lambda s: s.env.runstop()})
    assert strategy.closes == [5000.0 + n for n in range(8)]
    venue.close()


def test_the_live_example_runs_on_a_replay(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    from backtrader_live_bracket import Breakout

    venue = venue_at(gateway, TESTMAX)
    source = ReplayBars(venue, "MES", start="2025-01-15")
    workflow = str(source.account)
    with settings.connect(venue, workflow=workflow, journal=":memory:") as dispatcher:
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.setbroker(MirrorBroker(dispatcher, instruments={"MES": source.instrument}))
        cerebro.adddata(BarFeed(source=source), name="MES")
        cerebro.addstrategy(Breakout)
        cerebro.run()
        assert dispatcher.summary()["ACCEPTED"] > 3
    (name,) = (pool for pool in gateway.desk.exchange.pools if pool.startswith("replay-"))
    orders = gateway.desk.exchange.orders(name)
    entries = [row.order_id for row in orders if row.role == "entry" and row.side == "BUY"]
    filled = [row.parent_order_id for row in orders if row.role != "entry" and row.price]
    assert len(entries) > 2
    assert len(filled) > 1  # stops and targets that the venue filled by itself
    assert len(filled) == len(set(filled))
    assert source.result["totalTrades"] >= len(filled)
    venue.close()
