"""Live, each closed bar reruns the strategy, and the venue follows what it holds now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import sim2live
from sim2live import sizing
from sim2live.errors import ConfigError, DataError, SizingError
from sim2live.gate.receipt import Status
from sim2live.market.bars import Bar
from sim2live.settings import Rules, Settings
from sim2live.vectorbt import LiveRunner, SignalExporter, capture
from sim2live.vectorbt.live import _within

NAME = "Close"


def bars_of(frame: pd.DataFrame) -> list[Bar]:
    return [
        Bar(int(row.Index.value), row.Open, row.High, row.Low, row.Close, row.Volume)
        for row in frame.itertuples()
    ]


def words(signals: Any) -> list[tuple[Any, ...]]:
    return [(s.side, s.qty, s.open_close, s.instrument, s.workflow_id) for s in signals]


def exported(portfolio: Any, **options: Any) -> list[tuple[Any, ...]]:
    exporter = SignalExporter(portfolio, workflow="python-test", **options)
    return words(exporter.signals())


@pytest.fixture
def bars(bar_frame: Callable[..., pd.DataFrame]) -> pd.DataFrame:
    return bar_frame(90)


def runner(strategy: Any, history: pd.DataFrame, **options: Any) -> tuple[LiveRunner, Any]:
    dispatcher = options.pop("dispatcher", None) or sim2live.connect("record", strategy="cross")
    return LiveRunner(
        strategy, options.pop("bars", None), dispatcher, history=history, **options
    ), (dispatcher)


def test_what_goes_out_bar_by_bar_is_what_the_backtest_exports(
    bars: pd.DataFrame, crossing: Callable[..., Any]
) -> None:
    live, dispatcher = runner(crossing, bars.iloc[:0], bars=bars_of(bars))
    steps = list(live.run())
    assert len(steps) == 90
    assert words(dispatcher.venue.signals) == exported(crossing(bars))
    assert not any(step.repainted for step in steps)
    assert steps[-1].targets == {NAME: int(crossing(bars).assets().iloc[-1])}


def test_a_history_is_rehearsed_on_a_simulated_venue(
    bars: pd.DataFrame, crossing: Callable[..., Any]
) -> None:
    live, dispatcher = runner(crossing, bars.iloc[:60])
    for bar in bars_of(bars.iloc[60:]):
        live.step(bar)
    assert words(dispatcher.venue.signals) == exported(crossing(bars))


def test_paper_holds_the_target_after_each_bar(
    bars: pd.DataFrame, crossing: Callable[..., Any]
) -> None:
    dispatcher = sim2live.connect("paper", strategy="cross")
    live, _ = runner(crossing, bars.iloc[:40], dispatcher=dispatcher)
    for bar in bars_of(bars.iloc[40:]):
        step = live.step(bar)
        held = dispatcher.venue.exchange.unit_positions("python-test") or {}
        assert sum(held.values()) == step.targets[NAME]


def test_a_restart_sends_nothing_twice(
    bars: pd.DataFrame, crossing: Callable[..., Any], tmp_path: Path
) -> None:
    from sim2live.venues.record import Record

    sent: list[Any] = []
    venue = Record()
    for stop in (50, 51, 70, 90):
        # The same venue and journal as before, a new process in between.
        dispatcher = sim2live.connect(venue, strategy="cross", journal=tmp_path / "journal")
        live, _ = runner(crossing, bars.iloc[: stop - 20], dispatcher=dispatcher)
        for bar in bars_of(bars.iloc[stop - 20 : stop]):
            live.step(bar)
        dispatcher.close()
    sent = list(venue.signals)
    assert words(sent) == exported(crossing(bars))
    assert len({signal.signal_id for signal in sent}) == len(sent)


def test_several_symbols_and_pools(price_frame: Callable[..., Any], crossing: Any) -> None:
    close = price_frame(("ES", "NQ"), bars=60)
    close.columns.name = "symbol"
    history = pd.concat({"Close": close.iloc[:30]}, axis=1, names=[None, "symbol"])
    sources = {
        symbol: [Bar(int(t.value), p, p, p, p) for t, p in close[symbol].iloc[30:].items()]
        for symbol in close
    }
    live, dispatcher = runner(
        crossing, history, bars=sources, workflow="w-{symbol}",
        instruments={"ES": "SIM:ES", "NQ": "SIM:NQ"},
    )  # fmt: skip
    list(live.run())
    exporter = SignalExporter(
        crossing({"Close": close}), workflow="w-{symbol}",
        instruments={"ES": "SIM:ES", "NQ": "SIM:NQ"},
    )  # fmt: skip
    assert sorted(map(str, words(dispatcher.venue.signals))) == sorted(
        map(str, words(exporter.signals()))
    )


@pytest.mark.parametrize("style", ["price of the next open", "shifted signals"])
def test_an_order_that_waits_for_the_next_open_goes_when_its_bar_closes(
    bars: pd.DataFrame, style: str
) -> None:
    import vectorbt as vbt

    def strategy(data: pd.DataFrame) -> Any:
        above = data["Close"] > data["Close"].rolling(7).mean()
        options = {"size": 1.0, "init_cash": 1e7, "direction": "both", "freq": "h"}
        if style == "shifted signals":
            above = above.astype(float).shift(1, fill_value=0.0) > 0
            return vbt.Portfolio.from_signals(
                data["Close"], above, ~above, price=data["Open"], **options
            )
        price = data["Open"].shift(-1)
        return vbt.Portfolio.from_signals(data["Close"], above, ~above, price=price, **options)

    live, _ = runner(strategy, bars.iloc[:20], next_open=True)
    held = []
    for bar in bars_of(bars.iloc[20:]):
        step = live.step(bar)
        assert not step.repainted
        held += step.targets.values()
    # The decision of each bar, wherever the simulation books it.
    above = bars["Close"] > bars["Close"].rolling(7).mean()
    assert held == np.where(above, 1, -1)[20:].tolist()


def test_a_refused_entry_is_not_tried_again_until_flat_or_turned(
    bars: pd.DataFrame, crossing: Callable[..., Any]
) -> None:
    settings = Settings(rules=Rules(max_quantity=2))
    dispatcher = sim2live.connect("record", strategy="cross", settings=settings)
    live, _ = runner(crossing, bars.iloc[:0], dispatcher=dispatcher)
    statuses = []
    for bar in bars_of(bars):
        statuses += [receipt.status for receipt in live.step(bar).receipts.values()]
    changes = len(crossing(bars).orders)
    assert statuses.count(Status.HELD) == changes, "each entry of 3 is refused once"
    assert dispatcher.venue.signals == []


@pytest.mark.parametrize(
    ("granted", "before", "target", "wanted"),
    [
        (3, 3, 5, 5), (1, 3, 3, 1), (1, 3, 5, 3), (1, 3, 2, 1), (2, 3, 1, 1), (0, 3, 3, 0),
        (0, 3, 0, 0), (0, 3, -2, -2), (-1, -3, -3, -1), (-1, -3, -5, -3), (0, 0, 4, 4),
    ],
)  # fmt: skip
def test_what_was_refused_stays_out_and_what_is_new_goes(
    granted: int, before: int, target: int, wanted: int
) -> None:
    assert _within(granted, before, target) == wanted


def _ahead(data: pd.DataFrame) -> Any:
    import vectorbt as vbt

    close = data["Close"]
    cheap = close < close.rolling(9, center=True, min_periods=1).mean()
    return vbt.Portfolio.from_signals(
        close, cheap, ~cheap, size=1.0, init_cash=1e7, direction="both", freq="h"
    )


def test_a_changed_past_sounds_the_alarm_and_lets_only_exits_through(bars: pd.DataFrame) -> None:
    live, dispatcher = runner(_ahead, bars.iloc[:30])
    steps = [live.step(bar) for bar in bars_of(bars.iloc[30:])]
    repainted = [step for step in steps if step.repainted]
    assert repainted
    assert "changed its past" in dispatcher.gate.alarms.raised[0].text
    first = steps.index(repainted[0])
    assert {s.receipts[NAME].status for s in steps[first:]} <= {
        Status.HELD, Status.SHADOW, Status.ACCEPTED,
    }  # fmt: skip
    after = [signal for step in steps[first:] for signal in step.receipts[NAME].signals]
    assert all(signal.open_close == "CLOSE" for signal in after)


def test_a_changed_past_may_be_followed_with_an_alarm(bars: pd.DataFrame) -> None:
    live, dispatcher = runner(_ahead, bars.iloc[:30], on_repaint="follow")
    steps = [live.step(bar) for bar in bars_of(bars.iloc[30:])]
    assert any(step.repainted for step in steps)
    assert dispatcher.gate.alarms.raised
    signed = sum(signal.signed for signal in dispatcher.venue.signals)
    assert signed == steps[-1].targets[NAME]


def test_a_window_keeps_the_strategy_s_data_short(
    bars: pd.DataFrame, crossing: Callable[..., Any]
) -> None:
    lengths = []

    def strategy(data: pd.DataFrame) -> Any:
        lengths.append(len(data))
        return crossing(data)

    live, _ = runner(strategy, bars.iloc[:50], window=40)
    for bar in bars_of(bars.iloc[50:]):
        live.step(bar)
    assert set(lengths) == {40}


def test_bars_stamped_at_their_start_keep_their_labels_and_decide_at_the_end(
    bars: pd.DataFrame, crossing: Callable[..., Any]
) -> None:
    seen: list[pd.DatetimeIndex] = []

    def strategy(data: pd.DataFrame) -> Any:
        seen.append(data.index)
        return crossing(data)

    live, _ = runner(strategy, bars.iloc[:80], stamp="start", interval=3600)
    closes = bars.index[80] + timedelta(hours=1)
    row = bars.iloc[80]
    step = live.step(Bar(int(closes.value), row.Open, row.High, row.Low, row.Close))
    assert step.time == closes.value
    assert seen[-1][-1] == bars.index[80]


def _all_in(data: pd.DataFrame, **options: Any) -> Any:
    import vectorbt as vbt

    above = data["Close"] > data["Close"].rolling(5).mean()
    return vbt.Portfolio.from_signals(
        data["Close"], above, ~above, init_cash=1e4, freq="h", **options
    )


def test_sizes_that_depend_on_cash_need_an_anchor_or_a_yes(bars: pd.DataFrame) -> None:
    bar = bars_of(bars)[60]
    plain = {"sizing": sizing.target(1.0)}
    for strategy in (
        _all_in,
        lambda data: capture(_all_in, data, size=np.inf, size_granularity=1.0),
        lambda data: capture(_all_in, data, size=0.5, size_type="percent", size_granularity=1.0),
    ):
        live, _ = runner(strategy, bars.iloc[:60], **plain)
        with pytest.raises(ConfigError, match=r"anchor=.*direction.*cash_sizing"):
            live.step(bar)
    for options in (
        {**plain, "cash_sizing": True},
        {**plain, "anchor": bars.index[0].to_pydatetime()},
        {"sizing": sizing.direction(1)},
    ):
        live, _ = runner(_all_in, bars.iloc[:60], **options)
        live.step(bar)
    live, _ = runner(lambda data: capture(_all_in, data, size=2.0), bars.iloc[:60])
    live.step(bar)


def test_an_anchor_that_is_not_there_is_refused(bars: pd.DataFrame, crossing: Any) -> None:
    with pytest.raises(ConfigError, match="the history starts at"):
        runner(crossing, bars, anchor=datetime(2020, 1, 1, tzinfo=UTC))
    with pytest.raises(ConfigError, match="fixed window"):
        runner(crossing, bars, anchor=bars.index[0].to_pydatetime(), window=30)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda frame: frame.tz_localize(None), "with a zone"),
        (lambda frame: frame.iloc[::-1], "sorted"),
        (lambda frame: frame.drop(columns="Close"), "must hold Close"),
        (lambda frame: frame.reset_index(drop=True), "datetimes"),
    ],
)
def test_a_history_of_another_shape_is_refused(
    bars: pd.DataFrame, crossing: Any, change: Any, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        runner(crossing, change(bars))


@pytest.mark.parametrize(
    "options",
    [{"on_repaint": "guess"}, {"stamp": "middle"}, {"stamp": "start"}, {"window": 1}],
    ids=str,
)
def test_words_are_checked(bars: pd.DataFrame, crossing: Any, options: Any) -> None:
    with pytest.raises(ConfigError):
        runner(crossing, bars, **options)


def test_bars_out_of_turn_are_refused(bars: pd.DataFrame, crossing: Any) -> None:
    live, _ = runner(crossing, bars.iloc[:60])
    with pytest.raises(DataError, match="must be later"):
        live.step(bars_of(bars)[59])
    with pytest.raises(DataError, match="one for each"):
        live.step({"A": bars_of(bars)[60], "B": bars_of(bars)[60]})
    with pytest.raises(ConfigError, match="no source"):
        next(live.run())


def test_a_grid_into_one_pool_is_refused(bars: pd.DataFrame) -> None:
    import vectorbt as vbt

    def grid(data: pd.DataFrame) -> Any:
        fast = vbt.MA.run(data["Close"], [3, 5], short_name="fast")
        above = fast.close_crossed_above(fast.ma)
        return vbt.Portfolio.from_signals(
            data["Close"], above, ~above, size=1.0, init_cash=1e7, freq="h"
        )

    live, dispatcher = runner(grid, bars.iloc[:60], instruments=lambda _: "SIM:M6E")
    with pytest.raises(ConfigError, match="columns 3, 5 would all trade SIM:M6E"):
        live.step(bars_of(bars)[60])
    assert dispatcher.venue.signals == []


def test_a_fraction_is_refused_before_anything_goes_out(bars: pd.DataFrame) -> None:
    live, dispatcher = runner(_all_in, bars.iloc[:60], cash_sizing=True)
    with pytest.raises(SizingError, match="column 'Close'"):
        live.step(bars_of(bars)[60])
    assert dispatcher.venue.signals == []


def test_a_venue_that_may_be_real_needs_instruments(
    bars: pd.DataFrame, crossing: Any, free_port: int, tmp_path: Path
) -> None:
    dispatcher = sim2live.connect(
        f"http://127.0.0.1:{free_port}", workflow="pool", strategy="cross",
        journal=tmp_path / "journal",
    )  # fmt: skip
    with dispatcher, pytest.raises(ConfigError, match="instruments"):
        runner(crossing, bars, dispatcher=dispatcher)
