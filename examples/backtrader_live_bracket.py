"""A bracket strategy on bars that are pushed one by one, as a websocket would.

    python examples/backtrader_live_bracket.py

Entry, stop and target go to the venue as one signal, so the stop lives there.
"""

import math
import threading
import time

import backtrader as bt

import sim2live
from sim2live.backtrader import BarFeed, MirrorBroker
from sim2live.market.bars import Bar, BarQueue


class Breakout(bt.Strategy):
    """Buys a new high of ten bars; leaves by its stop or its target."""

    def __init__(self):
        self.highest = bt.ind.Highest(self.data.high(-1), period=10)

    def next(self):
        close = self.data.close[0]
        if not self.position and close > self.highest[0]:
            self.buy_bracket(
                size=1, exectype=bt.Order.Market, stopprice=close - 4, limitprice=close + 8
            )

    def notify_trade(self, trade):
        if trade.isclosed:
            print(f"{self.data.num2date():%H:%M}  trade closed, {trade.pnl:+.2f} points")


def push(bars, count=400):
    """Stands for the websocket: its own thread, one bar after the other."""
    start, close = time.time_ns() - count * 60_000_000_000, 5070.0
    for n in range(count):
        opened, close = close, 5070.0 + 20 * math.sin(n / 15) + (n * 7919 % 13) / 4
        high, low = max(opened, close) + 0.5, min(opened, close) - 0.5
        bars.push(Bar(start + n * 60_000_000_000, opened, high, low, close, 100.0))
    bars.close()


if __name__ == "__main__":
    bars = BarQueue()
    threading.Thread(target=push, args=(bars,), daemon=True).start()
    with sim2live.connect("paper") as dispatcher:
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.setbroker(MirrorBroker(dispatcher, instruments={"MES": "CME:MESZ6"}))
        cerebro.adddata(BarFeed(source=bars, timeframe=bt.TimeFrame.Minutes), name="MES")
        cerebro.addstrategy(Breakout)
        cerebro.run()
        print("decisions at the gate:", dispatcher.summary())
