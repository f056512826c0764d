"""Every example runs as it stands, is short, and does what it says."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
ADAPTERS = Path(__file__).parents[2] / "adapters"
SAYS = {
    "backtrader_switch.py": "",
    "backtrader_live_bracket.py": "trade closed",
    "backtrader_pools.py": "pool-c: {",
    "backtrader_schedule.py": "OPEN BUY 1 SIM:SP500",
    "backtrader_sklearn.py": "decisions at the gate",
    "backtrader_pandas_stream.py": "SP500 is LIVE",
}
NEEDS = {"backtrader_sklearn.py": "sklearn", "backtrader_pandas_stream.py": "pandas"}


def test_every_example_of_backtrader_is_tried_here() -> None:
    elsewhere = {"backtrader_sweep.py"}  # with the sweeps
    found = {path.name for path in EXAMPLES.glob("backtrader_*.py")}
    assert found - elsewhere == set(SAYS)


@pytest.mark.parametrize("name", sorted(SAYS))
def test_an_example_is_shorter_than_sixty_lines(name: str) -> None:
    assert len((EXAMPLES / name).read_text("utf-8").splitlines()) < 60


@pytest.mark.parametrize("name", sorted(SAYS))
def test_an_example_runs(name: str, tmp_path: Path, required: Callable[[bool, str], None]) -> None:
    if name in NEEDS and importlib.util.find_spec(NEEDS[name]) is None:
        required(False, f"{name} needs {NEEDS[name]}")
    paths = os.pathsep.join([str(ADAPTERS), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": paths, "SIM2LIVE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert SAYS[name] in done.stdout
