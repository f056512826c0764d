"""Accounts and pools as they are configured, and what an account is shown to hold."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from sim2live.errors import ConfigError
from sim2live.signals import Instrument

START_BALANCE = 50_000.0
_MOST = 10_000  # accounts in a pool, and the largest multiplier


class AccountSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One simulated account of a pool.

    Attributes:
        name: Unique at the venue.
        balance: Money at the start, in account currency.
        multiplier: Contracts that this account trades for one contract of a signal.

    Raises:
        ConfigError: A value is out of range.
    """

    name: str
    balance: float = START_BALANCE
    multiplier: int = 1

    def __post_init__(self) -> None:
        if not self.name or not self.name.isprintable() or len(self.name) > 128:
            raise ConfigError(
                f"account name={self.name[:80]!r}: must be 1 to 128 printable characters"
            )
        if not math.isfinite(self.balance):
            raise ConfigError(f"balance={self.balance!r} of {self.name!r}: must be a finite number")
        if isinstance(self.multiplier, bool) or not 1 <= self.multiplier <= _MOST:
            raise ConfigError(
                f"multiplier={self.multiplier!r} of {self.name!r}: must be a whole number"
                f" from 1 to {_MOST}"
            )


class Pool(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The accounts that trade one workflow's signals together.

    Attributes:
        accounts: At least one; names are unique.

    Raises:
        ConfigError: No account, too many, or a name twice.
    """

    accounts: tuple[AccountSpec, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.accounts) <= _MOST:
            raise ConfigError(f"accounts={len(self.accounts)}: a pool has 1 to {_MOST} accounts")

    @classmethod
    def of(
        cls, name: str, multipliers: Sequence[int] = (1,), balance: float = START_BALANCE
    ) -> Pool:
        """A pool whose accounts are called NAME-1, NAME-2 and so on.

        Args:
            name: The pool's name.
            multipliers: One for each account.
            balance: Money of each account at the start.
        """
        numbered = enumerate(multipliers, start=1)
        return cls(tuple(AccountSpec(f"{name}-{n}", balance, m) for n, m in numbered))

    @classmethod
    def named(cls, account: str) -> Pool:
        """A pool of one account."""
        return cls((AccountSpec(account),))


class Seat(msgspec.Struct, frozen=True):
    """The place of one account in a book.

    Attributes:
        number: What is added to an order's id to get this account's own order id.
        account: The account's name.
        factor: Contracts of the account for one contract of the book.
    """

    number: int
    account: str
    factor: int


class Position(msgspec.Struct, frozen=True):
    """A net position.

    Attributes:
        qty: Whole contracts, negative when short, 0 when flat.
        average: Average price of what is held; 0.0 when flat.
        opened: When it was last flat or on the other side, UTC epoch nanoseconds.
    """

    qty: int = 0
    average: float = 0.0
    opened: int = 0


FLAT = Position()


def trade(
    position: Position, signed: int, price: float, time: int = 0
) -> tuple[Position, int, float]:
    """Net one fill into a position.

    Args:
        position: What was held.
        signed: Contracts filled, negative for a sale.
        price: Fill price.
        time: UTC epoch nanoseconds.

    Returns:
        What is held now, how many contracts the fill closed (never negative), and the points
        that they earned (price difference times contracts).
    """
    held = position.qty
    after = held + signed
    if held == 0 or (held > 0) == (signed > 0):
        average = (abs(held) * position.average + abs(signed) * price) / abs(after)
        return Position(after, average, position.opened if held else time), 0, 0.0
    closed = min(abs(held), abs(signed))
    points = (price - position.average) * (closed if held > 0 else -closed)
    if after == 0:
        return FLAT, closed, points
    if (after > 0) == (held > 0):
        return Position(after, position.average, position.opened), closed, points
    return Position(after, price, time), closed, points


class AccountRow(msgspec.Struct, frozen=True):
    """An account as it stands; money in account currency.

    Attributes:
        account: Its name.
        pool: Its pool.
        multiplier: Contracts for one contract of a signal.
        balance: Start plus realised.
        realised: Earned by closed contracts.
        unrealised: What closing at the last prices would add.
        equity: Balance plus unrealised.
    """

    account: str
    pool: str
    multiplier: int
    balance: float
    realised: float
    unrealised: float
    equity: float


class PositionRow(msgspec.Struct, frozen=True):
    """What one account holds of one instrument; never flat.

    Attributes:
        account: Whose.
        pool: Its pool.
        instrument: What is held.
        qty: Whole contracts, negative when short.
        average: Average price.
        price: Last price.
        unrealised: What closing at it would earn, in account currency.
        opened: When it was last flat or on the other side, UTC epoch nanoseconds.
    """

    account: str
    pool: str
    instrument: Instrument
    qty: int
    average: float
    price: float | None
    unrealised: float
    opened: int


class TradeRow(msgspec.Struct, frozen=True):
    """One fill of one account.

    Attributes:
        id: Unique at the venue.
        time: UTC epoch nanoseconds.
        account: Whose.
        pool: Its pool.
        instrument: What traded.
        order_id: The order that filled.
        signal_id: The signal behind it.
        signed_qty: Whole contracts, negative for a sale.
        price: Fill price.
        closed: How many of them closed a position; the rest opened one.
        profit: What the closed ones earned, in account currency; None if none closed.
    """

    id: str
    time: int
    account: str
    pool: str
    instrument: Instrument
    order_id: int
    signal_id: str
    signed_qty: int
    price: float
    closed: int
    profit: float | None
