"""`sim2live doctor --probe` against a gateway, with a human who looks at the pool's account."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, Any
from urllib.request import urlopen

import pytest

from sim2live import Instrument, connect
from sim2live.clock import SystemClock
from sim2live.gate.journal import Journal, open_journal
from sim2live.gate.probe import stored
from sim2live.gateway.server import running_gateway
from sim2live.settings import open_venue
from sim2live.venues.base import Profile

POOL = "python-test"
MES = Instrument("CME", "MESZ6")
QUESTION = re.compile(r"What is the last price|How many (contracts|orders)|Type the pool's name")


def questions(told: IO[str]) -> Iterator[str]:
    """Each prompt as soon as it stands there, and at last what was said without asking."""
    text = ""
    while letter := told.read(1):
        text += letter
        if text.endswith((": ", "): ")) and QUESTION.search(text):
            yield text
            text = ""
    yield text


def look(url: str, what: str) -> list[dict[str, Any]]:
    with urlopen(f"{url}/{what}?pool={POOL}") as answer:
        rows: list[dict[str, Any]] = json.load(answer)[what]
    return rows


def answer(url: str, question: str) -> str:
    """What somebody would type who looks at the Activity page."""
    if "Type the pool's name" in question:
        return POOL
    if "last price" in question:
        return "5000"
    if "still working" in question:
        return str(sum(row["state"] == "WORKING" for row in look(url, "orders")))
    return str(sum(row["qty"] for row in look(url, "positions")))


def journal(folder: Path, url: str) -> Journal:
    with closing(open_venue(url, token=None, clock=SystemClock())) as venue:
        return open_journal(str(folder / "journal.sqlite3"), venue.fingerprint, SystemClock())


def probe(folder: Path, url: str, say: Any) -> tuple[int, str, list[str]]:
    """Status, last words, and what was asked."""
    words = ["doctor", "--probe", "--target", url, "--pool", POOL, "-i", str(MES)]
    asked = []
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "sim2live.cli", *words, "--journal", "journal.sqlite3"],
        cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        text = ""
        for text in questions(process.stdout):
            if QUESTION.search(text):
                asked.append(text)
                process.stdin.write(say(url, text) + "\n")
                process.stdin.flush()
    return process.returncode, text, asked


def test_the_profile_of_a_gateway_is_found_out_kept_and_used(tmp_path: Path) -> None:
    with running_gateway() as gateway:
        status, told, asked = probe(tmp_path, gateway.url, answer)
        assert status == 0, told
        assert len(asked) == 7
        assert "dedupe yes" in told
        assert not look(gateway.url, "positions"), "the pool is as flat as before"
        with closing(journal(tmp_path, gateway.url)) as kept:
            found = stored(kept.facts)
        assert found == Profile(dedupe="yes", close_is_reduce_only="no", close_cancels_legs="no")
        with connect(gateway.url, workflow=POOL, journal=tmp_path / "journal.sqlite3") as made:
            assert made.venue.profile == found


@pytest.mark.parametrize("words", [("another-pool",), (POOL, "1"), (POOL, "0", "?")])
def test_nothing_is_kept_of_a_probe_that_was_not_gone_through(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    left = list(words)
    with running_gateway() as gateway:
        status, told, _ = probe(tmp_path, gateway.url, lambda *_: left.pop(0))
        assert status == 2, told
        assert len(look(gateway.url, "orders")) == ("?" in words)
        with closing(journal(tmp_path, gateway.url)) as kept:
            assert stored(kept.facts) is None
