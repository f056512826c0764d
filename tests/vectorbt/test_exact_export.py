"""What is exported is exactly what the portfolio held, in whole contracts, after every bar."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim2live import sizing
from sim2live.errors import SizingError
from sim2live.exchange.venue import Exchange
from sim2live.market.bars import Bar
from sim2live.signals import decode, signal_id
from sim2live.vectorbt import SignalExporter, read_signals

SIZINGS = {
    "target(1)": sizing.target(1.0),
    "target(2.5)": sizing.target(2.5),
    "direction(3)": sizing.direction(3),
}


def exported(portfolio: Any, rule: Any, **options: Any) -> SignalExporter:
    return SignalExporter(portfolio, sizing=rule, **options)


def held_at_venue(exporter: SignalExporter) -> pd.DataFrame:
    """Send every signal to the simulated venue at its bar; the position after each bar."""
    venue = Exchange({}, any_pool=True)
    frame = exporter.frame()
    signals = list(exporter.signals())
    bar_of = exporter.table.bar.tolist()
    close = exporter.portfolio.close
    close = close.to_frame() if close.ndim == 1 else close
    rows = []
    for bar in range(len(close)):
        time = bar + 1
        for column, route in enumerate(exporter.routes):
            price = float(close.iat[bar, column])
            venue.on_bar(route.instrument, Bar(time, price, price, price, price))
        while bar_of and bar_of[0] == bar:
            bar_of.pop(0)
            venue.submit(signals.pop(0), time)
        rows.append(
            {
                route.name: (venue.unit_positions(route.workflow) or {}).get(route.instrument, 0)
                if venue.has_pool(route.workflow)
                else 0
                for route in exporter.routes
            }
        )
    assert not signals
    assert len(frame) == exporter.table.qty.size
    return pd.DataFrame(rows)


@pytest.mark.parametrize("rule", sorted(SIZINGS))
def test_the_venue_holds_the_rounded_position_after_every_bar(portfolio: Any, rule: str) -> None:
    """The right answer comes from vectorbt's own position table, rounded one by one."""
    exporter = exported(portfolio, SIZINGS[rule])
    assets = portfolio.assets()
    assets = assets.to_frame() if assets.ndim == 1 else assets
    wanted = np.array([[SIZINGS[rule](float(x)) for x in row] for row in assets.to_numpy()])
    np.testing.assert_array_equal(held_at_venue(exporter).to_numpy(), wanted)


def test_the_error_stays_within_half_a_contract_and_flat_stays_flat(portfolio: Any) -> None:
    plan = exported(portfolio, sizing.target(1.0)).plan().frame
    assert (plan["error"].abs() <= 0.5 + 1e-6).all()
    flat = plan["position"].abs() < 1e-9
    assert (plan.loc[flat, "contracts"] == 0).all()


def test_each_row_says_what_is_held_after_it(portfolio: Any) -> None:
    frame = exported(portfolio, sizing.target(2.5)).frame()
    signed = frame["qty"].where(frame["side"] == "BUY", -frame["qty"])
    np.testing.assert_array_equal(signed.groupby(frame["column"]).cumsum(), frame["position"])
    grows = frame["open_close"] == "OPEN"
    before = frame["position"] - signed
    assert (frame["position"].abs() > before.abs())[grows].all()
    assert (frame["position"].abs() < before.abs())[~grows].all()
    assert (frame["position"] * before >= 0).all(), "no signal crosses zero"
    assert frame["time"].is_monotonic_increasing


def test_jsonl_to_signals_to_jsonl_is_byte_equal(portfolio: Any, tmp_path: Any) -> None:
    exporter = exported(portfolio, sizing.target(2.5))
    path = exporter.to_jsonl(tmp_path / "a.jsonl")
    signals = list(read_signals(path))
    assert signals == list(exporter.signals())
    assert b"".join(signal.encode() + b"\n" for signal in signals) == path.read_bytes()
    assert all(decode(line) for line in path.read_bytes().splitlines())


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_tables_give_the_same_signals_back(portfolio: Any, kind: str, tmp_path: Any) -> None:
    exporter = exported(portfolio, sizing.target(2.5))
    path = getattr(exporter, f"to_{kind}")(tmp_path / f"a.{kind}")
    assert list(read_signals(path)) == list(exporter.signals())


def test_ids_are_unique_and_those_of_the_recipe(portfolio: Any) -> None:
    exporter = exported(portfolio, sizing.target(2.5), strategy="s", run="r")
    table, orders = exporter.table, exporter.orders
    assert len(set(table.texts())) == len(table)
    for row, text in enumerate(table.texts()):
        order = table.order[row]
        route = exporter.routes[orders.column[order]]
        assert text == signal_id(
            strategy="s",
            run="r",
            workflow=route.workflow,
            data=route.name,
            decided_at=int(orders.times[orders.bar[order]]),
            nth=int(orders.nth[order]),
            leg="close" if table.leg[row] else "open",
        )


