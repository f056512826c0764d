"""What the Activity page is made of, what it is told, and what it may do."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from sim2live.exchange.accounts import Pool
from sim2live.gateway.server import Gateway, running_gateway

PAGE = Path(__file__).parents[2] / "adapters" / "sim2live" / "gateway" / "page"


class Stream:
    """The page's stream of events, read as a browser reads it."""

    def __init__(self, port: int) -> None:
        self.connection = HTTPConnection("127.0.0.1", port, timeout=60)
        self.connection.request("GET", "/activity/stream")
        self.response = self.connection.getresponse()
        assert self.response.status == 200
        assert self.response.getheader("content-type", "").startswith("text/event-stream")

    def next(self) -> tuple[str, Any]:
        kind = ""
        while line := self.response.readline():
            if line.startswith(b"event: "):
                kind = line[7:-1].decode()
            elif line.startswith(b"data: "):
                return kind, json.loads(line[6:])
        return "end", None

    def until(self, kind: str) -> Any:
        for _ in range(500):
            found, content = self.next()
            assert found != "end", f"the stream ended before {kind}"
            if found == kind:
                return content
        raise AssertionError(f"no {kind} came")


@contextmanager
def stream(port: int) -> Iterator[Stream]:
    opened = Stream(port)
    try:
        yield opened
    finally:
        opened.connection.close()


def fetch(port: int, path: str) -> tuple[int, dict[str, str], bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, {k.lower(): v for k, v in answer.getheaders()}, body


# -- the page itself ------------------------------------------------------------------------------


def test_every_part_of_the_page_is_served_from_here_under_a_strict_policy(client: Any) -> None:
    for path in ("/", *(f"/page/{part.name}" for part in PAGE.iterdir())):
        status, headers, body = fetch(client.port, path)
        assert status == 200, path
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "require-trusted-types-for 'script'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert b"https://" not in body.replace(b"https://www.w3.org", b"")


def test_the_page_has_nothing_inline() -> None:
    html = (PAGE / "activity.html").read_text("utf-8")
    assert "style=" not in html
    assert " on" + "click" not in html
    assert html.count("<script") == html.count('<script type="module" src=')
    for script in PAGE.glob("*.js"):
        text = script.read_text("utf-8")
        assert "innerHTML" not in text
        assert "eval(" not in text


@pytest.mark.parametrize("name", ["../app.py", "%2e%2e%2fapp.py", "nothing.js", "__init__.py"])
def test_nothing_but_the_page_is_served(client: Any, name: str) -> None:
    assert fetch(client.port, f"/page/{name}")[0] == 404


def test_with_a_token_only_the_fixed_page_is_open(start: Any) -> None:
    _, client = start(token="secret")
    assert fetch(client.port, "/")[0] == 200
    assert fetch(client.port, "/page/main.js")[0] == 200
    for path in ("/activity/stream", "/activity/signal?number=1", "/metrics", "/health"):
        assert fetch(client.port, path)[0] == 401, path


# -- news -----------------------------------------------------------------------------------------


def test_a_new_page_is_told_everything_and_then_the_news(client: Any) -> None:
    client.signal("first")
    with stream(client.port) as news:
        assert news.next()[0] == "hello"
        (row,) = news.until("signals")["rows"]
        assert (row["id"], row["state"], row["side"], row["qty"]) == ("first", "FILLED", "BUY", 1)
        assert 0 < row["us"] < 5_000_000
        news.until("ready")
        client.signal("second", side="SELL")
        told = news.until("signals")
        assert [row["id"] for row in told["rows"]] == ["second"]
        assert told["accepted"] == 2


def test_a_working_order_that_fills_changes_its_line(client: Any) -> None:
    symbol = {"exchange": "SIM", "symbol": "SP500"}
    with stream(client.port) as news:
        news.until("ready")
        client.signal("waits", instrument=symbol)
        (row,) = news.until("signals")["rows"]
        assert row["state"] == "WORKING"
        client.post("/bars", {"instrument": symbol, "bar": bar(1, 100.0)})
        (again,) = news.until("signals")["rows"]
        assert (again["n"], again["state"]) == (row["n"], "FILLED")


def bar(number: int, price: float) -> dict[str, Any]:
    time = 1_767_625_200_000_000_000 + number * 86_400_000_000_000
    return {"time": time, "open": price, "high": price + 1, "low": price - 1, "close": price}


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ({"qty": -1}, 400, "qty=-1"),
        ({"workflow_id": "nobody"}, 404, "Workflow not found: nobody"),
        ({"workflow_id": "n" * 9_000}, 404, "Workflow not found: nnn"),
    ],
)
def test_a_refused_signal_is_shown_with_its_reason(
    client: Any, change: dict[str, Any], status: int, reason: str
) -> None:
    client.signal("bad", **change)
    with stream(client.port) as news:
        (row,) = news.until("signals")["rows"]
    assert (row["state"], row["status"]) == ("REFUSED", status)
    assert reason in row["reason"]
    assert len(row["reason"]) + len(row["pool"]) <= 1_000
    assert row.get("id") == ("bad" if change == {"workflow_id": "nobody"} else None)


