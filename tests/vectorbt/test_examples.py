"""Each example does what it says, and the notebook runs from top to bottom."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """An example as a module; examples find one another in their folder."""
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if name.startswith("vectorbt_"):
            del sys.modules[name]


def test_the_cross_becomes_a_file_of_whole_contracts(example: Any, tmp_path: Path) -> None:
    exporter = example("vectorbt_ma_cross").main(tmp_path)
    assert len((tmp_path / "ma_cross.jsonl").read_bytes().splitlines()) == len(exporter.table)
    assert set(exporter.frame()["position"]) == {-1, 0, 1}
    assert set(exporter.frame()["symbol"]) == {"M6EZ6"}


def test_the_grid_goes_to_three_pools(example: Any, capsys: pytest.CaptureFixture[str]) -> None:
    exporter = example("vectorbt_grid").main()
    assert set(exporter.frame()["workflow_id"]) == {
        "cross-12-48", "cross-24-96", "cross-48-192",
    }  # fmt: skip
    assert "refused: columns" in capsys.readouterr().out


def test_stops_go_along_with_each_entry(example: Any) -> None:
    frame = example("vectorbt_stops").main().frame()
    opens = frame[frame["open_close"] == "OPEN"]
    assert opens[["stop_loss", "take_profit"]].notna().all(axis=None)
    assert (opens["stop_loss"] < opens["take_profit"]).all()


def test_the_indicator_that_looks_ahead_is_found(
    example: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    example("vectorbt_repaint").main(prefixes=10)
    lines = capsys.readouterr().out.splitlines()
    verdicts = {line.split()[0]: line for line in lines if "RepaintReport" in line}
    assert "nothing repaints" in verdicts["honest"]
    assert "REPAINTS" in verdicts["looks_ahead"]


def test_pushed_bars_are_followed_on_paper(example: Any) -> None:
    dispatcher = example("vectorbt_live").main(history=400, live=60)
    portfolio = example("vectorbt_ma_cross").strategy(example("vectorbt_ma_cross").load()[:460])
    held = dispatcher.venue.exchange.unit_positions(dispatcher.workflow)
    assert sum(held.values()) == int(portfolio.assets().iloc[-1])
    assert dispatcher.summary()["ACCEPTED"] > 0


def test_the_notebook_runs_from_top_to_bottom(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a script: what a kernel would run, cell by cell, without starting one."""
    monkeypatch.chdir(ROOT / "notebooks")
    source = Path("vectorbt_idea_to_live.py").read_text("utf-8")
    names: dict[str, Any] = {"__name__": "notebook"}
    exec(compile(source, "vectorbt_idea_to_live.py", "exec"), names)
    assert sum(names["dispatcher"].summary().values()) > 0
    assert names["plan"]._repr_html_()
