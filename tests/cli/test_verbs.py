"""The command as it is typed: what it prints, and its exit codes."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sim2live.clock import SystemClock, from_ns
from sim2live.gateway.server import Gateway, running_gateway
from sim2live.market.contracts import front_month
from sim2live.signals import Instrument, decode
from sim2live.venues.transport import Transport

ORDER = ("--instrument", "CME:MESZ6", "--side", "BUY", "--qty", "1")


def sim2live(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "COLUMNS": "120", "NO_COLOR": "1", **environment}
    env |= {"SIM2LIVE_TOKEN": environment.get("SIM2LIVE_TOKEN", "")}
    return subprocess.run(
        [sys.executable, "-m", "sim2live.cli", *words],
        env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with running_gateway() as running:
        yield running


@contextmanager
def server(answer: bytes) -> Iterator[str]:
    """Something on a loopback port that reads a request, gives one answer and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        stop = threading.Event()

        def serve() -> None:
            while not stop.is_set():
                try:
                    caller, _ = listening.accept()
                except OSError:
                    return
                with caller:
                    caller.settimeout(2)
                    caller.recv(65_536)
                    caller.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        stop.set()
        with socket.create_connection(listening.getsockname()):
            pass
        thread.join(60)


# -- help ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["demo", "gateway", "send"])
def test_the_help_of_a_verb_has_examples_or_exit_codes(verb: str) -> None:
    done = sim2live(verb, "--help")
    assert done.returncode == 0
    assert "Examples" in done.stdout or "Exit codes" in done.stdout
    assert "Traceback" not in done.stderr


def test_the_help_names_the_verbs_and_loads_none_of_their_weight() -> None:
    program = (
        "import sys; sys.argv=['sim2live','--help']\n"
        "import sim2live.cli\n"
        "try: sim2live.cli.main()\n"
        "except SystemExit: pass\n"
        "print('LOADED', *{m.split('.')[0] for m in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=200, check=True
    )
    shown, loaded = done.stdout.split("LOADED")
    assert all(verb in shown for verb in ("demo", "gateway", "send"))
    assert not {"backtrader", "uvicorn", "starlette", "plotly", "pandas"} & set(loaded.split())


# -- send ------------------------------------------------------------------------------------------


def test_an_accepted_signal_is_filled_on_paper(gateway: Gateway) -> None:
    done = sim2live("send", *ORDER, "--url", gateway.url)
    assert (done.returncode, done.stdout.split()[0]) == (0, "accepted")
    assert "paper" in done.stdout
    transport = Transport(gateway.url)
    held = transport.get("/positions", timeout=30.0)
    transport.close()
    assert json.loads(held.body)["positions"][0]["qty"] == 1


def test_every_field_of_the_wire_has_an_option() -> None:
    done = sim2live(
        "send", "--dry-run", "--signal-id", "s-1", "--workflow", "My Pool", "-i", "CME:MESZ6",
        "--side", "SHORT", "--qty", "3", "--order-type", "STOP_LIMIT", "--limit-price", "5000",
        "--trigger-price", "5001", "--take-profit", "4900", "--stop-loss", "5100",
        "--open-close", "OPEN", "--schema-version", "1.1", "--action", "NEW",
        "--order-id", "o-1", "--parent-order-id", "p-1",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    sent = decode(done.stdout.strip().encode())
    assert (sent.signal_id, sent.workflow_id, sent.instrument) == (
        "s-1", "My Pool", Instrument("CME", "MESZ6"),
    )  # fmt: skip
    assert (sent.side, sent.qty, sent.order_type, sent.open_close) == (
        "SELL", 3, "STOP_LIMIT", "OPEN",
    )  # fmt: skip
    assert (sent.limit_price, sent.trigger_price) == (5000.0, 5001.0)
    assert sent.bracket is not None
    assert sent.bracket.take_profit is not None
    assert sent.bracket.stop_loss is not None
    assert sent.bracket.take_profit.limit_price == 4900.0
    assert sent.bracket.stop_loss.trigger_price == 5100.0
    assert (sent.schema_version, sent.action) == ("1.1", "NEW")
    assert (sent.order_id, sent.parent_order_id) == ("o-1", "p-1")


def test_a_price_of_zero_is_a_price() -> None:
    done = sim2live("send", *ORDER, "--type", "LIMIT", "--limit-price", "0", "--dry-run")
    assert decode(done.stdout.strip().encode()).limit_price == 0.0


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("CME:MESU20", "CME:MESU20 last traded on 2020-09-18; the front month is MES"),
        ("CME:ES=F", "CME:ES=F names no contract month; the front month is ES"),
    ],
)
def test_a_contract_that_cannot_be_meant_is_doubted_and_sent_as_written(
    written: str, says: str
) -> None:
    done = sim2live("send", "-i", written, "--side", "BUY", "--qty", "1", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(f"Warning  {says}")
    assert done.stderr.count("\n") == 1
    assert decode(done.stdout.strip().encode()).instrument == Instrument.parse(written)


def test_a_contract_of_these_months_is_not_doubted() -> None:
    front = front_month("MES", from_ns(SystemClock().now_ns()).date())
    words = ("-i", f"CME:{front}", "--side", "BUY", "--qty", "1", "--dry-run")
    assert sim2live("send", *words).stderr == ""


def test_a_rejection_is_one_and_quotes_the_venue(gateway: Gateway) -> None:
    done = sim2live("send", *ORDER, "--url", gateway.url, "--pool", "nobody")
    assert done.returncode == 1
    assert "Workflow not found: nobody" in done.stdout


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (("-i", "CME:MESZ6", "--side", "BYU", "--qty", "1"), "side="),
        (("-i", "MESZ6", "--side", "BUY", "--qty", "1"), "instrument="),
        (("-i", "CME:MESZ6", "--side", "BUY", "--qty", "0"), "qty=0"),
        ((*ORDER, "--type", "LIMIT", "--limit-price", "nan"), "limit_price=nan"),
        ((*ORDER, "--url", "ftp://127.0.0.1"), "ftp"),
        ((*ORDER, "--token-env", "NO_SUCH_NAME"), "NO_SUCH_NAME"),
    ],
)
def test_wrong_input_is_two_names_the_field_and_shows_no_traceback(
    words: tuple[str, ...], field: str
) -> None:
    done = sim2live("send", *words)
    assert done.returncode == 2
    assert field in done.stderr
    assert "Traceback" not in done.stderr


