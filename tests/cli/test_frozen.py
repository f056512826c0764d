"""The guard as a command, against a real process that is stopped while it holds something."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sim2live.gateway.server import running_gateway
from sim2live.venues.transport import Transport

STRATEGY = """
import sys
from sim2live import connect
from sim2live.market.bars import Bar
from sim2live.signals import Instrument
mes = Instrument("SIM", "SP500")
dispatcher = connect(sys.argv[1], workflow="python-test", strategy="s", journal=sys.argv[2])
dispatcher.on_bar(mes, Bar(10**18, 5000.0, 5000.0, 5000.0, 5000.0))
print(dispatcher.follow(mes, 2, data="m", nth=0, decided_at=10**18).status, flush=True)
sys.stdin.read()
"""


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sim2live.cli", *words],
        env={**os.environ, "COLUMNS": "120", "NO_COLOR": "1"},
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip


def holdings(url: str) -> str:
    transport = Transport(url)
    try:
        return transport.get("/positions", timeout=30.0).body.decode()
    finally:
        transport.close()


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="Windows stops no process")
def test_a_stopped_process_is_alarmed_and_with_takeover_ended_and_flattened(tmp_path: Path) -> None:
    journal = str(tmp_path / "journal.sqlite3")
    with running_gateway() as gateway:
        process = subprocess.Popen(
            [sys.executable, "-c", STRATEGY, gateway.url, journal],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ACCEPTED\n"
            assert '"SP500"' in holdings(gateway.url)
            process.send_signal(signal.SIGSTOP)
            look = ("guard", "--once", "--stale", "0", "--journal", journal)
            seen = command(*look, "--target", gateway.url, "--flatten")
            assert (seen.returncode, seen.stdout.split()[0]) == (1, "FROZEN"), seen.stderr
            assert process.poll() is None, "it may wake"
            act = (*look, "--target", gateway.url, "--flatten", "--takeover")
            assert command(*act).stdout.startswith("FROZEN")
            assert process.wait(60) == -signal.SIGKILL
            done = command(*act)
            assert done.returncode == 0, done.stderr
            assert "python-test is flat and halted" in done.stdout
        finally:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()
        shown = command("position", "--journal", journal)
        assert "SIM:SP500" in shown.stdout
        assert "flatten was asked for" in shown.stdout
        assert holdings(gateway.url) == '{"positions":[]}'
