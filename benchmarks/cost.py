"""Where the time of one order goes, with and without a journal on disk.

    python benchmarks/cost.py [--rounds 5] [--json FILE]

Five things are timed in turn, on one core: a bare exchange of the same bytes, the venue's own send,
a whole decision with its journal in memory, the same with its journal on disk, and the usual
`requests.post`. What a part costs is the difference of two of them. `docs/make_cost.py` draws it.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import perf_counter_ns

import bounds
import gate_rows
import msgspec
from bounds import Operation
from rich.console import Console
from rich.table import Table
from rows import Bench, example_signal, order_to_answer, ping, requests_post

from sim2live.gate.limits import SAFE
from sim2live.settings import Settings, connect

CALLS = 150
#: The rules of a real venue, on a server that only answers: nobody confirms, and none is too many.
RULES = msgspec.structs.replace(SAFE, max_signals_per_minute=1_000_000, preflight=False)


@contextmanager
def decision(port: int, journal: str | Path) -> Iterator[Operation]:
    """From a new target to the venue's answer, through the gate."""
    dispatcher = connect(
        f"http://127.0.0.1:{port}", workflow="bench", strategy="cost", journal=journal,
        confirm="presumed", settings=Settings(rules=RULES),
    )  # fmt: skip
    try:
        yield gate_rows.in_turns(dispatcher)
    finally:
        dispatcher.close()


def median_us(operation: Operation) -> float:
    durations = []
    for _ in range(CALLS):
        start = perf_counter_ns()
        operation()
        durations.append(perf_counter_ns() - start)
    return statistics.median(durations) / 1000


def measure(rounds: int) -> dict[str, float]:
    """Microseconds of each part: the median over the rounds."""
    signal = example_signal()
    taken: dict[str, list[float]] = {}
    with ExitStack() as open_:
        port = open_.enter_context(bounds.server())
        # Beside this file, so that it lies on a disk: a folder for passing files may be memory.
        folder = open_.enter_context(
            tempfile.TemporaryDirectory(dir=Path(__file__).parent, prefix="bench-")
        )
        bench = Bench(port, Path(folder), signal, signal.encode())
        sides = {
            "ping": open_.enter_context(ping(bench)),
            "send": open_.enter_context(order_to_answer(bench)),
            "in memory": open_.enter_context(decision(port, ":memory:")),
            "on disk": open_.enter_context(decision(port, Path(folder) / "kept.sqlite3")),
            "requests": open_.enter_context(requests_post(bench)),
        }
        for operation in sides.values():
            median_us(operation)
        for _ in range(rounds):
            for name in random.sample(sorted(sides), len(sides)):
                taken.setdefault(name, []).append(median_us(sides[name]))
    us = {name: statistics.median(values) for name, values in taken.items()}
    return {
        "network": us["ping"],
        "transport": max(0.0, us["send"] - us["ping"]),
        "gate": max(0.0, us["in memory"] - us["send"]),
        "disk": max(0.0, us["on disk"] - us["in memory"]),
        "requests": us["requests"],
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    bounds.pin()
    parts = measure(options.rounds)
    table = Table("one order", "us", "of requests.post")
    for name, value in parts.items():
        table.add_row(name, f"{value:,.0f}", f"{value / parts['requests']:.2f}")
    Console().print(table)
    if options.json:
        options.json.write_bytes(msgspec.json.format(json.dumps(parts).encode()) + b"\n")


if __name__ == "__main__":
    main()
