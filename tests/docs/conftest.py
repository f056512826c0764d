"""A folder as a reader's checkout, and a gateway where the pages say 127.0.0.1:8080."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sim2live.gateway.server import Gateway, running_gateway

ROOT = Path(__file__).parents[2]


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    with running_gateway(journal=tmp_path / "gateway.sqlite3") as running:
        yield running


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of somebody who follows a page."""
    for name in ("examples", "docs"):
        (tmp_path / name).symlink_to(ROOT / name)
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    command = bin_folder / "sim2live"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m sim2live.cli "$@"\n', "utf-8")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_folder}:/usr/local/bin:/usr/bin:/bin")
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "adapters"))
    monkeypatch.setenv("SIM2LIVE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ZIPLINE_ROOT", str(tmp_path / "zipline"))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    monkeypatch.chdir(tmp_path)
    return tmp_path