def test_the_orders_of_every_account_are_told_for_a_signal(start: Any) -> None:
    _, client = start(pools={"python-test": Pool.of("acct", (1, 2))})
    legs = {"take_profit": {"limit_price": 9000.0}, "stop_loss": {"trigger_price": 100.0}}
    client.signal("three", bracket=legs)
    with stream(client.port) as news:
        number = news.until("signals")["rows"][0]["n"]
    orders = client.get(f"/activity/signal?number={number}")["orders"]
    assert [(o["account"], o["role"], o["qty"], o["state"]) for o in orders] == [
        ("acct-1", "entry", 1, "FILLED"),
        ("acct-2", "entry", 2, "FILLED"),
        ("acct-1", "stop_loss", 1, "WORKING"),
        ("acct-2", "stop_loss", 2, "WORKING"),
        ("acct-1", "take_profit", 1, "WORKING"),
        ("acct-2", "take_profit", 2, "WORKING"),
    ]


@pytest.mark.parametrize("query", ["", "?number=", "?number=-1", "?number=9", "?number=1e3"])
def test_a_line_that_is_not_kept_is_said_to_be_gone(client: Any, query: str) -> None:
    assert client.request("GET", f"/activity/signal{query}")[0] == 404


def test_pools_are_summed_and_positions_named(start: Any) -> None:
    _, client = start(pools={"python-test": Pool.of("acct", (1, 2))})
    with stream(client.port) as news:
        before = news.until("money")
        assert [(p["pool"], p["accounts"], p["equity"]) for p in before["pools"]] == [
            ("python-test", 2, 100_000.0)
        ]
        client.signal()
        for _ in range(20):
            after = news.until("money")
            if after["position_count"] == 2:
                break
        assert [(p["account"], p["qty"]) for p in after["positions"]] == [
            ("acct-1", 1),
            ("acct-2", 2),
        ]
        assert after["prices"][0]["source"] == "synthetic"


def test_the_seventeenth_page_is_asked_to_wait(client: Any) -> None:
    opened = [Stream(client.port) for _ in range(16)]
    for one in opened:
        one.until("ready")
    status, _, answer = client.request("GET", "/activity/stream")
    assert status == 503
    assert "Activity pages are open" in answer["error"]
    for one in opened:
        one.connection.close()


def test_an_open_page_does_not_hold_up_the_end_of_the_gateway() -> None:
    gateway = Gateway(port=0)
    thread = threading.Thread(target=gateway.run, daemon=True)
    thread.start()
    assert gateway.wait_started(10)
    with stream(gateway.port) as news:
        news.until("ready")
        gateway.stop()
        while news.next()[0] != "end":
            pass
        thread.join(60)
        assert not thread.is_alive()


def test_after_a_restart_the_page_knows_the_signals_of_before(tmp_path: Path, signal: Any) -> None:
    journal = tmp_path / "gateway.sqlite3"
    with running_gateway(journal=journal) as gateway:
        send(gateway, signal("before"))
    with running_gateway(journal=journal) as gateway, stream(gateway.port) as news:
        told = news.until("signals")
        assert [(r["id"], r["state"], r["us"]) for r in told["rows"]] == [
            ("before", "FILLED", None)
        ]


def send(gateway: Gateway, content: dict[str, Any]) -> int:
    connection = HTTPConnection("127.0.0.1", gateway.port, timeout=60)
    connection.request(
        "POST",
        f"/signal/{content['workflow_id']}",
        json.dumps(content).encode(),
        {"Content-Type": "application/json"},
    )
    status = connection.getresponse().status
    connection.close()
    return status


