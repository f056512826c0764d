"""Each notebook runs from top to bottom in a kernel of its own, and a second time sends nothing."""

from __future__ import annotations

from pathlib import Path

import jupytext
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
SENDS = "signals at the gateway"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of its own, as far as a notebook looks: examples above, its files beside it."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.setenv("SIM2LIVE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "adapters"))
    here = tmp_path / "notebooks"
    here.mkdir()
    return here


def run(name: str, folder: Path) -> str:
    """What all cells of a notebook printed."""
    notebook = jupytext.read(ROOT / "notebooks" / f"{name}.py", fmt="py:percent")
    client = NotebookClient(
        notebook, timeout=150, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", ())]
    return "".join(out.get("text", "") for out in outputs if out.get("name") == "stdout")


def sent(printed: str) -> int:
    (line,) = (line for line in printed.splitlines() if line.endswith(SENDS))
    return int(line.split()[0])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["first_signal", "backtrader_sim_to_live"])
def test_restart_and_run_all_sends_nothing_twice(name: str, folder: Path) -> None:
    first, second = run(name, folder), run(name, folder)
    assert sent(first) > 10
    assert sent(second) == sent(first)
    # A replay of history takes nothing away from the comparison.
    assert first.count("PARITY") == second.count("PARITY") == name.startswith("backtrader")


@pytest.mark.slow
def test_a_journal_is_read_while_it_is_there(folder: Path) -> None:
    assert sent(run("journal_with_pandas", folder)) > 10


@pytest.mark.slow
def test_zipline_and_its_mirror_agree(folder: Path) -> None:
    printed = run("zipline_sim_to_live", folder)
    assert "the books agree" in printed
    assert sent(printed) > 1


@pytest.mark.slow
def test_a_replay_with_one_seed_is_one_replay(folder: Path) -> None:
    assert "the same fills" in run("playground_replay", folder)


def test_every_notebook_is_run_somewhere() -> None:
    here = Path(__file__).read_text("utf-8")
    elsewhere = (ROOT / "tests" / "vectorbt" / "test_examples.py").read_text("utf-8")
    names = [path.stem for path in (ROOT / "notebooks").glob("*.py")]
    assert len(names) >= 6
    assert [name for name in names if name not in here + elsewhere] == []
