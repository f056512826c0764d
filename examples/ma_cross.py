"""A plain Backtrader strategy: long or short with the faster moving average, always protected.

Nothing in it knows of sim2live. The same class runs in a backtest, on paper and live.
"""

import backtrader as bt


class MaCross(bt.Strategy):
    params = (("fast", 10), ("slow", 20), ("stop", 0.02), ("target", 0.12))

    def __init__(self):
        fast = bt.ind.SMA(period=self.p.fast)
        slow = bt.ind.SMA(period=self.p.slow)
        self.cross = bt.ind.CrossOver(fast, slow)
        self.bracket = []

    def next(self):
        if not self.cross:
            return
        if self.position:
            for leg in self.bracket[1:]:
                self.cancel(leg)
            self.close()
        up = self.cross > 0
        price, sign = self.data.close[0], 1 if up else -1
        enter = self.buy_bracket if up else self.sell_bracket
        self.bracket = enter(
            exectype=bt.Order.Market,
            stopprice=price * (1 - sign * self.p.stop),
            limitprice=price * (1 + sign * self.p.target),
        )
