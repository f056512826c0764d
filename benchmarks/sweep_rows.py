"""What a second worker brings to a sweep, and what the sweep itself costs for each task.

    python benchmarks/sweep_rows.py [--json FILE]

The work is one Backtrader strategy over 800 daily bars. The time of a sweep is taken twice, with
one worker and with two, in turn; a second figure leaves out what starting a worker costs. There is
no goal: the figures depend on how many cores are free.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

from rich.console import Console
from rich.table import Table

from sim2live.sweep.points import Point
from sim2live.sweep.processes import Processes
from sim2live.sweep.work import Row, Work

EXAMPLES = Path(__file__).parents[1] / "examples"
RUNS = 8
TASKS = 300
ROUNDS = 3


class Nothing(Work):
    """A task without work: what is left is the way there and back."""

    @property
    def made_of(self) -> dict[str, str]:
        return {}

    def run(self, points: Any) -> list[list[Row]]:
        return [[{"n": 0}] for _ in points]


class Backtests(Nothing):
    """One run of the moving-average cross for each point."""

    def run(self, points: Any) -> list[list[Row]]:
        sys.path.insert(0, str(EXAMPLES))
        import sweep_backtrader
        from ma_cross import MaCross

        for point in points:
            cerebro = sweep_backtrader.simulation()
            cerebro.addstrategy(MaCross, **point)
            cerebro.run()
        return [[{"n": 0}] for _ in points]


def seconds(pool: Processes, points: list[Point]) -> float:
    """How long the points take, one in each task."""
    start = perf_counter()
    under_way = [pool.submit((point,)) for point in points]
    while under_way:
        done = [ticket for ticket, _ in pool.wait(under_way)]
        under_way = [ticket for ticket in under_way if ticket not in done]
    return perf_counter() - start


def warm(work: Work, workers: int) -> tuple[Processes, float]:
    """Workers that have loaded everything, and how long that took."""
    start = perf_counter()
    pool = Processes(work, workers)
    seconds(pool, [{"fast": 5, "slow": 40}] * 2 * workers)
    return pool, perf_counter() - start


def measure() -> dict[str, float]:
    points: list[Point] = [{"fast": fast, "slow": 40} for fast in range(5, 5 + RUNS)]
    one, started = warm(Backtests(), 1)
    two, _ = warm(Backtests(), 2)
    try:
        rounds = [(seconds(one, points), seconds(two, points)) for _ in range(ROUNDS)]
    finally:
        one.close()
        two.close()
    idle, _ = warm(Nothing(), 1)
    try:
        each = min(seconds(idle, [{"n": 0}] * TASKS) for _ in range(ROUNDS)) / TASKS
    finally:
        idle.close()
    return {
        "one worker / two workers": statistics.median(a / b for a, b in rounds),
        "a backtest of 800 bars, ms": 1000 * statistics.median(a for a, _ in rounds) / RUNS,
        "overhead of a task, ms": 1000 * each,
        "start of a worker with Backtrader and pandas, s": started,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    figures = measure()
    table = Table("sweep", "measured")
    for name, value in figures.items():
        table.add_row(name, f"{value:,.2f}")
    Console().print(table)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