@pytest.mark.parametrize("columns", [("A",), ("A", "B", "C")])
def test_equal_decisions_keep_their_ids_when_bars_are_appended(
    columns: tuple[str, ...],
    price_frame: Callable[..., pd.DataFrame],
    crossing: Callable[..., Any],
) -> None:
    close = price_frame(columns, bars=90)
    whole = exported(crossing({"Close": close}), "exact").frame()
    for bars in (40, 60, 89):
        part = exported(crossing({"Close": close.iloc[:bars]}), "exact").frame()
        pd.testing.assert_frame_equal(
            part, whole[whole["time"].isin(close.index[:bars])].reset_index(drop=True)
        )


def test_a_slice_of_columns_keeps_ids_and_order(make: Callable[[str], Any]) -> None:
    portfolio = make("several symbols, both")
    whole = exported(portfolio, "exact").frame()
    part = exported(portfolio[["A", "C"]], "exact").frame()
    expected = whole[whole["column"].isin(["A", "C"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(part, expected)


def test_shared_cash_keeps_the_order_of_filling(make: Callable[[str], Any]) -> None:
    portfolio = make("target percents, shared cash")
    frame = exported(portfolio, sizing.target(10.0)).frame()
    for _, bar in frame.groupby("time"):
        sides = bar["side"].tolist()
        assert sides == sorted(sides, reverse=True), "sales release the cash first"


def test_exact_names_column_bar_size_and_the_ways_out(make: Callable[[str], Any]) -> None:
    portfolio = make("all in, long")
    first = portfolio.orders.records_readable.iloc[0]
    with pytest.raises(SizingError) as caught:
        SignalExporter(portfolio)
    text = str(caught.value)
    assert text.startswith(f"column 'A', bar {first['Timestamp']}, size={float(first['Size'])!r}: ")
    for way_out in ("size_granularity=1", "sizing.target(ratio)", "sizing.direction(n)"):
        assert way_out in text


def test_exact_takes_whole_units_from_every_shape(make: Callable[[str], Any]) -> None:
    for name in ("all in, whole units", "whole amounts", "several orders in a bar"):
        exact = exported(make(name), "exact").frame()
        target = exported(make(name), sizing.target(1.0)).frame()
        pd.testing.assert_frame_equal(exact, target)


def test_several_orders_in_a_bar_keep_their_turn(make: Callable[[str], Any]) -> None:
    frame = exported(make("several orders in a bar"), "exact").frame()
    turns = [tuple(bar["side"]) for _, bar in frame.groupby("time")]
    assert set(turns) == {("BUY", "SELL")}


def test_a_flip_is_a_close_and_an_open_of_one_side(make: Callable[[str], Any]) -> None:
    frame = exported(make("flips every few bars"), "exact").frame()
    flips = [bar for _, bar in frame.groupby("time") if len(bar) == 2]
    assert len(flips) > 10
    for bar in flips:
        assert bar["open_close"].tolist() == ["CLOSE", "OPEN"]
        assert bar["side"].nunique() == 1
        assert bar["position"].tolist()[0] == 0


def test_what_rounds_away_is_counted_and_sends_nothing(make: Callable[[str], Any]) -> None:
    plan = exported(make("fractional amounts"), sizing.target(0.2)).plan()
    reasons = Counter(plan.frame["reason"])
    silent = plan.frame.loc[plan.frame["signals"] == 0, "reason"]
    assert set(silent) == {"rounded away: no whole contract changes"}
    assert reasons["rounded away: no whole contract changes"] == plan.summary["without signal"] > 0


def test_provenance_tells_where_each_signal_came_from(
    make: Callable[[str], Any], tmp_path: Any
) -> None:
    exporter = exported(make("fractional amounts"), sizing.target(1.0))
    exporter.to_csv(tmp_path / "a.csv")
    beside = pd.read_parquet(tmp_path / "a.provenance.parquet")
    frame = exporter.frame()
    assert beside["signal_id"].tolist() == frame["signal_id"].tolist()
    readable = make("fractional amounts").orders.records_readable
    known = {
        (row["Column"], row["Timestamp"]): (row["Size"], row["Price"], row["Fees"])
        for _, row in readable.iterrows()
    }
    for _, row in beside.iterrows():
        told = (row["size"], row["price"], row["fees"])
        assert told == known[row["column"], pd.Timestamp(row["time"])]
    exporter.to_csv(tmp_path / "b.csv", provenance=False)
    assert not (tmp_path / "b.provenance.parquet").exists()
