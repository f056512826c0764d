"""From backtest to paper to live, by one line and one word of the environment.

    python examples/backtrader_switch.py                       # paper, in this process
    SIM2LIVE_MODE=sim python examples/backtrader_switch.py     # Backtrader's own broker
    SIM2LIVE_MODE=live SIM2LIVE_TARGET=http://127.0.0.1:8080 \
        SIM2LIVE_WORKFLOW=python-test python examples/backtrader_switch.py

The last one follows whatever listens there: a `sim2live gateway`, or EvalItUp with real accounts.
"""

from pathlib import Path

import backtrader as bt
from ma_cross import MaCross

import sim2live.backtrader

PRICES = Path(__file__).parent / "data" / "sp500_daily.csv"

if __name__ == "__main__":
    cerebro = bt.Cerebro()
    feed = bt.feeds.GenericCSVData(dataname=str(PRICES), dtformat="%Y-%m-%d", openinterest=-1)
    cerebro.adddata(feed, name="SP500")
    cerebro.addstrategy(MaCross)

    # The one line. The strategy closes on its own, so its bracket rests in the simulator.
    cerebro.setbroker(
        sim2live.backtrader.broker(instruments={"SP500": "SIM:SP500"}, bracket="emulated")
    )

    cerebro.broker.setcash(50_000)
    cerebro.run()
    print(f"Equity at the end: {cerebro.broker.getvalue():,.2f}")
