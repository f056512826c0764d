"""Many pairs of windows, on every core or on a Ray cluster; the best one becomes signals.

python examples/sweep_vectorbt.py [local|ray]

Killed and started again, it goes on where it was: the finished rows are in sweep.jsonl.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd
import vectorbt as vbt
from vectorbt_ma_cross import load

from sim2live import sweep


def cross(data: pd.DataFrame, fast: list[int], slow: list[int]) -> vbt.Portfolio:
    """One column for each pair: long one contract while the fast mean is above the slow one."""
    fast_mean = vbt.MA.run(data["Close"], fast, short_name="fast")
    slow_mean = vbt.MA.run(data["Close"], slow, short_name="slow")
    return vbt.Portfolio.from_orders(
        data["Close"],
        fast_mean.ma_above(slow_mean).astype(float),
        size_type="targetamount",
        init_cash=10_000,
        freq="h",
    )


def main(on: str = "local", keep: Path = Path("sweep.jsonl"), **options: Any) -> sweep.GridSweep:
    grid = {"fast": range(4, 24, 4), "slow": range(30, 90, 10)}
    found = sweep.grid(cross, grid, load().tail(2_000), on, call="chunk", keep=keep, **options)
    print(found.best(3, by="sharpe_ratio"))
    print(found.check(2, by="sharpe_ratio", prefixes=10)[["fast", "slow", "ok"]])
    best = found.best(1, by="sharpe_ratio").iloc[0]
    exporter = found.exporter(best, instruments=lambda _: "CME:M6EZ6", workflow="best-cross")
    print(exporter.frame().tail(3))
    return found


if __name__ == "__main__":
    main(*sys.argv[1:2])
