"""The core runs on each Python it names, where that Python is found."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# msgspec is compiled for one interpreter, so another one brings its own or only reads the sources.
READS = """
import compileall, sys
sys.exit(not compileall.compile_dir(sys.argv[1], quiet=1, force=True))
"""
RUNS = """
import sys
sys.path.insert(0, sys.argv[1])
from sim2live import Instrument, connect
dispatcher = connect("record", workflow="python-test", strategy="other")
receipt = dispatcher.follow(
    Instrument("SIM", "SP500"), 1, data="SP500", nth=0, decided_at=1_767_625_200_000_000_000
)
assert receipt.ok and len(dispatcher.venue.signals) == 1
dispatcher.close()
"""


def interpreter(version: str) -> str:
    """An interpreter that runs; a version manager's command may exist and answer nothing."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    candidates = [shutil.which(f"python{version}")]
    candidates += map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}"))
    for candidate in filter(None, candidates):
        asked = subprocess.run([candidate, "-c", ""], capture_output=True, timeout=200, check=False)
        if asked.returncode == 0:
            return candidate
    pytest.skip(f"no Python {version} that runs was found")


def ask(python: str, program: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, "-B", "-c", program, *arguments],
        cwd=cwd, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_the_sources_compile(version: str, tmp_path: Path) -> None:
    python = interpreter(version)
    copy = tmp_path / "sim2live"
    shutil.copytree(ROOT / "adapters" / "sim2live", copy)
    done = ask(python, READS, str(copy), cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_a_signal_is_recorded(version: str, tmp_path: Path) -> None:
    python = interpreter(version)
    if ask(python, "import msgspec, httptools", cwd=tmp_path).returncode != 0:
        pytest.skip(f"Python {version} is here without msgspec and httptools")
    done = ask(python, RUNS, str(ROOT / "adapters"), cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
