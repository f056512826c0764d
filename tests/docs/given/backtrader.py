"""A cerebro with prices and a strategy."""

import backtrader as bt
from ma_cross import MaCross

import sim2live.backtrader

cerebro = bt.Cerebro()
prices = bt.feeds.GenericCSVData(
    dataname="examples/data/sp500_daily.csv",
    dtformat="%Y-%m-%d",
    openinterest=-1,
    fromdate=bt.datetime.datetime(2017, 6, 1),
)
cerebro.adddata(prices, name="MES")
cerebro.addstrategy(MaCross)
cerebro.broker.setcash(100_000)
