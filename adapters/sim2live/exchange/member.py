"""One account of the venue: which book it looks into, from which seat, and what it sees there."""

from __future__ import annotations

from collections.abc import Iterator

from sim2live.exchange.accounts import AccountRow, AccountSpec, PositionRow, Seat
from sim2live.exchange.book import Book
from sim2live.exchange.tape import Tape


class Member:
    """An account and its view of a book.

    Args:
        spec: As configured.
        pool: Its pool.
        book: The book that it looks into; another one once it is traded on its own.
        seat: Its seat there.

    Attributes:
        alone: A list of this member only, shared by the orders that it places.
    """

    __slots__ = ("alone", "book", "pool", "seat", "spec")

    def __init__(self, spec: AccountSpec, pool: str, book: Book, seat: Seat) -> None:
        self.spec, self.pool, self.book, self.seat = spec, pool, book, seat
        self.alone = [self]

    def position_rows(self, tape: Tape) -> Iterator[PositionRow]:
        """What it holds, valued at the last prices."""
        factor = self.seat.factor
        for instrument, position in self.book.positions.items():
            price = tape.prices.get(instrument)
            points = 0.0 if price is None else (price - position.average) * position.qty * factor
            yield PositionRow(
                account=self.spec.name,
                pool=self.pool,
                instrument=instrument,
                qty=position.qty * factor,
                average=position.average,
                price=price,
                unrealised=points * tape.point_value(instrument),
                opened=position.opened,
            )

    def account_row(self, tape: Tape) -> AccountRow:
        """Its money, valued at the last prices."""
        realised = self.book.realised * self.seat.factor
        unrealised = sum(row.unrealised for row in self.position_rows(tape))
        balance = self.spec.balance + realised
        return AccountRow(
            account=self.spec.name,
            pool=self.pool,
            multiplier=self.spec.multiplier,
            balance=balance,
            realised=realised,
            unrealised=unrealised,
            equity=balance + unrealised,
        )
