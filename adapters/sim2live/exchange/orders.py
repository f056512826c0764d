"""What an order of the simulated venue is, and how it is shown."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from sim2live.exchange.accounts import Seat
from sim2live.signals import BUY, Instrument, OrderType, Side, Signal

Role = Literal["entry", "stop_loss", "take_profit", "child"]


class State(enum.StrEnum):
    """Where an order stands."""

    WORKING = "WORKING"  # it fills when the market says so
    INACTIVE = "INACTIVE"  # it waits for its entry to fill
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"


#: States that can still change.
ALIVE = frozenset({State.WORKING, State.INACTIVE})


class Order(msgspec.Struct, gc=False):
    """One order of one book; the accounts of the book see it through :class:`OrderRow`.

    Attributes:
        id: Number of the order for the first account of its book; the following numbers
            belong to the book's other accounts.
        tag: What a later signal calls this order: its `order_id`, or else its signal's id.
        signal_id: The signal that it came from.
        pool: The pool that its accounts belong to.
        instrument: What is traded.
        role: Entry, a leg of its bracket, or a child placed by a signal of its own.
        side: BUY or SELL.
        qty: Whole contracts, in units of the book.
        order_type: How it fills.
        limit_price: Worst price of a LIMIT or STOP_LIMIT.
        trigger_price: Where a STOP or STOP_LIMIT wakes up.
        parent: Id of the entry; children of one entry cancel each other.
        state: Where it stands.
        created: When it was placed, UTC epoch nanoseconds.
        updated: When it last changed, UTC epoch nanoseconds.
        price: Fill price, once FILLED.
        triggered: A STOP_LIMIT that has become a limit.
        reason: Why it was cancelled or rejected.
        trail: Distance at which the trigger of a STOP follows the market, in points.
        offset: Points from the entry's fill to the price of a leg that has no price yet.
        filled: Contracts of `qty` that are filled so far.
    """

    id: int
    tag: str
    signal_id: str
    pool: str
    instrument: Instrument
    role: Role
    side: Side
    qty: int
    order_type: OrderType
    limit_price: float | None
    trigger_price: float | None
    parent: int | None
    state: State
    created: int
    updated: int
    price: float | None = None
    triggered: bool = False
    reason: str = ""
    trail: float | None = None
    offset: float | None = None
    filled: int = 0

    @property
    def signed(self) -> int:
        """Contracts of the book, negative for a sale."""
        return self.qty if self.side == BUY else -self.qty

    @property
    def alive(self) -> bool:
        """Whether it can still fill."""
        return self.state in ALIVE


class OrderRow(msgspec.Struct, frozen=True):
    """An order as one account sees it; made when somebody reads. Fields as in :class:`Order`.

    Attributes:
        order_id: Unique at the venue.
        account: Whose order it is.
        qty: Whole contracts of this account.
        parent_order_id: The same account's entry, for a leg or a child.
    """

    order_id: int
    account: str
    pool: str
    signal_id: str
    tag: str
    instrument: Instrument
    role: Role
    side: Side
    qty: int
    order_type: OrderType
    limit_price: float | None
    trigger_price: float | None
    parent_order_id: int | None
    state: State
    created: int
    updated: int
    price: float | None
    triggered: bool
    reason: str
    trail: float | None


def order_rows(orders: dict[int, Order], seats: Sequence[Seat]) -> Iterator[OrderRow]:
    """Orders as the accounts on `seats` see them, newest first; made one by one."""
    for order in reversed(orders.values()):
        for seat in reversed(seats):
            yield order_row(order, seat)


def order_row(order: Order, seat: Seat) -> OrderRow:
    """An order as the account on `seat` sees it."""
    return OrderRow(
        order_id=order.id + seat.number,
        account=seat.account,
        pool=order.pool,
        signal_id=order.signal_id,
        tag=order.tag,
        instrument=order.instrument,
        role=order.role,
        side=order.side,
        qty=order.qty * seat.factor,
        order_type=order.order_type,
        limit_price=order.limit_price,
        trigger_price=order.trigger_price,
        parent_order_id=None if order.parent is None else order.parent + seat.number,
        state=order.state,
        created=order.created,
        updated=order.updated,
        price=order.price,
        triggered=order.triggered,
        reason=order.reason,
        trail=order.trail,
    )


def of_signal(signal: Signal, number: int, time: int, scale: int, step: int) -> list[Order]:
    """The orders that a NEW signal makes in one book.

    Args:
        signal: The signal.
        number: Id of the first order.
        time: UTC epoch nanoseconds.
        scale: Contracts of the book for one contract of the signal.
        step: Distance between two ids: the seats of the book.

    Returns:
        The entry, followed by its legs; the stop stands before the target.
    """
    tag = signal.order_id if signal.order_id is not None else signal.signal_id
    qty = signal.qty * scale
    entry = Order(
        id=number,
        tag=tag,
        signal_id=signal.signal_id,
        pool=signal.workflow_id,
        instrument=signal.instrument,
        role="entry" if signal.parent_order_id is None else "child",
        side=signal.side,
        qty=qty,
        order_type=signal.order_type,
        limit_price=signal.limit_price,
        trigger_price=signal.trigger_price,
        parent=None,
        state=State.WORKING,
        created=time,
        updated=time,
    )
    made = [entry]
    bracket = signal.bracket
    if bracket is None:
        return made
    if bracket.stop_loss is not None:
        made.append(_leg(entry, "stop_loss", None, bracket.stop_loss.trigger_price, number + step))
    if bracket.take_profit is not None:
        number += step * len(made)
        made.append(_leg(entry, "take_profit", bracket.take_profit.limit_price, None, number))
    return made


def _leg(
    entry: Order, role: Role, limit: float | None, trigger: float | None, number: int
) -> Order:
    return Order(
        id=number,
        tag=f"{entry.tag}/{role}",
        signal_id=entry.signal_id,
        pool=entry.pool,
        instrument=entry.instrument,
        role=role,
        side="SELL" if entry.side == BUY else "BUY",
        qty=entry.qty,
        order_type="STOP" if limit is None else "LIMIT",
        limit_price=limit,
        trigger_price=trigger,
        parent=entry.id,
        state=State.INACTIVE,
        created=entry.created,
        updated=entry.created,
    )
