"""POST /signal/{workflow_id}: what is accepted, what is refused, and in which words."""

from __future__ import annotations

import concurrent.futures
import http.client
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from sim2live.clock import ManualClock
from sim2live.exchange.accounts import Pool

Make = Callable[..., dict[str, Any]]


def test_the_tutorial_s_order_is_accepted_filled_and_seen(client: Any) -> None:
    assert client.signal("test-001") == (200, {"status": "accepted", "signal_id": "test-001"})
    (position,) = client.get("/positions")["positions"]
    assert (position["qty"], position["average"]) == (1, 5070.0)
    assert client.get("/signals")["signals"][0]["state"] == "FILLED"
    assert client.get("/prices")["prices"][0]["source"] == "synthetic"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"qty": ...}, "Missing required field: qty"),
        ({"signal_id": ...}, "Missing required field: signal_id"),
        ({"instrument": {"exchange": "CME"}}, "Missing required field: instrument.symbol"),
        ({"qty": 0}, "qty=0"),
        ({"qty": True}, "qty"),
        ({"qty": "2"}, "qty"),
        ({"qty": 1.5}, "qty"),
        ({"side": "HOLD"}, "BUY"),
        ({"order_type": "LIMIT"}, "limit_price"),
        ({"limit_price": 5000.0}, "limit_price"),
        ({"schema_version": "2.0"}, "schema_version"),
        ({"colour": "red"}, "colour"),
        ({"order_id": "x"}, "order_id"),
        (
            {
                "order_type": "LIMIT",
                "limit_price": 5000,
                "bracket": {"take_profit": {"limit_price": 4990}},
            },
            "take_profit",
        ),
    ],
)
def test_a_wrong_signal_is_refused_by_name(client: Any, change: dict[str, Any], words: str) -> None:
    status, answer = client.signal(**change)
    assert status == 400
    assert list(answer) == ["error"]
    assert words in answer["error"]
    assert client.get("/signals") == {"signals": []}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xef\xbb\xbf{}",
        b'{"qty": \xff}',
        b'{"qty": NaN}',
        b"[" * 60_000,
        b'{"a":' * 10_000,
    ],
)
def test_a_body_that_is_no_signal_is_400(client: Any, body: bytes) -> None:
    status, answer = client.post("/signal/python-test", body)
    assert status == 400
    assert len(answer["error"]) < 400


def test_a_key_that_stands_twice_is_refused(client: Any, signal: Make) -> None:
    body = json.dumps(signal())[:-1] + ', "qty": 5}'
    status, answer = client.post("/signal/python-test", body.encode())
    assert status == 400
    assert "qty" in answer["error"]


def test_an_unknown_pool_is_404_in_the_page_s_words(client: Any) -> None:
    assert client.signal(workflow_id="xyz") == (404, {"error": "Workflow not found: xyz"})


def test_path_and_body_must_name_one_workflow(start: Any, signal: Make) -> None:
    _, client = start(pools={"a": Pool.of("a"), "b": Pool.of("b")})
    status, answer = client.post("/signal/a", signal(workflow_id="b"))
    assert status == 400
    assert "workflow_id='b'" in answer["error"]
    assert client.get("/orders") == {"orders": []}


def test_a_repeated_id_gets_its_first_answer_and_executes_once(client: Any) -> None:
    first = client.signal("s1", side="LONG")
    assert client.signal("s1", side="BUY", order_type="MARKET") == first  # it means the same
    (position,) = client.get("/positions")["positions"]
    assert position["qty"] == 1


def test_an_id_of_another_signal_is_refused_across_workflows(start: Any) -> None:
    _, client = start(any_pool=True)
    assert client.signal("s1", workflow_id="a")[0] == 200
    status, answer = client.signal("s1", workflow_id="b")
    assert status == 400
    assert "signal_id" in answer["error"]


def test_repeats_that_arrive_together_execute_once(client: Any, signal: Make) -> None:
    def post(n: int) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=60)
        body = json.dumps(signal(f"s{n % 4}")).encode()
        headers = {"Content-Type": "application/json"}
        connection.request("POST", "/signal/python-test", body, headers)
        response = connection.getresponse()
        response.read()
        connection.close()
        return response.status

    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        assert set(threads.map(post, range(64))) == {200}
    assert client.get("/positions")["positions"][0]["qty"] == 4


