"""The exporter's figures: a million orders to a file, and a live step, against their bounds.

    python benchmarks/vectorbt_rows.py [--orders 1000000] [--json FILE]

The raw write of the same bytes and the naive loop are timed in the same process, interleaved with
ours; the table shows medians.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import statistics
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

import sim2live
from sim2live import sizing
from sim2live.market.bars import Bar
from sim2live.vectorbt import LiveRunner, SignalExporter, files
from sim2live.vectorbt.table import SignalTable

COLUMNS = 100
ROUNDS = 5
NAIVE = 20_000


def many_orders(orders: int) -> object:
    """About so many fractional orders over 100 columns (10 parameters, 10 symbols)."""
    import vectorbt as vbt

    rng = np.random.default_rng(1)
    bars = 2 * orders // COLUMNS
    index = pd.date_range("2020-01-01", periods=bars, freq="min", tz="UTC")
    columns = pd.MultiIndex.from_product(
        [range(10), [f"SYM{number}" for number in range(10)]], names=["p", "symbol"]
    )
    close = 100 + rng.normal(0, 0.02, (bars, COLUMNS)).cumsum(0)
    size = np.where(rng.random((bars, COLUMNS)) < 0.5, rng.normal(0, 1.3, close.shape), np.nan)
    return vbt.Portfolio.from_orders(
        pd.DataFrame(np.abs(close) + 1, index, columns),
        pd.DataFrame(size, index, columns),
        init_cash=1e9,
        freq="min",
    )


def seconds(work: Callable[[], object]) -> float:
    gc.collect()
    start = perf_counter()
    work()
    return perf_counter() - start


def naive(portfolio: object, path: Path) -> float:
    """Seconds that records_readable and json.dumps need for the first 20,000 orders."""
    some = portfolio.iloc[:2]  # type: ignore[attr-defined]
    rows = min(NAIVE, len(some.order_records))

    def loop() -> None:
        readable = some.orders.records_readable.head(NAIVE)
        with path.open("w") as file:
            for _, row in readable.iterrows():
                file.write(
                    json.dumps(
                        {
                            "schema_version": "1.0",
                            "signal_id": f"{row['Column']}-{row['Timestamp']}",
                            "workflow_id": f"w-{row['Column'][0]}",
                            "instrument": {"exchange": "SIM", "symbol": row["Column"][1]},
                            "side": row["Side"].upper(),
                            "qty": round(row["Size"]),
                        }
                    )
                    + "\n"
                )

    return seconds(loop) / rows


def export(orders: int, folder: Path) -> dict[str, float]:
    """Ratios of the export, the peak of memory, and the naive loop beside it."""
    portfolio = many_orders(orders)
    count = len(portfolio.order_records)  # type: ignore[attr-defined]
    path, raw = folder / "signals.jsonl", folder / "raw"

    def exporter() -> SignalExporter:
        return SignalExporter(portfolio, sizing=sizing.target(2.0), workflow="w-{p}")

    def whole() -> SignalTable:
        table = exporter().table
        files.write_jsonl(table, path)
        return table

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    table = whole()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    content = path.read_bytes()
    ours, frame_to_file, bound = [], [], []
    for _ in range(ROUNDS):
        ours.append(seconds(whole))
        frame_to_file.append(seconds(lambda: files.write_jsonl(table, path)))
        bound.append(seconds(lambda: raw.write_bytes(content)))
    written = statistics.median(bound)
    return {
        "orders": count,
        "signals": len(table),
        "megabytes": len(content) / 1e6,
        "raw write, s": written,
        "frame to file / raw write": statistics.median(frame_to_file) / written,
        "whole export / raw write": statistics.median(ours) / written,
        "naive loop / whole export": naive(portfolio, raw) * count / statistics.median(ours),
        "peak memory / file": peak * 1024 / len(content),
        "memory added by export / file": (peak - before) * 1024 / len(content),
    }


def live_step(bars: int = 5000, columns: int = 10, steps: int = 30) -> dict[str, float]:
    """Milliseconds that a live step adds to the rerun itself."""
    import vectorbt as vbt

    names = [f"S{number}" for number in range(columns)]
    rng = np.random.default_rng(3)
    index = pd.date_range("2024-01-01", periods=bars + steps, freq="min", tz="UTC")
    close = pd.DataFrame(
        500 + rng.normal(0, 0.3, (len(index), columns)).cumsum(0), index, names
    ).rename_axis("symbol", axis=1)
    rerun: list[float] = []

    def strategy(data: pd.DataFrame) -> object:
        start = perf_counter()
        price = data["Close"]
        fast, slow = price.rolling(20).mean(), price.rolling(80).mean()
        portfolio = vbt.Portfolio.from_signals(
            price, fast > slow, fast < slow, sl_stop=0.02, size=1, init_cash=1e6, freq="min"
        )
        rerun.append(perf_counter() - start)
        return portfolio

    history = pd.concat({"Close": close.iloc[:bars]}, axis=1, names=[None, "symbol"])
    runner = LiveRunner(
        strategy, None, sim2live.connect("record", strategy="bench"), history=history
    )
    runner.prime()
    rerun.clear()
    added = []
    for moment, row in close.iloc[bars:].iterrows():
        group = {name: Bar(int(moment.value), p, p, p, p) for name, p in row.items()}
        whole = seconds(lambda group=group: runner.step(group))
        added.append(whole - rerun[-1])
    return {
        "rerun, ms": 1000 * statistics.median(rerun),
        "added by the live step, ms": 1000 * statistics.median(added),
    }


GOALS = {
    "frame to file / raw write": "at most 8",
    "whole export / raw write": "at most 16",
    "naive loop / whole export": "at least 20",
    "memory added by export / file": "below 6",
    "added by the live step, ms": "at most 10",
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    warnings.filterwarnings("ignore", module="vectorbt")
    with tempfile.TemporaryDirectory() as folder:
        figures = export(options.orders, Path(folder))
    figures |= live_step()
    table = Table("vectorbt", "measured", "goal")
    for name, value in figures.items():
        table.add_row(name, f"{value:,.2f}", GOALS.get(name, ""))
    Console().print(table)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
