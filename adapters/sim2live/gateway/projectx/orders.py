"""Orders of the second door: what is checked before one is taken, changed or cancelled."""

from __future__ import annotations

from typing import Any

from sim2live.errors import shorten
from sim2live.exchange.orders import OrderRow, State
from sim2live.exchange.tickets import Ticket
from sim2live.gateway.projectx import dialect as words
from sim2live.gateway.projectx import requests, shapes
from sim2live.gateway.projectx.dialect import Dialect, TestMax
from sim2live.gateway.projectx.envelope import Answer, Failure
from sim2live.gateway.projectx.moments import moment, optional_moment
from sim2live.gateway.projectx.names import Listing
from sim2live.gateway.projectx.prices import Prices, whole_ticks
from sim2live.gateway.projectx.sim import Sim
from sim2live.signals import Side

REJECTED, CONTRACT_NOT_FOUND, ACCOUNT_REJECTED = 2, 8, 10
ORDER_NOT_FOUND, CHANGE_REJECTED = 2, 3
_MOST = 2**31 - 1
_Place = requests.PlaceOrder | requests.PlaceLooseOrder
_Modify = requests.ModifyOrder | requests.ModifyNamedOrder
_One = requests.OneOrder | requests.OneNamedOrder


class Orders:
    """Order/place, modify, cancel, search, searchOpen and searchById.

    Args:
        sim: Where orders go.
        dialect: How they are told.
    """

    def __init__(self, sim: Sim, dialect: Dialect) -> None:
        self._sim = sim
        self._dialect = dialect
        sims = isinstance(dialect, TestMax)
        self._orders: Any = shapes.SimOrdersAnswer if sims else shapes.OrdersAnswer

    def place(self, request: _Place) -> Answer:
        """Take an order."""
        sim = self._sim
        account = sim.account(request.account_id).account
        listing = sim.listing(request.contract_id, CONTRACT_NOT_FOUND)
        if not sim.can_trade(account):
            raise Failure(ACCOUNT_REJECTED, "The session of this account has ended", 409)
        ticket = self._ticket(request, listing)
        if ticket.tag and sim.desk.exchange.is_named(account, ticket.tag):
            raise Failure(REJECTED, f"customTag={shorten(ticket.tag)}: is in use")
        number = sim.desk.place(account, ticket, sim.now(account))
        row = sim.desk.exchange.order(number)
        assert row is not None
        return self._dialect.placed(row)

    def modify(self, request: _Modify) -> Answer:
        """Change an order that can still fill."""
        row = self._find(request)
        listing = self._sim.listed(row.instrument)
        if request.size is not None and not 1 <= request.size <= _MOST:
            raise Failure(CHANGE_REJECTED, f"size={request.size}: must be at least 1")
        trail_price = request.trail_price if isinstance(request, requests.ModifyOrder) else None
        prices = Prices(request.limit_price, request.stop_price, trail_price)
        self._check_ticks(prices, listing, CHANGE_REJECTED)
        for field, value, wanted in (
            ("limitPrice", prices.limit, row.order_type in ("LIMIT", "STOP_LIMIT")),
            ("stopPrice", prices.stop, row.order_type in ("STOP", "STOP_LIMIT") and not row.trail),
            ("trailPrice", prices.trail, row.trail is not None),
        ):
            if value is not None and not wanted:
                raise Failure(CHANGE_REJECTED, f"{field}: does not belong to this order")
        trigger, trail = prices.stop, None
        if prices.trail is not None:
            trigger, trail = self._trail(prices.trail, listing, CHANGE_REJECTED, most=None)
        reason = self._sim.desk.change_order(
            row.order_id,
            self._sim.now(row.account),
            qty=request.size,
            limit_price=prices.limit,
            trigger_price=trigger,
            trail=trail,
        )
        if reason:
            raise Failure(CHANGE_REJECTED, reason, 409)
        return Answer()

    def cancel(self, request: _One) -> Answer:
        """Take an order off the market."""
        row = self._find(request)
        reason = self._sim.desk.cancel_order(row.order_id, self._sim.now(row.account))
        if reason:
            raise Failure(CHANGE_REJECTED, reason, 409)
        return Answer()

    def search(self, request: requests.SearchOrders) -> Answer:
        """Orders made in a time."""
        start = moment("startTimestamp", request.start_timestamp)
        end = optional_moment("endTimestamp", request.end_timestamp)
        rows = self._rows(request.account_id)
        return self._told(
            row for row in rows if row.created >= start and (end is None or row.created <= end)
        )

    def search_all(self, request: requests.OfAccount) -> Answer:
        """All orders of an account."""
        return self._told(self._rows(request.account_id))

    def search_open(self, request: requests.OfAccount) -> Answer:
        """Orders that the market can fill; legs that wait for their entry are left out."""
        rows = self._rows(request.account_id, alive=True)
        return self._told(row for row in rows if row.state is State.WORKING)

    def by_id(self, request: requests.OneOrder) -> Answer:
        """One order."""
        row = self._find(request, missing=1)
        found: Any = self._row(row)
        return shapes.OrderAnswer(order=found)

    # -- inside ------------------------------------------------------------------------------
    def _rows(self, number: int, *, alive: bool = False) -> list[OrderRow]:
        account = self._sim.account(number).account
        return self._sim.desk.exchange.orders_of(account, alive=alive)

    def _row(self, row: OrderRow) -> object:
        number = self._sim.accounts.number(row.account)
        return self._dialect.order(row, number, self._sim.listed(row.instrument))

    def _told(self, rows: Any) -> Answer:
        shown = [self._row(row) for row in rows if self._dialect.shows(row)]
        return self._orders(orders=shown)  # type: ignore[no-any-return]

    def _find(self, request: _One | _Modify, missing: int = ORDER_NOT_FOUND) -> OrderRow:
        account = self._sim.account(request.account_id).account
        row = self._sim.desk.exchange.order(self._dialect.order_number(request.order_id))
        if row is None or row.account != account or not self._dialect.shows(row):
            raise Failure(missing, f"No order {shorten(request.order_id)} in this account", 404)
        return row

    def _ticket(self, request: _Place, listing: Listing) -> Ticket:
        kind = request.type
        if kind not in self._dialect.types:
            raise Failure(REJECTED, f"type={kind}: is not taken here")
        if request.side not in (0, 1):
            raise Failure(REJECTED, f"side={request.side}: must be 0 to buy or 1 to sell")
        if not 1 <= request.size <= _MOST:
            raise Failure(REJECTED, f"size={request.size}: must be at least 1")
        trail_price = request.trail_price if isinstance(request, requests.PlaceOrder) else None
        prices = Prices(request.limit_price, request.stop_price, trail_price)
        prices.check(kind)
        self._check_ticks(prices, listing, REJECTED)
        trigger, trail = prices.stop, None
        if prices.trail is not None:
            most = words.MOST_TICKS
            trigger, trail = self._trail(prices.trail, listing, REJECTED, most=most)
        side: Side = "BUY" if request.side == 0 else "SELL"
        stop, target = self._offsets(request, side, listing.tick_size)
        return Ticket(
            instrument=listing.instrument,
            side=side,
            qty=request.size,
            order_type=words.TYPES[kind],
            limit_price=prices.limit,
            trigger_price=trigger,
            trail=trail,
            stop_offset=stop,
            target_offset=target,
            tag=_tag(request) if isinstance(request, requests.PlaceOrder) else "",
        )

    def _check_ticks(self, prices: Prices, listing: Listing, code: int) -> None:
        if self._dialect.tests_ticks:
            prices.check_ticks(listing.tick_size, code)

    def _trail(
        self, price: float, listing: Listing, code: int, *, most: int | None
    ) -> tuple[float, float]:
        """Where a trailing stop stands, and how far from the market."""
        last = self._sim.desk.price(listing.instrument)
        if last is None:
            raise Failure(code, "A trailing stop needs a market price, and there is none yet")
        ticks = whole_ticks(abs(last - price), listing.tick_size)
        if ticks < 1 or (most is not None and ticks > most):
            raise Failure(code, f"trailPrice={price}: is {ticks} ticks from the market")
        return price, abs(last - price)

    def _offsets(
        self, request: _Place, side: str, tick: float
    ) -> tuple[float | None, float | None]:
        stop, target = request.stop_loss_bracket, request.take_profit_bracket
        if stop is not None and stop.type not in (None, words.STOP):
            raise Failure(REJECTED, f"stopLossBracket.type={stop.type}: must be 4, a stop")
        if target is not None and target.type not in (None, words.LIMIT):
            raise Failure(REJECTED, f"takeProfitBracket.type={target.type}: must be 1, a limit")
        below = None if stop is None else stop.ticks
        above = None if target is None else target.ticks
        if isinstance(request, requests.PlaceLooseOrder):
            below = request.sl_ticks if below is None else below
            above = request.tp_ticks if above is None else above
        return (
            None if below is None else round(self._dialect.stop_offset(below, side) * tick, 10),
            None if above is None else round(self._dialect.target_offset(above, side) * tick, 10),
        )


def _tag(request: requests.PlaceOrder) -> str:
    if request.linked_order_id is not None:
        raise Failure(REJECTED, "linkedOrderId: is not taken any more; use the bracket objects")
    tag = request.custom_tag or ""
    if not tag.isprintable():
        raise Failure(REJECTED, f"customTag={shorten(tag)}: must be printable")
    return tag
