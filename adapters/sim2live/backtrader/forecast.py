"""What would the stock broker do next? Answered without touching it.

An order must not reach the venue when Backtrader itself is about to refuse it for cash, and a
fill must be known before it is booked. Both questions follow the arithmetic of
``BackBroker.check_submitted`` and ``BackBroker._execute`` (backtrader 1.9.78) line by line.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from backtrader.position import Position


def family(order: Any) -> int:
    """The ref of the bracket that an order belongs to: its parent's, or its own."""
    ref: int = getattr(order.parent, "ref", order.ref)
    return ref


def doomed(broker: Any, group: Iterable[Any]) -> set[int]:
    """The families that the cash check of the next bar will refuse.

    Args:
        broker: The broker whose queue of submitted orders comes first.
        group: Orders about to be submitted, in their order.

    Returns:
        Refs as of `family`. One failed member takes its whole bracket with it.
    """
    cash = broker.cash
    positions: dict[Any, Position] = {}
    dead: set[int] = set()
    for order in (*broker.submitted, *group):
        kin = family(order)
        if kin != order.ref and (kin in dead or kin not in broker._pchildren):
            continue
        position = positions.get(order.data)
        if position is None:
            # Reading broker.positions[data] would create the entry earlier than the stock run.
            held = broker.positions.get(order.data)
            position = positions[order.data] = held.clone() if held is not None else Position()
        cash = broker._execute(order, cash=cash, position=position)
        # As in stock, the cash stays where the failed order left it.
        if not cash >= 0.0:
            dead.add(kin)
    return dead


def executed(broker: Any, order: Any, size: float, price: float) -> float:
    """How much of a fill the stock broker will book.

    Args:
        broker: The broker.
        order: The order to be filled.
        size: Signed size that matching offers.
        price: Price of the fill.

    Returns:
        Signed size. The part that opens is zero when the cash does not reach.
    """
    terms = broker.getcommissioninfo(order.data)
    key = order.data
    opening_terms = terms
    if order.data._compensate is not None:
        key = order.data._compensate
        opening_terms = broker.getcommissioninfo(key)
    position = broker.positions.get(key) or Position()
    cost = terms.getvaluesize if broker.p.shortcash else terms.getoperationcost
    _, _, opened, closed = position.pseudoupdate(size, price)
    cash = broker.cash
    if closed:
        entry = position.price
        back = cost(-closed if broker.p.shortcash else closed, entry)
        cash += back / terms.get_leverage() if back > 0 else back
        cash += terms.profitandloss(-closed, entry, price) * terms.stocklike
        cash -= terms.getcommission(closed, price)
        cash += terms.cashadjust(-closed, position.adjbase, price)
    if opened:
        value = cost(opened, price)
        cash -= value / terms.get_leverage() if value > 0 else value
        cash -= opening_terms.getcommission(opened, price)
        if cash < 0.0:
            opened = 0
    size_booked: float = closed + opened
    return size_booked
