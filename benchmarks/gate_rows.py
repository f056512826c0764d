"""What does an order cost on its whole way, and does that grow with what has been done?

The whole path with its durable journal beside a bare commit and a bare ping; the same in shared
memory, where no disk takes part; a cold start beside a script that imports requests; a journal
of a million rows and a thousand instruments beside an empty one; eight strategies beside one.
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from time import perf_counter_ns, process_time_ns, sleep, time_ns
from typing import Any

import bounds
import msgspec
from bounds import Operation

from sim2live.gate.dispatch import Dispatcher
from sim2live.gate.limits import SAFE
from sim2live.gate.preflight import confirm
from sim2live.settings import Settings, connect
from sim2live.signals import Instrument, Signal
from sim2live.venues.base import Venue
from sim2live.venues.outcome import Kind, Outcome

ONE = Instrument("SIM", "ONE")  # trades at all hours
OUR_OWN_NS = 60_000
#: The rules of a real venue, but for the number of signals in a minute.
BRISK = msgspec.structs.replace(SAFE, max_signals_per_minute=1_000_000)

COLD = """
import sys, time, sim2live
journal, url = sys.argv[1:]
dispatcher = sim2live.connect(
    url, workflow="python-test", strategy="cold", journal=journal, confirm="presumed"
)
receipt = dispatcher.follow(
    sim2live.Instrument("SIM", "ONE"), 1, data="one", nth=0, decided_at=time.time_ns()
)
assert receipt.ok and receipt.signals, receipt
dispatcher.close()
"""
COLD_REQUESTS = """
import sys, requests
_, url = sys.argv[1:]
signal = {
    "schema_version": "1.0", "signal_id": "one", "workflow_id": "python-test",
    "instrument": {"exchange": "CME", "symbol": "MESZ6"}, "side": "BUY", "qty": 1,
    "order_type": "MARKET",
}
answer = requests.post(url + "/signal/python-test", json=signal, timeout=5)
assert answer.json()["status"] == "accepted", answer
"""


class Slow(Venue):
    """Accepts after five milliseconds."""

    name = fingerprint = "slow"
    simulated = True

    def send(self, signal: Signal, *, timeout: float) -> Outcome:  # noqa: ARG002
        sleep(0.005)
        return Outcome(Kind.ACCEPTED)


def in_turns(dispatcher: Dispatcher, instrument: Instrument = ONE, start: int = 0) -> Operation:
    """Long, flat, long: each call sends one signal."""
    numbers = count(start)

    def operation() -> None:
        number = next(numbers)
        receipt = dispatcher.follow(
            instrument, (number + 1) % 2, data="one", nth=number, decided_at=time_ns()
        )
        assert receipt.ok, receipt
        assert receipt.signals or number == start, receipt  # the first may find a start that waits

    return operation


@contextmanager
def whole_path(port: int, folder: Path) -> Iterator[Operation]:
    dispatcher = connect(
        f"http://127.0.0.1:{port}", workflow="python-test", strategy="bench",
        journal=folder / "ours.sqlite3", confirm="presumed", settings=Settings(rules=BRISK),
    )  # fmt: skip
    try:
        agreed(dispatcher)
        yield in_turns(dispatcher)
    finally:
        dispatcher.close()


def agreed(dispatcher: Dispatcher) -> None:
    """A human has read the preflight page of this strategy."""
    facts = dispatcher.gate.journal.facts
    confirm(facts, dispatcher.workflow, dispatcher.strategy, "for a benchmark")


@contextmanager
def commit_and_ping(port: int, folder: Path, body: bytes, spare_ns: int) -> Iterator[Operation]:
    """The same two things bare, and the time that our own work may take."""
    with bounds.commit(folder, body) as commit, bounds.ping(port, body) as ping:

        def operation() -> None:
            commit()
            ping()
            until = perf_counter_ns() + spare_ns
            while perf_counter_ns() < until:
                pass

        yield operation


def _child_cpu(code: str, journal: Path, url: str) -> float:
    """CPU microseconds of one whole process, which finds its modules compiled."""
    where = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    before = os.times()
    subprocess.run([sys.executable, "-c", code, str(journal), url], check=True, env=where)
    after = os.times()
    spent = after.children_user + after.children_system
    return (spent - before.children_user - before.children_system) * 1e6


def cold_start(rounds: int, port: int) -> list[tuple[float, float]]:
    url, pairs = f"http://127.0.0.1:{port}", []
    for number in range(rounds + 1):
        with tempfile.TemporaryDirectory() as folder:
            journal = Path(folder) / "cold.sqlite3"
            with connect(url, workflow="python-test", strategy="cold", journal=journal) as before:
                agreed(before)
            codes = (COLD, COLD_REQUESTS)
            taken = {c: _child_cpu(c, journal, url) for c in codes[:: 1 if number % 2 else -1]}
            pairs.append((taken[COLD], taken[COLD_REQUESTS]))
    return pairs[1:]  # the first one compiled the modules


def _cpu_of_one(operation: Operation, calls: int) -> float:
    """The usual CPU microseconds of one call: the median of groups of ten."""
    groups = []
    for _ in range(calls // 10):
        start = process_time_ns()
        for _ in range(10):
            operation()
        groups.append((process_time_ns() - start) / 10_000)
    return statistics.median(groups)


def _filled(journal: Path, rows: int, instruments: int) -> None:
    """A journal that has seen much: its own first row, again and again under other ids."""
    dispatcher = connect("record", strategy="bench", journal=journal, settings=Settings())
    for number in range(instruments):
        in_turns(dispatcher, Instrument("SIM", f"I{number}"))()
    in_turns(dispatcher)()
    dispatcher.close()
    database = sqlite3.connect(journal)
    columns = [line[1] for line in database.execute("PRAGMA table_info(signals)")]
    chosen = ", ".join("id || n.value" if name == "id" else name for name in columns)
    first = "(SELECT * FROM signals LIMIT 1)"
    with database:
        database.execute(
            f"WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n LIMIT {rows}) "
            f"INSERT INTO signals ({', '.join(columns)}) SELECT {chosen} FROM n, {first}"
        )
    database.close()


def growth(
    rounds: int, rows: int = 1_000_000, instruments: int = 1_000
) -> list[tuple[float, float]]:
    """CPU of one order with a long past, and with none."""
    pairs = []
    with tempfile.TemporaryDirectory() as folder:
        full, empty = Path(folder) / "full.sqlite3", Path(folder) / "empty.sqlite3"
        _filled(full, rows, instruments)
        _filled(empty, 0, 0)
        dispatchers = [
            connect("record", strategy="bench", journal=path, settings=Settings())
            for path in (full, empty)
        ]
        operations = [in_turns(dispatcher, start=1) for dispatcher in dispatchers]
        for _ in range(rounds):
            taken = [_cpu_of_one(operation, 200) for operation in operations]
            pairs.append((taken[0], taken[1]))
        for dispatcher in dispatchers:
            dispatcher.close()
    return pairs


def eight_strategies(rounds: int, each: int = 40) -> list[tuple[float, float]]:
    """Microseconds of one signal when eight send at once, and when one sends alone."""
    first = connect(
        Slow(), workflow="p0", strategy="s0", journal=":memory:", settings=Settings()
    )  # fmt: skip
    siblings = [first, *(first.bind(strategy=f"s{n}", workflow=f"p{n}") for n in range(1, 8))]
    operations = [in_turns(sibling) for sibling in siblings]
    pairs = []

    def work(operation: Operation) -> None:
        for _ in range(each):
            operation()

    def seconds_of(chosen: list[Operation]) -> float:
        threads = [threading.Thread(target=work, args=(one,)) for one in chosen]
        start = perf_counter_ns()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return (perf_counter_ns() - start) / 1000 / each / len(chosen)

    for _ in range(rounds):
        alone = seconds_of(operations[:1])
        pairs.append((seconds_of(operations), alone))
    first.close()
    return pairs


def measure(rounds: int, port: int) -> list[dict[str, object]]:
    """The rows of the table."""
    wanted: list[tuple[str, str, str, Callable[[], list[tuple[float, float]]]]] = [
        ("cold start to the first answer, CPU", "script with requests", "below 1",
         lambda: cold_start(rounds, port)),
        ("order after a million, CPU", "an empty journal", "at most 1.2", lambda: growth(rounds)),
        ("a signal of 8 strategies at once", "one strategy, venue of 5 ms", "at most 0.25",
         lambda: eight_strategies(rounds)),
    ]  # fmt: skip
    return [line(name, bound, goal, take()) for name, bound, goal, take in wanted]


def line(name: str, bound: str, goal: str, pairs: list[tuple[float, float]]) -> dict[str, Any]:
    """One line of the table from the (ours, bound) microseconds of each round."""
    ratios = [ours / other for ours, other in pairs]
    return {
        "name": name,
        "bound": bound,
        "goal": goal,
        "ratio": statistics.median(ratios),
        "lowest": min(ratios),
        "highest": max(ratios),
        "ours_us": statistics.median(ours for ours, _ in pairs),
        "bound_us": statistics.median(other for _, other in pairs),
    }


if __name__ == "__main__":
    bounds.pin()
    with bounds.server() as bench_port:
        for each_line in measure(3, bench_port):
            print(each_line)
