"""A backtest becomes files of signals, from the shell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sim2live.cli.command import app
from sim2live.errors import Sim2LiveError

SCRIPT = """
import pandas as pd
import vectorbt as vbt

days = pd.date_range("2025-01-06", periods=6, tz="UTC")
close = pd.DataFrame({"EURUSD": [1.0, 1.1, 1.2, 1.1, 1.0, 0.9]}, index=days)
portfolio = vbt.Portfolio.from_orders(close, [[100], [0], [0], [-200], [0], [0]], init_cash=1e4)


def later():
    return portfolio


nothing = None
"""
M6E = ("-i", "EURUSD=CME:M6EZ6", "--sizing", "target:0.01", "--pool", "fx")


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "cross.py"
    path.write_text(SCRIPT)
    return path


def export(*words: str) -> str:
    done = CliRunner().invoke(app(), ["export", "portfolio", *words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def test_the_files_hold_whole_contracts_of_the_named_instrument(
    script: Path, tmp_path: Path
) -> None:
    files = {kind: tmp_path / f"signals.{kind}" for kind in ("jsonl", "csv", "parquet")}
    words = [word for kind, file in files.items() for word in (f"--{kind}", str(file))]
    told = export(str(script), *M6E, *words)
    assert all(f"Written to {file}" in told.replace("\n", "") for file in files.values())
    lines = [json.loads(line) for line in files["jsonl"].read_text().splitlines()]
    assert [(one["side"], one["qty"], one["open_close"]) for one in lines] == [
        ("BUY", 1, "OPEN"), ("SELL", 1, "CLOSE"), ("SELL", 1, "OPEN"),
    ]  # fmt: skip
    assert {one["workflow_id"] for one in lines} == {"fx"}
    assert {one["instrument"]["symbol"] for one in lines} == {"M6EZ6"}
    assert all(file.stat().st_size > 0 for file in files.values())


def test_a_function_of_the_file_may_make_it_and_the_plan_is_told_to_machines(script: Path) -> None:
    words = ("--name", "later", "-i", "CME:M6EZ6", "--sizing", "direction:2", "--json")
    (line,) = export(str(script), *words).splitlines()
    told = json.loads(line)
    assert (told["signals"], told["written"]) == (3, [])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--name", "nothing"), "makes nothing of this name"),
        (("--sizing", "target:much"), "sizing='target:much'"),
        (("--sizing", "half:1"), "must be exact, target:RATIO or direction:CONTRACTS"),
        (("-i", "CME:M6EZ6", "-i", "EURUSD=CME:M6EZ6"), "one for all columns"),
        (("-i", "M6EZ6"), "must be EXCHANGE:SYMBOL"),
    ],
)
def test_what_is_wrong_is_named(script: Path, words: tuple[str, ...], says: str) -> None:
    with pytest.raises(Sim2LiveError, match=says):
        export(str(script), *words)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(Sim2LiveError, match="there is no such file"):
        export("nowhere.py")
