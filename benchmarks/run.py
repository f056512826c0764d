"""One table of ratios: our figure over the bound, both taken in the same round.

    python benchmarks/run.py [--rounds 5] [--only TEXT] [--json FILE]

Rounds are interleaved and their order is drawn anew each time, so that a neighbour on the machine
disturbs both sides alike. The ratio of a round is the ratio of the two median durations; the table
shows the median of the rounds and, as spread, the lowest and the highest.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import json
import logging
import os
import platform
import random
import shutil
import statistics
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from time import perf_counter_ns

import bounds
import gate_rows
import gateway_rows
from rich.console import Console
from rich.table import Table
from rows import ROWS, Bench, Row, example_signal

Side = Callable[[Bench], AbstractContextManager[bounds.Operation]]
Figures = dict[str, list[tuple[float, float]]]  # by row: (ours, bound) of each round


def median_duration(side: Side, bench: Bench, count: int) -> float:
    """Median microseconds of one call. Calls too short for the clock are timed in tens."""
    together = 10 if count >= 5000 else 1
    with tempfile.TemporaryDirectory(dir=bench.folder) as own:
        here = Bench(bench.port, Path(own), bench.signal, bench.body)
        with side(here) as operation:
            for _ in range(max(3, count // 20)):
                operation()
            gc.collect()
            gc.disable()
            try:
                durations = [timed(operation, together) for _ in range(count // together)]
            finally:
                gc.enable()
    return statistics.median(durations) / together / 1000


def timed(operation: bounds.Operation, together: int) -> int:
    start = perf_counter_ns()
    for _ in range(together):
        operation()
    return perf_counter_ns() - start


def measure(rows: list[Row], bench: Bench, rounds: int) -> Figures:
    """Microseconds of both sides of each row, round by round."""
    figures: Figures = {row.name: [] for row in rows}
    for _ in range(rounds):
        for row in random.sample(rows, len(rows)):
            sides = {"ours": row.ours, "bound": row.bound}
            taken = {
                name: median_duration(sides[name], bench, row.count)
                for name in random.sample(sorted(sides), 2)
            }
            figures[row.name].append((taken["ours"], taken["bound"]))
    return figures


def summary(
    rows: list[Row], figures: dict[str, list[tuple[float, float]]]
) -> list[dict[str, object]]:
    result: list[dict[str, object]] = []
    for row in rows:
        ratios = [ours / bound for ours, bound in figures[row.name]]
        result.append(
            {
                "name": row.name,
                "bound": row.bound_name,
                "goal": row.goal,
                "ratio": statistics.median(ratios),
                "lowest": min(ratios),
                "highest": max(ratios),
                "ours_us": statistics.median(ours for ours, _ in figures[row.name]),
                "bound_us": statistics.median(bound for _, bound in figures[row.name]),
            }
        )
    return result


def show(lines: list[dict[str, object]]) -> None:
    table = Table(title="Ratio to the bound of the same round (1.00 = the bound)")
    for heading in ("what", "bound"):
        table.add_column(heading, no_wrap=True)
    for heading in ("goal", "ratio", "spread", "us", "bound us"):
        table.add_column(heading, justify="right", no_wrap=True)
    for line in lines:
        table.add_row(
            str(line["name"]),
            str(line["bound"]),
            str(line["goal"]),
            f"{line['ratio']:.2f}",
            f"{line['lowest']:.2f}-{line['highest']:.2f}",
            f"{line['ours_us']:.1f}",
            f"{line['bound_us']:.1f}",
        )
    Console(width=130).print(table)


def whole_runs(rounds: int) -> list[dict[str, object]]:
    """Backtrader under the mirror, beside itself; nothing where it is not installed."""
    if importlib.util.find_spec("backtrader") is None:
        return []
    import backtrader_rows

    lines = backtrader_rows.measure(rounds)
    table = Table(title="Whole runs over the stock broker's, CPU time (1.00 = as fast)")
    table.add_column("what", no_wrap=True)
    for heading in ("ratio", "spread", "us each order"):
        table.add_column(heading, justify="right", no_wrap=True)
    for line in lines:
        spread = f"{line['lowest']:.2f}-{line['highest']:.2f}"
        each = f"{line['us_each']:.0f}" if "us_each" in line else ""
        table.add_row(str(line["name"]), f"{line['ratio']:.2f}", spread, each)
    Console(width=110).print(table)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description="Ratios to bounds taken in the same round.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="rows whose name contains this text")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    rows = [row for row in ROWS if arguments.only in row.name]
    if not rows:
        parser.error(f"--only {arguments.only!r} fits none of: {', '.join(r.name for r in ROWS)}")

    # A strategy is confirmed after it is made here, and warns until then.
    logging.getLogger("sim2live.gate").setLevel(logging.ERROR)
    pinned = bounds.pin()
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=Path(__file__).parent))
    try:
        with bounds.server() as port:
            signal = example_signal()
            bench = Bench(port, folder, signal, signal.encode())
            figures = measure(rows, bench, arguments.rounds)
            lines = summary(rows, figures)
            if not arguments.only:
                # These take whole processes and seconds, and say the same in fewer rounds.
                lines += gate_rows.measure(min(3, arguments.rounds), port)
                lines += gateway_rows.measure(min(2, arguments.rounds))
    finally:
        shutil.rmtree(folder)
    show(lines)
    whole = [] if arguments.only else whole_runs(min(2, arguments.rounds))
    machine = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "pinned": pinned,
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "rounds": arguments.rounds,
    }
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps({"machine": machine, "rows": lines + whole}, indent=2))


if __name__ == "__main__":
    main()
