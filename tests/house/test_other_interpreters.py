"""Every source is read by each Python it names, where that Python is found.

What the gate does there is tested by `make test-python-3.12` and its like.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

READS = """
import compileall, sys
sys.exit(not compileall.compile_dir(sys.argv[1], quiet=1, force=True))
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


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_the_sources_compile(version: str, tmp_path: Path) -> None:
    python = interpreter(version)
    copy = tmp_path / "sim2live"
    shutil.copytree(ROOT / "adapters" / "sim2live", copy)
    done = subprocess.run(
        [python, "-B", "-c", READS, str(copy)],
        cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
