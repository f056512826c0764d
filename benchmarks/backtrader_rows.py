"""What does the mirror cost over Backtrader's own broker? Whole runs, some seconds each.

CPU time of the thread is taken, since the machine may be busy; the two sides of a row run in
turns. `bars`: SMA indicators and no orders. `orders`: an SMA cross on the recording venue, with
its journal in memory; the figure is the time by which each dispatched order makes a run longer,
beyond what the bars cost.
"""

from __future__ import annotations

import random
import statistics
from time import process_time
from typing import Any

import backtrader as bt

import sim2live
from sim2live.backtrader import MirrorBroker

BARS = 100_000


class Rows(bt.feeds.DataBase):
    """A random walk, made once."""

    params = (("rows", ()),)

    def start(self) -> None:
        super().start()
        self._rows = iter(self.p.rows)

    def _load(self) -> bool:
        row = next(self._rows, None)
        if row is None:
            return False
        lines = self.lines
        (lines.datetime[0], lines.open[0], lines.high[0], lines.low[0], lines.close[0]) = row
        lines.volume[0] = lines.openinterest[0] = 0.0
        return True


class Looks(bt.Strategy):
    def __init__(self) -> None:
        self.fast, self.slow = bt.ind.SMA(period=10), bt.ind.SMA(period=30)


class Crosses(Looks):
    def __init__(self) -> None:
        super().__init__()
        self.cross = bt.ind.CrossOver(self.fast, self.slow)

    def next(self) -> None:
        if self.cross[0] > 0:
            self.close()
            self.buy(size=1)
        elif self.cross[0] < 0:
            self.close()
            self.sell(size=1)


def walk(count: int) -> list[tuple[float, ...]]:
    draw, price, rows = random.Random(7), 100.0, []
    for n in range(count):
        opened, price = price, price + draw.gauss(0, 0.3)
        high, low = max(opened, price) + 0.1, min(opened, price) - 0.1
        rows.append((730_000.0 + n / 1440, opened, high, low, price))
    return rows


def seconds(strategy: Any, rows: list[Any], *, mirror: bool, live: bool) -> tuple[float, int]:
    """CPU seconds of one run, and how many signals went out."""
    cerebro = bt.Cerebro(stdstats=False, live=live)
    dispatcher = sim2live.connect("record") if mirror else None
    broker = bt.brokers.BackBroker() if dispatcher is None else MirrorBroker(dispatcher)
    cerebro.setbroker(broker)
    broker.set_cash(1e7)
    data = Rows(rows=rows, timeframe=bt.TimeFrame.Minutes)
    cerebro.adddata(data, name="one")
    cerebro.addstrategy(strategy)
    start = process_time()
    cerebro.run()
    taken = process_time() - start
    sent = 0
    if dispatcher is not None:
        sent = len(dispatcher.venue.signals)  # type: ignore[attr-defined]
        dispatcher.close()
    return taken, sent


def measure(rounds: int, bars: int = BARS) -> list[dict[str, object]]:
    """The rows of the table, in alternation."""
    rows = walk(bars)
    lines: list[dict[str, object]] = []
    for live in (False, True):
        mode = "live" if live else "runonce"
        extra = 0.0
        for strategy, what in ((Looks, "bars"), (Crosses, "orders")):
            ratios, each = [], []
            for n in range(rounds):
                order = (True, False) if n % 2 else (False, True)
                taken = {m: seconds(strategy, rows, mirror=m, live=live) for m in order}
                ours, bound, sent = taken[True][0], taken[False][0], taken[True][1]
                ratios.append(ours / bound)
                each.append((ours - bound - extra) * 1e6 / max(sent, 1))
            line: dict[str, object] = {
                "name": f"mirror, {mode}, {what}",
                "ratio": statistics.median(ratios),
                "lowest": min(ratios),
                "highest": max(ratios),
            }
            if what == "bars":
                extra = statistics.median(each) / 1e6
            else:
                line["us_each"] = statistics.median(each)
            lines.append(line)
    return lines


if __name__ == "__main__":
    for line in measure(3):
        print(line)
