"""A running gateway and a plain client for it."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from sim2live.gateway.server import Gateway, running_gateway

Answer = tuple[int, dict[str, str], Any]


class Client:
    """The standard library's HTTP client, and raw bytes where that is too polite."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        self.connection.request(method, path, body, headers or {})
        response = self.connection.getresponse()
        text = response.read()
        lower = {name.lower(): value for name, value in response.getheaders()}
        return response.status, lower, json.loads(text) if text else None

    def post(self, path: str, content: Any, **headers: str) -> tuple[int, Any]:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        status, _, answer = self.request(
            "POST", path, body, {"Content-Type": "application/json", **headers}
        )
        return status, answer

    def get(self, path: str, **headers: str) -> Any:
        status, _, answer = self.request("GET", path, None, headers)
        assert status == 200, (status, answer)
        return answer

    def signal(self, name: str = "s1", **more: Any) -> tuple[int, Any]:
        content = a_signal(name, **more)
        return self.post(f"/signal/{content['workflow_id']}", content)

    def raw(self, data: bytes) -> bytes:
        """Everything that comes back before the server closes, or falls silent for a moment."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as raw:
            raw.sendall(data)
            raw.shutdown(socket.SHUT_WR)
            parts = []
            try:
                while part := raw.recv(65_536):
                    parts.append(part)
            except ConnectionResetError:
                pass
            return b"".join(parts)

    def close(self) -> None:
        self.connection.close()


def a_signal(name: str = "s1", **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "schema_version": "1.0",
        "signal_id": name,
        "workflow_id": "python-test",
        "instrument": {"exchange": "CME", "symbol": "MESU6"},
        "side": "BUY",
        "qty": 1,
    }
    made.update(more)
    return {key: value for key, value in made.items() if value is not ...}


Start = Callable[..., tuple[Gateway, Client]]


@pytest.fixture
def start() -> Iterator[Start]:
    """`start(**options)` runs a gateway until the test ends."""
    with ExitStack() as stack:

        def run(**options: Any) -> tuple[Gateway, Client]:
            gateway = stack.enter_context(running_gateway(**options))
            client = Client(gateway.port)
            stack.callback(client.close)
            return gateway, client

        yield run


@pytest.fixture
def client(start: Start) -> Client:
    """A client of a fresh gateway with the default pool."""
    return start()[1]


@pytest.fixture
def signal() -> Callable[..., dict[str, Any]]:
    """Makes the tutorial's signal; `field=...` (the ellipsis) leaves a field out."""
    return a_signal


class SecondDoor:
    """A client of the second door, logged in.

    `post` speaks ProjectX, `sim` TestMax; both return the answer when it is a success.
    """

    def __init__(self, gateway: Gateway) -> None:
        self.gateway, self.port = gateway, gateway.port
        self.client = Client(gateway.port)
        self.token = ""
        self.token = self.post("Auth/loginKey", userName="me", apiKey="key")["token"]
        accounts = self.post("Account/search", onlyActiveAccounts=True)["accounts"]
        self.account = accounts[0]["id"] if accounts else 0
        found = self.post("Contract/search", searchText="NQ", live=False)["contracts"]
        self.contract, self.symbol = found[0]["id"], found[0]["name"]

    def ask(self, path: str, content: Any, base: str = "/api/") -> tuple[int, Any]:
        bearer = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return self.client.post(base + path, content, **bearer)

    def post(self, path: str, **fields: Any) -> Any:
        status, answer = self.ask(path, fields)
        assert status == 200, (status, answer)
        assert answer["success"], answer
        return answer

    def sim(self, path: str, **fields: Any) -> Any:
        status, answer = self.ask(path, fields, "/api/topstep-sim/")
        assert status == 200, (status, answer)
        assert answer["success"], answer
        return answer

    def fails(self, path: str, **fields: Any) -> tuple[int, str]:
        """Code and message of a refusal in the ProjectX dialect, which is a 200."""
        status, answer = self.ask(path, fields)
        assert status == 200, (status, answer)
        assert not answer["success"], answer
        return answer["errorCode"], answer["errorMessage"]

    def sim_fails(self, path: str, **fields: Any) -> tuple[int, str]:
        """Status and message of a refusal in the TestMax dialect."""
        status, answer = self.ask(path, fields, "/api/topstep-sim/")
        assert not answer["success"], answer
        assert status >= 400
        return status, answer["errorMessage"]

    def order(self, **fields: Any) -> Any:
        """Place an order in the first account; a market order by default."""
        return self.post("Order/place", **self.order_fields(**fields))

    def order_fields(self, **fields: Any) -> dict[str, Any]:
        given = {"accountId": self.account, "contractId": self.contract, "type": 2, "size": 1}
        return {**given, **fields}

    def push(self, *closes: float) -> None:
        """Bars of one price each, a second apart."""
        wire = {"exchange": "CME", "symbol": self.symbol}
        for close in closes:
            self.seconds += 1
            prices = dict.fromkeys(("open", "high", "low", "close"), close)
            bar = {"time": 1_767_625_200_000_000_000 + self.seconds * 10**9, **prices}
            assert self.client.post("/bars", {"instrument": wire, "bar": bar})[0] == 200

    seconds = 0


@pytest.fixture
def second_of() -> Iterator[Callable[[Gateway], SecondDoor]]:
    """`second_of(gateway)` logs in at its second door."""
    with ExitStack() as stack:

        def open_door(gateway: Gateway) -> SecondDoor:
            made = SecondDoor(gateway)
            stack.callback(made.client.close)
            return made

        yield open_door


@pytest.fixture
def second(start: Start, second_of: Callable[[Gateway], SecondDoor]) -> SecondDoor:
    """The second door of a fresh gateway with the default pool."""
    return second_of(start()[0])
