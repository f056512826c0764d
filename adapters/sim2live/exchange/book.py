"""One book: the orders, positions and earnings of accounts that move as one.

All accounts of a pool get the same signals, so their states differ only by their multiplier.
The pool therefore trades once, in a book of multiplier 1, and each account is a view of it. An
account that is traded on its own leaves with a copy of the book, in its own size.
"""

from __future__ import annotations

import msgspec

from sim2live.exchange import matching
from sim2live.exchange.accounts import FLAT, Position, Seat, trade
from sim2live.exchange.matching import NOTHING, Match
from sim2live.exchange.orders import Order, State
from sim2live.exchange.tape import Tape
from sim2live.market.bars import Bar
from sim2live.signals import BUY, Instrument


class Book:
    """The common state of the accounts in `seats`.

    Args:
        tape: Shared by all books of the venue.
        seats: The accounts that see this book now.
        scale: Contracts of the book for one contract of a signal.

    Attributes:
        seats: As given; an account that leaves is taken out.
        scale: As given.
        width: How many ids an order takes; never shrinks.
        orders: All orders by id, oldest first.
        positions: What is held; flat ones are left out.
        realised: Earned by closed contracts, in account currency.
    """

    def __init__(self, tape: Tape, seats: tuple[Seat, ...], scale: int = 1) -> None:
        self.seats = seats
        self.scale = scale
        self.width = len(seats)
        self.orders: dict[int, Order] = {}
        self.positions: dict[Instrument, Position] = {}
        self.realised = 0.0
        self._tape = tape
        self._alive: dict[Instrument, dict[int, Order]] = {}
        self._children: dict[int, list[Order]] = {}
        self._named: dict[str, Order] = {}

    # -- questions ---------------------------------------------------------------------------
    def held(self, instrument: Instrument) -> int:
        """Net contracts of the book."""
        return self.positions.get(instrument, FLAT).qty

    def named(self, tag: str) -> Order | None:
        """The latest order of that name."""
        return self._named.get(tag)

    def alive(self, instrument: Instrument) -> list[Order]:
        """Orders that can still fill, oldest first."""
        return list(self._alive.get(instrument, {}).values())

    def all_alive(self) -> list[Order]:
        """Orders of all instruments that can still fill, oldest first."""
        found = [order for orders in self._alive.values() for order in orders.values()]
        return sorted(found, key=lambda order: order.id)

    # -- orders come and go ------------------------------------------------------------------
    def place(self, entry: Order, legs: list[Order], time: int) -> None:
        """Take an entry and the legs of its bracket; what the market allows fills at once.

        Args:
            entry: WORKING, or INACTIVE when `parent` names an entry that has not filled yet.
            legs: INACTIVE orders whose parent is the entry, the stop first.
            time: UTC epoch nanoseconds.
        """
        for order in (entry, *legs):
            self._adopt(order)
            self._tape.tell("accept", order, self.seats, time)
        self._try_price(entry, self._tape.prices.get(entry.instrument), time)

    def refuse(self, order: Order, reason: str, time: int) -> None:
        """Book an order that was not taken, so that it can be seen."""
        order.state, order.reason = State.REJECTED, reason
        self.orders[order.id] = order
        self._tape.tell("reject", order, self.seats, time, reason=reason)

    def cancel(self, order: Order, reason: str, time: int) -> None:
        """Take a live order off the market, and with an unfilled entry its children."""
        self._finish(order, State.CANCELLED, time)
        order.reason = reason
        self._tape.tell("cancel", order, self.seats, time, reason=reason)
        for child in self._children.get(order.id, ()):
            if child.alive:
                self.cancel(child, "its entry was cancelled", time)

    def modify(
        self,
        order: Order,
        qty: int,
        limit: float | None,
        trigger: float | None,
        time: int,
        trail: float | None = None,
    ) -> None:
        """Give a live order another size and other prices; it fills if the market allows.

        Legs that wait for it take its new size too.
        """
        if qty <= order.filled:
            self.cancel(order, "changed to what is filled", time)
            return
        order.qty, order.updated = qty, time
        for child in self._children.get(order.id, ()):
            if child.state is State.INACTIVE and child.role in ("stop_loss", "take_profit"):
                child.qty = qty
        if limit is not None and order.order_type in ("LIMIT", "STOP_LIMIT"):
            order.limit_price, order.offset = limit, None
        if trigger is not None and order.order_type in ("STOP", "STOP_LIMIT"):
            order.trigger_price, order.offset = trigger, None
        if trail is not None and order.trail is not None:
            order.trail = trail
        self._try_price(order, self._tape.prices.get(order.instrument), time)

    # -- the market moves --------------------------------------------------------------------
    def on_bar(self, instrument: Instrument, bar: Bar) -> bool:
        """Test the orders that were working before the bar; legs that wake up in it wait.

        Returns:
            Whether an order changed.
        """
        orders = self._alive.get(instrument)
        if not orders:
            return False
        met: list[tuple[int, int, Order, Match]] = []
        moved = False
        for order in orders.values():
            if order.state is State.WORKING:
                if order.trail is not None:
                    moved |= matching.trailed(order, bar.open)
                match = matching.on_bar(order, bar)
                if match is not NOTHING:
                    met.append((match.when, order.id, order, match))
        met.sort(key=lambda one: one[:2])
        for _, _, order, match in met:
            if order.state is State.WORKING:
                self._apply(order, match, bar.time)
        for order in orders.values():
            if order.trail is not None and order.state is State.WORKING:
                moved |= matching.trailed(order, bar.close)
        return moved or bool(met)

    def _try_price(self, order: Order, price: float | None, time: int) -> None:
        if price is not None and order.state is State.WORKING:
            self._apply(order, matching.on_price(order, price), time)

    def _apply(self, order: Order, match: Match, time: int) -> None:
        order.triggered = order.triggered or match.triggered
        if match.price is not None:
            self._fill(order, match.price, time)

    def _fill(self, order: Order, price: float, time: int) -> None:
        instrument = order.instrument
        most = self._tape.most_per_bar
        qty = order.qty - order.filled if most is None else min(order.qty - order.filled, most)
        paid = price * qty + (0.0 if order.price is None else order.price * order.filled)
        order.filled += qty
        order.price = price if qty == order.filled else paid / order.filled
        if order.filled >= order.qty:
            self._finish(order, State.FILLED, time)
        else:
            order.updated = time
        before = self.positions.get(instrument, FLAT)
        signed = qty if order.side == BUY else -qty
        after, closed, points = trade(before, signed, price, time)
        profit = points * self._tape.point_value(instrument)
        self.realised += profit
        if after.qty:
            self.positions[instrument] = after
        else:
            self.positions.pop(instrument, None)
        self._tape.tell(
            "fill", order, self.seats, time, price=price, qty=qty, closed=closed, profit=profit
        )
        if order.parent is not None:
            self._spare(order, qty, time)
        self._wake(order, price, time)

    def _spare(self, leg: Order, qty: int, time: int) -> None:
        """The other legs of the same entry protect less by what this one has filled."""
        for sibling in self._children[leg.parent or 0]:
            if sibling is leg or not sibling.alive:
                continue
            sibling.qty -= qty
            if sibling.qty <= sibling.filled:
                sibling.qty += qty
                self.cancel(sibling, "the other leg filled", time)

    def _wake(self, entry: Order, price: float, time: int) -> None:
        """Legs protect what their entry has filled so far; the first fill puts them to work."""
        legs = self._children.get(entry.id, ())
        if self._tape.most_per_bar is not None:
            for leg in legs:
                if leg.alive and leg.role != "child":
                    leg.qty = entry.filled - sum(o.filled for o in legs if o is not leg)
        children = [child for child in legs if child.state is State.INACTIVE]
        for child in children:
            child.state, child.updated = State.WORKING, time
            if child.offset is not None:
                _price_leg(child, price + child.offset)
        # A stop comes first here too, should the market be through both legs.
        for child in sorted(children, key=lambda c: c.order_type == "LIMIT"):
            self._try_price(child, price, time)

    def _finish(self, order: Order, state: State, time: int) -> None:
        order.state, order.updated = state, time
        del self._alive[order.instrument][order.id]

    # -- an account leaves -------------------------------------------------------------------
    def fork(self, seat: Seat) -> Book:
        """Let one account go its own way.

        Args:
            seat: The account's seat here.

        Returns:
            A book of its own with the same past, in the account's own size.
        """
        factor = seat.factor
        own = Book(self._tape, (Seat(0, seat.account, 1),), self.scale * factor)
        own.realised = self.realised * factor
        for instrument, position in self.positions.items():
            own.positions[instrument] = Position(
                position.qty * factor, position.average, position.opened
            )
        for order in self.orders.values():
            parent = None if order.parent is None else order.parent + seat.number
            own._adopt(
                msgspec.structs.replace(
                    order,
                    id=order.id + seat.number,
                    qty=order.qty * factor,
                    filled=order.filled * factor,
                    parent=parent,
                )
            )
        self.seats = tuple(other for other in self.seats if other is not seat)
        return own

    def _adopt(self, order: Order) -> None:
        self.orders[order.id] = order
        if order.tag:
            self._named[order.tag] = order
        if order.alive:
            living = self._alive.get(order.instrument)
            if living is None:
                living = self._alive[order.instrument] = {}
            living[order.id] = order
        if order.parent is not None:
            siblings = self._children.get(order.parent)
            if siblings is None:
                self._children[order.parent] = [order]
            else:
                siblings.append(order)


def _price_leg(leg: Order, price: float) -> None:
    # A distance of whole ticks from the fill leaves float dust, which no exchange quotes.
    leg.offset, price = None, round(price, 10)
    if leg.order_type == "LIMIT":
        leg.limit_price = price
    else:
        leg.trigger_price = price
