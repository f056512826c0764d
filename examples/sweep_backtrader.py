"""One strategy with many parameters, on every core; the best one is followed on paper.

python examples/sweep_backtrader.py
"""

from functools import cache
from pathlib import Path

import backtrader as bt
import pandas as pd
from ma_cross import MaCross

import sim2live
from sim2live import sweep

PRICES = Path(__file__).parent / "data" / "sp500_daily.csv"
TRADED = {"SP500": "SIM:SP500"}


@cache
def prices():
    """Read once in each worker."""
    names = ["open", "high", "low", "close", "volume"]
    return pd.read_csv(PRICES, index_col=0, parse_dates=True, names=["date", *names], header=0)


def simulation():
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=prices().tail(800)), name="SP500")
    # Backtrader's own broker, and a point is worth what it is worth at the venue.
    cerebro.setbroker(sim2live.backtrader.broker(mode="sim", instruments=TRADED))
    return cerebro


def main(**options):
    grid = {"fast": [5, 10, 20], "slow": [40, 80]}
    found = sweep.cerebro(MaCross, grid, simulation, **options)
    print(found.best(3))
    print(found.check(1, cuts=5)[["fast", "slow", "ok"]])
    with sim2live.connect("paper", strategy="best") as dispatcher:
        best = found.best(1).iloc[0]
        cerebro = found.mirror(best, dispatcher, instruments=TRADED, bracket="emulated")
        cerebro.run()
        print(dispatcher.summary())
    return found, cerebro


if __name__ == "__main__":
    main()