# -- the chart ------------------------------------------------------------------------------------


def test_a_market_fill_stands_on_the_bar_that_its_signal_met(client: Any) -> None:
    symbol = {"exchange": "SIM", "symbol": "SP500"}
    bars = [bar(number, 100.0 + number) for number in range(5)]
    for one in bars[:3]:
        client.post("/bars", {"instrument": symbol, "bar": one})
    client.signal("entry", instrument=symbol)
    stop = {"order_type": "STOP", "trigger_price": 90.0, "side": "SELL"}
    client.signal("stop", instrument=symbol, **stop)
    for one in bars[3:]:
        client.post("/bars", {"instrument": symbol, "bar": one})
    drawn = client.get("/activity/chart?instrument=SIM:SP500&last=300")["chart"]
    assert [candle[4] for candle in drawn["candles"]] == [100.0, 101.0, 102.0, 103.0, 104.0]
    (fill,) = drawn["fills"]
    assert (fill["candle"], fill["mark"]["price"], fill["mark"]["qty"]) == (2, 102.0, 1)
    assert [order["trigger_price"] for order in drawn["working"]] == [90.0]


def test_a_turn_closes_and_opens(client: Any) -> None:
    symbol = {"exchange": "SIM", "symbol": "SP500"}
    client.post("/bars", {"instrument": symbol, "bar": bar(1, 100.0)})
    for name, side, qty in (("in", "BUY", 1), ("turn", "SELL", 3), ("out", "BUY", 2)):
        client.signal(name, instrument=symbol, side=side, qty=qty)
    fills = client.get("/activity/chart?instrument=SIM:SP500")["chart"]["fills"]
    marks = [(one["mark"]["closed"], one["mark"]["opened"]) for one in fills]
    assert marks == [(False, True), (True, True), (True, False)]


def test_many_bars_are_drawn_together(client: Any) -> None:
    symbol = {"exchange": "SIM", "symbol": "SP500"}
    for start in range(0, 1000, 250):
        some = [bar(number, 100.0 + number) for number in range(start, start + 250)]
        assert client.post("/bars", {"instrument": symbol, "bars": some})[0] == 200
    drawn = client.get("/activity/chart?instrument=SIM:SP500&last=20000")["chart"]
    assert 60 <= len(drawn["candles"]) <= 161
    assert max(candle[2] for candle in drawn["candles"]) == 100.0 + 999 + 1
    assert drawn["candles"][-1][4] == 100.0 + 999


@pytest.mark.parametrize(
    "query", ["", "instrument=X", "instrument=A:B&last=0", "instrument=A:B&last=9999999"]
)
def test_a_chart_of_nothing_is_refused_by_name(client: Any, query: str) -> None:
    status, _, answer = client.request("GET", f"/activity/chart?{query}")
    assert status == 400
    assert answer["error"]


# -- metrics --------------------------------------------------------------------------------------


def test_metrics_are_what_prometheus_reads(start: Any) -> None:
    names = ("python-test", 'a "quoted" \\ name')
    _, client = start(pools={name: Pool.of(name) for name in names})
    client.signal("one")
    client.signal("two", qty=0)
    status, headers, body = fetch(client.port, "/metrics")
    assert status == 200
    assert headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = body.decode().splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert values["sim2live_gateway_accepted_total"] == "1"
    assert values['sim2live_gateway_order_events_total{kind="fill"}'] == "1"
    assert values['sim2live_gateway_signal_seconds_bucket{le="+Inf"}'] == "1"
    assert values["sim2live_gateway_signal_seconds_count"] == "1"
    assert values['sim2live_gateway_halted{pool="python-test"}'] == "0"
    assert values['sim2live_gateway_answers_total{status="400"}'] == "1"
    assert values[r'sim2live_gateway_equity{pool="a \"quoted\" \\ name"}'] == "50000"
    buckets = [int(v) for k, v in values.items() if "_bucket" in k]
    assert buckets == sorted(buckets)
    named = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    assert {k.split("{")[0].removesuffix("_bucket") for k in values} <= named | {
        "sim2live_gateway_signal_seconds_sum",
        "sim2live_gateway_signal_seconds_count",
    }
