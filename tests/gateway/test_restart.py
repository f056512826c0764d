"""What was accepted is never lost: the gateway is killed, and started again."""

from __future__ import annotations

import json
import os
import signal as signals
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import sim2live
from sim2live.errors import JournalError
from sim2live.exchange.accounts import Pool
from sim2live.gateway.inbox import Inbox
from sim2live.gateway.pools import load_pools
from sim2live.gateway.server import running_gateway

SCRIPT = """
import sys
from sim2live.gateway.server import Gateway
gateway = Gateway(port=0, journal=sys.argv[1], any_pool=True)
print(gateway.port, flush=True)
gateway.run()
"""


@contextmanager
def process(journal: Path, client_of: Any) -> Iterator[tuple[subprocess.Popen[str], Any]]:
    adapters = str(Path(sim2live.__file__).parents[1])
    started = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(journal)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": adapters},
    )
    assert started.stdout is not None
    client = client_of(int(started.stdout.readline()))
    try:
        yield started, client
    finally:
        client.close()
        started.kill()
        started.wait(60)
        started.stdout.close()


def seen(client: Any) -> dict[str, Any]:
    return {
        name: client.get(f"/{name}?limit=1000")[name]
        for name in ("orders", "positions", "accounts", "trades", "signals")
    }


def test_kill_9_loses_nothing_and_answers_stay_the_same(client: Any, tmp_path: Path) -> None:
    journal = tmp_path / "gateway.sqlite3"
    client_of = type(client)
    bracket = {"take_profit": {"limit_price": 5090}, "stop_loss": {"trigger_price": 5050}}
    wire = {"exchange": "CME", "symbol": "MESU6"}
    with process(journal, client_of) as (started, first):
        for n in range(40):
            side = "BUY" if n % 3 else "SELL"
            assert first.signal(f"s{n}", side=side, workflow_id=f"pool-{n % 2}")[0] == 200
            if n % 5 == 0:
                price = 5000 + n
                bar = {"time": n, "open": price, "high": price, "low": price, "close": price}
                assert first.post("/bars", {"instrument": wire, "bar": bar})[0] == 200
        assert first.signal("b", workflow_id="pool-0", bracket=bracket)[0] == 200
        before, store = seen(first), first.get("/health")["store"]
        started.send_signal(signals.SIGKILL)
        started.wait(60)
    with process(journal, client_of) as (_, second):
        assert second.get("/health")["store"] == store
        after = seen(second)
        assert after == before
        assert second.signal("s1", workflow_id="pool-1")[0] == 200
        assert second.signal("s1", workflow_id="pool-1", qty=9)[0] == 400
        assert seen(second) == before  # a repeat executes nothing
        assert second.signal("new", workflow_id="pool-1")[0] == 200


@pytest.mark.parametrize("round_", range(3))
def test_a_signal_answered_before_the_kill_is_there_after_it(
    client: Any, tmp_path: Path, round_: int
) -> None:
    """Killed in the middle of a burst: all answered signals are kept, each executed once."""
    journal = tmp_path / "gateway.sqlite3"
    answered: list[str] = []
    with process(journal, type(client)) as (started, first):
        for n in range(20 + 17 * round_):
            assert first.signal(f"s{n}", workflow_id="p")[0] == 200
            answered.append(f"s{n}")
        first.connection.putrequest("POST", "/signal/p")  # one more is on its way
        first.connection.putheader("Content-Type", "application/json")
        first.connection.putheader("Content-Length", "100")
        first.connection.endheaders(b"{")
        started.kill()
        started.wait(60)
    with process(journal, type(client)) as (_, second):
        kept = [row["signal"]["signal_id"] for row in second.get("/signals?limit=1000")["signals"]]
        assert sorted(kept) == sorted(answered)
        assert second.get("/positions")["positions"][0]["qty"] == len(answered)


def test_a_clean_stop_and_a_start_with_fewer_pools_keep_the_ids(
    start: Any, tmp_path: Path, client: Any, caplog: Any
) -> None:
    journal = tmp_path / "gateway.sqlite3"
    with running_gateway({"a": Pool.of("a"), "b": Pool.of("b")}, journal=journal) as gateway:
        both = type(client)(gateway.port)
        assert both.signal("s1", workflow_id="a")[0] == 200
        assert both.signal("s2", workflow_id="b")[0] == 200
        both.close()
    _, one = start(pools={"a": Pool.of("a")}, journal=journal)
    assert "not configured" in caplog.text
    assert len(one.get("/positions")["positions"]) == 1
    assert one.signal("s2", workflow_id="a")[0] == 400
    assert one.signal("s2", workflow_id="b")[0] == 404


def test_a_file_that_is_no_inbox_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(JournalError):
        Inbox(path)


def test_a_signal_that_cannot_be_stored_is_503_and_not_executed(start: Any) -> None:
    gateway, client = start()
    gateway.desk._inbox.close()
    assert client.signal()[0] == 503
    assert client.get("/positions") == {"positions": []}
    assert client.get("/health")["paper"] is True


def test_pools_are_read_from_toml_and_json(tmp_path: Path) -> None:
    toml, js = tmp_path / "pools.toml", tmp_path / "pools.json"
    toml.write_text(
        '[pools."my pool"]\naccounts = [{name="x", balance=1000, multiplier=2}, {name="y"}]'
    )
    accounts = [{"name": "x", "balance": 1000, "multiplier": 2}, {"name": "y"}]
    js.write_text(json.dumps({"pools": {"my pool": {"accounts": accounts}}}))
    assert load_pools(toml) == load_pools(js)
    assert load_pools(toml)["my pool"].accounts[0].multiplier == 2


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.toml", ""),
        ("a.toml", "pools = 1"),
        ("a.toml", "[pools.a]\naccounts = []"),
        ("a.toml", "[pools.a]\naccounts = [{name='x', money=1}]"),
        ("a.toml", "[pools.a]\naccounts = [{name='x', multiplier=0}]"),
        ("a.json", '{"pools": {}}'),
        ("a.json", "{"),
        ("a.txt", ""),
    ],
)
def test_a_wrong_pools_file_is_refused_by_name(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ValueError, match="pools="):
        load_pools(path)
    with pytest.raises(ValueError, match="pools="):
        load_pools(tmp_path / "absent.toml")
