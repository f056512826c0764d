"""`sim2live sweep`: a grid from the shell, the best of it, and what failed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.cli.conftest import Command

from sim2live.cli.sweep_file import OF_PORTFOLIOS, OF_STRATEGIES
from sim2live.cli.sweep_grid import grid_of
from sim2live.errors import ConfigError

STRATEGY = """
import backtrader as bt
import pandas as pd


class Above(bt.Strategy):
    params = (("period", 5),)

    def __init__(self):
        if self.p.period > 50:
            raise ValueError("the period is too long")
        self.mean = bt.ind.SMA(period=self.p.period)

    def next(self):
        if self.data.close[0] > self.mean[0] and not self.position:
            self.buy()
        elif self.data.close[0] < self.mean[0] and self.position:
            self.close()


class Peeks(Above):
    def next(self):
        if len(self.data) >= self.data.buflen():
            return
        if self.data.close[1] > self.data.close[0] and not self.position:
            self.buy()
        elif self.data.close[1] < self.data.close[0] and self.position:
            self.close()


def simulation():
    days = pd.date_range("2024-01-01", periods=80)
    close = pd.Series([100 + (n * 7) % 13 + n / 4 for n in range(80)], index=days, dtype=float)
    bars = {"open": close, "high": close + 1, "low": close - 1, "close": close, "volume": 1.0}
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=pd.DataFrame(bars)))
    return cerebro


if __name__ == "__main__":
    raise SystemExit("it was run")
"""

PORTFOLIO = """
import pandas as pd
import vectorbt as vbt


def load():
    days = pd.date_range("2024-01-01", periods=60)
    return pd.Series([100.0 + (n * 7) % 13 for n in range(60)], index=days)


def above(close, period):
    columns = [close > close.rolling(each).mean() for each in period]
    wanted = pd.concat(columns, axis=1, keys=range(len(period))).astype(float)
    return vbt.Portfolio.from_orders(close, wanted, size_type="targetamount", freq="d")
