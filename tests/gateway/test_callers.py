"""The code of EvalItUp's Python page, and callers that are not Python, against the gateway."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sim2live.exchange.accounts import Pool

SNIPPETS = Path(__file__).resolve().parents[3] / "shared/reference/snippets/evalitup"
POOLS = {
    name: Pool.of(name)
    for name in ("python-test", "my-pool", "scalping-mes", "swing-es", "pool-1", "pool-2", "pool-3")
}


@pytest.fixture
def gateway(start: Any) -> tuple[Any, Any]:
    started: tuple[Any, Any] = start(pools=POOLS)
    return started


def run(command: list[str], **options: Any) -> str:
    env = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=200, check=False, env=env, **options
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("name", "signals", "held"),
    [
        ("first_signal.py", 1, {("python-test", "MESU6"): 1}),
        ("basic_signal.py", 1, {("my-pool", "MESU6"): 2}),
        ("bracket_order.py", 1, {("scalping-mes", "MESU6"): 1}),
        ("limit_order.py", 1, {}),
        ("client_class.py", 3, {("my-pool", "MESU6"): 1}),
        (
            "async_parallel.py",
            3,
            {("pool-1", "MESU6"): 1, ("pool-2", "MNQU6"): 1, ("pool-3", "MESU6"): -1},
        ),
    ],
)
def test_the_page_s_own_code_runs_with_nothing_changed_but_the_port(
    gateway: tuple[Any, Any], required: Any, name: str, signals: int, held: dict[Any, int]
) -> None:
    required(SNIPPETS.is_dir(), "the snippets of EvalItUp's page (../shared/reference/snippets)")
    server, client = gateway
    code = (SNIPPETS / name).read_text(encoding="utf-8")
    assert "127.0.0.1:8080" in code
    run([sys.executable, "-c", code.replace("127.0.0.1:8080", f"127.0.0.1:{server.port}")])
    assert len(client.get("/signals")["signals"]) == signals
    rows = client.get("/positions")["positions"]
    assert {(row["pool"], row["instrument"]["symbol"]): row["qty"] for row in rows} == held
    orders = client.get("/orders")["orders"]
    if name == "bracket_order.py":
        assert {row["role"] for row in orders} == {"entry", "take_profit", "stop_loss"}
    if name == "limit_order.py":
        assert [(row["state"], row["limit_price"]) for row in orders] == [("WORKING", 5050.0)]


def test_curl_places_an_order(gateway: tuple[Any, Any], required: Any, signal: Any) -> None:
    curl = shutil.which("curl")
    required(curl is not None, "curl")
    server, client = gateway
    command = [str(curl), "-sS", "--noproxy", "*", "-X", "POST", f"{server.url}/signal/python-test"]
    command += ["-H", "Content-Type: application/json", "-d", json.dumps(signal())]
    assert json.loads(run(command)) == {"status": "accepted", "signal_id": "s1"}
    assert len(client.get("/positions")["positions"]) == 1


def test_node_s_fetch_places_an_order(gateway: tuple[Any, Any], required: Any, signal: Any) -> None:
    node = shutil.which("node")
    required(node is not None, "node")
    server, client = gateway
    code = f"""
        fetch("{server.url}/signal/python-test", {{
          method: "POST",
          headers: {{"Content-Type": "application/json"}},
          body: JSON.stringify({json.dumps(signal())}),
        }}).then(r => r.json()).then(answer => console.log(JSON.stringify(answer)))
    """
    assert json.loads(run([str(node), "-e", code])) == {"status": "accepted", "signal_id": "s1"}
    assert len(client.get("/positions")["positions"]) == 1


def test_requests_and_aiohttp_place_orders(gateway: tuple[Any, Any], signal: Any) -> None:
    server, client = gateway
    code = f"""
import asyncio, json, aiohttp, requests
def made(name, pool):
    return dict({signal()!r}, signal_id=name, workflow_id=pool)
session = requests.Session()
for n in range(3):
    sent = made(f"r{{n}}", "my-pool")
    answer = session.post("{server.url}/signal/my-pool", json=sent, timeout=30)
    assert answer.json() == {{"status": "accepted", "signal_id": f"r{{n}}"}}
async def burst():
    async with aiohttp.ClientSession() as session:
        async def one(n):
            url = "{server.url}/signal/pool-1"
            async with session.post(url, json=made(f"a{{n}}", "pool-1")) as answer:
                return (await answer.json())["status"]
        return await asyncio.gather(*(one(n) for n in range(50)))
assert set(asyncio.run(burst())) == {{"accepted"}}
"""
    run([sys.executable, "-c", code])
    held = {row["pool"]: row["qty"] for row in client.get("/positions")["positions"]}
    assert held == {"my-pool": 3, "pool-1": 50}
