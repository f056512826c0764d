"""Prices, an idea, and its portfolio."""

import pandas as pd
import vectorbt as vbt

from sim2live.market.bars import Bar, BarQueue

data = pd.read_csv("examples/data/eurusd_hourly.csv", index_col="Time", parse_dates=True).head(90)
close = data["Close"].rename("EURUSD")


def strategy(bars):
    prices = bars["Close"].rename("EURUSD")
    up = prices > prices.rolling(12).mean()
    return vbt.Portfolio.from_signals(prices, up, ~up, size=1, init_cash=100, freq="h")


entries = close > close.rolling(12).mean()
exits = ~entries
names = pd.MultiIndex.from_tuples([(12, "EURUSD")], names=["fast_window", "symbol"])
wide, rising = (one.to_frame().set_axis(names, axis=1) for one in (close, entries))
portfolio = vbt.Portfolio.from_signals(wide, rising, ~rising, size=100, init_cash=1000, freq="h")

history = data.iloc[:-2]
bars = BarQueue()
for moment, row in data.iloc[-2:].iterrows():
    time = int((moment + pd.Timedelta(hours=1)).as_unit("ns").value)
    bars.push(Bar(time, row.Open, row.High, row.Low, row.Close, row.Volume))
bars.close()
