"""Two services, one venue: what differs between the ProjectX Gateway and TestMax's simulator.

Both are told the same things in other numbers: ids of orders, the meaning of status 1, the sign
of bracket ticks, which order types there are, and whether a refusal has an HTTP status.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from sim2live.clock import iso
from sim2live.errors import shorten
from sim2live.exchange.accounts import AccountRow, PositionRow, TradeRow
from sim2live.exchange.orders import OrderRow, State
from sim2live.gateway.projectx import shapes
from sim2live.gateway.projectx.envelope import Answer, Failure
from sim2live.gateway.projectx.names import Listing
from sim2live.signals import BUY, OrderType

LIMIT, MARKET, STOP_LIMIT, STOP, TRAILING = 1, 2, 3, 4, 5
TYPES: dict[int, OrderType] = {
    LIMIT: "LIMIT", MARKET: "MARKET", STOP_LIMIT: "STOP_LIMIT", STOP: "STOP", TRAILING: "STOP",
}  # fmt: skip
_NUMBERS: dict[str, int] = {
    "LIMIT": LIMIT,
    "MARKET": MARKET,
    "STOP_LIMIT": STOP_LIMIT,
    "STOP": STOP,
}
LEAST_TICKS, MOST_TICKS = 4, 1_000
#: Contracts of seats come after this many numbers of happenings.
_SEATS = 10_000


class Dialect(ABC):
    """How one of the two services says it.

    Attributes:
        types: Order types that may be placed.
        tests_ticks: Whether a price off the tick is refused.
    """

    types: frozenset[int]
    tests_ticks: bool

    @abstractmethod
    def http_status(self, failure: Failure) -> int:
        """HTTP status of a refusal."""

    @abstractmethod
    def code(self, failure: Failure) -> int:
        """Error code of a refusal."""

    @abstractmethod
    def order_number(self, told: int | str) -> int:
        """The number behind an order id; -1 where it is none."""

    @abstractmethod
    def stop_offset(self, ticks: int, side: str) -> int:
        """Signed ticks from the fill to the stop; refuses what the service refuses."""

    @abstractmethod
    def target_offset(self, ticks: int, side: str) -> int:
        """Signed ticks from the fill to the target; refuses what the service refuses."""

    @abstractmethod
    def shows(self, row: OrderRow) -> bool:
        """Whether the order exists for the service."""

    @abstractmethod
    def status(self, row: OrderRow) -> int:
        """Where the order stands."""

    @abstractmethod
    def placed(self, row: OrderRow) -> Answer:
        """The answer to a new order."""

    @abstractmethod
    def account(self, row: AccountRow, number: int, can_trade: bool) -> object:
        """An account."""

    @abstractmethod
    def contract(self, listing: Listing, active: bool) -> object:
        """A contract."""

    @abstractmethod
    def order(self, row: OrderRow, account: int, listing: Listing) -> object:
        """An order."""

    @abstractmethod
    def position(self, row: PositionRow, account: int, listing: Listing) -> object:
        """A position."""

    @abstractmethod
    def trade(self, row: TradeRow, account: int, listing: Listing) -> object:
        """A fill."""


class ProjectX(Dialect):
    """The ProjectX Gateway: numbers, signed ticks, refusals with HTTP status 200."""

    types = frozenset(TYPES)
    tests_ticks = True

    def http_status(self, failure: Failure) -> int:  # noqa: ARG002 - always the same
        """200; the envelope tells."""
        return 200

    def code(self, failure: Failure) -> int:
        """The endpoint's own number."""
        return failure.code

    def order_number(self, told: int | str) -> int:
        """The id is the number."""
        return told if isinstance(told, int) else -1

    def stop_offset(self, ticks: int, side: str) -> int:
        """Below zero for a long position, above for a short one."""
        if (ticks >= 0) if side == BUY else (ticks <= 0):
            raise Failure(2, _sign("stop loss", ticks, side, "less", "greater"))
        return _enough("stop loss", ticks)

    def target_offset(self, ticks: int, side: str) -> int:
        """Above zero for a long position, below for a short one."""
        if (ticks <= 0) if side == BUY else (ticks >= 0):
            raise Failure(2, _sign("take profit", ticks, side, "greater", "less"))
        return _enough("take profit", ticks)

    def shows(self, row: OrderRow) -> bool:  # noqa: ARG002 - all of them
        """Legs that wait for their entry are shown as Suspended."""
        return True

    def status(self, row: OrderRow) -> int:
        """1 Open, 2 Filled, 3 Cancelled, 5 Rejected, 6 Pending, 8 Suspended."""
        if row.state is State.WORKING:
            return 6 if row.order_type == "MARKET" else 1
        return {State.INACTIVE: 8, State.FILLED: 2, State.CANCELLED: 3, State.REJECTED: 5}[
            row.state
        ]

    def placed(self, row: OrderRow) -> shapes.PlacedAnswer:
        """The id only."""
        return shapes.PlacedAnswer(order_id=row.order_id)

    def account(self, row: AccountRow, number: int, can_trade: bool) -> shapes.Account:
        """An account; all are simulated."""
        return shapes.Account(number, row.account, round(row.balance, 10), can_trade, True, True)

    def contract(self, listing: Listing, active: bool) -> shapes.Contract:
        """A contract."""
        return shapes.Contract(
            id=listing.id,
            name=listing.name,
            description=listing.description,
            tick_size=listing.tick_size,
            tick_value=listing.tick_value,
            active_contract=active,
            symbol_id=listing.symbol_id,
        )

    def order(self, row: OrderRow, account: int, listing: Listing) -> shapes.Order:
        """An order; a trailing stop reads back its distance."""
        filled = row.state is State.FILLED
        return shapes.Order(
            id=row.order_id,
            account_id=account,
            contract_id=listing.id,
            symbol_id=listing.symbol_id,
            creation_timestamp=_when(row.created),
            update_timestamp=_when(row.updated),
            status=self.status(row),
            type=_number(row),
            side=0 if row.side == BUY else 1,
            size=row.qty,
            limit_price=row.limit_price,
            stop_price=row.trigger_price,
            trail_price=row.trail,
            fill_volume=row.qty if filled else 0,
            filled_price=row.price,
            custom_tag=(row.tag or None) if row.role in ("entry", "child") else None,
            parent_order_id=row.parent_order_id,
        )

    def position(self, row: PositionRow, account: int, listing: Listing) -> shapes.Position:
        """A position; its id is the time at which it was opened."""
        return shapes.Position(
            id=row.opened // 1_000,
            account_id=account,
            contract_id=listing.id,
            creation_timestamp=_when(row.opened),
            type=1 if row.qty > 0 else 2,
            size=abs(row.qty),
            average_price=row.average,
        )

    def trade(self, row: TradeRow, account: int, listing: Listing) -> shapes.Trade:
        """A fill; there are no fees here."""
        happening, _, seat = row.id.partition("-")
        return shapes.Trade(
            id=int(happening) * _SEATS + int(seat),
            account_id=account,
            contract_id=listing.id,
            creation_timestamp=_when(row.time),
            price=row.price,
            profit_and_loss=row.profit,
            fees=0.0,
            side=0 if row.signed_qty > 0 else 1,
            size=abs(row.signed_qty),
            voided=False,
            order_id=row.order_id,
        )


