"""A strategy that trades by the calendar: in on Mondays, out on Fridays.

    python examples/backtrader_schedule.py

The timer is Backtrader's own; each of its orders is one signal, at the bar of the decision.
"""

from pathlib import Path

import backtrader as bt

import sim2live
from sim2live.backtrader import MirrorBroker

PRICES = Path(__file__).parent / "data" / "sp500_daily.csv"


class WeekInTheMarket(bt.Strategy):
    def __init__(self):
        self.add_timer(when=bt.Timer.SESSION_START, weekdays=[1], weekcarry=True, day="in")
        self.add_timer(when=bt.Timer.SESSION_START, weekdays=[5], weekcarry=True, day="out")

    def notify_timer(self, timer, when, *args, **kwargs):
        if kwargs["day"] == "in" and not self.position:
            self.buy(size=1)
        elif kwargs["day"] == "out" and self.position:
            self.close()


if __name__ == "__main__":
    with sim2live.connect("record") as dispatcher:
        cerebro = bt.Cerebro(stdstats=False)
        feed = bt.feeds.GenericCSVData(dataname=str(PRICES), dtformat="%Y-%m-%d", openinterest=-1)
        cerebro.adddata(feed, name="SP500")
        cerebro.addstrategy(WeekInTheMarket)
        cerebro.setbroker(MirrorBroker(dispatcher, instruments={"SP500": "SIM:SP500"}))
        cerebro.run()
        for signal in dispatcher.venue.signals[:4]:
            print(signal.open_close, signal.side, signal.qty, signal.instrument)
        print(f"{len(dispatcher.venue.signals)} signals")
