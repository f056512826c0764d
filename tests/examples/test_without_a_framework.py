"""The examples that need no framework: each does what its first lines say."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import sim2live
from sim2live.gateway.server import running_gateway
from sim2live.market.bars import CsvBars

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[str], Any]]:
    """An example as a module, far from any settings file."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIM2LIVE_HOME", str(tmp_path))
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if (EXAMPLES / f"{name}.py").exists():
            del sys.modules[name]


def held(dispatcher: sim2live.Dispatcher) -> int:
    """What the paper venue itself holds."""
    return sum(dispatcher.venue.exchange.unit_positions(dispatcher.workflow).values())  # type: ignore[attr-defined]


def test_a_model_trades_what_it_says(example: Callable[[str], Any]) -> None:
    import numpy as np

    module = example("machine_learning")
    bars = list(CsvBars(module.PRICES))
    model = module.train(bars[:-60])
    closes = np.array([bar.close for bar in bars])
    targets = [module.wanted(model, closes[:end]) for end in range(len(bars) - 59, len(bars) + 1)]
    dispatcher = sim2live.connect("paper", strategy="logistic", run="test")
    module.trade(model, dispatcher, bars, len(bars) - 60)
    moves = sum(a != b for a, b in zip([0, *targets], targets, strict=False))
    assert moves > 5
    assert dispatcher.summary()["ACCEPTED"] == moves
    assert held(dispatcher) == targets[-1]
    dispatcher.close()


def test_a_model_learns_nothing_from_later_bars(example: Callable[[str], Any]) -> None:
    module = example("machine_learning")
    bars = list(CsvBars(module.PRICES))[:400]
    first, again = module.train(bars[:300]), module.train(bars[:300])
    assert (first[-1].coef_ == again[-1].coef_).all()
    assert (first[-1].coef_ != module.train(bars)[-1].coef_).any()


def test_the_backtest_and_the_live_run_hold_the_same(
    example: Callable[[str], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    backtest, live = example("backtest_to_live").main(days=300)
    assert live == backtest
    assert set(backtest) == {0, 1}
    assert "positions agree" in capsys.readouterr().out


def test_the_same_script_follows_a_gateway(
    example: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_gateway() as gateway:
        monkeypatch.setenv("SIM2LIVE_TARGET", gateway.url)
        backtest, live = example("backtest_to_live").main(days=200)
        taken = [one.signal.side for one in gateway.desk.taken.values()]
    assert live == backtest
    assert taken[:2] == ["BUY", "SELL"]
    assert len(taken) == sum(a != b for a, b in zip([0, *backtest], backtest, strict=False))


def test_pushed_bars_are_traded_back_to_their_mean(
    example: Callable[[str], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    dispatcher = example("realtime_pandas").main(hours=300)
    sent = [line for line in capsys.readouterr().out.splitlines() if "ACCEPTED" in line][:-1]
    assert len(sent) == dispatcher.summary()["ACCEPTED"] > 4
    # From flat to one contract and back: the sides of each pair differ.
    sides = [line.split()[2] for line in sent]
    assert all(a != b for a, b in zip(sides[::2], sides[1::2], strict=False))


def test_each_strategy_moves_its_own_pool_only(example: Callable[[str], Any]) -> None:
    ends = example("several_pools").main(hours=200)
    assert set(ends) == {"pool-scalp", "pool-swing"}
    assert all(f"{target:+d}" == position for target, position in ends.values())


def test_a_planned_position_is_taken_once(
    example: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = example("scheduled")
    with sim2live.connect("record", strategy="plan", run="test") as dispatcher:
        plan = module.planned(dispatcher)
        assert len(plan.jobs) == 10
        assert {str(job.at_time) for job in plan.jobs} == {"09:30:00", "15:55:00"}
        assert plan.next_run is not None
        plan.jobs[0].run()
        plan.jobs[0].run()
        plan.jobs[1].run()
        plan.jobs[1].run()
        signals = dispatcher.venue.signals  # type: ignore[attr-defined]
    assert [(s.side, s.qty, s.open_close) for s in signals] == [
        ("BUY", 1, "OPEN"), ("SELL", 1, "CLOSE"),
    ]  # fmt: skip
