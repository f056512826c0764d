"""Rows of a pandas frame, pushed like messages of a websocket, behind a history of the same.

    python examples/backtrader_pandas_stream.py

What happens in the history is not sent on a real venue; here, on paper, it is a rehearsal.
"""

import threading
from pathlib import Path

import backtrader as bt
import pandas as pd
from ma_cross import MaCross

import sim2live
from sim2live.backtrader import BarFeed, MirrorBroker
from sim2live.market.bars import Bar, BarQueue

PRICES = Path(__file__).parent / "data" / "sp500_daily.csv"


def bars_of(frame):
    for day, row in frame.iterrows():
        closes = day.tz_localize("America/New_York") + pd.Timedelta(hours=16)
        yield Bar(closes.value, *map(float, row[["Open", "High", "Low", "Close", "Volume"]]))


class Loud(MaCross):
    def notify_data(self, data, status, *args, **kwargs):
        print(f"{data._name} is {data._getstatusname(status)}")


if __name__ == "__main__":
    frame = pd.read_csv(PRICES, index_col=0, parse_dates=True)
    frame.columns = [name.capitalize() for name in frame.columns]
    history, today = frame.iloc[:-250], frame.iloc[-250:]
    stream = BarQueue()

    def receive():
        for bar in bars_of(today):
            stream.push(bar)
        stream.close()

    threading.Thread(target=receive, daemon=True).start()
    with sim2live.connect("paper") as dispatcher:
        cerebro = bt.Cerebro(stdstats=False)
        feed = BarFeed(source=stream, backfill=bars_of(history), timeframe=bt.TimeFrame.Days)
        cerebro.adddata(feed, name="SP500")
        cerebro.addstrategy(Loud)
        broker = MirrorBroker(dispatcher, instruments={"SP500": "SIM:SP500"}, bracket="emulated")
        cerebro.setbroker(broker)
        cerebro.run()
        print("decisions at the gate:", dispatcher.summary())
