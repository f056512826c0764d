"""What a signal does in one book, and what is told about it."""

from __future__ import annotations

import msgspec

from sim2live.exchange.accounts import Seat
from sim2live.exchange.book import Book
from sim2live.exchange.orders import Order, State, of_signal
from sim2live.signals import CANCEL, CLOSE, MODIFY, Signal


class Behaviour(msgspec.Struct, frozen=True):
    """What EvalItUp's page leaves open; the defaults are the plain reading of it.

    Attributes:
        close_is_reduce_only: A CLOSE is cut to the position and refused when there is none;
            otherwise it is an opposite order that nets.
        close_cancels_legs: A CLOSE takes the instrument's bracket legs off the market.
        dedupe: A repeated signal id is answered as the first time and not executed again.
        most_per_bar: Contracts of one order that the market takes at once and then with each
            bar, so that larger orders fill in parts; None for all at once.
        most_held: Contracts of an instrument that an account may hold for one of its
            multiplier; an order that could lead further is rejected. None for no limit.
    """

    close_is_reduce_only: bool = False
    close_cancels_legs: bool = False
    dedupe: bool = False
    most_per_bar: int | None = None
    most_held: int | None = None


class Result(msgspec.Struct, frozen=True):
    """What one account made of a signal.

    Attributes:
        account: Its name.
        accepted: Whether it acted on it.
        reason: Why not, else empty.
        filled: Contracts filled of the order so far.
        state: Where the order stands, or None for a CANCEL or MODIFY that met no order.
    """

    account: str
    accepted: bool
    reason: str
    filled: int
    state: State | None


class Part(msgspec.Struct, frozen=True, gc=False):
    """What one book made of a signal."""

    seats: tuple[Seat, ...]
    order: Order | None
    reason: str = ""


class Submission(msgspec.Struct, frozen=True, gc=False):
    """What a pool made of a signal; the rows of its accounts are made when read.

    Attributes:
        parts: What each of its books made of it.
    """

    parts: tuple[Part, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether any account acted on it."""
        return any(not part.reason for part in self.parts)

    @property
    def reason(self) -> str:
        """The first refusal, or an empty string."""
        return next((part.reason for part in self.parts if part.reason), "")

    @property
    def state(self) -> State | None:
        """Where the order stands now, in the first book."""
        order = self.parts[0].order if self.parts else None
        return None if order is None else order.state

    def results(self) -> list[Result]:
        """One row for each account, as things stand now."""
        rows = []
        for part in self.parts:
            order, accepted = part.order, not part.reason
            state = None if order is None else order.state
            qty = 0 if order is None else order.filled
            rows += [
                Result(seat.account, accepted, part.reason, qty * seat.factor, state)
                for seat in part.seats
            ]
        return rows


def execute(
    book: Book, signal: Signal, *, first: int, time: int, scale: int, behaviour: Behaviour
) -> Part:
    """Do in one book what a signal says.

    Args:
        book: The book.
        signal: NEW (also by default), MODIFY or CANCEL.
        first: Id for the first order; three times the book's width are free from there.
        time: UTC epoch nanoseconds.
        scale: Contracts of the book for one contract of the signal.
        behaviour: What a CLOSE does.

    Returns:
        What became of it.
    """
    if signal.action in (CANCEL, MODIFY):
        return _change(book, signal, time, scale)
    entry, *legs = of_signal(signal, first, time, scale, book.width)
    reason = _link(book, entry, signal)
    if not reason and signal.open_close == CLOSE:
        reason = _close(book, entry, legs, time, behaviour)
    if not reason and behaviour.most_held is not None:
        reason = _limit(book, entry, behaviour.most_held * scale)
    if reason:
        book.refuse(entry, reason, time)
    else:
        book.place(entry, legs, time)
    return Part(book.seats, entry, reason)


def _change(book: Book, signal: Signal, time: int, scale: int) -> Part:
    order = None if signal.order_id is None else book.named(signal.order_id)
    if order is None or not order.alive:
        return Part(book.seats, order, f"no working order {signal.order_id!r}")
    if signal.action == CANCEL:
        book.cancel(order, "cancelled by a signal", time)
    else:
        prices = signal.limit_price, signal.trigger_price
        book.modify(order, signal.qty * scale, *prices, time)
    return Part(book.seats, order)


def _link(book: Book, entry: Order, signal: Signal) -> str:
    """Tie the order to the entry that it protects; returns why it cannot be."""
    known = book.named(entry.tag)
    if signal.order_id is not None and known is not None and known.alive:
        return f"order_id {signal.order_id!r} is the name of a working order"
    if signal.parent_order_id is None:
        return ""
    parent = book.named(signal.parent_order_id)
    if parent is None or parent.instrument != entry.instrument:
        return f"no order {signal.parent_order_id!r} to protect"
    if not parent.alive and parent.state is not State.FILLED:
        return f"order {signal.parent_order_id!r} is {parent.state}"
    entry.parent = parent.id
    entry.state = State.INACTIVE if parent.alive else State.WORKING
    return ""


def _close(book: Book, entry: Order, legs: list[Order], time: int, behaviour: Behaviour) -> str:
    """Prepare a CLOSE; returns why there is nothing to do."""
    held = book.held(entry.instrument)
    if behaviour.close_is_reduce_only:
        if held == 0 or (held > 0) == (entry.signed > 0):
            return "nothing to close"
        for order in (entry, *legs):
            order.qty = min(order.qty, abs(held))
    if behaviour.close_cancels_legs:
        for order in book.alive(entry.instrument):
            if order.parent is not None and order.alive:
                book.cancel(order, "its position is closed", time)
    return ""


def _limit(book: Book, entry: Order, most: int) -> str:
    """Whether a fill could lead beyond what an account may hold; returns the refusal."""
    after = abs(book.held(entry.instrument) + entry.signed)
    if after <= most:
        return ""
    return f"the account may hold {most} contracts of {entry.instrument}, not {after}"