def test_nobody_listening_is_three(free_port: int) -> None:
    done = sim2live("send", *ORDER, "--url", f"http://127.0.0.1:{free_port}")
    assert (done.returncode, done.stdout.split()[:2]) == (3, ["not", "sent"])


def test_a_server_that_hangs_up_is_four() -> None:
    with server(b"") as url:
        done = sim2live("send", *ORDER, "--url", url, "--json")
    assert done.returncode == 4
    said = json.loads(done.stdout)
    assert (said["outcome"]["kind"], said["paper"]) == ("UNKNOWN", False)


def test_a_token_comes_from_the_environment_and_is_never_shown() -> None:
    with running_gateway(token="open-sesame") as guarded:
        refused = sim2live("send", *ORDER, "--url", guarded.url)
        taken = sim2live("send", *ORDER, "--url", guarded.url, SIM2LIVE_TOKEN="open-sesame")
        named = sim2live(
            "send", *ORDER, "--url", guarded.url, "--token-env", "KEY", KEY="open-sesame"
        )
    assert [done.returncode for done in (refused, taken, named)] == [1, 0, 0]
    assert "open-sesame" not in refused.stdout + taken.stdout + named.stdout + named.stderr


# -- gateway ---------------------------------------------------------------------------------------


@contextmanager
def started(*words: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A gateway as a person starts it; gives the process and what it says before it listens."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sim2live.cli", "gateway", "--port", "0", *words],
        env={**os.environ, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1", **environment},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    said = ""
    assert process.stdout is not None
    try:
        for line in process.stdout:
            said += line
            if "Ctrl-C" in line:
                break
        yield process, said
    finally:
        process.kill()
        process.wait(60)
        process.stdout.close()


def url_in(said: str) -> str:
    found = re.search(r"http://[\w.]+:\d+", said)
    assert found, said
    return found.group()


def test_the_banner_gives_a_curl_line_that_works(tmp_path: Path) -> None:
    with started("--journal", str(tmp_path / "deep" / "journal.sqlite3")) as (_, said):
        assert "PAPER" in said
        curl = re.search(r"curl \S+/signal.*\n.*-d '.*'", said)
        assert curl, said
        done = subprocess.run(
            ["/bin/sh", "-c", curl.group() + " --silent --retry 5 --retry-connrefused"],
            capture_output=True, text=True, timeout=200, check=False,
        )  # fmt: skip
    assert json.loads(done.stdout) == {"status": "accepted", "signal_id": "first"}


def test_pools_bars_and_a_token_are_taken(tmp_path: Path) -> None:
    pools = tmp_path / "pools.toml"
    pools.write_text('[pools.scalp]\naccounts = [{ name = "a" }, { name = "b", multiplier = 2 }]\n')
    bars = tmp_path / "sp500_daily.csv"
    bars.write_text("Date,Open,High,Low,Close\n2005-01-03,10,12,9,11\n")
    words = (
        "--pools",
        str(pools),
        "--bars",
        str(bars),
        "--token-env",
        "KEY",
        "--journal",
        ":memory:",
    )
    with started(*words, KEY="secret-word") as (_, said):
        assert "a x1" in said
        assert "b x2" in said
        assert "secret-word" not in said
        url = url_in(said)
        done = sim2live(
            "send", "--pool", "scalp", "-i", "SIM:SP500", "--side", "BUY", "--qty", "1",
            "--url", url, "--token-env", "KEY", KEY="secret-word",
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send to a child")
def test_control_c_ends_it_without_a_traceback() -> None:
    with started("--journal", ":memory:") as (process, _):
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=200)
    assert process.returncode == 0
    assert "Stopped" in rest
    assert "Traceback" not in rest


IN_THE_BACKGROUND = """
import os, signal
from sim2live.gateway.server import Gateway

signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell does
gateway = Gateway(port=0)
config = gateway._server.config
real = config.get_loop_factory

def while_the_loop_is_made():
    os.kill(os.getpid(), signal.SIGINT)
    return real()

config.get_loop_factory = while_the_loop_is_made
gateway.run()
print("Stopped")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send to a child")
def test_in_the_background_it_listens_before_its_loop_runs() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IN_THE_BACKGROUND],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout == "Stopped\n"


def test_a_port_in_use_is_said(gateway: Gateway) -> None:
    port = urlsplit(gateway.url).port
    done = sim2live("gateway", "--port", str(port), "--journal", ":memory:")
    assert done.returncode == 2
    assert "in use" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_is_not_there_is_said() -> None:
    for words in (("--pools", "no.toml"), ("--bars", "no.csv")):
        done = sim2live("gateway", "--port", "0", "--journal", ":memory:", *words)
        assert done.returncode == 2
        assert words[1] in done.stderr
