"""The corpus: small strategies that each use one part of Backtrader's broker.

A `Case` is a strategy with everything it needs. `CASES` grows; every case is run on the stock
broker and mirrored, in every run mode.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
from collections.abc import Callable
from typing import Any

import backtrader as bt
from tests.backtrader.fakes import Rows, walk


class Spied(bt.Strategy):
    """Writes down everything that Backtrader tells a strategy, refs renumbered from 0."""

    def __init__(self) -> None:
        self.log: list[tuple[Any, ...]] = []
        self._refs: dict[int, int] = {}
        self._trades_seen: dict[int, int] = {}
        self.setup()

    def setup(self) -> None:
        """Indicators."""

    def decide(self) -> None:
        """What `next` is elsewhere."""

    def _ref(self, order: Any) -> int:
        return self._refs.setdefault(order.ref, len(self._refs))

    def notify_order(self, order: Any) -> None:
        bits = [
            (b.dt, b.size, b.price, b.closed, b.opened, b.pnl, b.comm, b.psize, b.pprice)
            for b in order.executed.iterpending()
        ]
        self.log.append(
            (
                "order",
                self._ref(order),
                order.getstatusname(),
                order.getordername(),
                order.ordtypename(),
                order.size,
                order.created.price,
                order.created.pricelimit,
                order.executed.dt,
                order.executed.size,
                order.executed.price,
                order.executed.remsize,
                order.executed.comm,
                order.executed.pnl,
                bits,
            )
        )
        self.on_order(order)

    def on_order(self, order: Any) -> None:
        """What `notify_order` is elsewhere."""

    def notify_trade(self, trade: Any) -> None:
        ref = self._trades_seen.setdefault(trade.ref, len(self._trades_seen))
        self.log.append(
            (
                "trade",
                ref,
                trade.status,
                trade.size,
                trade.price,
                trade.pnl,
                trade.pnlcomm,
                trade.barlen,
                trade.tradeid,
                trade.justopened,
                trade.isclosed,
            )
        )

    def notify_cashvalue(self, cash: float, value: float) -> None:
        self.log.append(("cash", cash, value))

    def notify_fund(self, cash: float, value: float, fundvalue: float, shares: float) -> None:
        self.log.append(("fund", fundvalue, shares))

    def _bar(self) -> None:
        held = [
            (p.size, p.price)
            for p in (self.broker.positions.get(d) or bt.Position() for d in self.datas)
        ]
        self.log.append(("bar", len(self), self.datetime[0], held, self.broker.get_leverage()))

    def prenext(self) -> None:
        self._bar()

    def next(self) -> None:
        self._bar()
        self.decide()

    @property
    def size(self) -> float:
        return self.position.size


def two_datas(cerebro: bt.Cerebro, idle: int) -> None:
    cerebro.adddata(Rows(rows=walk(1, 105), idle=idle), name="one")
    cerebro.adddata(Rows(rows=walk(2, 105), idle=idle), name="two")


def one_data(cerebro: bt.Cerebro, idle: int) -> None:
    cerebro.adddata(Rows(rows=walk(1, 112), idle=idle), name="one")


def minutes(cerebro: bt.Cerebro, idle: int) -> None:
    rows = walk(3, 200, step=dt.timedelta(minutes=15))
    cerebro.adddata(
        Rows(rows=rows, idle=idle, timeframe=bt.TimeFrame.Minutes, compression=15), name="min"
    )


@dataclasses.dataclass(frozen=True, eq=False)
class Case:
    """One strategy with its datas, its broker and its cerebro."""

    strategy: type[Spied]
    feed: Callable[[bt.Cerebro, int], None] = one_data
    cash: float = 100_000.0
    broker: dict[str, Any] = dataclasses.field(default_factory=dict)
    prepare: Callable[[bt.Cerebro], None] = lambda cerebro: None
    cerebro: dict[str, Any] = dataclasses.field(default_factory=dict)
    params: dict[str, Any] = dataclasses.field(default_factory=dict)
    modes: tuple[str, ...] = ("once", "next", "live", "idle")
    name: str = ""

    def __str__(self) -> str:
        return self.name or self.strategy.__name__


class Cross(Spied):
    """A moving-average cross that turns from long to short: every order a flip."""

    def setup(self) -> None:
        self.cross = bt.ind.CrossOver(bt.ind.SMA(period=4), bt.ind.SMA(period=11))

    def decide(self) -> None:
        if self.cross > 0:
            self.buy(size=2 if self.size < 0 else 1)
        elif self.cross < 0:
            self.sell(size=2 if self.size > 0 else 1)


class InAndOut(Spied):
    """Enters and closes by `close`, longs and shorts."""

    def decide(self) -> None:
        n = len(self) % 7
        if n == 1:
            self.buy(size=3)
        elif n == 4:
            self.sell(size=5)
        elif n == 6:
            self.close()


class Twice(Spied):
    """Several calls within one bar, some against one another."""

    def decide(self) -> None:
        n = len(self) % 6
        if n == 0:
            self.buy(size=1)
            self.buy(size=2)
        elif n == 2:
            self.sell(size=1)
            self.buy(size=1)
            self.sell(size=1)
        elif n == 4:
            self.close()
            self.sell(size=2)
        elif n == 5:
            self.close()


class TargetSizes(Spied):
    """`order_target_size`, `order_target_value` in whole units."""

    def decide(self) -> None:
        self.order_target_size(target=(len(self) * 7) % 11 - 5)


class LimitsAndStops(Spied):
    """Limit entries, stop entries, stop-limit entries; cancelled when they grow old."""

    def setup(self) -> None:
        self.working: list[Any] = []

    def decide(self) -> None:
        close = self.data.close[0]
        n = len(self) % 10
        if n == 0:
            for order in self.working:
                self.cancel(order)
            self.working = []
        elif n == 1:
            self.working.append(self.buy(size=2, exectype=bt.Order.Limit, price=close - 1.0))
            self.working.append(self.sell(size=1, exectype=bt.Order.Stop, price=close - 1.5))
        elif n == 3:
            self.working.append(
                self.buy(size=1, exectype=bt.Order.StopLimit, price=close + 0.5, plimit=close + 1.0)
            )
        elif n == 5:
            self.working.append(self.sell(size=3, exectype=bt.Order.Limit, price=close + 1.0))
        elif n == 8 and self.size:
            self.close()


class Trailing(Spied):
    """Trailing stops and trailing stop-limits as the only way out."""

    def setup(self) -> None:
        self.exit: Any = None

    def decide(self) -> None:
        if not self.size and (self.exit is None or not self.exit.alive()):
            self.buy(size=2)
            self.exit = None
        elif self.size and self.exit is None:
            if len(self) % 2:
                self.exit = self.sell(size=2, exectype=bt.Order.StopTrail, trailamount=1.2)
            else:
                self.exit = self.sell(
                    size=2,
                    exectype=bt.Order.StopTrailLimit,
                    trailpercent=0.01,
                    plimit=self.data.close[0] - 3.0,
                )
        elif self.size and len(self) % 23 == 0:
            self.cancel(self.exit)
            self.close()


class BuyBracket(Spied):
    """`buy_bracket` and `sell_bracket` with a market entry."""

    params = (("market", True),)

    def decide(self) -> None:
        if self.size or len(self) % 5:
            return
        close = self.data.close[0]
        kind = bt.Order.Market if self.p.market else bt.Order.Limit
        if len(self) % 2:
            self.buy_bracket(
                size=2,
                exectype=kind,
                price=close - 0.3,
                stopprice=close - 2,
                limitprice=close + 2,
                valid=None,
            )
        else:
            self.sell_bracket(
                size=2,
                exectype=kind,
                price=close + 0.3,
                stopprice=close + 2,
                limitprice=close - 2,
                valid=None,
            )


class OneLeg(Spied):
    """Brackets of one leg only, and a strategy that sometimes leaves by itself."""

    def setup(self) -> None:
        self.legs: list[Any] = []

    def decide(self) -> None:
        close = self.data.close[0]
        n = len(self) % 12
        if n == 2 and not self.size:
            self.legs = self.buy_bracket(
                size=1, exectype=bt.Order.Market, stopprice=close - 1.5, limitexec=None
            )
        elif n == 7 and not self.size:
            self.legs = self.sell_bracket(
                size=1, exectype=bt.Order.Market, limitprice=close - 1.5, stopexec=None
            )
        elif n in (6, 11):
            for leg in self.legs:
                if leg is not None:
                    self.cancel(leg)
            self.close()


class ManualChildren(Spied):
    """Parent and children by hand, a trailing child among them, and a market child."""

    def decide(self) -> None:
        if self.size or len(self) % 9:
            return
        close = self.data.close[0]
        parent = self.buy(size=3, transmit=False)
        self.sell(size=3, parent=parent, exectype=bt.Order.StopTrail, trailamount=2, transmit=False)
        if len(self) % 2:
            self.sell(size=3, parent=parent, exectype=bt.Order.Limit, price=close + 3)
        else:
            self.sell(size=3, parent=parent)


class LateChild(Spied):
    """A child that comes after its parent was transmitted: stock sends the parent again."""

    def decide(self) -> None:
        if not self.size and len(self) % 8 == 0:
            parent = self.buy(size=1, exectype=bt.Order.Limit, price=self.data.close[0] - 0.2)
            self.sell(size=1, parent=parent, exectype=bt.Order.Stop, price=self.data.close[0] - 2.0)
        elif self.size and len(self) % 8 == 5:
            self.close()


class Oco(Spied):
    """Groups of which the first to be filled cancels the others."""

    def decide(self) -> None:
        close = self.data.close[0]
        if len(self) % 6 == 0 and not self.size:
            first = self.buy(size=1, exectype=bt.Order.Limit, price=close - 0.8)
            self.sell(size=1, exectype=bt.Order.Limit, price=close + 0.8, oco=first)
            self.buy(size=2, exectype=bt.Order.Stop, price=close + 1.5, oco=first)
        elif len(self) % 6 == 5 and self.size:
            self.close()


class Expiring(Spied):
    """`valid` as a timedelta, as a date, as DAY and as 0."""

    def decide(self) -> None:
        close, n = self.data.close[0], len(self) % 8
        now = self.data.datetime.datetime(0)
        until = {
            0: dt.timedelta(days=3),
            2: now + dt.timedelta(days=2),
            4: bt.Order.DAY,
            6: 0,
        }
        if n in until:
            self.buy(size=1, exectype=bt.Order.Limit, price=close - 1.1, valid=until[n])
        elif n == 7 and self.size:
            self.close()


class CloseOrders(Spied):
    """Orders for the close of the session."""

    def decide(self) -> None:
        if len(self) % 40 == 0:
            self.buy(size=2, exectype=bt.Order.Close)
        elif len(self) % 40 == 30 and self.size:
            self.sell(size=self.size, exectype=bt.Order.Close)


class TooPoor(Spied):
    """Orders that the cash check refuses, alone and in brackets, and exits among them."""

    def decide(self) -> None:
        close, n = self.data.close[0], len(self) % 9
        if n == 0:
            self.buy(size=6)
            self.buy(size=6)
        elif n == 2:
            self.buy_bracket(
                size=9, exectype=bt.Order.Market, stopprice=close - 2, limitprice=close + 2
            )
        elif n == 4:
            self.sell(size=2)
        elif n == 6:
            self.close()
        elif n == 7:
            self.sell(size=30)
        elif n == 8 and self.size < 0:
            self.close()


class TwoDatas(Spied):
    """A pair, with a position in each data."""

    def setup(self) -> None:
        self.fast = [bt.ind.SMA(d, period=3) for d in self.datas]
        self.slow = [bt.ind.SMA(d, period=9) for d in self.datas]

    def decide(self) -> None:
        for i, data in enumerate(self.datas):
            held = self.getposition(data).size
            if self.fast[i][0] > self.slow[i][0] and held <= 0:
                self.buy(data=data, size=1 - held)
            elif self.fast[i][0] < self.slow[i][0] and held >= 0:
                self.sell(data=data, size=1 + held)


class FromNotices(Spied):
    """Orders placed inside `notify_order`, as many published scripts do."""

    def decide(self) -> None:
        if not self.size and len(self) % 6 == 0:
            self.buy(size=2)

    def on_order(self, order: Any) -> None:
        if order.status == order.Completed and order.isbuy():
            price = order.executed.price
            stop = self.sell(size=2, exectype=bt.Order.Stop, price=price - 1)
            self.sell(size=2, exectype=bt.Order.Limit, price=price + 1, oco=stop)


class NextOpen(Spied):
    """Cheat on open: decides on the open price of the bar that fills it."""

    def next_open(self) -> None:
        if len(self) % 5 == 0:
            if self.size:
                self.close()
            else:
                self.buy(size=int(2000 / self.data.open[0]))


class Fraction(Spied):
    """Sizes that are no whole number, as a percent sizer makes them."""

    def decide(self) -> None:
        if len(self) % 10 == 0:
            self.order_target_percent(target=0.6)
        elif len(self) % 10 == 5:
            self.order_target_percent(target=-0.3)


class Timed(Spied):
    """A timer decides, before the broker's turn and after it."""

    params = (("cheat", False),)

    def setup(self) -> None:
        self.add_timer(when=dt.time(0, 0), weekdays=[1, 3], cheat=self.p.cheat)

    def notify_timer(self, timer: Any, when: Any, *args: Any, **kwargs: Any) -> None:
        self.log.append(("timer", when))
        if self.size:
            self.close()
        else:
            self.buy(size=1)


