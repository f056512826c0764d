"""A moving-average cross on hourly EUR/USD, exported as M6E signals.

python examples/vectorbt_ma_cross.py [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import vectorbt as vbt

from sim2live.vectorbt import SignalExporter, read_signals

PRICES = Path(__file__).parent / "data" / "eurusd_hourly.csv"


def load() -> pd.DataFrame:
    """Hourly bars, stamped at their start, UTC."""
    return pd.read_csv(PRICES, index_col="Time", parse_dates=True)


def strategy(data: pd.DataFrame) -> vbt.Portfolio:
    """Long one contract while the fast mean is above the slow one, short below."""
    fast = vbt.MA.run(data["Close"], 24)
    slow = vbt.MA.run(data["Close"], 96)
    return vbt.Portfolio.from_signals(
        data["Close"],
        fast.ma_crossed_above(slow),
        fast.ma_crossed_below(slow),
        direction="both",
        size=1,
        init_cash=10_000,
        freq="h",
    )


def main(folder: Path) -> SignalExporter:
    exporter = SignalExporter(
        strategy(load()), instruments=lambda _: "CME:M6EZ6", workflow="ma-cross"
    )
    print(exporter.plan())
    print(exporter.frame().tail())
    path = exporter.to_jsonl(folder / "ma_cross.jsonl")
    print(f"{path}: {sum(1 for _ in read_signals(path))} signals")
    return exporter


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
