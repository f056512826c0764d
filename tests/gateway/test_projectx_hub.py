"""The hubs: what a SignalR client sends and hears, over a real websocket."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect


class Hub:
    """A SignalR client of a few lines."""

    def __init__(self, port: int, name: str, token: str, **options: Any) -> None:
        address = f"ws://127.0.0.1:{port}/hubs/{name}?access_token={token}"
        self._opened = ExitStack()
        socket = self._opened.enter_context(connect(address, open_timeout=60, **options))
        self.socket: ClientConnection = socket
        self._records: list[dict[str, Any]] = []
        self._count = 0

    def send(self, record: dict[str, Any]) -> None:
        self.socket.send(json.dumps(record) + "\x1e")

    def hear(self) -> dict[str, Any]:
        while not self._records:
            text = self.socket.recv(timeout=60)
            assert isinstance(text, str)
            self._records = [json.loads(part) for part in text.split("\x1e") if part]
        return self._records.pop(0)

    def greet(self) -> dict[str, Any]:
        self.send({"protocol": "json", "version": 1})
        return self.hear()

    def call(self, target: str, *arguments: Any) -> dict[str, Any]:
        self._count += 1
        call = {"type": 1, "invocationId": str(self._count), "target": target}
        self.send({**call, "arguments": list(arguments)})
        return self.hear()

    def close(self) -> None:
        self._opened.close()


@pytest.fixture
def hub(second: Any) -> Any:
    opened: list[Hub] = []

    def make(name: str, token: str | None = None, **options: Any) -> Hub:
        opened.append(Hub(second.port, name, token or second.token, **options))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def test_a_handshake_is_answered_by_an_empty_record(hub: Any) -> None:
    assert hub("user").greet() == {}


def test_another_protocol_is_refused_and_the_socket_closed(hub: Any) -> None:
    user = hub("user")
    user.send({"protocol": "messagepack", "version": 1})
    assert "error" in user.hear()
    with pytest.raises(ConnectionClosed):
        user.socket.recv(timeout=60)


@pytest.mark.parametrize("text", ["nonsense\x1e", "[1]\x1e", "{\x1e"])
def test_what_is_no_signalr_is_told_and_closed(hub: Any, text: str) -> None:
    user = hub("user")
    user.greet()
    user.socket.send(text)
    assert user.hear()["type"] == 7
    with pytest.raises(ConnectionClosed):
        user.socket.recv(timeout=60)


def test_without_a_token_nobody_comes_in(second: Any) -> None:
    with pytest.raises(InvalidStatus):
        Hub(second.port, "user", "wrong")


def test_another_sites_page_may_not_connect(second: Any) -> None:
    with pytest.raises(InvalidStatus):
        Hub(second.port, "user", second.token, origin="http://elsewhere.example")


def test_there_is_no_third_hub(second: Any) -> None:
    with pytest.raises(InvalidStatus):
        Hub(second.port, "other", second.token)


def test_unknown_methods_and_wrong_arguments_are_told(hub: Any) -> None:
    user = hub("user")
    user.greet()
    assert "Unknown" in user.call("SubscribeNothing")["error"]
    assert "Wrong" in user.call("SubscribeOrders")["error"]
    assert "Wrong" in user.call("SubscribeOrders", "x")["error"]
    assert user.call("SubscribeOrders", 1)["result"] is None


def test_an_order_is_told_with_its_fill_its_position_and_the_balance(second: Any, hub: Any) -> None:
    user, account = hub("user"), second.account
    user.greet()
    for name in ("Orders", "Positions", "Trades"):
        user.call(f"Subscribe{name}", account)
    user.call("SubscribeAccounts")
    placed = second.order(side=0, size=2, customTag="a")
    told = {record["target"]: record["arguments"][0] for record in (user.hear() for _ in range(4))}
    assert told["GatewayUserOrder"]["id"] == placed["orderId"]
    assert told["GatewayUserOrder"]["customTag"] == "a"
    assert told["GatewayUserOrder"]["status"] == 2
    assert told["GatewayUserPosition"]["size"] == 2
    assert told["GatewayUserTrade"]["profitAndLoss"] is None
    assert told["GatewayUserAccount"]["balance"] == 50_000
    second.post("Position/closeContract", accountId=account, contractId=second.contract)
    told = {record["target"]: record["arguments"][0] for record in (user.hear() for _ in range(4))}
    assert told["GatewayUserPosition"]["size"] == 0
    assert told["GatewayUserPosition"]["type"] == 0
    assert told["GatewayUserTrade"]["profitAndLoss"] == 0


def test_after_unsubscribing_nothing_is_told(second: Any, hub: Any) -> None:
    user = hub("user")
    user.greet()
    user.call("SubscribeOrders", second.account)
    user.call("SubscribeTrades", second.account)
    user.call("UnsubscribeOrders", second.account)
    second.order(side=0, size=1)
    assert user.hear()["target"] == "GatewayUserTrade"


def test_orders_of_another_account_are_not_told(second: Any, hub: Any) -> None:
    user = hub("user")
    user.greet()
    user.call("SubscribeOrders", second.account + 1)
    user.call("SubscribeTrades", second.account)
    second.order(side=0, size=1)
    assert user.hear()["target"] == "GatewayUserTrade"


def test_prices_are_told_as_quotes_and_prints(second: Any, hub: Any) -> None:
    market = hub("market")
    market.greet()
    market.call("SubscribeContractQuotes", second.contract)
    market.call("SubscribeContractTrades", second.contract)
    market.call("SubscribeContractMarketDepth", second.contract)
    second.push(21_410.0)
    heard = [market.hear() for _ in range(2)]
    told = {record["target"]: record["arguments"] for record in heard}
    contract, quote = told["GatewayQuote"]
    assert contract == second.contract
    assert quote["lastPrice"] == quote["bestBid"] == quote["bestAsk"] == 21_410.0
    assert quote["symbol"] == "F.US.ENQ"
    assert told["GatewayTrade"][1]["price"] == 21_410.0


def test_a_stopping_gateway_does_not_wait_for_a_hub(start: Any, second_of: Any) -> None:
    gateway, _ = start()
    door = second_of(gateway)
    user = Hub(gateway.port, "user", door.token)
    user.greet()
    gateway.stop()
    with pytest.raises(ConnectionClosed):
        user.socket.recv(timeout=3)
    user.close()
