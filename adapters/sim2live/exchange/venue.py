"""The simulated venue: pools take signals, bars move prices, accounts show what came of it."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from itertools import islice

from sim2live.errors import ConfigError
from sim2live.exchange.accounts import AccountRow, Pool, PositionRow, Seat, TradeRow
from sim2live.exchange.book import Book
from sim2live.exchange.execution import Behaviour, Part, Submission, execute
from sim2live.exchange.member import Member
from sim2live.exchange.orders import Order, OrderRow, order_row, order_rows
from sim2live.exchange.owners import Owners
from sim2live.exchange.tape import Event, Happening, Tape, event_rows, trade_rows
from sim2live.exchange.tickets import Ticket, of_ticket
from sim2live.market.bars import Bar
from sim2live.signals import Instrument, Signal

DEFAULT_POOL = "python-test"


class UnknownPool(KeyError):  # noqa: N818 - it is a KeyError, told by name
    """No pool has that name."""

    def __str__(self) -> str:
        return f"Workflow not found: {self.args[0]}"


class Exchange:
    """A venue in memory. Not thread-safe: one caller at a time.

    Args:
        pools: Pools by name; one account in the pool ``python-test`` when left out.
        any_pool: Make a pool of one account for each name that a signal brings.
        behaviour: What a CLOSE and a repeated id do.

    Raises:
        ConfigError: Two accounts have one name.
    """

    def __init__(
        self,
        pools: Mapping[str, Pool] | None = None,
        *,
        any_pool: bool = False,
        behaviour: Behaviour | None = None,
    ) -> None:
        self.any_pool = any_pool
        self.behaviour = Behaviour() if behaviour is None else behaviour
        self._tape = Tape(self.behaviour.most_per_bar)
        self._pools: dict[str, tuple[list[Book], list[Member]]] = {}
        self._accounts: dict[str, Member] = {}
        self._answers: dict[str, Submission] = {}
        self._owners = Owners()
        for name, pool in (
            {DEFAULT_POOL: Pool.of(DEFAULT_POOL)} if pools is None else pools
        ).items():
            self._open(name, pool)

    # -- pools and prices --------------------------------------------------------------------
    @property
    def pools(self) -> tuple[str, ...]:
        """Names of the pools that exist now."""
        return tuple(self._pools)

    def has_pool(self, name: str) -> bool:
        """Whether a signal to that pool would be taken."""
        return self.any_pool or name in self._pools

    def open_pool(self, name: str, pool: Pool) -> None:
        """Add a pool whose name, and whose accounts' names, are not used yet."""
        self._open(name, pool)

    def mark(self, instrument: Instrument, price: float | None) -> None:
        """Set a last price that no order meets; None makes orders wait for the next one."""
        if price is None:
            self._tape.prices.pop(instrument, None)
        else:
            self._tape.prices[instrument] = price

    def price(self, instrument: Instrument) -> float | None:
        """Last price, or None before the first."""
        return self._tape.prices.get(instrument)

    def prices(self) -> dict[Instrument, float]:
        """Last prices of all instruments that have one."""
        return dict(self._tape.prices)

    def quote(self, instrument: Instrument, price: float, time: int) -> bool:
        """The market trades at one price; returns whether an order changed.

        Args:
            instrument: What trades.
            price: A finite number.
            time: UTC epoch nanoseconds.
        """
        return self.on_bar(instrument, Bar(time, price, price, price, price))

    def on_bar(self, instrument: Instrument, bar: Bar) -> bool:
        """The market moves through a bar; what was working before it may fill in it.

        Args:
            instrument: What trades.
            bar: The bar; its close is the price afterwards.

        Returns:
            Whether an order changed.
        """
        changed = False
        for books, _ in self._pools.values():
            for book in books:
                changed |= book.on_bar(instrument, bar)
        self._tape.prices[instrument] = bar.close
        return changed

    # -- signals and orders ------------------------------------------------------------------
    def submit(self, signal: Signal, time: int) -> Submission:
        """Execute a signal in each account of its pool.

        Args:
            signal: NEW (also by default), MODIFY or CANCEL.
            time: UTC epoch nanoseconds.

        Returns:
            What the accounts made of it.

        Raises:
            UnknownPool: Its workflow names no pool.
        """
        books, members = self._pool(signal.workflow_id)
        if self.behaviour.dedupe and signal.signal_id in self._answers:
            return self._answers[signal.signal_id]
        answer = Submission(
            tuple([self._execute(book, members, signal, time, book.scale) for book in books])
        )
        if self.behaviour.dedupe:
            self._answers[signal.signal_id] = answer
        return answer

    def submit_to(self, account: str, signal: Signal, time: int) -> Submission:
        """Execute a signal in one account only, in exactly its quantity.

        From then on the account lives apart from its pool, whose signals it still gets.

        Args:
            account: Its name.
            signal: As for :meth:`submit`; the workflow must be the account's pool.
            time: UTC epoch nanoseconds.

        Raises:
            KeyError: No account has that name.
            UnknownPool: The account is not in the signal's pool.
        """
        owner = self._accounts[account]
        if owner.pool != signal.workflow_id:
            raise UnknownPool(signal.workflow_id)
        book = self._own(owner)
        return Submission((self._execute(book, [owner], signal, time, 1),))

    def place(self, account: str, ticket: Ticket, time: int, first: int = 0) -> int:
        """Take an order of one account, which from then on lives apart from its pool.

        Args:
            account: Its name.
            ticket: What is asked for.
            time: UTC epoch nanoseconds.
            first: The least id to give it, where it had one before.

        Returns:
            The id of the order; its legs have the ids that follow.

        Raises:
            KeyError: No account has that name; the ids are used up all the same.
        """
        legs = (ticket.stop_offset, ticket.target_offset)
        first = self._tape.numbers(3 - legs.count(None), first)
        owner = self._accounts.get(account)
        self._owners.add(first, [] if owner is None else owner.alone)
        if owner is None:
            raise KeyError(account)
        book = self._own(owner)
        entry, *children = of_ticket(ticket, owner.pool, first, time)
        book.place(entry, children, time)
        return first

    def has_order(self, pool: str, tag: str) -> bool:
        """Whether a live order of the pool has that name."""
        books, _ = self._pools.get(pool, ((), ()))
        found = (book.named(tag) for book in books)
        return any(order is not None and order.alive for order in found)

    def cancel(self, order_id: int, time: int) -> str:
        """Cancel one account's order.

        Args:
            order_id: As in :class:`OrderRow`.
            time: UTC epoch nanoseconds.

        Returns:
            An empty string, or why it could not be done.
        """
        book, order, reason = self._find(order_id)
        if order is not None:
            book.cancel(order, "cancelled on request", time)
        return reason

    def modify(
        self,
        order_id: int,
        time: int,
        *,
        qty: int | None = None,
        limit_price: float | None = None,
        trigger_price: float | None = None,
        trail: float | None = None,
    ) -> str:
        """Change one account's order; what is left out stays.

        Args:
            order_id: As in :class:`OrderRow`.
            time: UTC epoch nanoseconds.
            qty: Whole contracts of the account, at least 1.
            limit_price: Taken where the order has one.
            trigger_price: Taken where the order has one.
            trail: Taken where the order has one.

        Returns:
            An empty string, or why it could not be done.
        """
        book, order, reason = self._find(order_id)
        if order is not None:
            size = order.qty if qty is None else qty
            book.modify(order, size, limit_price, trigger_price, time, trail)
        return reason

    # -- what there is to see ----------------------------------------------------------------
    def unit_positions(self, pool: str) -> dict[Instrument, int] | None:
        """What a pool holds, in contracts of a signal.

        Returns:
            One entry for each instrument held; None when its accounts differ by more than
            their multipliers, so that no single number is true.
        """
        books, _ = self._pools.get(pool, ([], []))
        shown: list[dict[Instrument, int]] = []
        for book in (book for book in books if book.seats):
            held = {i: divmod(position.qty, book.scale) for i, position in book.positions.items()}
            if any(rest for _, rest in held.values()):
                return None
            shown.append({i: whole for i, (whole, _) in held.items()})
        if any(other != shown[0] for other in shown):
            return None
        return shown[0] if shown else {}

    def accounts(self, pool: str | None = None) -> list[AccountRow]:
        """Accounts as they stand now, of one pool or of all."""
        return [
            a.account_row(self._tape) for a in self._accounts.values() if pool in (None, a.pool)
        ]

    def positions(self, pool: str | None = None) -> list[PositionRow]:
        """Open positions, of one pool or of all."""
        owners = (a for a in self._accounts.values() if pool in (None, a.pool))
        return [row for owner in owners for row in owner.position_rows(self._tape)]

    def orders(self, pool: str | None = None, limit: int | None = None) -> list[OrderRow]:
        """Orders, newest first, of one pool or of all.

        Args:
            pool: A pool's name, or None for all.
            limit: Most rows to make, or None for all.
        """
        each = [order_rows(book.orders, book.seats) for book in self._books(pool)]
        return list(islice(heapq.merge(*each, key=lambda row: -row.order_id), limit))

    def trades(self, pool: str | None = None, limit: int | None = None) -> list[TradeRow]:
        """Fills, newest first, of one pool or of all; arguments as for :meth:`orders`."""
        told = (one for one in reversed(self._tape.history) if pool in (None, one.order.pool))
        return list(islice((row for one in told for row in trade_rows(one)), limit))

    def account(self, name: str) -> AccountRow | None:
        """One account as it stands now, or None."""
        owner = self._accounts.get(name)
        return None if owner is None else owner.account_row(self._tape)

    def positions_of(self, account: str) -> list[PositionRow]:
        """Open positions of one account that exists."""
        return list(self._accounts[account].position_rows(self._tape))

    def orders_of(self, account: str, *, alive: bool = False) -> list[OrderRow]:
        """Orders of one account that exists, oldest first; all, or those that can still fill."""
        owner = self._accounts[account]
        orders = owner.book.all_alive() if alive else owner.book.orders.values()
        return [order_row(order, owner.seat) for order in orders]

    def order(self, order_id: int) -> OrderRow | None:
        """One account's order as it stands now, or None."""
        owner = self._owners.of(order_id)
        order = None if owner is None else owner.book.orders.get(order_id - owner.seat.number)
        return None if owner is None or order is None else order_row(order, owner.seat)

    def is_named(self, account: str, tag: str) -> bool:
        """Whether the account ever had an order of that name."""
        return self._accounts[account].book.named(tag) is not None

    @property
    def next_order(self) -> int:
        """The id that the next order gets."""
        return self._tape.next_number

    @property
    def cursor(self) -> int:
        """Where the history ends now."""
        return len(self._tape.history)

    def events(self, since: int = 0, until: int | None = None) -> list[Event]:
        """What happened, oldest first, one row for each account.

        Args:
            since: A value that `cursor` had.
            until: A later one, or None for all that happened since.
        """
        return list(event_rows(self._tape.history[since:until]))

    def fills(self, since: int, until: int) -> list[TradeRow]:
        """The fills among them, oldest first."""
        return [row for one in self._tape.history[since:until] for row in trade_rows(one)]

    def told(self, since: int = 0) -> list[Happening]:
        """The same, one row for all accounts of a book; its orders go on changing."""
        return self._tape.history[since:]

    # -- inside ------------------------------------------------------------------------------
    def _open(self, name: str, pool: Pool) -> tuple[list[Book], list[Member]]:
        numbered = enumerate(pool.accounts)
        seats = tuple(Seat(number, spec.name, spec.multiplier) for number, spec in numbered)
        book = Book(self._tape, seats)
        members: list[Member] = []
        for spec, seat in zip(pool.accounts, seats, strict=True):
            if spec.name in self._accounts:
                raise ConfigError(f"account name={spec.name[:80]!r}: is used twice")
            account = self._accounts[spec.name] = Member(spec, name, book, seat)
            members.append(account)
        made = self._pools[name] = ([book], members)
        return made

    def _pool(self, name: str) -> tuple[list[Book], list[Member]]:
        found = self._pools.get(name)
        if found is not None:
            return found
        if not self.any_pool:
            raise UnknownPool(name)
        return self._open(name, Pool.of(name))

    def _books(self, pool: str | None) -> list[Book]:
        if pool is None:
            return [book for books, _ in self._pools.values() for book in books]
        return self._pools.get(pool, ([], []))[0]

    def _execute(
        self, book: Book, members: list[Member], signal: Signal, time: int, scale: int
    ) -> Part:
        count = 3 * book.width  # an entry and at most two legs
        first = self._tape.numbers(count)
        # A book of an account that left its pool is as wide as that one account.
        whole = book.width == len(members)
        self._owners.add(first, members if whole else [self._accounts[book.seats[0].account]])
        return execute(book, signal, first=first, time=time, scale=scale, behaviour=self.behaviour)

    def _own(self, owner: Member) -> Book:
        """A book that this account shares with nobody, in its own contracts."""
        if len(owner.book.seats) > 1 or owner.seat.factor != 1:
            books = self._pools[owner.pool][0]
            shared, owner.book = owner.book, owner.book.fork(owner.seat)
            owner.seat = owner.book.seats[0]
            books.append(owner.book)
            if not shared.seats:
                books.remove(shared)
        return owner.book

    def _find(self, order_id: int) -> tuple[Book, Order | None, str]:
        missing = f"no order {order_id}"
        owner = self._owners.of(order_id)
        if owner is None:
            return Book(self._tape, ()), None, missing
        order = owner.book.orders.get(order_id - owner.seat.number)
        if order is None or not order.alive:
            return (
                owner.book,
                None,
                missing if order is None else f"order {order_id} is {order.state}",
            )
        book = self._own(owner)
        return book, book.orders[order_id - owner.seat.number], ""
