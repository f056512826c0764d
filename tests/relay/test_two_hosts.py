"""Two hosts in network namespaces: the strategy on one, everything else on the other."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.relay.conftest import until
from tests.relay.server import NatsServer, needs_server

from sim2live.gate.archive import Archive

HERE, THERE = "10.91.7.1", "10.91.7.2"

STRATEGY = """
import sys, time
import sim2live
from sim2live.market.bars import Bar
from sim2live.signals import Instrument

target, plan = sys.argv[1], [1, 2, 0, -1, 0, 2, 0]
mes = Instrument("CME", "MESZ6")
gate = sim2live.connect(target, workflow="pool", strategy="cross", journal="strategy.sqlite3")
assert gate.venue.simulated, gate.venue
start = 1_767_625_200_000_000_000
for number, wanted in enumerate(plan):
    at = start + number * 60_000_000_000
    gate.on_bar(mes, Bar(at, 100.0, 100.0, 100.0, 100.0))
    receipt = gate.follow(mes, wanted, data="mes", nth=0, decided_at=at)
    for _ in range(200):
        if gate.position(mes).known and gate.position(mes).low == receipt.granted:
            break
        gate.gate.work()
        time.sleep(0.1)
    print(number, wanted, receipt.status, gate.position(mes), flush=True)
    if number == 2:
        print("CUT", flush=True)
        sys.stdin.readline()
gate.close()
"""


def run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, timeout=200)


@pytest.fixture
def hosts() -> Iterator[tuple[str, str]]:
    """Two namespaces joined by a cable."""
    needs_server()
    here, there = f"s2l{os.getpid()}a", f"s2l{os.getpid()}b"
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root, and the command ip of iproute2")
    try:
        run("ip", "netns", "add", here)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"this machine allows no network namespaces: {error.stderr.decode()}")
    try:
        run("ip", "netns", "add", there)
        cable = (f"v{os.getpid()}a", f"v{os.getpid()}b")
        run("ip", "link", "add", cable[0], "type", "veth", "peer", "name", cable[1])
        for name, end, address in ((here, cable[0], HERE), (there, cable[1], THERE)):
            run("ip", "link", "set", end, "netns", name)
            run("ip", "-n", name, "addr", "add", f"{address}/24", "dev", end)
            run("ip", "-n", name, "link", "set", end, "up")
            run("ip", "-n", name, "link", "set", "lo", "up")
        yield here, there
    finally:
        for name in (here, there):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


@pytest.mark.slow
def test_a_strategy_follows_across_a_network_that_is_cut_while_a_relay_dies(
    hosts: tuple[str, str], command: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    here, there = hosts
    inside = ("ip", "netns", "exec", there)
    server = NatsServer(tmp_path / "nats", host=THERE, prefix=inside)
    started: list[subprocess.Popen[str]] = []

    def start(place: str, *words: str) -> subprocess.Popen[str]:
        started.append(
            subprocess.Popen(
                ["ip", "netns", "exec", place, sys.executable, *words],
                cwd=tmp_path, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**os.environ, "SIM2LIVE_HOME": str(tmp_path / place)},
            )
        )  # fmt: skip
        return started[-1]

    try:
        sim2live = ("-m", "sim2live.cli")
        start(there, *sim2live, "gateway", "--port", "8080", "--any-pool", "--journal", "g.sqlite3")
        relay = ("relay", "--from", server.target, "--to", "http://127.0.0.1:8080")
        fast = ("--lease", "1.5", "--timeout", "0.5", "--journal", "relay.sqlite3")
        time.sleep(3)
        first = start(there, *sim2live, *relay, *fast)
        assert first.stdout is not None
        until(lambda: "at work" in first.stdout.readline())
        strategy = start(here, "-c", STRATEGY, server.target)
        assert strategy.stdout is not None
        assert strategy.stdin is not None
        said: list[str] = []
        until(lambda: said.append(strategy.stdout.readline()) or "CUT" in said[-1])
        # The cable is out, a relay dies, another one takes over, and the cable is in again.
        run("ip", "-n", here, "link", "set", f"v{os.getpid()}a", "down")
        first.send_signal(signal.SIGKILL)
        start(there, *sim2live, *relay, *fast)
        strategy.stdin.write("go on\n")
        strategy.stdin.flush()
        time.sleep(2)
        run("ip", "-n", here, "link", "set", f"v{os.getpid()}a", "up")
        rest, _ = strategy.communicate(timeout=90)
        said += rest.splitlines()
        assert strategy.returncode == 0, said
        assert said[-1].endswith(" 0"), said
    finally:
        for process in started:
            process.kill()
            process.communicate(timeout=200)
        server.kill()
    archive = Archive(str(tmp_path / "relay.sqlite3"))
    states = {entry.row.state for entry in archive.entries()}
    held = sum(entry.row.signed for entry in archive.entries() if entry.row.state == "ACCEPTED")
    archive.close()
    assert held == 0
    assert "SENDING" not in states
