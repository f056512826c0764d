"""Orders that fill in parts, and an account that may not hold more than so many."""

from __future__ import annotations

import pytest

from sim2live.exchange.execution import Behaviour
from sim2live.exchange.orders import State
from sim2live.exchange.venue import Exchange
from sim2live.market.bars import Bar
from sim2live.signals import Bracket, Instrument, Signal, StopLoss, TakeProfit

MES = Instrument("CME", "MESZ6")
POOL = "python-test"


def venue(**behaviour: int) -> Exchange:
    exchange = Exchange(behaviour=Behaviour(**behaviour))
    exchange.quote(MES, 100.0, 0)
    return exchange


def order(number: int, qty: int, side: str = "BUY", **more: object) -> Signal:
    return Signal(
        signal_id=f"s{number}", workflow_id=POOL, instrument=MES, side=side, qty=qty, **more
    )


def flat(time: int, price: float = 100.0) -> Bar:
    return Bar(time, price, price, price, price)


def fills(exchange: Exchange) -> list[int]:
    return [event.signed_qty for event in exchange.events() if event.kind == "fill"]


def held(exchange: Exchange) -> int:
    return sum(row.qty for row in exchange.positions())


def test_a_large_order_fills_bar_by_bar_at_its_average_price() -> None:
    exchange = venue(most_per_bar=2)
    exchange.submit(order(1, 5), 1)
    assert (fills(exchange), held(exchange)) == ([2], 2)
    exchange.on_bar(MES, flat(2, 101.0))
    exchange.on_bar(MES, flat(3, 104.0))
    exchange.on_bar(MES, flat(4))
    assert fills(exchange) == [2, 2, 1]
    (row,) = exchange.orders()
    assert row.state is State.FILLED
    assert row.price == pytest.approx((2 * 100 + 2 * 101 + 104) / 5)
    (trade, *_) = exchange.trades()
    assert trade.signed_qty == 1


def test_the_rest_of_a_partly_filled_order_can_be_cancelled() -> None:
    exchange = venue(most_per_bar=2)
    exchange.submit(order(1, 5), 1)
    exchange.cancel(exchange.orders()[0].order_id, 2)
    exchange.on_bar(MES, flat(3))
    assert held(exchange) == 2


def test_legs_protect_what_is_filled_and_spare_one_another() -> None:
    exchange = venue(most_per_bar=2)
    legs = Bracket(TakeProfit(110.0), StopLoss(90.0))
    exchange.submit(order(1, 3, bracket=legs), 1)
    assert [o.qty for o in exchange.orders() if o.role != "entry"] == [2, 2]
    exchange.on_bar(MES, flat(2))
    assert [o.qty for o in exchange.orders() if o.role != "entry"] == [3, 3]
    exchange.on_bar(MES, flat(3, 111.0))
    target, stop, _ = exchange.orders()
    assert (target.role, target.state, stop.qty) == ("take_profit", State.WORKING, 1)
    exchange.on_bar(MES, flat(4, 112.0))
    target, stop, _ = exchange.orders()
    assert (target.state, stop.state, held(exchange)) == (State.FILLED, State.CANCELLED, 0)


def test_an_order_changed_to_what_is_filled_is_done() -> None:
    exchange = venue(most_per_bar=2)
    exchange.submit(order(1, 5), 1)
    (row,) = exchange.orders()
    exchange.modify(row.order_id, 2, qty=2)
    exchange.on_bar(MES, flat(3))
    assert held(exchange) == 2


def test_an_order_beyond_what_the_account_may_hold_is_rejected_and_told() -> None:
    exchange = venue(most_held=3)
    assert exchange.submit(order(1, 2), 1).accepted
    refused = exchange.submit(order(2, 2), 2)
    assert not refused.accepted
    assert "may hold 3 contracts" in refused.reason
    assert [event.kind for event in exchange.events()] == ["accept", "fill", "reject"]
    assert exchange.submit(order(3, 5, "SELL"), 3).accepted
    assert held(exchange) == -3
