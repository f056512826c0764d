"""How is a fill that the venue reports booked in Backtrader's own books?

The arithmetic is that of ``BackBroker._execute`` (backtrader 1.9.78). Only its last question is
left out, whether the cash reaches: the venue has answered it already.
"""

from __future__ import annotations

from typing import Any

from backtrader import BuyOrder, Order, SellOrder


def book(broker: Any, order: Any, size: int, price: float) -> None:
    """Book one fill: position, cash, and the execution bit that notices and trades are made of.

    Args:
        broker: The broker whose books these are.
        order: The order that was filled; its notice is queued.
        size: Signed contracts.
        price: In points.
    """
    data = order.data
    key = key_of(data)
    terms, opening_terms = broker.getcommissioninfo(data), broker.getcommissioninfo(key)
    position = broker.positions[key]
    entry, base = position.price, position.adjbase
    after, average, opened, closed = position.update(size, price, key.datetime.datetime())
    cost = terms.getvaluesize if broker.p.shortcash else terms.getoperationcost
    cash, pnl = broker.cash, terms.profitandloss(-closed, entry, price)
    closed_value = closed_fee = opened_value = opened_fee = 0.0
    if closed:
        closed_value = cost(-closed if broker.p.shortcash else closed, entry)
        cash += closed_value / terms.get_leverage() if closed_value > 0 else closed_value
        closed_fee = terms.getcommission(closed, price)
        cash += pnl * terms.stocklike - closed_fee
        cash += terms.cashadjust(-closed, base if base is not None else entry, price)
    if opened:
        opened_value = cost(opened, price)
        cash -= opened_value / terms.get_leverage() if opened_value > 0 else opened_value
        opened_fee = opening_terms.getcommission(opened, price)
        cash -= opened_fee
        if abs(after) > abs(opened):
            cash += terms.cashadjust(after - opened, base if base is not None else entry, price)
        position.adjbase = price
    broker.cash = cash
    terms.confirmexec(size, price)
    order.execute(
        key.datetime[0],
        size, price,
        closed, closed_value, closed_fee,
        opened, opened_value, opened_fee,
        terms.margin, pnl,
        after, average,
    )  # fmt: skip
    order.addcomminfo(terms)
    broker.notify(order)


def foreign(broker: Any, data: Any, size: int, price: float, *, owner: Any, reason: str) -> Any:
    """Book what no order of this run has done: a position found at the start, a fill by hand.

    Without an opening execution Backtrader would take the sale of a position that it never saw
    opened for a new short trade.

    Returns:
        The order that stands for it, completed.
    """
    kind = BuyOrder if size > 0 else SellOrder
    order = kind(
        owner=owner, data=data, size=abs(size), price=price, exectype=Order.Market, simulated=True
    )
    order.addinfo(sim2live=reason)
    broker._ocoize(order, None)
    book(broker, order, size, price)
    return order


def settle(broker: Any) -> None:
    """Move the cash with the closes of this bar, for what is settled in cash every bar."""
    moved = 0.0
    for data, position in broker.positions.items():
        if position.size:
            base = position.adjbase if position.adjbase is not None else position.price
            terms = broker.getcommissioninfo(data)
            moved += terms.cashadjust(position.size, base, data.close[0])
            position.adjbase = data.close[0]
    broker.cash += moved  # a float from here on, as in stock, whatever the user has set


def key_of(data: Any) -> Any:
    """The data whose position an order of this data changes."""
    return data._compensate if data._compensate is not None else data
