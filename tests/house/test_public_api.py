"""A change of the public API is seen: the list of names and arguments stands beside this file."""

from __future__ import annotations

import difflib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HELD = Path(__file__).with_name("api.txt")


def test_the_public_api_is_the_one_that_is_written_down() -> None:
    """In a process of its own: what other tests imported must not show."""
    now = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.house.api"],
        cwd=ROOT, capture_output=True, text=True, timeout=110, check=True,
    ).stdout  # fmt: skip
    changed = "\n".join(
        difflib.unified_diff(HELD.read_text("utf-8").splitlines(), now.splitlines(), "held", "now")
    )
    assert not changed, (
        f"{changed}\nIf that is meant: a line in CHANGELOG.md, the rules of docs/stability.md, and "
        "python -m tests.house.api > tests/house/api.txt"
    )
