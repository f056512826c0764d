"""Prices come in, pandas looks at them, a signal goes out.

    python examples/realtime_pandas.py                  # paper, in this process

Bars are pushed from another thread, as the callback of a WebSocket would do it. The rule: sell
what is two deviations above the mean of two days, buy what is two below, leave at the mean.
"""

from __future__ import annotations

import threading
from pathlib import Path

import pandas as pd

import sim2live
from sim2live.market.bars import Bar, BarQueue, CsvBars

PRICES = Path(__file__).parent / "data" / "eurusd_hourly.csv"
EURUSD = sim2live.Instrument("CME", "M6EZ6")
WINDOW = 48


def wanted(closes: pd.Series, held: int) -> int:
    """The position for the last close."""
    window = closes.iloc[-WINDOW:]
    score = (window.iloc[-1] - window.mean()) / window.std()
    if score > 2:
        return -1
    if score < -2:
        return 1
    return 0 if held * score > 0 else held


def feed(queue: BarQueue, bars: list[Bar]) -> None:
    """Push each bar when it closes; here, at once."""
    for bar in bars:
        queue.push(bar)
    queue.close()


def main(hours: int = 500) -> sim2live.Dispatcher:
    bars = list(CsvBars(PRICES, stamp="start", interval=3600))[:hours]
    queue = BarQueue()
    pushing = threading.Thread(target=feed, args=(queue, bars))
    pushing.start()
    closes = pd.Series(dtype=float)
    held = 0
    with sim2live.connect(strategy="mean-reversion", run="example") as dispatcher:
        for bar in queue:
            dispatcher.on_bar(EURUSD, bar)
            closes.loc[pd.Timestamp(bar.time, tz="UTC")] = bar.close
            if len(closes) < WINDOW:
                continue
            target = wanted(closes, held)
            receipt = dispatcher.follow(EURUSD, target, data="EURUSD", nth=0, decided_at=bar.time)
            held = receipt.granted
            for signal in receipt.signals:
                print(closes.index[-1], signal.side, signal.qty, f"{bar.close:.5f}", receipt.status)
        print(dispatcher.summary())
    pushing.join()
    return dispatcher


if __name__ == "__main__":
    main()
