"""The live example runs on the gateway's replay, and its account holds what the function says."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sim2live import settings
from sim2live.gateway.server import running_gateway
from sim2live.vectorbt import LiveRunner
from sim2live.venues.projectx import ProjectX
from sim2live.venues.projectx_bars import ReplayBars
from sim2live.venues.projectx_dialect import TESTMAX

EXAMPLES = Path(__file__).parents[2] / "examples"
MINUTE = pd.Timedelta(minutes=1)


@pytest.fixture
def strategy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The function of the live example."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    import vectorbt_ma_cross

    yield vectorbt_ma_cross.strategy
    sys.modules.pop("vectorbt_ma_cross")


def test_the_live_example_runs_on_a_replay(strategy: Any) -> None:
    with running_gateway() as gateway:
        venue = ProjectX(gateway.url, user_name="me", api_key="k", dialect=TESTMAX, poll=None)
        source = ReplayBars(venue, "M6E", start="2025-01-15")
        bars, seen = iter(source), []
        for _ in range(345):  # what was before the strategy began
            bar = next(bars)
            seen.append((bar.time, bar.open, bar.high, bar.low, bar.close, bar.volume))
        columns = ["time", "Open", "High", "Low", "Close", "Volume"]
        history = pd.DataFrame(seen, columns=columns).set_index("time")
        history.index = pd.to_datetime(history.index, utc=True) - MINUTE
        workflow, held, sent = str(source.account), [], 0
        with settings.connect(venue, workflow=workflow, journal=":memory:") as dispatcher:
            runner = LiveRunner(
                strategy,
                bars,
                dispatcher,
                history=history,
                instruments=lambda _: source.instrument,
                stamp="start",
                interval=60,
            )
            for step in runner.run():
                (target,) = step.targets.values()
                sent += sum(len(receipt.signals) for receipt in step.receipts.values())
                held.append((venue.positions(workflow) or {}).get(source.instrument, 0) == target)
            source.close()
        fills = gateway.desk.exchange.trades()
        venue.close()
    assert len(held) == source.total - 345
    assert all(held)
    assert sent > 0
    assert len(fills) >= sent  # on a simulated venue its history is rehearsed too
    assert source.result["finalBalance"] != 0