class OnTheSlow(Spied):
    """Decides on the last data, trades the first, and sometimes the last itself."""

    def decide(self) -> None:
        slow = self.datas[-1]
        n = len(slow) % 5
        if n == 1 and not self.getposition(self.data0).size:
            self.buy(data=self.data0, size=2)
        elif n == 3:
            self.close(data=self.data0)
        elif n == 4 and not self.getposition(slow).size:
            self.sell(data=slow, size=1, exectype=bt.Order.Limit, price=slow.close[0] + 0.5)
        elif n == 0 and self.getposition(slow).size:
            self.close(data=slow)


class Compensating(Spied):
    """Two datas of one position: what is bought in one is sold in the other."""

    def setup(self) -> None:
        self.data1.compensate(self.data0)

    def decide(self) -> None:
        if len(self) % 6 == 2 and not self.getposition(self.data0).size:
            self.buy(data=self.data0, size=2)
        elif len(self) % 6 == 5 and self.getposition(self.data0).size:
            self.sell(data=self.data1, size=2)


class Pair(Spied):
    """Buys one leg and sells the other when their ratio has strayed."""

    def setup(self) -> None:
        self.ratio = self.data0.close / self.data1.close
        self.mean = bt.ind.SMA(self.ratio, period=8)

    def decide(self) -> None:
        away = self.ratio[0] - self.mean[0]
        held = self.getposition(self.data0).size
        if away > 0.01 and held >= 0:
            self.order_target_size(self.data0, -2)
            self.order_target_size(self.data1, 2)
        elif away < -0.01 and held <= 0:
            self.order_target_size(self.data0, 2)
            self.order_target_size(self.data1, -2)


