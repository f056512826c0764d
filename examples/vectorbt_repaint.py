"""Which of two indicators may trade? One only knows the past, the other looks ahead.

python examples/vectorbt_repaint.py
"""

from __future__ import annotations

import pandas as pd
import vectorbt as vbt
from vectorbt_ma_cross import load

from sim2live.vectorbt import check_repaint, check_window


def _against(close: pd.Series, mean: pd.Series) -> vbt.Portfolio:
    return vbt.Portfolio.from_signals(
        close, close < mean, close > mean, size=1, init_cash=10_000, freq="h"
    )


def honest(data: pd.DataFrame) -> vbt.Portfolio:
    """The mean of the last 24 bars."""
    return _against(data["Close"], data["Close"].rolling(24).mean())


def looks_ahead(data: pd.DataFrame) -> vbt.Portfolio:
    """The mean of 12 bars before and 12 after: a wonderful backtest."""
    return _against(data["Close"], data["Close"].rolling(25, center=True, min_periods=1).mean())


def main(prefixes: int = 60) -> None:
    data = load().tail(1000)
    for strategy in (honest, looks_ahead):
        print(strategy.__name__, check_repaint(strategy, data, prefixes=prefixes))
    print(check_window(honest, data, windows=[12, 25, 50, 100], last=50).frame)


if __name__ == "__main__":
    main()