class TestMax(Dialect):
    """TestMax's simulator: names for orders, ticks without a sign, refusals with a status."""

    __test__ = False  # not a test, whatever its name
    types = frozenset({LIMIT, MARKET, STOP_LIMIT, STOP})
    tests_ticks = False

    def http_status(self, failure: Failure) -> int:
        """400, 401, 404 or 409."""
        return failure.status

    def code(self, failure: Failure) -> int:
        """Only logins have numbers of their own; else the status is repeated."""
        return failure.code if failure.status == 401 else failure.status

    def order_number(self, told: int | str) -> int:
        """``ord_17`` is order 17."""
        text = told.removeprefix("ord_") if isinstance(told, str) else ""
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else -1

    def stop_offset(self, ticks: int, side: str) -> int:
        """The side decides the sign."""
        return -_unsigned("sl_ticks", ticks) if side == BUY else _unsigned("sl_ticks", ticks)

    def target_offset(self, ticks: int, side: str) -> int:
        """The side decides the sign."""
        return _unsigned("tp_ticks", ticks) if side == BUY else -_unsigned("tp_ticks", ticks)

    def shows(self, row: OrderRow) -> bool:
        """Legs are made when their entry fills."""
        return row.state is not State.INACTIVE

    def status(self, row: OrderRow) -> int:
        """2 Filled, 3 Canceled, 6 Pending; 1 Partial does not happen here."""
        return {State.FILLED: 2, State.CANCELLED: 3, State.REJECTED: 3}.get(row.state, 6)

    def placed(self, row: OrderRow) -> shapes.SimPlacedAnswer:
        """The id, and where the order stands."""
        return shapes.SimPlacedAnswer(order_id=f"ord_{row.order_id}", order_status=self.status(row))

    def account(self, row: AccountRow, number: int, can_trade: bool) -> shapes.SimAccount:
        """An account."""
        return shapes.SimAccount(number, row.account, round(row.balance, 10), can_trade)

    def contract(self, listing: Listing, active: bool) -> shapes.SimContract:  # noqa: ARG002
        """A contract."""
        return shapes.SimContract(
            id=listing.id,
            name=listing.name,
            description=listing.description,
            tick_size=listing.tick_size,
            tick_value=listing.tick_value,
            contract_size=1,
        )

    def order(self, row: OrderRow, account: int, listing: Listing) -> shapes.SimOrder:
        """An order."""
        return shapes.SimOrder(
            id=f"ord_{row.order_id}",
            account_id=account,
            contract_id=listing.id,
            creation_timestamp=_when(row.created),
            status=self.status(row),
            type=_number(row),
            side=0 if row.side == BUY else 1,
            size=row.qty,
            limit_price=row.limit_price,
            stop_price=row.trigger_price,
            fill_volume=row.qty if row.state is State.FILLED else 0,
            filled_price=row.price,
        )

    def position(self, row: PositionRow, account: int, listing: Listing) -> shapes.SimPosition:
        """A position."""
        kind = 1 if row.qty > 0 else 2
        return shapes.SimPosition(account, listing.id, kind, abs(row.qty), row.average)

    def trade(self, row: TradeRow, account: int, listing: Listing) -> shapes.SimTrade:
        """A fill."""
        return shapes.SimTrade(
            id=f"trd_{row.id}",
            order_id=f"ord_{row.order_id}",
            account_id=account,
            contract_id=listing.id,
            side=0 if row.signed_qty > 0 else 1,
            size=abs(row.signed_qty),
            price=row.price,
            timestamp=_when(row.time),
        )


def _when(time: int) -> str:
    # Nobody's clients read nanoseconds.
    return iso(time // 1_000 * 1_000)


def _number(row: OrderRow) -> int:
    return TRAILING if row.trail is not None else _NUMBERS[row.order_type]


def _sign(leg: str, ticks: int, side: str, long: str, short: str) -> str:
    word, doing = (long, "longing") if side == BUY else (short, "shorting")
    return f"Invalid {leg} ticks ({ticks}). Ticks should be {word} than zero when {doing}."


def _enough(leg: str, ticks: int) -> int:
    if abs(ticks) < LEAST_TICKS:
        raise Failure(2, f"Invalid {leg} ticks ({ticks}). There must be at least {LEAST_TICKS}.")
    return ticks


def _unsigned(field: str, ticks: int) -> int:
    if ticks < 1:
        raise Failure(2, f"{field}={shorten(ticks)}: must be at least 1 tick")
    return ticks
