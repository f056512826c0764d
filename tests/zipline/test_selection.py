"""The one-line switch, the command line, and the examples as they stand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from zipline.finance.blotter import SimulationBlotter

import sim2live.zipline
from sim2live.errors import ConfigError
from sim2live.zipline import MirrorBlotter, blotter

REPOSITORY = Path(__file__).parents[2]
RUN = [
    *("run", "-f", "examples/zipline_schedule.py", "-b", "sp500"),
    *("-s", "2018-01-02", "-e", "2018-03-29", "--capital-base", "10000"),
    *("--no-benchmark", "-o", "/dev/null", "--blotter", "sim2live"),
]


def command(*arguments: str, root: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "ignore", *arguments],
        cwd=REPOSITORY,
        env={
            **os.environ,
            "PYTHONPATH": str(REPOSITORY / "adapters"),
            "ZIPLINE_ROOT": str(root),
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_the_mode_chooses_simulation_or_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIM2LIVE_MODE", "sim")
    assert type(blotter()) is SimulationBlotter
    monkeypatch.setenv("SIM2LIVE_MODE", "paper")
    mirror = blotter(strategy="one")
    assert isinstance(mirror, MirrorBlotter)
    assert mirror.dispatcher.venue.name == "paper"
    assert mirror.dispatcher.strategy == "one"
    monkeypatch.setenv("SIM2LIVE_MODE", "live")
    with pytest.raises(ConfigError, match="run_live"):
        blotter()


def test_every_public_name_is_there_and_a_wrong_one_is_not() -> None:
    for name in sim2live.zipline.__all__:
        assert getattr(sim2live.zipline, name) is getattr(sim2live.zipline, name)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = sim2live.zipline.nothing


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_command_line_form_runs_and_live_is_refused_there(tmp_path: Path) -> None:
    made = command("examples/zipline_schedule.py", root=tmp_path)
    assert "bundle: sp500" in made.stdout, made.stderr
    extension = ["-m", "zipline", "-e", "sim2live.zipline.extension"]
    done = command(*extension, *RUN, root=tmp_path, SIM2LIVE_MODE="paper")
    assert done.returncode == 0, done.stdout + done.stderr
    path = str(REPOSITORY / "adapters" / "sim2live" / "zipline" / "extension.py")
    live = command("-m", "zipline", "-e", path, *RUN, root=tmp_path, SIM2LIVE_MODE="live")
    assert live.returncode == 1
    assert "run the same functions with sim2live.zipline.run_live" in live.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("example", "mode", "said"),
    [
        ("zipline_ma_cross.py", "sim", "SimulationBlotter: 8 fills, value 10346.49"),
        ("zipline_ma_cross.py", "paper", "MirrorBlotter: 8 fills, value 10346.49"),
        ("zipline_minutes.py", "paper", "20 signals, value 100759.40"),
        ("zipline_live.py", "paper", "2 sessions, value 100759.40"),
    ],
)
def test_an_example_runs_as_it_stands(tmp_path: Path, example: str, mode: str, said: str) -> None:
    done = command(f"examples/{example}", root=tmp_path, SIM2LIVE_MODE=mode)
    assert done.returncode == 0, done.stderr
    assert said in done.stdout
