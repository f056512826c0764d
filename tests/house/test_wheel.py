"""The built wheel holds the package, works from where it is installed, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PROGRAM = """
import sim2live, sim2live.cli
from sim2live import Instrument, connect

dispatcher = connect("record", workflow="python-test", strategy="wheel")
receipt = dispatcher.follow(
    Instrument("SIM", "SP500"), 2, data="SP500", nth=0, decided_at=1_767_625_200_000_000_000
)
assert receipt.ok, receipt
(signal,) = dispatcher.venue.signals
assert (signal.side, signal.qty) == ("BUY", 2), signal
dispatcher.close()
print(sim2live.__file__)
"""


def run(*command: str, cwd: Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command, cwd=cwd, env=env, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out), cwd=ROOT)
    (built,) = out.glob("*.whl")
    return built


def test_it_holds_the_typed_package_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "sim2live/py.typed" in names
    assert "sim2live/__init__.py" in names
    tops = {name.split("/")[0] for name in names}
    assert tops == {"sim2live", "sim2live-0.1.0.dist-info"}
    assert not [name for name in names if "test_" in name or "__pycache__" in name]


def test_it_names_its_command_and_its_licence(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    assert (
        "sim2live = sim2live.cli:main"
        in archive.read("sim2live-0.1.0.dist-info/entry_points.txt").decode()
    )
    assert "sim2live-0.1.0.dist-info/licenses/LICENSE" in archive.namelist()


def test_the_core_needs_five_small_distributions(wheel: Path) -> None:
    metadata = zipfile.ZipFile(wheel).read("sim2live-0.1.0.dist-info/METADATA").decode()
    needed = {
        line.removeprefix("Requires-Dist: ").split(">")[0].split(";")[0]
        for line in metadata.splitlines()
        if line.startswith("Requires-Dist:") and "extra ==" not in line
    }
    assert needed == {"httptools", "msgspec", "rich", "typer", "tzdata"}


def test_a_program_runs_against_the_installed_wheel(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "installed"
    run(
        sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index",
        "--target", str(target), str(wheel), cwd=tmp_path,
    )  # fmt: skip
    env = {**os.environ, "PYTHONPATH": str(target), "HOME": str(tmp_path)}
    used = run(sys.executable, "-c", PROGRAM, cwd=tmp_path, env=env)
    assert Path(used).is_relative_to(target)
