"""Zipline on the gateway's replay: each order meets the market of the bar it was decided on."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pandas as pd
import pytest
from zipline.api import future_symbol, order_target
from zipline.utils.calendar_utils import get_calendar

from sim2live import settings
from sim2live.clock import NS, ManualClock
from sim2live.gateway.server import running_gateway
from sim2live.venues.projectx import ProjectX
from sim2live.venues.projectx_bars import ProjectXBars, ReplayBars
from sim2live.venues.projectx_dialect import TESTMAX
from sim2live.zipline import Replay, ingest, run_live

DAY = "2025-01-15"


@pytest.fixture
def bundle(root: Any) -> str:
    days = get_calendar("us_futures").sessions_in_range("2024-11-01", "2025-01-14")
    closes = 5_900 + 0.25 * np.random.default_rng(4).integers(-40, 40, len(days)).cumsum()
    frame = pd.DataFrame(dict.fromkeys(("open", "high", "low", "close"), closes), index=days)
    frame["volume"] = 1e6
    return ingest("es-2025", {"ESH25": frame}, kind="future", calendar="us_futures")


def test_run_live_trades_on_a_replay_at_the_prices_it_saw(bundle: str) -> None:
    wanted: list[tuple[int, float]] = []

    def initialize(context: Any) -> None:
        context.asset, context.minute = future_symbol("ESH25"), 0

    def handle_data(context: Any, data: Any) -> None:
        if not data.can_trade(context.asset) or np.isnan(data.current(context.asset, "close")):
            return
        context.minute += 1
        target = context.minute // 21 % 3 - 1
        if not wanted or target != wanted[-1][0]:
            wanted.append((target, float(data.current(context.asset, "close"))))
            order_target(context.asset, target)

    with running_gateway() as gateway:
        venue = ProjectX(gateway.url, user_name="me", api_key="k", dialect=TESTMAX, poll=None)
        source = ReplayBars(venue, "ES", start=DAY)
        workflow = str(source.account)
        with settings.connect(venue, workflow=workflow, journal=":memory:") as dispatcher:
            run_live(
                initialize,
                handle_data,
                dispatcher=dispatcher,
                feed={"ESH25": source},
                bundle=bundle,
                capital_base=100_000.0,
                start=DAY,
                end=DAY,
                instruments={"ES": str(source.instrument)},
                fill="now",
                pace=Replay(),
            )
            assert venue.positions(workflow) == {source.instrument: wanted[-1][0]}
        trades = gateway.desk.exchange.trades(source_pool(gateway))
        venue.close()
    changes = [price for (target, price), before in zip(wanted, [0, *(t for t, _ in wanted)],
               strict=False) if target != before]  # fmt: skip
    assert len(changes) > 15
    assert list(dict.fromkeys(row.price for row in reversed(trades))) == list(
        dict.fromkeys(changes)
    )
    assert source.result["totalTrades"] > 10


class ClosedMarket(ManualClock):
    """The evening of a day: whoever waits for one more bar waits in vain."""

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        event.set()
        return True


def test_run_live_trades_on_bars_that_are_polled(bundle: str) -> None:
    seen: list[float] = []

    def initialize(context: Any) -> None:
        context.asset = future_symbol("ESH25")

    def handle_data(context: Any, data: Any) -> None:
        if data.can_trade(context.asset) and not np.isnan(data.current(context.asset, "close")):
            seen.append(float(data.current(context.asset, "close")))
            order_target(context.asset, 2 if len(seen) < 200 else -1)

    with running_gateway() as gateway:
        venue = ProjectX(gateway.url, user_name="me", api_key="k", dialect=TESTMAX, poll=None)
        session = ReplayBars(venue, "ES", start=DAY)
        market = [bar for bar, _ in zip(session, range(300), strict=False)]
        day = pd.Timestamp(DAY, tz="UTC").value
        evening = ClosedMarket(market[-1].time + 5 * NS)
        polled = ProjectXBars(venue, session.instrument, "1m", start=day, clock=evening)
        workflow = str(session.account)
        with settings.connect(venue, workflow=workflow, journal=":memory:") as dispatcher:
            run_live(
                initialize,
                handle_data,
                dispatcher=dispatcher,
                feed={"ESH25": polled},
                bundle=bundle,
                capital_base=100_000.0,
                start=DAY,
                end=DAY,
                instruments={"ES": str(session.instrument)},
                fill="now",
                pace=Replay(),
            )
            assert venue.positions(workflow) == {session.instrument: -1}
        session.close()
        venue.close()
    closes = [bar.close for bar in market]
    assert seen[: len(closes)] == closes


def source_pool(gateway: Any) -> str:
    return next(name for name in gateway.desk.exchange.pools if name.startswith("replay-"))