class BySignal(Spied, bt.SignalStrategy):
    """What `cerebro.add_signal` runs: an indicator's sign is the position."""

    def setup(self) -> None:
        self.signal_add(bt.SIGNAL_LONGSHORT, self.data.close - bt.ind.SMA(period=7))


class Sized(Spied):
    """No size is given: the sizer decides."""

    def decide(self) -> None:
        n = len(self) % 9
        if n == 2:
            self.buy()
        elif n == 5:
            self.sell()
        elif n == 8:
            self.close()


def resampled(cerebro: bt.Cerebro, idle: int) -> None:
    data = Rows(rows=walk(3, 200, step=dt.timedelta(hours=6)), timeframe=bt.TimeFrame.Minutes)
    cerebro.adddata(data, name="fine")
    cerebro.resampledata(data, timeframe=bt.TimeFrame.Days, name="days")


def replayed(cerebro: bt.Cerebro, idle: int) -> None:
    data = Rows(rows=walk(3, 200, step=dt.timedelta(hours=6)), timeframe=bt.TimeFrame.Minutes)
    cerebro.replaydata(data, timeframe=bt.TimeFrame.Days, name="one")


def heikin(cerebro: bt.Cerebro, idle: int) -> None:
    data = Rows(rows=walk(1, 105), idle=idle)
    data.addfilter(bt.filters.HeikinAshi)
    cerebro.adddata(data, name="one")