"""


@pytest.fixture
def here(command: Command) -> Command:
    """A folder with a file of each kind."""
    (command.folder / "ma.py").write_text(STRATEGY)
    (command.folder / "cross.py").write_text(PORTFOLIO)
    return command


def test_the_best_come_first_and_a_failure_has_its_parameters(here: Command) -> None:
    words = ("sweep", "ma.py", "Above", "--grid", "period=3,9,60", "--workers", "1")
    done = here(*words, "--csv", "all.csv", "--rows", "rows.jsonl", "--best", "1")
    assert (done.returncode, done.stderr) == (1, "")
    said = done.stdout.splitlines()
    assert said[0] == "Rows measured: 2, points failed: 1"
    assert "period=60  ValueError: the period is too long (ma.py:11)" in said

    again = here(*words, "--rows", "rows.jsonl", "--json")
    told = json.loads(again.stdout)
    assert (told["measured"], told["failed"], again.returncode) == (2, 1, 1)
    returns = [row["total_return"] for row in told["best"]]
    assert returns == sorted(returns, reverse=True)
    assert returns[0] != returns[1]
    assert set(told["best"][0]) == {"period", *OF_STRATEGIES}
    assert [row["period"] for row in told["failures"]] == [60]
    assert str(told["best"][0]["period"]) == said[4].split()[0]

    names, *lines = (here.folder / "all.csv").read_text().splitlines()
    assert names.split(",")[0] == "period"
    assert [line.split(",")[0] for line in lines] == ["3", "9"]


def test_one_that_looks_ahead_is_told_from_one_that_does_not(here: Command) -> None:
    words = ("-g", "period=3", "--workers", "1", "--check", "--json")
    honest, peeking = (here("sweep", "ma.py", name, *words) for name in ("Above", "Peeks"))
    assert (honest.returncode, peeking.returncode) == (0, 1), honest.stderr + peeking.stderr
    assert json.loads(honest.stdout)["best"][0]["ok"] is True
    assert json.loads(peeking.stdout)["best"][0]["ok"] is False


@pytest.mark.slow
def test_a_function_of_vectorbt_is_swept_with_the_data_of_its_file(here: Command) -> None:
    words = ("-g", "period=2:6:2", "--call", "chunk", "--workers", "1", "--by", "max_drawdown")
    done = here("sweep", "cross.py", "above", *words, "--smallest", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert sorted(row["period"] for row in told["best"]) == [2, 4, 6]
    falls = [row["max_drawdown"] for row in told["best"]]
    assert falls == sorted(falls)
    assert set(told["best"][0]) == {"period", *OF_PORTFOLIOS}


@pytest.mark.parametrize(
    ("text", "words", "says"),
    [
        (None, ("ma.py", "Above", "-g", "p=1"), "ma.py': there is no such file"),
        (STRATEGY, ("ma.py", "Below", "-g", "p=1"), "ma.py has no class or function of this name"),
        ("class A: pass", ("ma.py", "A", "-g", "p=1"), "must have simulation(), which makes a"),
        ("def f(data, p): pass", ("ma.py", "f", "-g", "p=1"), "must have load(), which returns"),
        ("\nx = 1 / 0", ("ma.py", "A", "-g", "p=1"), "ma.py, line 2: ZeroDivisionError: division"),
        (STRATEGY, ("ma.py", "Above", "-g", "p=1", "--by", "luck"), "by='luck': must be one of"),
        (STRATEGY, ("ma.py", "Above", "-g", "p=1", "--on", "mars"), "must be 'local', 'ray' or"),
        (STRATEGY, ("ma.py", "Above", "-g", "p=1", "--call", "chunk"), "call='chunk': only"),
        (STRATEGY, ("ma.py", "Above", "-g", "p=1", "--csv", "no/all.csv"), "no folder no"),
        (STRATEGY, ("ma.py", "Above", "-g", "p"), "must be NAME=VALUE,VALUE"),
    ],
)  # fmt: skip
def test_wrong_input_is_two_and_names_what_is_missing(
    command: Command, text: str | None, words: tuple[str, ...], says: str
) -> None:
    if text is not None:
        (command.folder / "ma.py").write_text(text)
    done = command("sweep", *words)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["typer.py", "two words.py", "notes.txt"])
def test_a_file_that_workers_could_not_import_is_refused(command: Command, name: str) -> None:
    script = command.folder / "mine" / name
    script.parent.mkdir()
    script.write_text(STRATEGY)
    done = command("sweep", str(script), "Above", "-g", "period=3")
    assert (done.returncode, f"script={str(script)!r}" in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (["a=5,10,20"], {"a": [5, 10, 20]}),
        (["a=30:120:30", "b=1"], {"a": [30, 60, 90, 120], "b": [1]}),
        (["a=30:119:30"], {"a": [30, 60, 90]}),
        (["a=3:-3:-3"], {"a": [3, 0, -3]}),
        (["a=0.1:0.3:0.1,1e3"], {"a": [0.1, 0.2, 0.3, 1000.0]}),
        (["a=true,none,-0.5,EMA"], {"a": [True, None, -0.5, "EMA"]}),
    ],
)
def test_words_become_values(words: list[str], values: dict[str, Any]) -> None:
    found = grid_of(words)
    assert found == values
    assert [[type(one) for one in each] for each in found.values()] == [
        [type(one) for one in each] for each in values.values()
    ]


@pytest.mark.parametrize(
    "words",
    [
        ["a"], ["=1"], ["a="], ["a=1,,2"], ["a=nan"], ["a=1", "a=2"], ["a=1:2"], ["a=1:2:0"],
        ["a=2:1:1"], ["a=0:inf:1"], ["a=0:1:inf"], ["a=nan:1:1"], ["a=0:1:1e-9"], ["a=x:y:z"],
        ["a=0:1:1e-999999999"],
    ],
)  # fmt: skip
def test_words_that_cannot_be_meant_are_refused(words: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"grid='"):
        grid_of(words)


def test_the_help_has_examples_exit_codes_and_what_the_file_needs(command: Command) -> None:
    said = command("sweep", "--help").stdout
    for words in ("Examples", "Exit codes", "simulation()", "load()", "--grid fast=5,10,20"):
        assert words in said
