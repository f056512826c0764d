"""The examples of sweeps do what their first lines say."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.slow
def test_the_best_pair_of_windows_becomes_signals(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    keep = tmp_path / "sweep.jsonl"
    module = importlib.import_module("sweep_vectorbt")
    found = module.main(keep=keep, progress=False)
    assert len(found.frame) == 30
    assert found.failures.empty
    assert len(keep.read_bytes().splitlines()) == 31


@pytest.mark.slow
def test_the_best_strategy_is_followed_on_paper(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIM2LIVE_HOME", str(tmp_path))
    found, cerebro = importlib.import_module("sweep_backtrader").main(progress=False)
    assert len(found.frame) == 6
    assert cerebro.broker.getvalue() == found.best(1)["value"].iloc[0]


@pytest.mark.slow
def test_a_script_starts_its_sweep_itself(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "sweep_backtrader.py")],
        cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False,
        env={
            **os.environ, "PYTHONPATH": str(EXAMPLES.parent / "adapters"),
            "SIM2LIVE_HOME": str(tmp_path),
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "ACCEPTED" in done.stdout