def watched(cerebro: bt.Cerebro) -> None:
    for observer in (bt.observers.Broker, bt.observers.Trades, bt.observers.DrawDown):
        cerebro.addobserver(observer)
    for analyzer in (bt.analyzers.TradeAnalyzer, bt.analyzers.PositionsValue, bt.analyzers.SQN):
        cerebro.addanalyzer(analyzer)
    cerebro.addsizer(bt.sizers.FixedReverser, stake=3)


def by_percent(cerebro: bt.Cerebro) -> None:
    cerebro.addsizer(bt.sizers.PercentSizerInt, percents=20)


def written(cerebro: bt.Cerebro) -> None:
    cerebro.addwriter(bt.WriterFile, out=io.StringIO(), csv=True)


def capped(cerebro: bt.Cerebro) -> None:
    cerebro.broker.set_filler(bt.broker.fillers.FixedSize(size=1))


def pointwise(cerebro: bt.Cerebro) -> None:
    cerebro.broker.set_filler(bt.broker.fillers.BarPointPerc(minmov=0.1, perc=50))


def thin(cerebro: bt.Cerebro) -> None:
    cerebro.broker.set_filler(bt.broker.fillers.FixedBarPerc(perc=5))


def futures(cerebro: bt.Cerebro) -> None:
    cerebro.broker.setcommission(commission=2.0, margin=900.0, mult=5.0)


