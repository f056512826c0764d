"""A sweep of portfolios: every point once, failures named, kills survived, the best handed on."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.sweep import worked

from sim2live import sweep
from sim2live.errors import ConfigError
from sim2live.vectorbt import SignalExporter

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "adapters"), str(ROOT)])}
GRID = {"fast": [3, 5, 8], "slow": [8, 13]}


def swept(make: Any, grid: Any, **options: Any) -> sweep.GridSweep:
    options = {"workers": 2, "progress": False, **options}
    return sweep.grid(make, grid, worked.bars(), **options)


@pytest.fixture(scope="module")
def by_point() -> sweep.GridSweep:
    return swept(worked.portfolio, GRID)


def test_each_point_is_a_row_or_a_failure_in_the_order_of_the_grid(
    by_point: sweep.GridSweep,
) -> None:
    assert by_point.frame[["fast", "slow"]].to_numpy().tolist() == [
        [3, 8], [3, 13], [5, 8], [5, 13], [8, 13],
    ]  # fmt: skip
    assert by_point.measures == ["total_return", "sharpe_ratio", "max_drawdown", "trades"]
    (failure,) = by_point.failures.to_dict("records")
    assert (failure["fast"], failure["slow"]) == (8, 8)
    assert failure["error"].startswith("ValueError: fast=8 is not below slow=8 (worked.py:")


def test_a_row_is_what_one_run_measures(by_point: sweep.GridSweep) -> None:
    alone = worked.portfolio(worked.bars(), 5, 13)
    row = by_point.frame.iloc[3]
    assert row["total_return"] == alone.total_return()
    assert row["sharpe_ratio"] == alone.sharpe_ratio()
    assert row["trades"] == alone.trades.count()


def test_many_points_in_a_call_are_the_same_rows(by_point: sweep.GridSweep) -> None:
    at_once = swept(worked.portfolios, GRID, call="chunk")
    assert at_once.frame.equals(by_point.frame)
    assert at_once.failures[["fast", "slow"]].equals(by_point.failures[["fast", "slow"]])


def test_the_best_row_becomes_signals(by_point: sweep.GridSweep) -> None:
    best = by_point.best(1, by="total_return").iloc[0]
    assert best["total_return"] == by_point.frame["total_return"].max()
    point = by_point.parameters(best)
    exporter = by_point.exporter(best, workflow="w", instruments=lambda _: "CME:MESZ6")
    by_hand = SignalExporter(
        worked.portfolio(worked.bars(), **point), workflow="w", instruments=lambda _: "CME:MESZ6"
    )
    assert len(exporter.frame()) > 4
    assert exporter.frame().equals(by_hand.frame())


def test_least_is_best_where_it_is_asked_for(by_point: sweep.GridSweep) -> None:
    worst = by_point.best(2, by="total_return", largest=False)["total_return"].tolist()
    assert worst == sorted(by_point.frame["total_return"])[:2]


def test_the_best_rows_are_checked_for_repainting(by_point: sweep.GridSweep) -> None:
    honest = by_point.check(2, prefixes=5, progress=False)
    assert honest["ok"].tolist() == [True, True]
    ahead = swept(worked.peeking, {"ahead": [1, 2]}, workers=1).check(2, prefixes=5, progress=False)
    assert ahead["ok"].tolist() == [False, False]
    assert (ahead["vanished"] + ahead["late"] > 0).all()


def test_a_point_that_kills_its_process_is_found(tmp_path: Path) -> None:
    found = swept(worked.deadly, {"n": range(12)}, measure=worked.number)
    assert found.failures["n"].tolist() == [5]
    assert "process died" in found.failures["error"][0]
    assert found.frame["square"].tolist() == [n**2 for n in range(12) if n != 5]


@pytest.mark.parametrize(("memory", "least", "most"), [(300e6, 2, 24), (3e9, 25, 25)])
def test_chunks_fit_into_the_memory_that_is_given(memory: float, least: int, most: int) -> None:
    """A hundred points are cut into quarters at most; each takes 10 MB beside the process."""
    found = swept(
        worked.greedy, {"n": range(100)}, call="chunk", measure=worked.together,
        workers=1, memory=memory,
    )  # fmt: skip
    assert least <= found.frame["at_once"].max() <= most


def test_a_killed_sweep_goes_on_where_it_was(tmp_path: Path) -> None:
    log, rows = tmp_path / "log", tmp_path / "rows.jsonl"
    program = f"""
from tests.sweep import worked
from sim2live import sweep
if __name__ == "__main__":
    grid = {{"n": range(40), "log": [{str(log)!r}], "pause": [0.1]}}
    sweep.grid(worked.counting, grid, worked.bars(), workers=2, progress=False,
               measure=worked.number, keep={str(rows)!r})
