"""What the books of one venue share: order numbers, last prices, and what has happened so far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from sim2live.exchange.accounts import Seat, TradeRow
from sim2live.exchange.orders import Order
from sim2live.market.contracts import contract
from sim2live.signals import BUY, Instrument

EventKind = Literal["accept", "fill", "cancel", "reject"]


class Happening(msgspec.Struct, frozen=True, gc=False):
    """One thing that happened to one order of a book, told once for all its accounts."""

    number: int
    time: int
    kind: EventKind
    order: Order
    seats: tuple[Seat, ...]
    price: float | None = None
    qty: int = 0
    closed: int = 0
    profit: float = 0.0
    reason: str = ""

    @property
    def signed(self) -> int:
        """Contracts of the book that this filled, negative for a sale."""
        return self.qty if self.order.side == BUY else -self.qty


class Event(msgspec.Struct, frozen=True):
    """One thing that happened to one order of one account.

    Attributes:
        id: Unique at the venue.
        time: UTC epoch nanoseconds.
        kind: What happened.
        account: Whose order.
        pool: Its pool.
        order_id: The account's order.
        tag: What a later signal calls the order.
        signal_id: The signal behind it.
        instrument: What is traded.
        signed_qty: Whole contracts filled, negative for a sale; 0 unless it is a fill.
        price: Fill price, or None.
        reason: Why, for cancel and reject.
    """

    id: str
    time: int
    kind: EventKind
    account: str
    pool: str
    order_id: int
    tag: str
    signal_id: str
    instrument: Instrument
    signed_qty: int
    price: float | None
    reason: str


class Tape:
    """Numbers, prices and history of one venue.

    Args:
        most_per_bar: Contracts of one order that the market takes at a time; None for all.
    """

    def __init__(self, most_per_bar: int | None = None) -> None:
        self.most_per_bar = most_per_bar
        self.prices: dict[Instrument, float] = {}
        self.history: list[Happening] = []
        self._next_order = 1
        self._point_values: dict[Instrument, float] = {}

    @property
    def next_number(self) -> int:
        """The order id that comes next."""
        return self._next_order

    def numbers(self, count: int, least: int = 0) -> int:
        """Reserve `count` order ids in a row, none below `least`; returns the first."""
        first = max(self._next_order, least)
        self._next_order = first + count
        return first

    def point_value(self, instrument: Instrument) -> float:
        """Account currency for one point of one contract; 1 for an unknown root."""
        known = self._point_values.get(instrument)
        if known is None:
            found = contract(instrument)
            known = self._point_values[instrument] = 1.0 if found is None else found.point_value
        return known

    def tell(
        self,
        kind: EventKind,
        order: Order,
        seats: tuple[Seat, ...],
        time: int,
        *,
        price: float | None = None,
        qty: int = 0,
        closed: int = 0,
        profit: float = 0.0,
        reason: str = "",
    ) -> None:
        """Add to the history."""
        number = len(self.history) + 1
        told = Happening(number, time, kind, order, seats, price, qty, closed, profit, reason)
        self.history.append(told)


def event_rows(told: Sequence[Happening]) -> Iterator[Event]:
    """The same happenings, one for each account."""
    for one in told:
        order = one.order
        for seat in one.seats:
            yield Event(
                id=f"{one.number}-{seat.number}",
                time=one.time,
                kind=one.kind,
                account=seat.account,
                pool=order.pool,
                order_id=order.id + seat.number,
                tag=order.tag,
                signal_id=order.signal_id,
                instrument=order.instrument,
                signed_qty=one.signed * seat.factor,
                price=one.price,
                reason=one.reason,
            )


def trade_rows(one: Happening) -> Iterator[TradeRow]:
    """The trades of a fill, one for each account; none for anything else."""
    if one.kind != "fill" or one.price is None:
        return
    order = one.order
    for seat in one.seats:
        yield TradeRow(
            id=f"{one.number}-{seat.number}",
            time=one.time,
            account=seat.account,
            pool=order.pool,
            instrument=order.instrument,
            order_id=order.id + seat.number,
            signal_id=order.signal_id,
            signed_qty=one.signed * seat.factor,
            price=one.price,
            closed=one.closed * seat.factor,
            profit=one.profit * seat.factor if one.closed else None,
        )