def slipping(cerebro: bt.Cerebro) -> None:
    cerebro.broker.set_slippage_perc(0.002)


def interest(cerebro: bt.Cerebro) -> None:
    cerebro.broker.setcommission(commission=0.001, interest=0.1, interest_long=True)


def history(cerebro: bt.Cerebro) -> None:
    orders = [("2024-02-01", 5, 101.0), ("2024-03-01", -8, 99.0), ("2024-04-02", 3, 100.0)]
    cerebro.add_order_history(orders, notify=True)


CASES = (
    Case(Cross),
    Case(Cross, name="CrossFutures", prepare=futures),
    Case(Cross, name="CrossSlippage", prepare=slipping),
    Case(Cross, name="CrossOnClose", broker={"coc": True}),
    Case(Cross, name="CrossUnchecked", broker={"checksubmit": False}),
    Case(Cross, name="CrossPoor", cash=104.0),
    Case(Cross, name="CrossThin", prepare=thin),
    Case(InAndOut),
    Case(InAndOut, name="InAndOutInterest", prepare=interest),
    Case(InAndOut, name="InAndOutFund", broker={"fundmode": True, "fundstartval": 10.0}),
    Case(InAndOut, name="InAndOutThin", prepare=thin),
    Case(InAndOut, name="InAndOutNoShortCash", broker={"shortcash": False}),
    Case(Twice),
    Case(TargetSizes),
    Case(LimitsAndStops),
    Case(LimitsAndStops, name="LimitsAndStopsThin", prepare=thin),
    Case(LimitsAndStops, name="LimitsAndStopsPoor", cash=150.0),
    Case(Trailing),
    Case(BuyBracket),
    Case(BuyBracket, name="LimitBracket", params={"market": False}),
    Case(BuyBracket, name="ThinBracket", prepare=thin),
    Case(BuyBracket, name="PoorBracket", cash=210.0),
    Case(OneLeg),
    Case(ManualChildren),
    Case(LateChild),
    Case(Oco),
    Case(Expiring),
    Case(CloseOrders, feed=minutes),
    Case(TooPoor, cash=1000.0),
    Case(TwoDatas, feed=two_datas),
    Case(TwoDatas, name="TwoDatasPoor", feed=two_datas, cash=190.0),
    Case(FromNotices),
    Case(FromNotices, name="QuickNotices", cerebro={"quicknotify": True}),
    Case(NextOpen, cerebro={"cheat_on_open": True}),
    Case(NextOpen, name="NextOpenPoor", cerebro={"cheat_on_open": True}, cash=2000.0),
    Case(Fraction),
    Case(Timed),
    Case(Timed, name="TimedCheat", params={"cheat": True}, broker={"coo": True}),
    Case(InAndOut, name="OrderHistory", prepare=history),
    Case(OnTheSlow, name="Resampled", feed=resampled, modes=("once", "next", "live")),
    Case(OnTheSlow, name="TwoOnTheSlow", feed=two_datas),
    Case(InAndOut, name="Replayed", feed=replayed, modes=("next", "live")),
    Case(LimitsAndStops, name="ReplayedLimits", feed=replayed, modes=("next", "live")),
    Case(Trailing, name="ReplayedTrailing", feed=replayed, modes=("next", "live")),
    Case(Cross, name="HeikinAshi", feed=heikin),
    Case(Compensating, feed=two_datas),
    Case(InAndOut, name="Watched", prepare=watched),
    Case(Pair, feed=two_datas),
    Case(BySignal),
    Case(Sized, name="PercentSizer", prepare=by_percent),
    Case(Sized, name="Written", prepare=written),
    Case(InAndOut, name="InAndOutCapped", prepare=capped),
    Case(LimitsAndStops, name="LimitsPointwise", prepare=pointwise),
)
