"""A scikit-learn model decides: trained on the first years, trading the rest.

pip install scikit-learn
python examples/backtrader_sklearn.py
"""

from pathlib import Path

import backtrader as bt
import numpy as np
from sklearn.linear_model import LogisticRegression

import sim2live
from sim2live.backtrader import MirrorBroker

PRICES = Path(__file__).parent / "data" / "sp500_daily.csv"
LAGS, TRAINING = 5, 500


class Learned(bt.Strategy):
    """Long while the model expects a rise, flat otherwise."""

    def __init__(self):
        self.model = LogisticRegression()
        self.trained = False

    def returns(self, count):
        closes = np.array(self.data.close.get(size=count + 1))
        return np.diff(closes) / closes[:-1]

    def next(self):
        if len(self) < TRAINING + LAGS + 1:
            return
        if not self.trained:
            past = self.returns(TRAINING + LAGS)
            features = np.lib.stride_tricks.sliding_window_view(past[:-1], LAGS)
            self.model.fit(features, past[LAGS:] > 0)
            self.trained = True
        rises = self.model.predict_proba(self.returns(LAGS).reshape(1, -1))[0, 1] > 0.5
        self.order_target_size(target=int(rises))


if __name__ == "__main__":
    with sim2live.connect("paper") as dispatcher:
        cerebro = bt.Cerebro(stdstats=False)
        feed = bt.feeds.GenericCSVData(dataname=str(PRICES), dtformat="%Y-%m-%d", openinterest=-1)
        cerebro.adddata(feed, name="SP500")
        cerebro.addstrategy(Learned)
        cerebro.setbroker(MirrorBroker(dispatcher, instruments={"SP500": "SIM:SP500"}))
        cerebro.run()
        print("decisions at the gate:", dispatcher.summary())
