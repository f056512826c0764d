"""How does an order end that the gate has refused? As the stock broker ends one without cash."""

from __future__ import annotations

from typing import Any


def announce(broker: Any, order: Any, reason: str) -> None:
    """Everything that stock does with a new order up to its cash check."""
    explain(order, reason)
    order.submit()
    broker.orders.append(order)
    broker.notify(order)


def reject(broker: Any, order: Any) -> None:
    """The path of stock for an order without cash, with Rejected as the last word."""
    order.reject()
    broker.notify(order)
    broker._ococheck(order)
    broker._bracketize(order, cancel=True)


def explain(order: Any, reason: str) -> None:
    """Tell the strategy why: in ``order.info.sim2live``, and in ``.reason`` if that is free."""
    order.addinfo(sim2live=reason)
    if "reason" not in order.info:
        order.addinfo(reason=reason)