@pytest.mark.parametrize("pool", ["a b", "café", "50%", "x/y", "ほげ", "a?b#c", "<img src=x>"])
def test_any_name_of_a_pool_works_when_percent_encoded(start: Any, signal: Make, pool: str) -> None:
    _, client = start(pools={pool: Pool.of("acc")})
    path = "/signal/" + quote(pool, safe="")
    assert client.post(path, signal(workflow_id=pool))[0] == 200
    assert (
        client.get("/signals?pool=" + quote(pool, safe=""))["signals"][0]["signal"]["workflow_id"]
        == pool
    )


@pytest.mark.parametrize(
    "path",
    [
        "/signal/..",
        "/signal/%2e%2e",
        "/signal/../health",
        "/signal/a/b",
        "/signal/%ff",
        "/signal/python-test/",
    ],
)
def test_a_path_that_is_no_single_name_finds_no_workflow(
    client: Any, signal: Make, path: str
) -> None:
    status, answer = client.post(path, signal())
    assert status == 404
    assert answer["error"].startswith("Workflow not found")


def test_the_flat_format_is_named_as_not_spoken(client: Any) -> None:
    flat = {"pool": "python-test", "action": "buy", "quantity": 1, "symbol": "MESU6"}
    status, answer = client.post("/signal", flat)
    assert status == 404
    assert "flat format" in answer["error"]


def test_other_methods_are_405(client: Any) -> None:
    status, headers, answer = client.request("GET", "/signal/python-test")
    assert (status, headers["allow"]) == (405, "POST")
    assert "error" in answer
    assert client.post("/health", {})[0] == 405


@pytest.mark.parametrize("symbol", ["MESU6", "MESZ6", "ESU20", "ESU26", "ES=F", "whatever"])
def test_any_well_formed_symbol_is_accepted_also_an_expired_one(client: Any, symbol: str) -> None:
    assert client.signal(instrument={"exchange": "CME", "symbol": symbol})[0] == 200


def test_an_order_without_any_price_works_until_its_first_bar(client: Any) -> None:
    thing = {"exchange": "XYZ", "symbol": "THING"}
    assert client.signal(instrument=thing)[0] == 200
    assert client.get("/orders")["orders"][0]["state"] == "WORKING"
    bar = {"time": 1, "open": 7, "high": 9, "low": 6, "close": 8}
    assert client.post("/bars", {"instrument": thing, "bar": bar}) == (
        200,
        {"status": "accepted", "bars": 1},
    )
    assert client.get("/orders")["orders"][0]["price"] == 7


def test_a_limit_of_signals_is_per_pool_and_says_when_to_come_back(
    start: Any, manual_clock: ManualClock
) -> None:
    _, client = start(any_pool=True, per_minute=2, clock=manual_clock)
    assert [client.signal(f"s{n}")[0] for n in range(2)] == [200, 200]
    body = json.dumps(
        {
            "schema_version": "1.0",
            "signal_id": "s2",
            "workflow_id": "python-test",
            "instrument": {"exchange": "CME", "symbol": "MESU6"},
            "side": "BUY",
            "qty": 1,
        }
    ).encode()
    manual_clock.advance(10)
    headers = {"Content-Type": "application/json"}
    status, answered, answer = client.request("POST", "/signal/python-test", body, headers)
    assert (status, answered["retry-after"]) == (429, "50")
    assert "error" in answer
    assert client.signal("s0")[0] == 200  # a repeat is no new signal
    assert client.signal("x", workflow_id="other")[0] == 200
    manual_clock.advance(50)
    assert client.signal("s2")[0] == 200


def test_schema_1_1_cancels_by_the_client_s_name(client: Any) -> None:
    later: dict[str, Any] = {
        "schema_version": "1.1",
        "order_id": "mine",
        "order_type": "LIMIT",
        "limit_price": 4000,
    }
    assert client.signal("a", **later)[0] == 200
    assert client.signal("b", **later, action="CANCEL")[0] == 200
    assert client.get("/orders")["orders"][0]["state"] == "CANCELLED"
    status, answer = client.signal("c", **later, action="CANCEL")
    assert status == 400
    assert answer["error"] == "order_id='mine': names no working order"


def test_a_pool_fans_out_to_its_accounts(start: Any) -> None:
    _, client = start(pools={"python-test": Pool.of("acc", (1, 1, 2))})
    assert client.signal(qty=2)[0] == 200
    held = {row["account"]: row["qty"] for row in client.get("/positions")["positions"]}
    assert held == {"acc-1": 2, "acc-2": 2, "acc-3": 4}
