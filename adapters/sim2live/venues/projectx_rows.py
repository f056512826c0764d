"""What do orders, fills and positions look like when a ProjectX server tells of them?

The same rows come from REST and from the hubs. Hubs may wrap them, send several at once, or
leave fields out; REST may not, and a list that is missing is never an empty one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from sim2live.clock import to_ns
from sim2live.errors import DataError, shorten
from sim2live.venues.projectx_dialect import ASK, LONG, SHORT

__all__ = ["FillRow", "Holding", "OrderRow", "moment", "rows", "unwrap"]

Number = int | str
"""An id: a whole number at ProjectX, a text at TestMax."""


class OrderRow(Struct, frozen=True, rename="camel", kw_only=True):
    """An order as it stands at the server.

    Attributes:
        id: Its id.
        contract_id: What it is for.
        status: A number of the dialect; see `Dialect.state`.
        type: 1 limit, 2 market, 3 stop limit, 4 stop, 5 trailing stop.
        side: 0 buys, 1 sells.
        size: Contracts.
        fill_volume: How many of them are filled.
        filled_price: Average price of these, in points.
        custom_tag: Our own name for it.
        parent_order_id: The entry that it protects, where the server tells.
        creation_timestamp: ISO 8601.
        update_timestamp: ISO 8601.
    """

    id: Number
    contract_id: str
    status: int
    type: int
    side: int
    size: int
    fill_volume: int | None = None
    filled_price: float | None = None
    custom_tag: str | None = None
    parent_order_id: Number | None = None
    creation_timestamp: str | None = None
    update_timestamp: str | None = None

    @property
    def filled(self) -> int:
        """Contracts filled so far."""
        return self.fill_volume or 0

    @property
    def parent(self) -> str:
        """Id of the order that it protects, or empty."""
        return "" if self.parent_order_id in (None, 0, "") else str(self.parent_order_id)


class FillRow(Struct, frozen=True, rename="camel", kw_only=True):
    """One fill.

    Attributes:
        id: Its id.
        order_id: The order that filled.
        contract_id: What traded.
        side: 0 bought, 1 sold.
        size: Contracts.
        price: In points.
        voided: It was taken back by the exchange.
        creation_timestamp: ISO 8601.
        timestamp: The same at TestMax.
    """

    id: Number
    order_id: Number
    contract_id: str
    side: int
    size: int
    price: float
    voided: bool = False
    creation_timestamp: str | None = None
    timestamp: str | None = None

    @property
    def signed(self) -> int:
        """Contracts, negative for a sale."""
        return -self.size if self.side == ASK else self.size


class Holding(Struct, frozen=True, rename="camel", kw_only=True):
    """What an account holds of one contract.

    Attributes:
        contract_id: What is held.
        type: 1 long, 2 short, 0 neither.
        size: Contracts, never negative.
    """

    contract_id: str
    type: int
    size: int

    @property
    def signed(self) -> int:
        """Contracts, negative when short.

        Raises:
            DataError: Neither long nor short, though something is held.
        """
        if self.size == 0:
            return 0
        if self.type == LONG:
            return self.size
        if self.type == SHORT:
            return -self.size
        raise DataError(f"type={self.type!r}: a position of {self.size} must be long or short")


_Row = TypeVar("_Row", OrderRow, FillRow, Holding)


def rows(answer: Mapping[str, Any], field: str, kind: type[_Row]) -> list[_Row]:
    """The rows of an answer.

    Args:
        answer: The whole envelope.
        field: ``orders``, ``trades`` or ``positions``.
        kind: What a row is.

    Raises:
        DataError: The list is missing or null, or a row of it cannot be read. It is not known
            then what there is; it is not "nothing".
    """
    found = answer.get(field)
    if not isinstance(found, list):
        raise DataError(f"{field}={shorten(found)}: must be a list, or it is not known")
    try:
        return msgspec.convert(found, list[kind])  # type: ignore[valid-type]
    except msgspec.ValidationError as error:
        raise DataError(f"{field}: {error}") from None


def unwrap(arguments: object) -> list[dict[str, Any]]:
    """The rows inside the arguments of a hub's event, whatever they are wrapped in.

    Seen are a row, a list of rows, ``{"action": n, "data": row}`` and lists of these; at the
    market hub the contract's id stands before them.
    """
    if isinstance(arguments, list):
        return [row for item in arguments for row in unwrap(item)]
    if not isinstance(arguments, dict):
        return []
    inner = arguments.get("data")
    return unwrap(inner) if isinstance(inner, dict | list) else [arguments]


def moment(text: str | None) -> int | None:
    """A time of the server in UTC epoch nanoseconds; one without a zone is UTC. None for none."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return to_ns(found.replace(tzinfo=UTC) if found.tzinfo is None else found)
