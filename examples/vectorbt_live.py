"""The same function live: each closed bar runs it again, and the venue follows.

Bars are pushed from another thread here, as a feed would do it; the venue is paper, in process.

python examples/vectorbt_live.py
"""

from __future__ import annotations

import threading

import pandas as pd
from vectorbt_ma_cross import load, strategy

import sim2live
from sim2live.market.bars import Bar, BarQueue
from sim2live.vectorbt import LiveRunner

HOUR = pd.Timedelta(hours=1)


def feed(bars: pd.DataFrame, queue: BarQueue) -> None:
    """Push each bar at the moment it closes: here, at once."""
    for row in bars.itertuples():
        closes = int((row.Index + HOUR).as_unit("ns").value)
        queue.push(Bar(closes, row.Open, row.High, row.Low, row.Close, row.Volume))
    queue.close()


def main(history: int = 2000, live: int = 200) -> sim2live.Dispatcher:
    data = load()
    queue = BarQueue()
    dispatcher = sim2live.connect("paper", strategy="ma-cross", run="example")
    runner = LiveRunner(
        strategy,
        queue,
        dispatcher,
        history=data.iloc[:history],
        instruments=lambda _: "CME:M6EZ6",
        stamp="start",
        interval=3600,
    )
    pushing = threading.Thread(target=feed, args=(data.iloc[history : history + live], queue))
    pushing.start()
    for step in runner.run():
        for name, receipt in step.receipts.items():
            for signal in receipt.signals:
                print(f"{name}: {signal.side} {signal.qty} {signal.open_close} {receipt.status}")
    pushing.join()
    print(dispatcher.summary())
    return dispatcher


if __name__ == "__main__":
    main()
