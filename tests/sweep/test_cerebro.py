"""A sweep of a strategy: rows as single runs give them, and the best one on a mirror."""

from __future__ import annotations

from typing import Any

import pytest
from tests.sweep import strategies

import sim2live
from sim2live import sweep
from sim2live.errors import ConfigError


def swept(strategy: Any = strategies.Above, grid: Any = None, **options: Any) -> sweep.CerebroSweep:
    options = {"workers": 2, "progress": False, "make_cerebro": strategies.cerebro, **options}
    return sweep.cerebro(strategy, grid or {"period": [5, 10, 60, 20]}, **options)


@pytest.fixture(scope="module")
def done() -> sweep.CerebroSweep:
    return swept()


def alone(period: int) -> Any:
    cerebro = strategies.cerebro()
    cerebro.addstrategy(strategies.Above, period=period)
    return cerebro.run()[0]


def test_each_row_is_what_one_run_measures(done: sweep.CerebroSweep) -> None:
    assert done.frame["period"].tolist() == [5, 10, 20]
    assert done.frame["value"].tolist() == [alone(n).broker.getvalue() for n in (5, 10, 20)]
    assert (done.frame["total_return"] == done.frame["value"] / 5_000 - 1).all()
    assert (done.frame["max_drawdown"] < 0).all()
    assert (done.frame["trades"] > 1).all()


def test_a_strategy_that_raises_is_a_failure(done: sweep.CerebroSweep) -> None:
    (failure,) = done.failures.to_dict("records")
    assert failure["period"] == 60
    assert failure["error"].startswith("ValueError: the period is too long (strategies.py:")


def test_the_best_row_is_followed_by_a_mirror(done: sweep.CerebroSweep) -> None:
    best = done.best(1).iloc[0]
    with sim2live.connect("record", strategy="best") as dispatcher:
        cerebro = done.mirror(best, dispatcher)
        (after,) = cerebro.run()
        signals = dispatcher.venue.signals  # type: ignore[attr-defined]
    # Cash and commission are those of the sweep, so the books end with the same money.
    assert after.broker.getvalue() == best["value"]
    assert len(signals) >= 2 * int(best["trades"]) - 1
    assert sum(signal.signed for signal in signals) == after.position.size


def test_a_strategy_that_looks_ahead_is_found(done: sweep.CerebroSweep) -> None:
    honest = done.check(2, cuts=6)
    assert honest["ok"].tolist() == [True, True]
    peeks = swept(strategies.Peeks, {"size": [1]}, workers=1).check(1, cuts=6)
    assert peeks["ok"].tolist() == [False]
    assert peeks["late"].iloc[0] + peeks["vanished"].iloc[0] > 0


def test_own_measures_are_kept() -> None:
    own = swept(grid={"period": [5]}, measure=strategies.measured, workers=1)
    assert own.frame.to_dict("records") == [{"period": 5, "cash": alone(5).broker.getcash()}]


def test_a_sweep_never_reaches_a_real_venue() -> None:
    real = swept(grid={"period": [5]}, make_cerebro=strategies.on_a_real_venue, workers=1)
    assert real.frame.empty
    assert "a sweep would send real orders" in real.failures["error"][0]


@pytest.mark.parametrize("strategy", [object, "Above", int])
def test_what_is_no_strategy_is_refused(strategy: Any) -> None:
    with pytest.raises(ConfigError, match="must be a class of Backtrader strategies"):
        swept(strategy)
