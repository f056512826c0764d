"""What is there to tell on the hubs? Orders, positions, fills, balances and prices that changed."""

from __future__ import annotations

import asyncio
from typing import Any

from sim2live.exchange.accounts import AccountRow, TradeRow
from sim2live.exchange.tape import Event
from sim2live.gateway.answers import Receive, Scope, Send
from sim2live.gateway.projectx import hub, shapes, signalr
from sim2live.gateway.projectx.dialect import ProjectX
from sim2live.gateway.projectx.hub import Call, Connection, Topic
from sim2live.gateway.projectx.quotes import QuoteBoard
from sim2live.gateway.projectx.sim import Sim
from sim2live.gateway.projectx.tokens import Tokens

ORDERS, POSITIONS, TRADES, ACCOUNTS = "orders", "positions", "trades", "accounts"
QUOTES, PRINTS, DEPTH = "quotes", "prints", "depth"


def _of_number(kind: str) -> Call:
    def topic(number: int) -> Topic:
        return kind, int(number)

    return topic


def _of_text(kind: str) -> Call:
    def topic(contract: str) -> Topic:
        return kind, str(contract)

    return topic


def _of_all() -> Topic:
    return ACCOUNTS, None


USER_CALLS: dict[str, Call] = {
    "SubscribeAccounts": _of_all,
    "SubscribeOrders": _of_number(ORDERS),
    "SubscribePositions": _of_number(POSITIONS),
    "SubscribeTrades": _of_number(TRADES),
}
MARKET_CALLS: dict[str, Call] = {
    "SubscribeContractQuotes": _of_text(QUOTES),
    "SubscribeContractTrades": _of_text(PRINTS),
    "SubscribeContractMarketDepth": _of_text(DEPTH),
}


class News:
    """Both hubs, and the task that feeds them.

    Args:
        sim: What is watched.
        tokens: Who may come in.
    """

    def __init__(self, sim: Sim, tokens: Tokens) -> None:
        self._sim = sim
        self._tokens = tokens
        self._dialect = ProjectX()
        self._quotes = QuoteBoard(sim)
        self._user: set[Connection] = set()
        self._market: set[Connection] = set()
        self._moved: asyncio.Event | None = None
        self._cursor = sim.desk.exchange.cursor
        sim.desk.watchers.append(self._notice)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a websocket, or close it where there is no such hub."""
        hubs = {
            "/hubs/user": (self._user, USER_CALLS),
            "/hubs/market": (self._market, MARKET_CALLS),
        }
        found = hubs.get(scope["path"])
        if found is None:
            await send({"type": "websocket.close", "code": 1008})
            return
        await hub.serve(
            scope, receive, send, tokens=self._tokens, connections=found[0], calls=found[1]
        )

    async def run(self) -> None:
        """Tell what happens from now on, for ever."""
        self._moved = asyncio.Event()
        while True:
            await self._moved.wait()
            self._moved.clear()
            exchange = self._sim.desk.exchange
            cursor, now = self._cursor, exchange.cursor
            if self._user and now > cursor:
                self._tell_user(exchange.events(cursor, now), exchange.fills(cursor, now))
            self._cursor = now
            if self._market:
                self._tell_market()
            # What happens in one turn of the loop is told together.
            await asyncio.sleep(0)

    def close(self) -> None:
        """Close all connections; the server waits for them when it ends."""
        for connection in (*self._user, *self._market):
            connection.end()

    def _notice(self) -> None:
        if self._user or self._market:
            if self._moved is not None:
                self._moved.set()
        else:  # nobody listens, and who comes later is not told of it
            self._cursor = self._sim.desk.exchange.cursor

    # -- the user's hub ----------------------------------------------------------------------
    def _tell_user(self, events: list[Event], fills: list[TradeRow]) -> None:
        exchange, sim = self._sim.desk.exchange, self._sim
        for number in dict.fromkeys(event.order_id for event in events):
            row = exchange.order(number)
            if row is not None:
                account = sim.accounts.number(row.account)
                told = self._dialect.order(row, account, sim.listed(row.instrument))
                self._push(self._user, (ORDERS, account), "GatewayUserOrder", told)
        for fill in fills:
            account = sim.accounts.number(fill.account)
            trade = self._dialect.trade(fill, account, sim.listed(fill.instrument))
            self._push(self._user, (TRADES, account), "GatewayUserTrade", trade)
        for name in dict.fromkeys(fill.account for fill in fills):
            self._tell_positions(name, [fill for fill in fills if fill.account == name])
            changed = exchange.account(name)
            if changed is not None:
                self._tell_account(changed)

    def _tell_positions(self, name: str, fills: list[TradeRow]) -> None:
        account = self._sim.accounts.number(name)
        held = {row.instrument: row for row in self._sim.desk.exchange.positions_of(name)}
        for instrument, last in {fill.instrument: fill for fill in fills}.items():
            listing = self._sim.listed(instrument)
            row = held.get(instrument)
            if row is not None:
                told = self._dialect.position(row, account, listing)
            else:  # flat: size 0 and no type
                time = self._dialect.trade(last, account, listing).creation_timestamp
                told = shapes.Position(0, account, listing.id, time, 0, 0, 0.0)
            self._push(self._user, (POSITIONS, account), "GatewayUserPosition", told)

    def _tell_account(self, row: AccountRow) -> None:
        number = self._sim.accounts.number(row.account)
        told = self._dialect.account(row, number, self._sim.can_trade(row.account))
        self._push(self._user, (ACCOUNTS, None), "GatewayUserAccount", told)

    # -- the market's hub --------------------------------------------------------------------
    def _tell_market(self) -> None:
        wanted = {topic for connection in self._market for topic in connection.topics}
        for kind, contract in wanted:
            told = self._quotes.news(kind, contract)
            if told is not None:
                target = "GatewayQuote" if kind == QUOTES else "GatewayTrade"
                self._push(self._market, (kind, contract), target, contract, told)

    def _push(self, to: set[Connection], topic: Topic, target: str, *told: Any) -> None:
        listening = [connection for connection in to if topic in connection.topics]
        if listening:
            record = signalr.event(target, *told)
            for connection in listening:
                connection.push(record)
