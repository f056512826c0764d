"""Halting, resuming and flattening a pool by hand."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from sim2live.exchange.accounts import Pool
from sim2live.exchange.tickets import Ticket
from sim2live.gateway.server import Gateway, running_gateway
from sim2live.signals import Instrument

POOL = {"pool": "python-test"}
FLAT = {**POOL, "confirm": "python-test"}


def control(client: Any, verb: str, content: Any = POOL) -> tuple[int, Any]:
    found: tuple[int, Any] = client.post(f"/control/{verb}", content)
    return found


def test_a_halted_pool_takes_only_what_closes(client: Any) -> None:
    client.signal("in", qty=2)
    assert control(client, "halt") == (200, {"status": "done", "pool": "python-test"})
    status, answer = client.signal("more")
    assert status == 422
    assert answer["error"].startswith("Halted: python-test takes only what closes")
    assert client.signal("flip", side="SELL", qty=3)[0] == 422
    assert client.signal("part", side="SELL", qty=1)[0] == 200
    assert client.signal("rest", side="SELL", qty=1, open_close="CLOSE")[0] == 200
    assert client.get("/positions")["positions"] == []
    assert client.signal("short", side="SELL")[0] == 422
    assert client.signal("in", qty=2) == (200, {"status": "accepted", "signal_id": "in"})
    assert control(client, "resume")[0] == 200
    assert client.signal("again")[0] == 200


def test_working_orders_can_be_cancelled_in_a_halt(client: Any, signal: Any) -> None:
    client.signal("rest", order_type="LIMIT", limit_price=10.0)
    control(client, "halt")
    cancel = signal("c", schema_version="1.1", action="CANCEL", order_id="rest")
    assert client.post("/signal/python-test", cancel)[0] == 200
    assert client.get("/orders")["orders"][0]["state"] == "CANCELLED"


def test_flatten_cancels_closes_and_halts(start: Any) -> None:
    _, client = start(pools={"python-test": Pool.of("acct", (1, 3))})
    legs = {"take_profit": {"limit_price": 9000.0}, "stop_loss": {"trigger_price": 100.0}}
    client.signal("held", qty=2, bracket=legs)
    client.signal("rests", order_type="LIMIT", limit_price=10.0)
    status, done = control(client, "flatten", FLAT)
    assert (status, done["cancelled"], done["closed"]) == (200, 3, 1)
    assert client.get("/positions")["positions"] == []
    states = {order["state"] for order in client.get("/orders")["orders"]}
    assert states == {"FILLED", "CANCELLED"}
    assert client.signal("more")[0] == 422
    assert len({a["balance"] for a in client.get("/accounts")["accounts"]}) >= 1


def test_accounts_that_differ_are_flattened_each(start: Any) -> None:
    gateway, client = start(pools={"python-test": Pool.of("acct", (1, 1))})
    client.signal("both")
    instrument = Instrument("CME", "MESU6")
    gateway.desk.place("acct-2", Ticket(instrument, "BUY", 4), gateway.desk.now())
    assert gateway.desk.exchange.unit_positions("python-test") is None
    status, done = control(client, "flatten", FLAT)
    assert (status, done["closed"]) == (200, 2)
    assert client.get("/positions")["positions"] == []


def test_flatten_wants_the_pools_name_again(client: Any) -> None:
    client.signal("held")
    for confirm in ("", "PYTHON-TEST", "yes"):
        assert control(client, "flatten", {**POOL, "confirm": confirm})[0] == 400
    assert len(client.get("/positions")["positions"]) == 1
    assert client.signal("more")[0] == 200


@pytest.mark.parametrize(
    ("verb", "content", "status"),
    [
        ("explode", POOL, 404),
        ("halt", {"pool": "nobody"}, 404),
        ("halt", {}, 400),
        ("halt", {"pool": 1}, 400),
        ("halt", {**POOL, "more": 1}, 400),
        ("halt", b"\xff", 400),
    ],
)
def test_what_is_not_understood_changes_nothing(
    client: Any, verb: str, content: Any, status: int
) -> None:
    assert control(client, verb, content)[0] == status
    assert client.signal()[0] == 200


def test_the_control_stands_behind_the_shield(start: Any) -> None:
    _, client = start(token="secret")
    body = json.dumps(POOL).encode()
    json_kind = {"Content-Type": "application/json"}
    bearer = {"Authorization": "Bearer secret"}
    for headers, status in (
        (json_kind, 401),
        ({**bearer, "Content-Type": "text/plain"}, 415),
        ({**bearer, **json_kind, "Origin": "http://evil.example"}, 403),
        ({**bearer, **json_kind}, 200),
    ):
        assert client.request("POST", "/control/halt", body, headers)[0] == status
    assert client.request("GET", "/control/halt", None, bearer)[0] == 405


def test_a_halt_outlives_the_gateway(tmp_path: Path, signal: Any) -> None:
    journal = tmp_path / "gateway.sqlite3"
    with running_gateway(journal=journal) as gateway:
        assert post(gateway, "/control/halt", POOL) == 200
    with running_gateway(journal=journal) as gateway:
        assert post(gateway, "/signal/python-test", signal()) == 422
        assert post(gateway, "/control/resume", POOL) == 200
        assert post(gateway, "/signal/python-test", signal()) == 200


def test_a_flattening_is_replayed_by_the_next_start(tmp_path: Path, signal: Any) -> None:
    journal = tmp_path / "gateway.sqlite3"
    with running_gateway(journal=journal) as gateway:
        post(gateway, "/signal/python-test", signal("held"))
        post(gateway, "/control/flatten", FLAT)
        before = gateway.desk.exchange.accounts()
    with running_gateway(journal=journal) as gateway:
        assert gateway.desk.exchange.positions() == []
        assert gateway.desk.exchange.accounts() == before


def post(gateway: Gateway, path: str, content: Any) -> int:
    connection = HTTPConnection("127.0.0.1", gateway.port, timeout=60)
    connection.request(
        "POST", path, json.dumps(content).encode(), {"Content-Type": "application/json"}
    )
    status = connection.getresponse().status
    connection.close()
    return status
