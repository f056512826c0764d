"""`sim2live demo` as it is typed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_the_demo_ends_in_parity_on_the_whole_file(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sim2live.cli", "demo", "--json"],
        cwd=tmp_path, capture_output=True, text=True, timeout=170, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    said = json.loads(done.stdout)
    assert said["verdict"] == "PARITY"
    assert said["bars"] == 3_523
    assert said["orders"] >= 100
    assert said["exits"] >= 20
    assert said["signals"]["accepted"] == said["signals"]["sent"] == said["orders"]
    assert [row["position"] for row in said["accounts"]] == [-1, -1, -2]
    assert (tmp_path / "sim2live-demo.html").is_file()


def test_a_page_that_cannot_be_written_is_said_without_a_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sim2live.cli", "demo", "--report", str(tmp_path / "no" / "page")],
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "--report" in done.stderr
    assert "Traceback" not in done.stderr
