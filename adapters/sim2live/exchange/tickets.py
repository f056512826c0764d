"""An order for one account, as a trading API takes it: prices, or distances from the fill."""

from __future__ import annotations

import msgspec

from sim2live.exchange.orders import Order, Role, State
from sim2live.signals import BUY, Instrument, OrderType, Side


class Ticket(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What an account's owner asks for. Whoever makes one has checked its fields.

    Attributes:
        instrument: What is traded.
        side: BUY or SELL.
        qty: Whole contracts of the account.
        order_type: How it fills; a trailing stop is a STOP with `trail`.
        limit_price: For LIMIT and STOP_LIMIT.
        trigger_price: For STOP and STOP_LIMIT.
        trail: Distance at which a STOP follows the market, in points.
        stop_offset: Points from the fill to a protective stop; below zero for a BUY.
        target_offset: Points from the fill to a profit target; above zero for a BUY.
        tag: The owner's name for it, or empty.
    """

    instrument: Instrument
    side: Side
    qty: int
    order_type: OrderType = "MARKET"
    limit_price: float | None = None
    trigger_price: float | None = None
    trail: float | None = None
    stop_offset: float | None = None
    target_offset: float | None = None
    tag: str = ""


def of_ticket(ticket: Ticket, pool: str, number: int, time: int) -> list[Order]:
    """The orders that a ticket makes in the book of its account.

    Args:
        ticket: What is asked for.
        pool: The pool of the account.
        number: Id of the first order; two more may be used.
        time: UTC epoch nanoseconds.

    Returns:
        The entry, followed by its legs; the stop stands before the target.
    """
    entry = Order(
        id=number,
        tag=ticket.tag,
        signal_id=ticket.tag,
        pool=pool,
        instrument=ticket.instrument,
        role="entry",
        side=ticket.side,
        qty=ticket.qty,
        order_type=ticket.order_type,
        limit_price=ticket.limit_price,
        trigger_price=ticket.trigger_price,
        parent=None,
        state=State.WORKING,
        created=time,
        updated=time,
        trail=ticket.trail,
    )
    made = [entry]
    if ticket.stop_offset is not None:
        made.append(_leg(entry, "stop_loss", "STOP", ticket.stop_offset, number + len(made)))
    if ticket.target_offset is not None:
        made.append(_leg(entry, "take_profit", "LIMIT", ticket.target_offset, number + len(made)))
    return made


def _leg(entry: Order, role: Role, kind: OrderType, offset: float, number: int) -> Order:
    return Order(
        id=number,
        tag=f"{entry.tag}/{role}" if entry.tag else "",
        signal_id=entry.signal_id,
        pool=entry.pool,
        instrument=entry.instrument,
        role=role,
        side="SELL" if entry.side == BUY else "BUY",
        qty=entry.qty,
        order_type=kind,
        limit_price=None,
        trigger_price=None,
        parent=entry.id,
        state=State.INACTIVE,
        created=entry.created,
        updated=entry.created,
        offset=offset,
    )
