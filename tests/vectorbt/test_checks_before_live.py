"""A strategy that looks ahead is found before it trades; an honest one is left in peace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from sim2live.errors import ConfigError
from sim2live.vectorbt import check_repaint, check_window

WHOLE = {"size": 1.0, "init_cash": 1e7, "freq": "h"}


def trade(close: pd.Series, low: pd.Series) -> Any:
    import vectorbt as vbt

    return vbt.Portfolio.from_signals(close, close < low, close > low, **WHOLE)


def centred_mean(data: pd.DataFrame) -> Any:
    close = data["Close"]
    return trade(close, close.rolling(9, center=True, min_periods=1).mean())


def full_sample_z_score(data: pd.DataFrame) -> Any:
    close = data["Close"]
    return trade((close - close.mean()) / close.std() + 10, pd.Series(10.0, close.index))


def unshifted_higher_timeframe(data: pd.DataFrame) -> Any:
    close = data["Close"]
    return trade(close, close.resample("D").last().reindex(close.index, method="ffill"))


def random_signals(data: pd.DataFrame) -> Any:
    import vectorbt as vbt

    return vbt.Portfolio.from_random_signals(data["Close"], n=20, seed=4, **WHOLE)


@pytest.mark.parametrize(
    "strategy", [centred_mean, full_sample_z_score, unshifted_higher_timeframe, random_signals]
)
def test_what_looks_ahead_is_found(strategy: Any, bar_frame: Callable[..., Any]) -> None:
    report = check_repaint(strategy, bar_frame(300), prefixes=20, progress=False)
    assert not report.ok
    assert report.counts["vanished"] > 0
    assert report.counts["late"] > 0
    assert (report.frame["bar"] <= report.frame["seen_at"]).all()
    assert "REPAINTS" in repr(report)
    assert "vanished" in report._repr_html_()


@pytest.mark.parametrize(
    "options",
    [{}, {"sl_stop": 0.01, "tp_stop": 0.02}, {"sl_stop": 0.01, "sl_trail": True}],
    ids=str,
)
def test_a_cross_with_stops_is_left_in_peace(
    options: dict[str, Any], crossing: Any, bar_frame: Callable[..., Any]
) -> None:
    report = check_repaint(
        lambda data: crossing(data, **options), bar_frame(300), prefixes=20, progress=False
    )
    assert report.ok, report.frame
    assert (report.prefixes, report.counts["late"]) == (20, 0)
    assert report.orders > 20


def test_sizes_that_change_afterwards_are_found(bar_frame: Callable[..., Any]) -> None:
    import vectorbt as vbt

    def scaled(data: pd.DataFrame) -> Any:
        close = data["Close"]
        above = close > close.rolling(5).mean()
        return vbt.Portfolio.from_signals(
            close, above, ~above, size=len(close) / 10, init_cash=1e7, freq="h"
        )

    report = check_repaint(scaled, bar_frame(200), prefixes=10, progress=False)
    assert report.counts["resized"] > 0
    assert report.counts["vanished"] == report.counts["late"] == 0


def test_an_order_at_the_next_open_is_no_repaint_when_told(bar_frame: Callable[..., Any]) -> None:
    import vectorbt as vbt

    def strategy(data: pd.DataFrame) -> Any:
        above = data["Close"] > data["Close"].rolling(5).mean()
        return vbt.Portfolio.from_signals(
            data["Close"], above, ~above, price=data["Open"].shift(-1), **WHOLE
        )

    data = bar_frame(200)
    assert not check_repaint(strategy, data, prefixes=40, progress=False).ok
    assert check_repaint(strategy, data, prefixes=40, next_open=True, progress=False).ok


def test_data_may_be_a_mapping(bar_frame: Callable[..., Any], crossing: Any) -> None:
    data = {"Close": bar_frame(120)["Close"]}
    assert check_repaint(crossing, data, prefixes=5, progress=True).ok


def test_a_window_shorter_than_the_memory_is_found(
    bar_frame: Callable[..., Any], crossing: Any
) -> None:
    report = check_window(crossing, bar_frame(200), windows=[5, 12, 60], last=30, progress=False)
    different = dict(zip(report.frame["window"], report.frame["different"], strict=True))
    assert different[5] > 0
    assert different[60] == 0
    assert report.safe in (12, 60)
    assert str(report.safe) in repr(report)
    assert "different" in report._repr_html_()


def test_no_window_is_safe_for_what_remembers_everything(bar_frame: Callable[..., Any]) -> None:
    def memory(data: pd.DataFrame) -> Any:
        return trade(data["Close"], data["Close"].expanding().mean())

    assert check_window(memory, bar_frame(200), windows=[10], last=50, progress=False).safe is None


@pytest.mark.parametrize(
    "call",
    [
        lambda: check_repaint(centred_mean, 3),
        lambda: check_repaint(centred_mean, pd.Series([1.0, 2.0])),
        lambda: check_repaint(centred_mean, pd.Series(range(100)), prefixes=0),
        lambda: check_repaint(centred_mean, {"a": pd.Series([1.0]), "b": pd.Series([1.0, 2.0])}),
        lambda: check_window(centred_mean, pd.Series(range(100)), windows=[1]),
        lambda: check_window(centred_mean, pd.Series(range(100)), windows=[101]),
    ],
)
def test_too_little_data_is_refused(call: Any) -> None:
    with pytest.raises(ConfigError):
        call()
