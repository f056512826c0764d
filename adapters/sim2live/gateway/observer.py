"""How do the accounts stand, and how did they get there? The figures behind the Activity page.

Everything here is read from the exchange, which goes on without it. Sums over accounts take their
time where a pool has thousands, so they rest for longer than they worked.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable

import msgspec

from sim2live.clock import Clock
from sim2live.exchange.accounts import AccountRow, PositionRow
from sim2live.exchange.orders import Order, OrderRow
from sim2live.exchange.tape import Happening
from sim2live.gateway.chronicle import Chronicle
from sim2live.gateway.desk import Desk
from sim2live.gateway.prices import PriceRow
from sim2live.signals import Instrument

_MARKS = 5_000
_POINTS = 2_000
_SHOWN = 200
#: Looking at the accounts may take this share of the gateway's time.
_SHARE = 20
_LEAST_SECONDS = 0.5


class Mark(msgspec.Struct, frozen=True, gc=False):
    """A fill, told once for all accounts that shared it.

    Attributes:
        time: When it filled, UTC epoch nanoseconds.
        pool: The pool of the accounts.
        instrument: What traded.
        signal_id: The signal behind it.
        role: What the order was for: entry, stop_loss, take_profit or child.
        qty: Whole contracts of all accounts, negative for a sale.
        price: Fill price.
        closed: Whether it closed something that was held.
        opened: Whether it opened or enlarged a position; a turn does both.
    """

    time: int
    pool: str
    instrument: Instrument
    signal_id: str
    role: str
    qty: int
    price: float
    closed: bool
    opened: bool


class PoolRow(msgspec.Struct, frozen=True):
    """The accounts of a pool together; money in account currency."""

    pool: str
    accounts: int
    start: float
    equity: float
    realised: float
    unrealised: float


class Money(msgspec.Struct, frozen=True):
    """How everything stands at a moment.

    Attributes:
        pools: Each pool.
        accounts: The first accounts.
        positions: The first open positions.
        account_count: How many accounts there are.
        position_count: How many open positions there are.
        working: How many orders can still fill, an account's order counted once.
        prices: Last prices.
        halted: Names of the halted pools.
    """

    pools: list[PoolRow]
    accounts: list[AccountRow]
    positions: list[PositionRow]
    account_count: int
    position_count: int
    working: int
    prices: list[PriceRow]
    halted: list[str]


class Observer:
    """Follows an exchange.

    Args:
        desk: Whose exchange.
        chronicle: Told when something happens to the orders of a signal.
        clock: Source of time.

    Attributes:
        marks: The latest fills, oldest first.
        happenings: How often each kind of thing happened to an account's order.
    """

    def __init__(self, desk: Desk, chronicle: Chronicle, clock: Clock) -> None:
        self.marks: deque[Mark] = deque(maxlen=_MARKS)
        self.happenings: Counter[str] = Counter()
        self._desk, self._chronicle, self._clock = desk, chronicle, clock
        self._cursor = 0
        self._alive: dict[int, tuple[Order, int]] = {}
        self._curves: dict[str, list[tuple[int, float]]] = {}
        self._money: Money | None = None
        self._rest_until = 0.0
        self._sequence = 0
        self.follow()

    @property
    def sequence(self) -> int:
        """Grows whenever `money` has changed."""
        return self._sequence

    def follow(self) -> None:
        """Take note of what has happened since the last call."""
        news = self._desk.exchange.told(self._cursor)
        self._cursor += len(news)
        counts: Counter[str] = Counter()
        for one in news:
            order, kind = one.order, one.kind
            counts[kind] += len(one.seats)
            if kind == "accept":
                self._alive[order.id] = order, one.seats[0].number
                continue
            if not order.alive:
                self._alive.pop(order.id, None)
            self._chronicle.touch(order.signal_id)
            if kind == "fill" and one.price is not None:
                self._filled(one, one.price)
        self.happenings.update(counts)

    def money(self) -> Money:
        """How everything stands; seldom older than half a second."""
        if self._money is None or self._clock.monotonic() >= self._rest_until:
            began = self._clock.monotonic()
            self.follow()
            now = self._look()
            took = self._clock.monotonic() - began
            self._rest_until = began + max(_LEAST_SECONDS, took * _SHARE)
            if now != self._money:
                self._money = now
                self._sequence += 1
        return self._money

    def refresh(self) -> None:
        """Let the next `money` be new, after something that somebody waits to see."""
        self._rest_until = 0.0

    def working(self, instrument: Instrument, pool: str | None) -> list[OrderRow]:
        """Orders that can still fill, as the first account of each book has them."""
        self.follow()
        return [
            row
            for row in self._living()
            if row.instrument == instrument and pool in (None, row.pool)
        ]

    def orders_of(self, signal_id: str) -> list[OrderRow]:
        """Orders of all accounts that a signal made, in the order of their ids."""
        exchange = self._desk.exchange
        ids = {
            one.order.id + seat.number
            for one in exchange.told()
            if one.order.signal_id == signal_id
            for seat in one.seats
        }
        rows = (exchange.order(number) for number in sorted(ids))
        return [row for row in rows if row is not None]

    def curve(self, pool: str | None) -> list[tuple[int, float]]:
        """Equity of a pool, or of all together, as pairs of UTC epoch nanoseconds and money."""
        if pool is not None:
            return self._curves.get(pool, [])
        return _sum(self._curves.values())

    def _filled(self, one: Happening, price: float) -> None:
        order, factors = one.order, sum(seat.factor for seat in one.seats)
        self.marks.append(
            Mark(
                one.time,
                order.pool,
                order.instrument,
                order.signal_id,
                order.role,
                order.signed * factors,
                price,
                one.closed > 0,
                one.closed < order.qty,
            )
        )

    def _living(self) -> list[OrderRow]:
        """An account that left its pool has copies of its orders; the first account's count."""
        rows: list[OrderRow] = []
        for number, (order, seat) in list(self._alive.items()):
            row = self._desk.exchange.order(order.id + seat)
            if row is None or row.state not in ("WORKING", "INACTIVE"):
                del self._alive[number]
            else:
                rows.append(row)
        return rows

    def _look(self) -> Money:
        exchange, now = self._desk.exchange, self._clock.now_ns()
        accounts, positions = exchange.accounts(), exchange.positions()
        pools: dict[str, PoolRow] = {}
        for row in accounts:
            sofar = pools.get(row.pool) or PoolRow(row.pool, 0, 0.0, 0.0, 0.0, 0.0)
            pools[row.pool] = PoolRow(
                row.pool,
                sofar.accounts + 1,
                sofar.start + row.balance - row.realised,
                sofar.equity + row.equity,
                sofar.realised + row.realised,
                sofar.unrealised + row.unrealised,
            )
        for pool in pools.values():
            self._point(pool, now)
        return Money(
            list(pools.values()),
            accounts[:_SHOWN],
            positions[:_SHOWN],
            len(accounts),
            len(positions),
            len(self._alive),
            self._desk.prices()[:_SHOWN],
            sorted(self._desk.halted),
        )

    def _point(self, pool: PoolRow, now: int) -> None:
        curve = self._curves.setdefault(pool.pool, [])
        if not curve:
            curve.append((now, pool.start))
        if curve[-1][1] != pool.equity:
            curve.append((now, pool.equity))
        if len(curve) > _POINTS:
            # The distant past may be coarse; the present stays as it is.
            half = len(curve) // 2
            curve[:half] = curve[:half:2]


def _sum(curves: Iterable[list[tuple[int, float]]]) -> list[tuple[int, float]]:
    """Several step curves as one."""
    steps: list[tuple[int, float]] = []
    for curve in curves:
        before = 0.0
        for time, value in curve:
            steps.append((time, value - before))
            before = value
    total, found = 0.0, dict[int, float]()
    for time, step in sorted(steps):
        total += step
        found[time] = total
    return list(found.items())
