"""Stops become brackets where a standing order can do what they did, and are refused elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim2live import sizing
from sim2live.errors import ConfigError, SignalError
from sim2live.exchange.execution import Behaviour
from sim2live.exchange.venue import Exchange
from sim2live.market.bars import Bar
from sim2live.vectorbt import SignalExporter, capture, read_signals


@pytest.fixture
def stopped(bar_frame: Callable[..., pd.DataFrame]) -> Callable[..., Any]:
    """A captured cross with stops; options go to `from_signals`."""
    import vectorbt as vbt

    def build(bars: pd.DataFrame | None = None, **options: Any) -> Any:
        data = bar_frame() if bars is None else bars
        close = data["Close"]
        fast, slow = close.rolling(4).mean(), close.rolling(11).mean()
        options = {
            "open": data["Open"], "high": data["High"], "low": data["Low"], "freq": "h",
            "size": 2.0, "init_cash": 1e7, "direction": "both", **options,
        }  # fmt: skip
        return capture(vbt.Portfolio.from_signals, close, fast > slow, fast < slow, **options)

    return build


def bracketed(captured: Any, **options: Any) -> SignalExporter:
    return SignalExporter(captured, stops="bracket", **options)


def test_an_entry_carries_its_stops_at_the_reference_price(stopped: Callable[..., Any]) -> None:
    captured = stopped(sl_stop=0.01, tp_stop=0.02)
    frame = bracketed(captured).frame()
    opens = frame[frame["open_close"] == "OPEN"]
    close = captured.arguments["close"].loc[opens["time"]].to_numpy()
    sign = np.where(opens["side"] == "BUY", 1, -1)
    loss, profit = opens["stop_loss"].to_numpy(), opens["take_profit"].to_numpy()
    exact_loss, exact_profit = close * (1 - sign * 0.01), close * (1 + sign * 0.02)
    # A cent of tick: the loss leg moves toward the entry, and so does the profit leg.
    assert ((loss - exact_loss) * sign > -1e-6).all()
    assert ((exact_profit - profit) * sign > -1e-6).all()
    assert (abs(loss - exact_loss) < 0.01).all()
    assert (abs(profit - exact_profit) < 0.01).all()
    assert frame.loc[frame["open_close"] == "CLOSE", "stop_loss"].isna().all()


def test_exits_that_a_stop_made_are_left_to_the_venue(stopped: Callable[..., Any]) -> None:
    captured = stopped(sl_stop=0.008, tp_stop=0.012)
    plan = bracketed(captured).plan().frame
    left = plan[plan["reason"] == "left to the bracket at the venue"]
    # Without stops the same strategy only ever flips, so each plain close is a stop's.
    expected = plan[(plan["contracts"] == 0)]
    assert len(left) > 5
    pd.testing.assert_frame_equal(left, expected)
    assert (left["signals"] == 0).all()


@pytest.mark.parametrize(
    "options",
    [
        {"sl_stop": 0.008},
        {"tp_stop": 0.012},
        {"sl_stop": 0.008, "tp_stop": 0.012},
        {"sl_stop": 0.008, "direction": "longonly"},
        {"sl_stop": 0.01, "tp_stop": 0.01, "direction": "shortonly"},
        {"sl_stop": 0.008, "stop_entry_price": "fillprice", "slippage": 0.001},
        {"sl_stop": "varying", "tp_stop": 0.02},
    ],
    ids=str,
)
def test_the_venue_s_own_stops_keep_it_where_the_simulation_is(
    stopped: Callable[..., Any],
    bar_frame: Callable[..., pd.DataFrame],
    options: dict[str, Any],
) -> None:
    """Stops on whole cents, so rounding to the tick cannot change the bar that hits them."""
    bars = bar_frame(90)
    if options["sl_stop" if "sl_stop" in options else "tp_stop"] == "varying":
        rng = np.random.default_rng(1)
        options = {**options, "sl_stop": pd.Series(rng.uniform(0.005, 0.02, 90), bars.index)}
    captured = stopped(bars, **options)
    exporter = bracketed(captured)
    # A venue whose CLOSE leaves the legs on the market would need them cancelled first.
    venue = Exchange({}, any_pool=True, behaviour=Behaviour(close_cancels_legs=True))
    (route,) = exporter.routes
    signals = list(exporter.signals())
    at = exporter.table.bar.tolist()
    held = []
    for number, row in enumerate(bars.itertuples()):
        venue.on_bar(route.instrument, Bar(number + 1, row.Open, row.High, row.Low, row.Close))
        while at and at[0] == number:
            at.pop(0)
            venue.submit(signals.pop(0), number + 1)
        pool = venue.unit_positions(route.workflow) if venue.has_pool(route.workflow) else None
        held.append((pool or {}).get(route.instrument, 0))
    wanted = captured.portfolio.assets().to_numpy()
    different = np.flatnonzero(np.array(held) != wanted)
    # The tick may bring a leg a bar forward, never keep it back.
    near = {"sl_stop", "tp_stop"} & set(options)
    assert near
    assert len(different) <= 2, different
    assert held[-1] == wanted[-1]


def test_files_carry_brackets_and_give_them_back(
    stopped: Callable[..., Any], tmp_path: Any
) -> None:
    exporter = bracketed(stopped(sl_stop=0.01, tp_stop=0.02))
    for kind in ("jsonl", "csv", "parquet"):
        path = getattr(exporter, f"to_{kind}")(tmp_path / f"a.{kind}")
        assert list(read_signals(path)) == list(exporter.signals())
    lines = (tmp_path / "a.jsonl").read_bytes()
    assert lines == b"".join(signal.encode() + b"\n" for signal in exporter.signals())
    assert b'"bracket":{"take_profit"' in lines


def test_one_leg_alone_is_a_bracket(stopped: Callable[..., Any]) -> None:
    signal = next(iter(bracketed(stopped(tp_stop=0.02)).signals()))
    assert signal.bracket is not None
    assert signal.bracket.stop_loss is None


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"sl_stop": 0.01, "sl_trail": True}, "sl_trail"),
        ({"sl_stop": 0.01, "accumulate": True}, "accumulate"),
        ({"sl_stop": 0.01, "upon_stop_exit": "reverse"}, "upon_stop_exit"),
        ({"sl_stop": 0.01, "stop_entry_price": "valprice"}, "stop_entry_price"),
        ({}, "sl_stop, tp_stop"),
        ({"sl_stop": 0.01, "use_stops": False}, "sl_stop, tp_stop"),
    ],
)
def test_what_no_standing_order_can_do_is_refused_with_the_reason(
    stopped: Callable[..., Any], options: dict[str, Any], argument: str
) -> None:
    with pytest.raises(ConfigError, match=rf"^{argument}: .*; use stops='orders'$"):
        bracketed(stopped(**options))
    SignalExporter(stopped(**options))


def test_an_adjusted_stop_is_refused(stopped: Callable[..., Any]) -> None:
    captured = stopped(sl_stop=0.01)
    captured = type(captured)(
        captured.portfolio, {**captured.arguments, "adjust_sl_func_nb": lambda c: c}
    )
    with pytest.raises(ConfigError, match="adjust_sl_func_nb"):
        bracketed(captured)


def test_a_portfolio_alone_has_forgotten_its_stops(make: Callable[[str], Any]) -> None:
    with pytest.raises(ConfigError, match="capture"):
        SignalExporter(make("stop loss"), stops="bracket")


def test_an_instrument_without_a_known_tick_is_refused(stopped: Callable[..., Any]) -> None:
    with pytest.raises(ConfigError, match="its tick is not known"):
        bracketed(stopped(sl_stop=0.01), instruments=lambda _: "CME:NOBODYKNOWS")


def test_stops_that_meet_on_one_tick_are_refused(stopped: Callable[..., Any]) -> None:
    with pytest.raises(SignalError, match="not apart"):
        bracketed(
            stopped(sl_stop=0.0001, tp_stop=0.0001), instruments=lambda _: "CME:MESZ6"
        ).frame()


def test_a_grid_of_stops_gives_each_column_its_own(bar_frame: Callable[..., Any]) -> None:
    import vectorbt as vbt

    close = bar_frame()["Close"]
    grid = pd.DataFrame({0.005: 0.005, 0.02: 0.02}, index=close.index)
    grid.columns.name = "sl"
    fast, slow = close.rolling(4).mean(), close.rolling(11).mean()
    captured = capture(
        vbt.Portfolio.from_signals, close, fast > slow, fast < slow,
        sl_stop=grid, size=1.0, init_cash=1e7, freq="h",
    )  # fmt: skip
    frame = bracketed(captured, workflow="w-{sl}").frame()
    opens = frame[frame["open_close"] == "OPEN"]
    reference = close.loc[opens["time"]].to_numpy()
    distance = 1 - opens["stop_loss"].to_numpy() / reference
    wanted = opens["column"].astype(float).to_numpy()
    np.testing.assert_allclose(distance, wanted, atol=0.0002)


def test_rounded_away_entries_leave_no_bracket(stopped: Callable[..., Any]) -> None:
    exporter = bracketed(stopped(sl_stop=0.01), sizing=sizing.target(0.1))
    assert len(exporter.frame()) == 0
