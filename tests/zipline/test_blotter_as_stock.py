"""A blotter on its own, without an algorithm: ours does to each order what stock's does.

The things that upstream tests of its blotter, each told in one line and played on both classes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from zipline.assets import Equity, ExchangeInfo, Future
from zipline.finance.blotter import SimulationBlotter
from zipline.finance.cancel_policy import EODCancel, NeverCancel
from zipline.finance.commission import PerContract, PerShare, PerTrade
from zipline.finance.execution import LimitOrder, MarketOrder, StopLimitOrder, StopOrder
from zipline.finance.slippage import FixedSlippage, VolumeShareSlippage
from zipline.gens.sim_engine import BAR, SESSION_END

import sim2live
from sim2live.zipline import MirrorBlotter

EXCHANGE = ExchangeInfo("TEST EXCHANGE", "TEST", "US")
ONE, TWO = (Equity(sid, EXCHANGE, symbol=name) for sid, name in ((1, "ONE"), (2, "TWO")))
NOON = pd.Timestamp("2024-03-05 17:00", tz="UTC")
CRUDE = Future(
    3,
    EXCHANGE,
    symbol="CLK24",
    root_symbol="CL",
    multiplier=1000.0,
    tick_size=0.01,
    auto_close_date=pd.Timestamp("2024-04-19"),
)


class Bars:
    """One bar of every asset: 9 to 11, closed at 10, a volume of 4,000."""

    current_dt = NOON

    def current(self, asset: Any, field: str) -> float:
        return {"high": 11.0, "low": 9.0, "volume": 4000.0}.get(field, 10.0)


Scenario = Callable[[Any], Any]
SCENARIOS: dict[str, tuple[Scenario, dict[str, Any]]] = {}


def scenario(**params: Any) -> Callable[[Scenario], Scenario]:
    def keep(play: Scenario) -> Scenario:
        SCENARIOS[play.__name__] = (play, params)
        return play

    return keep


@scenario()
def every_kind_of_order(blotter: Any) -> None:
    for style in (
        MarketOrder(), LimitOrder(10), StopOrder(10), StopLimitOrder(10, 20),
        LimitOrder(8.126), StopOrder(11.994),
    ):  # fmt: skip
        blotter.order(ONE, 100, style)
        blotter.order(ONE, -100, style)
    assert len(blotter.open_orders[ONE]) == 12


@scenario()
def no_shares_are_no_order(blotter: Any) -> list[Any]:
    with pytest.raises(OverflowError):
        blotter.order(ONE, blotter.max_shares + 1, MarketOrder())
    return [blotter.order(ONE, 0, MarketOrder()), len(blotter.orders)]


@scenario()
def an_id_of_ones_own(blotter: Any) -> list[Any]:
    return [blotter.order(ONE, 5, MarketOrder(), order_id="mine"), list(blotter.orders)]


@scenario()
def one_of_three_is_cancelled(blotter: Any) -> None:
    ids = [blotter.order(ONE, size, MarketOrder()) for size in (100, 200, 300)]
    blotter.cancel(ids[1])
    blotter.cancel(ids[1])
    blotter.cancel("nobody's", relay_status=False)
    assert [order.amount for order in blotter.open_orders[ONE]] == [100, 300]


@scenario()
def all_of_an_asset_are_cancelled(blotter: Any) -> list[str]:
    for asset in (ONE, TWO):
        for style in (MarketOrder(), LimitOrder(8)):
            blotter.order(asset, 100, style)
    blotter.new_orders = []
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        blotter.cancel_all_orders_for_asset(ONE, warn=True, relay_status=False)
    assert list(blotter.open_orders) == [TWO]
    return [type(order.status).__name__ for order in blotter.new_orders] + [str(len(said) > 0)]


@scenario(cancel_policy=EODCancel())
def the_end_of_a_session_with_eod_cancel(blotter: Any) -> None:
    for asset, size in ((ONE, 100), (ONE, -100), (TWO, 7)):
        blotter.order(asset, size, LimitOrder(8))
    blotter.execute_cancel_policy(BAR)
    assert len(blotter.open_orders) == 2
    blotter.execute_cancel_policy(SESSION_END)
    assert not blotter.open_orders


@scenario(cancel_policy=EODCancel())
def the_end_of_a_day_with_eod_cancel(blotter: Any) -> None:
    for size in (1, 2, 3):
        blotter.order(ONE, size, LimitOrder(8))
    blotter.execute_daily_cancel_policy(SESSION_END)


@scenario(cancel_policy=NeverCancel())
def the_end_of_a_session_with_never_cancel(blotter: Any) -> None:
    blotter.order(ONE, 100, MarketOrder())
    blotter.execute_cancel_policy(BAR)
    blotter.execute_cancel_policy(SESSION_END)
    assert len(blotter.open_orders) == 1


@scenario()
def rejections(blotter: Any) -> None:
    first = blotter.order(ONE, 100, MarketOrder())
    blotter.reject(first, "a reason")
    assert not blotter.open_orders[ONE]
    second = blotter.order(ONE, 100, LimitOrder(8))
    blotter.set_date(NOON + pd.Timedelta(minutes=1))
    blotter.reject(second)
    blotter.reject("nobody's", "a reason")
    filled = blotter.order(ONE, 100, MarketOrder())
    fill(blotter)
    blotter.reject(filled, "too late")


@scenario()
def a_held_order_is_cancelled_rejected_or_filled(blotter: Any) -> None:
    for end in (blotter.cancel, lambda name: blotter.reject(name, "no")):
        held = blotter.order(ONE, 100, LimitOrder(8))
        blotter.hold(held, "wait")
        end(held)
    blotter.hold("nobody's", "wait")
    held = blotter.order(TWO, 50, MarketOrder())
    blotter.hold(held, "wait")
    fill(blotter)


@scenario(equity_slippage=VolumeShareSlippage(volume_limit=0.01))
def a_held_order_is_filled_in_parts(blotter: Any) -> None:
    held = blotter.order(ONE, 100, MarketOrder())
    blotter.hold(held, "wait")
    fill(blotter)
    blotter.cancel(held)


@scenario()
def closed_orders_are_pruned(blotter: Any) -> None:
    blotter.order(ONE, 100, MarketOrder())
    open_id = blotter.order(ONE, 100, LimitOrder(8))
    _, _, closed = blotter.get_transactions(Bars())
    closed.append(SimpleNamespace(id="nobody's", asset=TWO, open=False))
    blotter.prune_orders(closed)
    assert [order.id for order in blotter.open_orders[ONE]] == [open_id]


@scenario()
def a_batch(blotter: Any) -> list[Any]:
    wanted = [(asset, size, MarketOrder()) for size in range(1, 4) for asset in (ONE, TWO)]
    ids = blotter.batch_order([*wanted, (ONE, 0, MarketOrder())])
    return [name is None for name in ids]


@scenario(
    equity_slippage=FixedSlippage(spread=0.5), equity_commission=PerTrade(1.5),
    future_slippage=FixedSlippage(spread=2.0), future_commission=PerContract(0.85, 1.0),
)  # fmt: skip
def costs_by_kind_of_asset(blotter: Any) -> list[Any]:
    blotter.order(ONE, 1, MarketOrder())
    blotter.order(CRUDE, 1, MarketOrder())
    return fill(blotter)


@scenario(equity_slippage=VolumeShareSlippage(), equity_commission=PerShare(0.01, 1.0))
def thin_volume(blotter: Any) -> list[Any]:
    blotter.order(ONE, 250, MarketOrder())
    blotter.order(ONE, -40, LimitOrder(9.5))
    return [fill(blotter) for _ in range(3)]


@scenario()
def a_split(blotter: Any) -> None:
    for style in (MarketOrder(), LimitOrder(8), StopOrder(12)):
        blotter.order(ONE, 100, style)
        blotter.order(TWO, 100, style)
    blotter.process_splits([(ONE, 0.3333)])


def fill(blotter: Any) -> list[Any]:
    transactions, commissions, closed = blotter.get_transactions(Bars())
    blotter.prune_orders(closed)
    return [
        [(txn.asset.symbol, txn.amount, txn.price, txn.dt) for txn in transactions],
        [(cost["asset"].symbol, cost["cost"]) for cost in commissions],
        len(closed),
    ]


def played(blotter: Any, play: Scenario, *, dated: bool) -> list[Any]:
    """What the scenario returns, and every order in the order of its birth."""
    if dated:
        blotter.set_date(NOON)
    told = play(blotter)
    orders = list(blotter.orders.values())
    rows = [
        (
            order.asset.symbol, order.amount, order.filled, order.status, order.reason,
            order.limit, order.stop, order.limit_reached, order.stop_reached, order.commission,
            order.created, order.dt,
        )
        for order in orders
    ]  # fmt: skip
    open_ones = [orders.index(one) for held in blotter.open_orders.values() for one in held]
    return [told, rows, open_ones, [orders.index(one) for one in blotter.new_orders]]


@pytest.mark.parametrize("dated", [True, False])
@pytest.mark.parametrize("name", SCENARIOS)
def test_ours_does_to_an_order_what_stock_does(name: str, dated: bool) -> None:
    play, params = SCENARIOS[name]
    with sim2live.connect("paper") as dispatcher:
        ours = played(MirrorBlotter(dispatcher, **params), play, dated=dated)
    assert ours == played(SimulationBlotter(**params), play, dated=dated)
    assert ours[1] or name == "no_shares_are_no_order", "no order at all proves nothing"
