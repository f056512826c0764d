"""Prices, an idea, and its portfolio."""

import pandas as pd
import vectorbt as vbt

from sim2live.market.bars import Bar, BarQueue

data = pd.read_csv("examples/data/eurusd_hourly.csv", index_col="Time", parse_dates=True).head(300)
close = data["Close"].rename("EURUSD")


def strategy(frame, column="EURUSD"):
    prices = frame["Close"].rename(column)
    fast, slow = vbt.MA.run(prices, 12), vbt.MA.run(prices, 48)
    return vbt.Portfolio.from_signals(
        prices, fast.ma_crossed_above(slow), fast.ma_crossed_below(slow),
        direction="both", size=1, init_cash=10_000, freq="h",
    )  # fmt: skip


entries = close > close.rolling(48).mean()
exits = ~entries
fast = close.vbt.tile(1, keys=pd.Index([12], name="fast_window"))
portfolio = vbt.Portfolio.from_signals(
    fast, fast > fast.rolling(48).mean(), fast < fast.rolling(48).mean(), size=100, freq="h"
)

history = data.iloc[:-2]
bars = BarQueue()
for moment, row in data.iloc[-2:].iterrows():
    time = int((moment + pd.Timedelta(hours=1)).as_unit("ns").value)
    bars.push(Bar(time, row.Open, row.High, row.Low, row.Close, row.Volume))
bars.close()
