"""A client library that others wrote talks to our gateway; only the address is another one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from typing import Any

import pytest

from sim2live.clock import to_ns
from sim2live.gateway.server import Gateway, running_gateway
from sim2live.market.bars import Bar
from sim2live.signals import Instrument
from sim2live.venues.evalitup import EvalItUp

PRESENT = find_spec("topstep") is not None


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with running_gateway() as started:
        yield started


@pytest.fixture
def run(gateway: Gateway, required: Callable[[bool, str], None]) -> Callable[[Any], None]:
    """Run a conversation with a client that is logged in."""
    required(PRESENT, "the package topstep-client-py")
    from topstep.client import TopstepClient

    def go(talk: Any) -> None:
        async def whole() -> None:
            client = await TopstepClient.create("me", "key", base_url=gateway.url)
            async with client:
                (account,) = await client.accounts.search()
                await talk(client, account.id)

        asyncio.run(whole())

    return go


async def _contract(client: Any) -> Any:
    return next(c for c in await client.contracts.search("MES") if c.name.startswith("MES"))


def test_login_accounts_and_contracts(run: Callable[[Any], None]) -> None:
    async def talk(client: Any, account: int) -> None:
        before = client.token
        await client.refresh_token()
        assert client.token
        assert client.token != before
        (found,) = await client.accounts.search()
        assert found.balance == 50_000.0
        assert found.can_trade
        mes = await _contract(client)
        assert (mes.tick_size, mes.tick_value) == (0.25, 1.25)
        assert (await client.contracts.search_by_id(mes.id)).name == mes.name
        assert mes.id in {contract.id for contract in await client.contracts.available()}

    run(talk)


def test_orders_positions_and_trades(run: Callable[[Any], None]) -> None:
    async def talk(client: Any, account: int) -> None:
        from topstep.models import OrderSide, OrderStatus, OrderType, PlaceOrderRequest

        mes = await _contract(client)
        start = datetime.now(UTC) - timedelta(minutes=5)

        def order(side: Any, kind: Any, **more: Any) -> Any:
            return PlaceOrderRequest(
                account_id=account, contract_id=mes.id, side=side, type=kind, **more
            )

        bought = await client.orders.place(order(OrderSide.BUY, OrderType.MARKET, size=3))
        (position,) = await client.positions.search_open(account)
        assert (position.size, position.contract_id) == (3, mes.id)
        await client.positions.partial_close(account, mes.id, 1)
        assert (await client.positions.search_open(account))[0].size == 2
        below = round(position.average_price) - 500.0
        resting = await client.orders.place(
            order(OrderSide.BUY, OrderType.LIMIT, limit_price=below, custom_tag="mine")
        )
        await client.orders.modify(account, resting, size=2, limit_price=below - 1)
        (open_order,) = await client.orders.search_open(account)
        assert (open_order.id, open_order.size, open_order.limit_price) == (resting, 2, below - 1)
        assert open_order.custom_tag == "mine"
        await client.orders.cancel(account, resting)
        assert await client.orders.search_open(account) == []
        await client.positions.close(account, mes.id)
        assert await client.positions.search_open(account) == []
        states = {o.id: o.status for o in await client.orders.search(account, start)}
        assert states[bought] == OrderStatus.FILLED
        assert states[resting] == OrderStatus.CANCELLED
        trades = await client.trades.search(account, start)
        assert sorted(trade.size for trade in trades) == [1, 2, 3]

    run(talk)


def test_brackets_of_a_client(run: Callable[[Any], None]) -> None:
    async def talk(client: Any, account: int) -> None:
        from topstep.models import Bracket, OrderSide, OrderType, PlaceOrderRequest

        mes = await _contract(client)
        await client.orders.place(
            PlaceOrderRequest(
                account_id=account,
                contract_id=mes.id,
                side=OrderSide.BUY,
                type=OrderType.MARKET,
                stop_loss_bracket=Bracket(ticks=-400, type=4),
                take_profit_bracket=Bracket(ticks=400, type=1),
            )
        )
        legs = await client.orders.search_open(account)
        assert sorted(int(leg.type) for leg in legs) == [1, 4]
        for leg in legs:
            if leg.type == OrderType.STOP:
                await client.orders.cancel(account, leg.id)
        await client.positions.close(account, mes.id)
        for leg in await client.orders.search_open(account):
            await client.orders.cancel(account, leg.id)

    run(talk)


def test_bars(run: Callable[[Any], None], gateway: Gateway) -> None:
    async def talk(client: Any, account: int) -> None:
        mnq = next(c for c in await client.contracts.search("MNQ") if c.name.startswith("MNQ"))
        start = datetime(2025, 1, 15, 15, tzinfo=UTC)
        feed = EvalItUp(gateway.url)
        assert feed.prove_paper(2.0)
        for minute in range(1, 61):
            closed = to_ns(start + timedelta(minutes=minute))
            price = 21_500.0 + minute
            bar = Bar(closed, price, price + 1, price - 1, price, 9.0)
            feed.on_bar(Instrument("CME", mnq.name), bar)
        feed.close()
        bars = await client.history.retrieve_bars(mnq.id, start, start + timedelta(minutes=30))
        assert len(bars) >= 29
        assert [bar.timestamp for bar in bars][:2] == [
            start + timedelta(minutes=minute) for minute in (29, 28)
        ]
        assert all(bar.high - bar.low == 2.0 and bar.volume == 9 for bar in bars)

    run(talk)


def test_a_refusal_is_the_clients_own_error(run: Callable[[Any], None]) -> None:
    async def talk(client: Any, account: int) -> None:
        from topstep.exceptions import APIError

        with pytest.raises(APIError):
            await client.orders.cancel(account, 424_242)

    run(talk)