"""
    script = tmp_path / "script.py"
    script.write_text(program, "utf-8")
    run = subprocess.Popen([sys.executable, str(script)], env=ENVIRONMENT)
    until = time.monotonic() + 100
    while not (rows.exists() and rows.read_bytes().count(b"\n") > 8):
        assert time.monotonic() < until
        assert run.poll() is None
        time.sleep(0.01)
    run.kill()
    run.wait()
    kept = rows.read_bytes().count(b"\n") - 1
    assert 0 < kept < 40
    subprocess.run([sys.executable, str(script)], env=ENVIRONMENT, check=True, timeout=100)
    calls = log.read_text("ascii").split()
    assert sorted(set(map(int, calls))) == list(range(40))
    # What was under way at the kill is run twice, what was kept is not.
    assert len(calls) <= 80 - kept
    found = swept(
        worked.counting, {"n": range(40), "log": [str(log)], "pause": [0.1]},
        measure=worked.number, keep=rows,
    )  # fmt: skip
    assert found.frame["square"].tolist() == [n**2 for n in range(40)]
    assert log.read_text("ascii").split() == calls


def test_the_workers_of_a_killed_sweep_end(tmp_path: Path) -> None:
    import psutil

    program = f"""
from tests.sweep import worked
from sim2live import sweep
if __name__ == "__main__":
    grid = {{"n": range(4), "log": [{str(tmp_path / "log")!r}], "pause": [60.0]}}
    sweep.grid(worked.counting, grid, worked.bars(), workers=1, progress=False,
               measure=worked.number)
"""
    (tmp_path / "script.py").write_text(program, "utf-8")
    run = subprocess.Popen([sys.executable, str(tmp_path / "script.py")], env=ENVIRONMENT)
    until = time.monotonic() + 100
    while not (tmp_path / "log").exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    children = psutil.Process(run.pid).children(recursive=True)
    run.kill()
    run.wait()
    gone, alive = psutil.wait_procs(children, timeout=200)
    assert gone
    assert not alive


def test_a_failure_is_tried_again_by_the_next_sweep(tmp_path: Path) -> None:
    keep = tmp_path / "rows.jsonl"
    first = swept(worked.deadly, {"n": [4, 5]}, measure=worked.number, keep=keep, workers=1)
    assert len(first.failures) == 1
    again = swept(worked.deadly, {"n": [4, 5, 6]}, measure=worked.number, keep=keep, workers=1)
    assert again.frame["n"].tolist() == [4, 6]


def test_rows_of_other_data_are_refused(tmp_path: Path) -> None:
    keep = tmp_path / "rows.jsonl"
    swept(worked.deadly, {"n": [1]}, measure=worked.number, keep=keep, workers=1)
    with pytest.raises(ConfigError, match="data differ"):
        sweep.grid(
            worked.deadly, {"n": [1]}, worked.bars() + 1, measure=worked.number, keep=keep,
            progress=False,
        )  # fmt: skip


def test_a_script_without_its_guard_is_told(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from tests.sweep import worked\nfrom sim2live import sweep\n"
        "sweep.grid(worked.deadly, {'n': [1]}, worked.bars(), measure=worked.number)\n",
        "utf-8",
    )
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=100, check=False,
        env=ENVIRONMENT,
    )  # fmt: skip
    assert done.returncode == 1
    assert "a script must start its sweep under if __name__ == '__main__':" in done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"on": "moon"}, "on='moon': must be 'local', 'ray'"),
        ({"call": "column"}, "call='column': must be 'point' or 'chunk'"),
        ({"workers": 0}, "workers=0: must be 1 or more"),
        ({"memory": -1.0}, "memory=-1.0: must be"),
        ({"measure": partial(worked.number, lock=threading.Lock())}, "cannot be sent"),
    ],
)
def test_a_wrong_argument_is_refused_by_name(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        swept(worked.deadly, {"n": [1]}, **({"measure": worked.number} | options))


def test_a_measure_with_the_name_of_a_parameter_is_refused() -> None:
    with pytest.raises(ConfigError, match="measure 'square' has the name of a parameter"):
        swept(_squared, {"square": [2]}, measure=worked.number, workers=1)


def _squared(data: Any, square: int) -> int:
    return square


def test_a_row_that_is_not_there_is_refused(by_point: sweep.GridSweep) -> None:
    with pytest.raises(ConfigError, match="row=77"):
        by_point.exporter(77)
    with pytest.raises(ConfigError, match="by='profit': must be one of total_return"):
        by_point.best(by="profit")
