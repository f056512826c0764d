"""What does a pool of the gateway hold? Asked over HTTP, as anybody else would have to."""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Struct

from sim2live.errors import Sim2LiveError
from sim2live.signals import Instrument
from sim2live.venues.transport import Transport

_TIMEOUT = 5.0
_RECENT, _ALL = 60, 1000
_Rows = TypeVar("_Rows")


class Account(Struct, frozen=True):
    """An account as the gateway shows it; money in account currency."""

    account: str
    multiplier: int
    balance: float
    equity: float


class Fill(Struct, frozen=True):
    """One fill of one account: signed whole contracts, and the price in points."""

    id: str
    account: str
    signed_qty: int
    price: float


class Held(Struct, frozen=True):
    """What one account holds of one instrument, and what closing it now would earn."""

    account: str
    instrument: Instrument
    qty: int
    unrealised: float


class _Accounts(Struct):
    accounts: list[Account]


class _Positions(Struct):
    positions: list[Held]


class _Trades(Struct):
    trades: list[Fill]


class PoolView:
    """Reads one pool of a gateway.

    Args:
        url: Base address of the gateway.
        pool: Name of the pool.

    Attributes:
        fills: Fills seen so far by account, oldest first.
    """

    def __init__(self, url: str, pool: str) -> None:
        self._transport = Transport(url)
        self._pool = quote(pool, safe="")
        self._seen: set[str] = set()
        self.fills: dict[str, list[Fill]] = {}

    def accounts(self) -> list[Account]:
        """The accounts of the pool, in the gateway's order."""
        return self._ask("accounts", _Accounts).accounts

    def positions(self, instrument: Instrument) -> dict[str, Held]:
        """Positions of an instrument by account; an account that is flat is absent."""
        rows = self._ask("positions", _Positions).positions
        return {row.account: row for row in rows if row.instrument == instrument}

    def read_fills(self, *, everything: bool = False) -> None:
        """Add the newest fills to `fills`."""
        rows = self._ask("trades", _Trades, _ALL if everything else _RECENT).trades
        for row in reversed(rows):
            if row.id not in self._seen:
                self._seen.add(row.id)
                self.fills.setdefault(row.account, []).append(row)

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def _ask(self, what: str, rows: type[_Rows], limit: int = _ALL) -> _Rows:
        answer = self._transport.get(f"/{what}?pool={self._pool}&limit={limit}", timeout=_TIMEOUT)
        if answer.status != 200:
            raise Sim2LiveError(f"the gateway answered {answer.status} when asked for {what}")
        return msgspec.json.decode(answer.body, type=rows)
