"""The commands of the page on two hosts run as they are shown, on ports of the test's own."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.docs.pages import DOCS, ROOT, blocks, load
from tests.relay.conftest import until
from tests.relay.server import free_port, needs_server

from sim2live.gate.archive import Archive

PAGE = DOCS / "scaling.md"
MARK = "test_as_shown.py"


def shown() -> list[str]:
    """The lines after a prompt, in the blocks that name this test."""
    code = [block.code for block in blocks(PAGE) if MARK in block.excuse]
    return [line[2:] for part in code for line in part.splitlines() if line.startswith("$ ")]


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """What was started is ended."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in reversed(started):
        process.terminate()
    for process in started:
        process.communicate(timeout=200)


@pytest.mark.slow
def test_the_example_runs_in_two_terminals(
    tmp_path: Path, terminals: list[subprocess.Popen[str]]
) -> None:
    program = needs_server()
    *services, strategy = shown()
    assert [shlex.split(line)[:2] for line in services] == [
        ["nats-server", "-js"], ["sim2live", "gateway"], ["sim2live", "relay"],
    ]  # fmt: skip
    nats, http = free_port(), free_port()
    home = tmp_path / "home"
    # Fewer bars than the example brings: each of them crosses the line.
    folder = tmp_path / "examples"
    (folder / "data").mkdir(parents=True)
    for name in ("backtrader_switch.py", "ma_cross.py"):
        (folder / name).write_text((ROOT / "examples" / name).read_text("utf-8"), "utf-8")
    bars = (ROOT / "examples" / "data" / "sp500_daily.csv").read_text("utf-8").splitlines()
    (folder / "data" / "sp500_daily.csv").write_text("\n".join(bars[:400]) + "\n", "utf-8")

    def here(line: str) -> str:
        line = line.replace("127.0.0.1:4222", f"127.0.0.1:{nats}")
        line = line.replace("127.0.0.1:8080", f"127.0.0.1:{http}").replace("~/", f"{tmp_path}/")
        line = line.replace("nats-server -js", f"{program} -js -a 127.0.0.1 -p {nats}")
        return line.replace("sim2live gateway", f"sim2live gateway --port {http}")

    environment = {
        **os.environ, "SIM2LIVE_HOME": str(home), "COLUMNS": "200",
        "PATH": f"{_commands(tmp_path)}:{os.environ['PATH']}",
    }  # fmt: skip
    for number, line in enumerate(services):
        said = tmp_path / f"{number}.out"
        with said.open("w") as screen:
            terminals.append(
                subprocess.Popen(
                    ["bash", "-c", f"exec {here(line)}"], cwd=tmp_path, env=environment,
                    text=True, stdout=screen, stderr=subprocess.STDOUT,
                )
            )  # fmt: skip
        ready = ("Server is ready", "Listening", "at work")[number]
        until(lambda said=said, ready=ready: ready in said.read_text("utf-8"))  # type: ignore[misc]
        time.sleep(0.5)
    done = subprocess.run(
        ["bash", "-c", here(strategy)], cwd=tmp_path, env=environment,
        capture_output=True, text=True, timeout=150, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Equity at the end" in done.stdout
    here_, there = (Archive(str(home / name)) for name in ("journal.sqlite3", "relay.sqlite3"))
    sent = [entry.row for entry in here_.entries()]
    passed = [entry.row for entry in there.entries()]
    assert sent
    assert [(row.id, row.state) for row in sent] == [(row.id, row.state) for row in passed]
    story = subprocess.run(
        ["sim2live", "explain", sent[0].id], env=environment, cwd=tmp_path,
        capture_output=True, text=True, timeout=200, check=True,
    )  # fmt: skip
    assert "at relay" in story.stdout
    far = subprocess.run(
        ["sim2live", "explain", sent[0].id, "--journal", str(home / "relay.sqlite3")],
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=200, check=True,
    )  # fmt: skip
    assert "the strategy host, by that host's clock" in far.stdout


def _commands(folder: Path) -> Path:
    """A folder with `sim2live` and `python` of this interpreter."""
    import sys

    made = folder / "bin"
    made.mkdir()
    (made / "sim2live").write_text(f'#!/bin/sh\nexec {sys.executable} -m sim2live.cli "$@"\n')
    (made / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    for one in made.iterdir():
        one.chmod(0o755)
    return made


def test_the_picture_is_the_one_that_is_drawn() -> None:
    drawn = load(DOCS / "make_two_hosts.py")
    assert (DOCS / "pictures" / "two-hosts.svg").read_text("utf-8") == drawn.draw()
