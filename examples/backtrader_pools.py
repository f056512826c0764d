"""Several strategies at once, each in a thread of its own, each to a pool of its own.

python examples/backtrader_pools.py

They share one gate: one journal, one ledger, one connection.
"""

import threading
from pathlib import Path

import backtrader as bt
from ma_cross import MaCross

import sim2live
from sim2live.backtrader import MirrorBroker

PRICES = Path(__file__).parent / "data" / "sp500_daily.csv"
POOLS = {"fast": "pool-a", "slow": "pool-b", "third": "pool-c"}


def trade(dispatcher):
    cerebro = bt.Cerebro(stdstats=False)
    feed = bt.feeds.GenericCSVData(dataname=str(PRICES), dtformat="%Y-%m-%d", openinterest=-1)
    cerebro.adddata(feed, name="SP500")
    cerebro.addstrategy(MaCross)
    cerebro.setbroker(
        MirrorBroker(dispatcher, instruments={"SP500": "SIM:SP500"}, bracket="emulated")
    )
    cerebro.run()


if __name__ == "__main__":
    with sim2live.connect("paper") as first:
        handles = {
            name: first.bind(strategy=name, workflow=workflow) for name, workflow in POOLS.items()
        }
        threads = [threading.Thread(target=trade, args=(each,)) for each in handles.values()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for name, handle in handles.items():
            print(f"{name:6} {handle.workflow}: {handle.summary()}")
