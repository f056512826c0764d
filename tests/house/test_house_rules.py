"""What may stand in the repository at all."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = {".py", ".md", ".toml", ".txt", ".in", ".yml", ".yaml", ".cfg", ".html", ".json", ""}


def kept_files() -> list[Path]:
    """Tracked files, and those not yet tracked that git does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    if listed.returncode != 0:  # an unpacked source archive has no git
        return [p for p in ROOT.rglob("*") if p.is_file() and ".venv" not in p.parts]
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


KEPT = kept_files()
TEXTS = [p for p in KEPT if p.suffix in TEXT and p != Path(__file__)]
PACKAGE = [p for p in KEPT if p.suffix == ".py" and "adapters" in p.relative_to(ROOT).parts]


def lines_with(pattern: str, files: list[Path]) -> list[str]:
    found = re.compile(pattern)
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in files
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if found.search(line)
    ]


def test_there_is_something_to_check() -> None:
    assert len(PACKAGE) > 10
    assert ROOT / "pyproject.toml" in TEXTS


def test_nothing_is_left_to_do_in_a_comment() -> None:
    assert lines_with(r"\b(TODO|FIXME|XXX|HACK)\b|\bNotImplementedError\b", PACKAGE) == []


def test_no_path_of_one_machine() -> None:
    assert lines_with(r"(^|[\s\"'=(`])/(home|root|work|tmp|Users)/", TEXTS) == []


def test_no_address_of_a_package_registry() -> None:
    pattern = r"--(extra-)?index-url|--find-links|files\.pythonhosted|registry\.npmjs|//pypi\."
    files = [p for p in TEXTS if p.name != "Makefile"]
    assert lines_with(pattern, files) == []


@pytest.mark.parametrize("path", sorted((ROOT / "constraints").glob("*.txt")), ids=lambda p: p.name)
def test_a_pin_is_a_name_and_a_version(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    # A set for an environment is long; the client that only one test needs is not.
    assert len(lines) > (1 if path.stem == "public-client" else 20)
    assert [x for x in lines if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*==[0-9][\w.+!]*", x)] == []


def test_a_file_answers_one_question() -> None:
    long = {str(p.relative_to(ROOT)): len(p.read_text("utf-8").splitlines()) for p in PACKAGE}
    assert {name: count for name, count in long.items() if count > 400} == {}


def test_no_module_keeps_state_in_a_global() -> None:
    assert lines_with(r"^\s+global \w", PACKAGE) == []
