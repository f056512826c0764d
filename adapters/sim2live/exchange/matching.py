"""Does this order fill, and at what price? Pure functions, one answer for each question.

The rules, in the order in which a bar is walked through:

1. What the open already satisfies happens at the open, better or worse than asked.
2. Stops before limits, since a bar does not tell which of its prices came first.
3. A limit fills at its limit or better, a stop at its trigger.

A STOP_LIMIT whose trigger lies inside the bar becomes a limit there. It fills in the same bar
only where that is certain: its limit is no worse than the trigger, or the bar opened beyond the
trigger and came back to the limit afterwards.
"""

from __future__ import annotations

from typing import NamedTuple

from sim2live.exchange.orders import Order
from sim2live.market.bars import Bar
from sim2live.signals import BUY

#: When in a bar something happens: at its open, or inside it - stops first.
AT_OPEN, STOPPED, LIMITED = 0, 1, 2


class Match(NamedTuple):
    """What a price or a bar does to an order.

    Attributes:
        price: Fill price, or None when it does not fill.
        triggered: The order has become a limit.
        when: AT_OPEN, STOPPED or LIMITED, for the order of events within a bar.
    """

    price: float | None
    triggered: bool = False
    when: int = AT_OPEN


NOTHING = Match(None)


def on_price(order: Order, price: float) -> Match:
    """What one traded price does to an order.

    Args:
        order: A live order.
        price: The market.

    Returns:
        A fill at exactly that price, or none.
    """
    kind = order.order_type
    if kind == "MARKET":
        return Match(price)
    if kind == "LIMIT" or order.triggered:
        return Match(price) if _limit_allows(order, price) else NOTHING
    if not _trigger_reached(order, price):
        return NOTHING
    if kind == "STOP":
        return Match(price)
    return Match(price if _limit_allows(order, price) else None, triggered=True)


def on_bar(order: Order, bar: Bar) -> Match:
    """What one bar does to an order that was live before the bar began.

    Args:
        order: A live order.
        bar: The bar.

    Returns:
        The fill, or none.
    """
    opening = on_price(order, bar.open)
    if opening.price is not None:
        return opening
    buys = order.side == BUY
    if order.order_type == "LIMIT" or order.triggered or opening.triggered:
        best = bar.low if buys else bar.high
        if _limit_allows(order, best):
            return Match(order.limit_price, opening.triggered, LIMITED)
        return Match(None, True, LIMITED) if opening.triggered else NOTHING
    worst = bar.high if buys else bar.low
    if not _trigger_reached(order, worst):
        return NOTHING
    trigger = order.trigger_price
    assert trigger is not None
    if order.order_type == "STOP":
        return Match(trigger, when=STOPPED)
    return Match(trigger if _limit_allows(order, trigger) else None, triggered=True, when=STOPPED)


def trailed(order: Order, price: float) -> bool:
    """Let the trigger of a trailing stop follow one traded price.

    Only the open and the close of a bar are used: nothing tells whether its high came before
    its low.

    Args:
        order: A live order.
        price: The market.

    Returns:
        Whether the trigger moved.
    """
    if order.trail is None or order.trigger_price is None:
        return False
    if order.side == BUY:
        closer = min(order.trigger_price, price + order.trail)
    else:
        closer = max(order.trigger_price, price - order.trail)
    moved = closer != order.trigger_price
    order.trigger_price = closer
    return moved


def _limit_allows(order: Order, price: float) -> bool:
    limit = order.limit_price
    assert limit is not None
    return price <= limit if order.side == BUY else price >= limit


def _trigger_reached(order: Order, price: float) -> bool:
    trigger = order.trigger_price
    assert trigger is not None
    return price >= trigger if order.side == BUY else price <= trigger
