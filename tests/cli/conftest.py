"""The command as it is typed, and a journal for it to look at."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sim2live import Instrument, connect
from sim2live.clock import NS, ManualClock
from sim2live.gateway.server import running_gateway
from sim2live.market.bars import Bar

Done = subprocess.CompletedProcess[str]
#: A Monday, 09:00 in Chicago.
START = 1_767_625_200 * NS


class Command:
    """`command(*words, typed="...", **environment)` runs in a folder and a home of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *words: str, typed: str = "", **more: str) -> Done:
        return self._run("-m", "sim2live.cli", *words, typed=typed, **more)

    def python(self, program: str, **more: str) -> Done:
        """Run a program instead, in the same surroundings."""
        return self._run("-c", program, typed="", **more)

    def _run(self, *words: str, typed: str, **more: str) -> Done:
        plain = {k: v for k, v in os.environ.items() if not k.startswith("SIM2LIVE_")}
        own = {"COLUMNS": "140", "NO_COLOR": "1", "SIM2LIVE_HOME": str(self.folder / "home")}
        return subprocess.run(
            [sys.executable, *words], cwd=self.folder, env={**plain, **own, **more}, input=typed,
            capture_output=True, text=True, encoding="utf-8", timeout=200, check=False,
        )  # fmt: skip


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """The command, in a folder of this test."""
    return Command(tmp_path)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Four signals of one strategy: two that open, one that closes, and one that is refused."""
    path = tmp_path / "journal.sqlite3"
    clock = ManualClock(START)
    traded = Instrument("CME", "MESH6")
    with running_gateway() as gateway:
        made = connect(
            gateway.url, workflow="python-test", strategy="=breakout", run="r1",
            journal=path, clock=clock,
        )  # fmt: skip
        for nth, target in enumerate((1, 3, 0, 2)):
            moment = START + nth * 60 * NS
            if nth == 3:
                gateway.desk.halt("python-test", True)
            made.on_bar(traded, Bar(moment, 5070, 5072, 5069, 5071, 100))
            made.follow(traded, target, data="mes", nth=0, decided_at=moment)
            clock.advance(60)
        made.close()
    return path
