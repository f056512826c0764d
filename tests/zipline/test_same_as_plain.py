"""A mirrored run is the plain run: same orders, statuses, commissions, transactions, value."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from zipline.api import (
    attach_pipeline,
    batch_market_order,
    cancel_order,
    continuous_future,
    date_rules,
    future_symbol,
    get_open_orders,
    get_order,
    order,
    order_percent,
    order_target,
    order_target_percent,
    order_target_value,
    order_value,
    pipeline_output,
    record,
    schedule_function,
    set_cancel_policy,
    set_commission,
    set_slippage,
    symbol,
    symbols,
    time_rules,
)
from zipline.finance import commission, slippage
from zipline.finance.cancel_policy import EODCancel
from zipline.finance.execution import LimitOrder, MarketOrder, StopLimitOrder, StopOrder
from zipline.pipeline import Pipeline
from zipline.pipeline.data import EquityPricing
from zipline.pipeline.factors import SimpleMovingAverage

Algorithm = dict[str, Any]
ALGORITHMS: dict[str, tuple[str, Callable[[], Algorithm]]] = {}


def algorithm(kind: str) -> Callable[[Callable[[], Algorithm]], Callable[[], Algorithm]]:
    def add(make: Callable[[], Algorithm]) -> Callable[[], Algorithm]:
        ALGORITHMS[make.__name__] = (kind, make)
        return make

    return add


def beat(context: Any) -> int:
    context.n = getattr(context, "n", -1) + 1
    return int(context.n)


# ---- daily equities ----------------------------------------------------------------------------


@algorithm("daily equities")
def plain_orders() -> Algorithm:
    def handle_data(context: Any, data: Any) -> None:
        n = beat(context)
        if n % 7 == 0:
            order(symbol("AAA"), 10)
        if n % 11 == 5:
            order(symbol("AAA"), -15)

    return {"handle_data": handle_data}


@algorithm("daily equities")
def order_values() -> Algorithm:
    def handle_data(context: Any, data: Any) -> None:
        n = beat(context)
        order_value(symbol("BBB"), 3000 if n % 3 else -7000)

    return {"handle_data": handle_data}


@algorithm("daily equities")
def order_percents() -> Algorithm:
    def handle_data(context: Any, data: Any) -> None:
        order_percent(symbol("CCC"), 0.02 if beat(context) % 5 else -0.09)

    return {"handle_data": handle_data}


@algorithm("daily equities")
def moving_average_cross_with_target() -> Algorithm:
    def handle_data(context: Any, data: Any) -> None:
        if beat(context) < 30:
            return
        for asset in symbols("AAA", "BBB"):
            prices = data.history(asset, "price", 30, "1d")
            order_target(asset, 100 if prices.iloc[-10:].mean() > prices.mean() else -50)

    return {"handle_data": handle_data}


@algorithm("daily equities")
def target_value() -> Algorithm:
    def handle_data(context: Any, data: Any) -> None:
        order_target_value(symbol("AAA"), 20_000 * math.sin(beat(context) / 9))

    return {"handle_data": handle_data}


@algorithm("daily equities")
def target_percent_flips() -> Algorithm:
    def handle_data(context: Any, data: Any) -> None:
        n = beat(context)
        order_target_percent(symbol("BBB"), 0.5 if n // 10 % 2 else -0.5)
        if n % 13 == 0:
            order_target_percent(symbol("BBB"), 0.1)  # a second one, before the first is filled

    return {"handle_data": handle_data}


@algorithm("daily equities")
def batches() -> Algorithm:
    def handle_data(context: Any, data: Any) -> None:
        n = beat(context)
        if n % 4 == 0:
            sizes = [(7 * n) % 23 - 11, (5 * n) % 19 - 9, 0]
            batch_market_order(pd.Series(sizes, index=symbols("AAA", "BBB", "CCC"), dtype="int64"))

    return {"handle_data": handle_data}


@algorithm("daily equities")
def limits_and_stops() -> Algorithm:
    def handle_data(context: Any, data: Any) -> None:
        n, asset = beat(context), symbol("AAA")
        price = data.current(asset, "price")
        if n % 5 == 0:
            order(asset, 20, limit_price=price * 0.995)
        if n % 5 == 1:
            order(asset, -20, stop_price=price * 0.99)
        if n % 5 == 2:
            order(asset, -10, limit_price=price * 1.004)
        if n % 5 == 3:
            order(asset, 10, limit_price=price * 1.02, stop_price=price * 1.005)

    return {"handle_data": handle_data}


@algorithm("daily equities")
def execution_styles() -> Algorithm:
    def handle_data(context: Any, data: Any) -> None:
        n, asset = beat(context), symbol("CCC")
        price = data.current(asset, "price")
        styles = [
            MarketOrder(),
            LimitOrder(price * 0.997),
            StopOrder(price * 0.995),
            StopLimitOrder(price * 1.01, price * 1.001),
        ]
        order(asset, 30 if n % 2 else -29, style=styles[n % 4])

    return {"handle_data": handle_data}


@algorithm("daily equities")
def cancels() -> Algorithm:
    def handle_data(context: Any, data: Any) -> None:
        n, asset = beat(context), symbol("AAA")
        if n % 3 == 0:
            context.last = order(asset, 5)
            context.resting = order(asset, -5, limit_price=data.current(asset, "price") * 1.05)
        if n % 12 == 0:
            cancel_order(context.last)  # a market order, before it is filled
        if n % 6 == 3:
            for each in get_open_orders(asset):
                cancel_order(each)
        cancel_order("no such id")
        cancel_order(asset)

    return {"handle_data": handle_data}


@algorithm("daily equities")
def end_of_day_cancel_in_daily_mode() -> Algorithm:
    def initialize(context: Any) -> None:
        set_cancel_policy(EODCancel())

    def handle_data(context: Any, data: Any) -> None:
        n, asset = beat(context), symbol("BBB")
        if n % 4 == 0:
            for step in range(3):
                order(asset, 4, limit_price=data.current(asset, "price") * (0.9 + 0.02 * step))
            order(asset, 3)

    return {"initialize": initialize, "handle_data": handle_data}


@algorithm("daily equities")
def scheduled_targets() -> Algorithm:
    def initialize(context: Any) -> None:
        schedule_function(monday, date_rules.week_start(), time_rules.market_open())
        schedule_function(last, date_rules.month_end(), time_rules.market_close())

    def monday(context: Any, data: Any) -> None:
        for asset in symbols("AAA", "BBB", "CCC"):
            order_target_percent(asset, 0.3)

    def last(context: Any, data: Any) -> None:
        for asset in list(context.portfolio.positions):
            order_target_percent(asset, 0)

    return {"initialize": initialize}


@algorithm("daily equities")
def pipelines() -> Algorithm:
    def initialize(context: Any) -> None:
        mean = SimpleMovingAverage(inputs=[EquityPricing.close], window_length=10)
        latest = EquityPricing.close.latest
        attach_pipeline(Pipeline({"up": latest > mean, "mean": mean}), "trend")

    def before_trading_start(context: Any, data: Any) -> None:
        context.table = pipeline_output("trend")

    def handle_data(context: Any, data: Any) -> None:
        if beat(context) < 12:
            return
        record(mean=context.table["mean"].mean())
        for asset, row in context.table.iterrows():
            order_target_percent(asset, 0.3 if row["up"] else 0.0)

    return {
        "initialize": initialize,
        "before_trading_start": before_trading_start,
        "handle_data": handle_data,
    }


@algorithm("daily equities")
def thin_volume_and_costs() -> Algorithm:
    def initialize(context: Any) -> None:
        set_slippage(us_equities=slippage.VolumeShareSlippage(volume_limit=0.01, price_impact=0.1))
        set_commission(us_equities=commission.PerTrade(cost=2.5))

    def handle_data(context: Any, data: Any) -> None:
        n = beat(context)
        if n % 9 == 0:
            order(symbol("AAA"), 120)  # many fills
        if n % 9 == 4:
            order_target(symbol("AAA"), -30)
        if n % 27 == 20:
            for each in get_open_orders(symbol("AAA")):
                cancel_order(each)

    return {"initialize": initialize, "handle_data": handle_data}


@algorithm("daily equities")
def fixed_slippage_reading_orders() -> Algorithm:
    def initialize(context: Any) -> None:
        set_slippage(us_equities=slippage.FixedSlippage(spread=0.02))
        context.ids = []

    def handle_data(context: Any, data: Any) -> None:
        if beat(context) % 4 == 0:
            context.ids.append(order(symbol("BBB"), (-1) ** context.n * 12 + 2))
        record(filled=sum(get_order(each).filled for each in context.ids))

    return {"initialize": initialize, "handle_data": handle_data}


# ---- minute equities ---------------------------------------------------------------------------


@algorithm("minute equities")
def minute_scheduled() -> Algorithm:
    def initialize(context: Any) -> None:
        schedule_function(enter, date_rules.every_day(), time_rules.market_open(minutes=30))
        schedule_function(leave, date_rules.every_day(), time_rules.market_close(minutes=10))

    def enter(context: Any, data: Any) -> None:
        for asset in symbols("AAA", "BBB"):
            order_target_percent(asset, 0.25)

    def leave(context: Any, data: Any) -> None:
        for asset in symbols("AAA", "BBB"):
            order_target(asset, 0)

    return {"initialize": initialize}


@algorithm("minute equities")
def minute_history_and_cancel_policy() -> Algorithm:
    def initialize(context: Any) -> None:
        set_cancel_policy(EODCancel())

    def handle_data(context: Any, data: Any) -> None:
        n, asset = beat(context), symbol("CCC")
        if n % 17 == 0 and n > 25:
            prices = data.history(asset, "price", 20, "1m")
            order(asset, 9, limit_price=prices.min())
            order(asset, -9, stop_price=prices.min())
        if n % 50 == 49:
            order_target(asset, 0)

    return {"initialize": initialize, "handle_data": handle_data}


@algorithm("minute equities")
def minute_thin_volume_with_cancel_policy() -> Algorithm:
    def initialize(context: Any) -> None:
        set_cancel_policy(EODCancel())
        set_slippage(us_equities=slippage.VolumeShareSlippage(volume_limit=0.0005))

    def handle_data(context: Any, data: Any) -> None:
        n = beat(context)
        if n % 150 == 100:
            order(symbol("AAA"), 400 if n % 300 == 100 else -500)

    return {"initialize": initialize, "handle_data": handle_data}


# ---- futures -----------------------------------------------------------------------------------


@algorithm("daily futures")
def roll_of_a_continuous_future() -> Algorithm:
    def initialize(context: Any) -> None:
        context.es = continuous_future("ES", offset=0, roll="calendar", adjustment="mul")

    def handle_data(context: Any, data: Any) -> None:
        n = beat(context)
        contract = data.current(context.es, "contract")
        for held in list(context.portfolio.positions):
            if held != contract and data.can_trade(held):
                order_target(held, 0)
        if n > 10:
            prices = data.history(context.es, "price", 8, "1d")
            order_target(contract, 2 if prices.iloc[-1] > prices.mean() else -1)

    return {"initialize": initialize, "handle_data": handle_data}


@algorithm("daily futures")
def held_into_auto_close() -> Algorithm:
    def handle_data(context: Any, data: Any) -> None:
        n = beat(context)
        if n == 3:
            order(future_symbol("ESH24"), 3)
        if n == 40:
            order(future_symbol("ESH24"), 1, limit_price=1.0)  # never filled, cancelled by expiry
        if n == 60:
            order(future_symbol("ESM24"), -2)

    return {"handle_data": handle_data}


@algorithm("minute futures")
def minute_futures_with_every_style() -> Algorithm:
    def initialize(context: Any) -> None:
        context.asset = future_symbol("ESM24")
        set_cancel_policy(EODCancel())

    def handle_data(context: Any, data: Any) -> None:
        n, asset = beat(context), context.asset
        price = data.current(asset, "price")
        if n % 60 == 0:
            order(asset, 2, limit_price=price - 1.0)
        if n % 60 == 20:
            order(asset, -2, stop_price=price - 2.0)
        if n % 60 == 40:
            order_target(asset, (n // 60) % 3 - 1)
        if n % 180 == 90:
            order(asset, 1, stop_price=price + 0.5, limit_price=price + 3.0)
        if n % 180 == 170:
            for each in get_open_orders(asset):
                cancel_order(each)

    return {"initialize": initialize, "handle_data": handle_data}


@algorithm("minute futures")
def minute_continuous_across_the_roll() -> Algorithm:
    def initialize(context: Any) -> None:
        context.es = continuous_future("ES", offset=0, roll="calendar", adjustment=None)

    def handle_data(context: Any, data: Any) -> None:
        if beat(context) % 45:
            return
        contract = data.current(context.es, "contract")
        prices = data.history(context.es, "price", 30, "1m")
        for held in list(context.portfolio.positions):
            if held != contract and data.can_trade(held):
                order_target(held, 0)
        order_target(contract, 1 if prices.iloc[-1] >= prices.mean() else -1)

    return {"initialize": initialize, "handle_data": handle_data}


@algorithm("minute futures")
def minute_futures_fixed_costs() -> Algorithm:
    def initialize(context: Any) -> None:
        set_slippage(us_futures=slippage.FixedSlippage(spread=0.25))
        set_commission(us_futures=commission.PerContract(0.85, 1.28))

    def handle_data(context: Any, data: Any) -> None:
        n = beat(context)
        if n % 37 == 0:
            order_target(future_symbol("ESU24"), n % 5 - 2)

    return {"initialize": initialize, "handle_data": handle_data}


# ------------------------------------------------------------------------------------------------


def test_there_are_at_least_twenty_algorithms() -> None:
    assert len(ALGORITHMS) >= 20


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_mirrored_run_is_the_plain_run(name: str, backtest: Any, mirrored: Any) -> None:
    kind, make = ALGORITHMS[name]
    plain = backtest(kind, **make())
    blotter, watch = mirrored()
    same = backtest(kind, blotter=blotter, on_bar=watch, **make())
    assert sum(len(day) for day in plain["transactions"]) >= 3, "this algorithm proves nothing"
    assert described(same) == described(plain)
    pd.testing.assert_series_equal(
        same["portfolio_value"], plain["portfolio_value"], check_exact=True
    )
    pd.testing.assert_series_equal(same["ending_cash"], plain["ending_cash"], check_exact=True)


def described(perf: pd.DataFrame) -> list[Any]:
    """Orders and transactions of each session, without the ids, which stock draws at random."""
    days = []
    for orders, transactions in zip(perf["orders"], perf["transactions"], strict=True):
        names: dict[Any, int] = {}
        days.append(
            (
                [
                    (
                        names.setdefault(each["id"], len(names)),
                        each["created"],
                        each["dt"],
                        each["sid"].symbol,
                        each["amount"],
                        each["filled"],
                        int(each["status"]),
                        each["limit"],
                        each["stop"],
                        each["commission"],
                    )
                    for each in orders
                ],
                [
                    (
                        each["dt"],
                        each["sid"].symbol,
                        each["amount"],
                        each["price"],
                        None if each["order_id"] is None else names.get(each["order_id"]),
                    )
                    for each in transactions
                ],
            )
        )
    return days
