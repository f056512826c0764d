"""Backtrader on the venue's truth: fills, parts of fills, refusals and cancels as they are told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import backtrader as bt
import pytest
from tests.backtrader.fakes import Rows, walk
from tests.backtrader.strategies import Spied

import sim2live
from sim2live.backtrader import VenueBroker
from sim2live.errors import ConfigError
from sim2live.exchange.execution import Behaviour
from sim2live.market.bars import Bar
from sim2live.signals import Instrument, Signal
from sim2live.venues.paper import Paper

ONE = Instrument("SIM", "one")


class Script(Spied):
    """Does what a test says at a bar."""

    params = (("plan", {}),)

    def setup(self) -> None:
        self.orders: dict[str, Any] = {}

    def decide(self) -> None:
        step = self.p.plan.get(len(self))
        if step is not None:
            step(self)


Step = Callable[[Any], Any]


def flat_rows(prices: list[float]) -> list[tuple[Any, ...]]:
    start = dt.datetime(2024, 1, 2)
    return [
        (start + dt.timedelta(days=i), price, price, price, price, 10)
        for i, price in enumerate(prices)
    ]


def run(
    plan: dict[int, Step], prices: list[float], paper: Paper | None = None, **options: Any
) -> tuple[Script, VenueBroker]:
    dispatcher = sim2live.connect(paper or Paper())
    broker = VenueBroker(dispatcher, cash=100_000.0, **options)
    cerebro = bt.Cerebro(stdstats=False, live=True)
    cerebro.setbroker(broker)
    cerebro.adddata(Rows(rows=flat_rows(prices)), name="one")
    cerebro.addstrategy(Script, plan=plan)
    with dispatcher:
        (strategy,) = cerebro.run()
        for book in dispatcher.gate.books.values():
            assert book.line.presumed.known
    return strategy, broker


def told(strategy: Script) -> list[tuple[int, str, float]]:
    """Order number, status and filled size of each notice."""
    return [(e[1], e[2], e[9]) for e in strategy.log if e[0] == "order"]


def trades(strategy: Script) -> list[tuple[float, float, bool]]:
    return [(e[3], e[5], e[10]) for e in strategy.log if e[0] == "trade"]


def buy(name: str = "a", **how: Any) -> Step:
    return lambda s: s.orders.__setitem__(name, s.buy(**how))


def sell(name: str = "a", **how: Any) -> Step:
    return lambda s: s.orders.__setitem__(name, s.sell(**how))


def cancel(name: str = "a") -> Step:
    return lambda s: s.cancel(s.orders[name])


def test_a_market_order_is_filled_at_the_venues_price_and_makes_a_trade() -> None:
    strategy, broker = run({2: buy(size=2), 4: lambda s: s.close()}, [100, 101, 102, 103, 104])
    assert [status for _, status, _ in told(strategy)] == [
        "Submitted", "Accepted", "Completed", "Submitted", "Accepted", "Completed",
    ]  # fmt: skip
    assert trades(strategy) == [(2, 0.0, False), (0, 4.0, True)]
    assert broker.getcash() == 100_004.0
    assert broker.getvalue() == 100_004.0


def test_fills_in_parts_are_told_one_by_one() -> None:
    paper = Paper(behaviour=Behaviour(most_per_bar=2))
    strategy, broker = run({2: buy(size=5)}, [100, 101, 102, 103, 104, 105], paper)
    assert told(strategy) == [
        (0, "Submitted", 0), (0, "Accepted", 0), (0, "Partial", 2), (0, "Partial", 4),
        (0, "Completed", 5),
    ]  # fmt: skip
    assert broker.getposition(strategy.data).size == 5
    assert broker.getposition(strategy.data).price == pytest.approx((2 * 101 + 2 * 102 + 103) / 5)


def test_an_order_that_the_account_refuses_is_rejected_with_the_venues_words() -> None:
    paper = Paper(behaviour=Behaviour(most_held=3))
    strategy, _ = run({2: buy(size=2), 3: buy("b", size=2)}, [100] * 6, paper)
    assert told(strategy)[3:] == [(1, "Submitted", 0), (1, "Rejected", 0)]
    assert "may hold 3" in strategy.orders["b"].info.sim2live
    assert strategy.position.size == 2


def test_a_cancel_in_time_is_told_as_canceled() -> None:
    limit = {"exectype": bt.Order.Limit, "price": 90.0}
    strategy, _ = run({2: buy(size=1, **limit), 3: cancel()}, [100, 100, 100, 100, 89])
    assert [status for _, status, _ in told(strategy)] == ["Submitted", "Accepted", "Canceled"]
    assert not strategy.position


def test_a_cancel_that_loses_its_race_is_told_as_filled() -> None:
    class Racing(Paper):
        """The market reaches the order while the cancel is on its way."""

        def send(self, signal: Signal, *, timeout: float) -> Any:
            if signal.action == "CANCEL":
                self.on_bar(ONE, Bar(self._now, 90.0, 90.0, 90.0, 90.0))
            return super().send(signal, timeout=timeout)

    limit = {"exectype": bt.Order.Limit, "price": 90.0}
    strategy, _ = run({2: buy(size=1, **limit), 3: cancel()}, [100] * 6, Racing())
    assert [status for _, status, _ in told(strategy)] == ["Submitted", "Accepted", "Completed"]
    assert strategy.position.size == 1


def test_a_partly_filled_order_keeps_what_it_has_when_it_is_cancelled() -> None:
    paper = Paper(behaviour=Behaviour(most_per_bar=2))
    limit = {"exectype": bt.Order.Limit, "price": 99.0}
    strategy, _ = run({2: buy(size=5, **limit), 4: cancel()}, [100, 100, 98, 99, 98, 98], paper)
    assert told(strategy)[2:] == [(0, "Partial", 2), (0, "Partial", 4), (0, "Canceled", 4)]
    assert strategy.position.size == 4


def seeded(size: int) -> Paper:
    paper = Paper()
    paper.on_bar(ONE, Bar(1, 100.0, 100.0, 100.0, 100.0))
    side = "BUY" if size > 0 else "SELL"
    signal = Signal(
        signal_id="earlier", workflow_id="python-test", instrument=ONE, side=side, qty=abs(size)
    )
    paper.send(signal, timeout=1.0)
    return paper


@pytest.mark.parametrize("size", [2, -2])
def test_a_position_at_the_start_is_a_trade_that_closes_properly(size: int) -> None:
    strategy, broker = run({3: lambda s: s.close()}, [100, 101, 102, 103, 104], seeded(size))
    (opened, closed) = trades(strategy)
    assert opened == (size, 0.0, False)
    assert closed[0] == 0
    assert closed[2]
    assert not broker.getposition(strategy.data)
    assert [e[9] for e in strategy.log if e[0] == "order" and e[2] == "Completed"] == [-size]


def test_a_bracket_is_one_family_and_one_leg_ends_the_other() -> None:
    def bracket(s: Any) -> None:
        s.buy_bracket(size=1, exectype=bt.Order.Market, stopprice=95.0, limitprice=105.0)

    strategy, broker = run({2: bracket}, [100, 100, 101, 106, 90, 90])
    assert [(ref, status) for ref, status, _ in told(strategy)][-2:] == [
        (2, "Completed"),
        (1, "Canceled"),
    ]
    assert not strategy.position
    assert trades(strategy)[-1][2]
    assert not broker.pending


def test_children_that_cannot_ride_are_placed_when_their_parent_is_filled() -> None:
    def family(s: Any) -> None:
        parent = s.buy(size=1, transmit=False)
        s.sell(size=1, parent=parent, exectype=bt.Order.StopTrail, trailamount=3.0)

    strategy, _ = run({2: family}, [100, 100, 104, 108, 104, 104])
    stops = [e for e in strategy.log if e[0] == "order" and e[3] == "StopTrail"]
    assert stops[-1][2] == "Completed"
    assert stops[-1][10] == 104.0, "filled at the open beyond the trailed stop"
    assert not strategy.position


def test_a_bar_that_comes_after_its_end_fills_no_order() -> None:
    rest = buy(exectype=bt.Order.Limit, price=95, valid=dt.timedelta(days=2))
    strategy, broker = run({2: rest}, [100, 100, 100, 100, 94, 94])
    assert told(strategy)[-1] == (0, "Expired", 0)
    assert not broker.getposition(strategy.data).size


def test_a_child_that_is_filled_as_it_is_placed_is_booked_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    prices = [100, 100, 112, 112, 112]
    family = {2: lambda s: s.buy_bracket(size=1, price=115, limitprice=110, stopprice=90)}
    strategy, broker = run(family, prices)
    assert [n for n in told(strategy) if n[1] == "Completed"] == [
        (0, "Completed", 1), (2, "Completed", -1),
    ]  # fmt: skip
    assert trades(strategy) == [(1, 0.0, False), (0, pytest.approx(12.0), True)]
    assert "read from the venue" not in caplog.text
    assert not broker.getposition(strategy.data).size


def bracket(**how: Any) -> Step:
    return lambda s: s.buy_bracket(
        size=1, exectype=bt.Order.Limit, price=95, limitprice=110, stopprice=90, **how
    )


def test_children_end_with_a_parent_that_expires_unfilled() -> None:
    strategy, broker = run({2: bracket(valid=dt.timedelta(days=2))}, [100] * 8)
    ends = {number: status for number, status, _ in told(strategy)}
    assert ends == {0: "Expired", 1: "Canceled", 2: "Canceled"}
    assert not broker._pchildren


def test_children_end_with_a_parent_that_the_strategy_cancels() -> None:
    def place(s: Script) -> None:
        s.orders["a"] = bracket()(s)[0]

    strategy, broker = run({2: place, 4: cancel()}, [100] * 8)
    ends = {number: status for number, status, _ in told(strategy)}
    assert ends == dict.fromkeys(range(3), "Canceled")
    assert not broker._pchildren


def test_children_end_with_a_parent_that_the_account_refuses() -> None:
    paper = Paper(behaviour=Behaviour(most_held=3))
    both = {2: buy("b", size=3), 4: lambda s: s.buy_bracket(
        size=2, exectype=bt.Order.Market, limitprice=110, stopprice=90
    )}  # fmt: skip
    strategy, broker = run(both, [100] * 8, paper)
    ends = {number: status for number, status, _ in told(strategy)}
    assert ends == {0: "Completed", 1: "Rejected", 2: "Canceled", 3: "Canceled"}
    assert not any(broker._pchildren.values())


def test_the_others_of_an_oco_group_are_cancelled_at_the_venue() -> None:
    def group(s: Any) -> None:
        first = s.buy(size=1, exectype=bt.Order.Limit, price=95.0)
        s.buy(size=1, exectype=bt.Order.Stop, price=110.0, oco=first)

    strategy, _broker = run({2: group}, [100, 100, 94, 100, 111, 111])
    assert [(ref, status) for ref, status, _ in told(strategy)][-2:] == [
        (0, "Completed"),
        (1, "Canceled"),
    ]
    assert strategy.position.size == 1


@pytest.mark.parametrize(("valid", "bars"), [(0, 1), (2.0, 3), (dt.timedelta(days=2), 3)])
def test_an_order_expires_when_its_validity_ends(valid: Any, bars: int) -> None:
    """Stock loses `valid=0` in a local variable, and takes a number for a date."""
    order = buy(size=1, exectype=bt.Order.Limit, price=90.0, valid=valid)
    strategy, _ = run({2: order}, [100] * 8 + [80])
    assert told(strategy)[-1][1] == "Expired"
    at = next(i for i, e in enumerate(strategy.log) if e[0] == "order" and e[2] == "Expired")
    bar = next(e[1] for e in strategy.log[at:] if e[0] == "bar")
    assert bar == 2 + bars
    assert not strategy.position


def test_what_no_report_has_told_is_read_and_booked() -> None:
    class Mute(Paper):
        """Its report stream is lost from the third bar on."""

        def reports(self) -> list[Any]:
            news = super().reports()
            return news if self._now is not None and self.exchange.cursor < 3 else []

    plan = {2: buy(size=1), 4: buy("b", size=2)}
    strategy, broker = run(plan, [100, 100, 101, 102, 103, 104], Mute())
    assert told(strategy)[-1] == (1, "Completed", 2)
    assert strategy.orders["b"].info.sim2live == "read from the venue"
    assert broker.getposition(strategy.data).size == 3


def test_what_somebody_else_does_is_booked_and_not_undone() -> None:
    paper = Paper()

    def by_hand(s: Any) -> None:
        signal = Signal(
            signal_id="hand", workflow_id="python-test", instrument=ONE, side="BUY", qty=3
        )
        paper.send(signal, timeout=1.0)

    strategy, broker = run({2: by_hand, 5: lambda s: s.close()}, [100] * 8, paper)
    assert [size for size, _, _ in trades(strategy)] == [3, 0]
    assert not broker.getposition(strategy.data)
    assert paper.positions("python-test") == {}


def test_a_turn_is_one_order_with_two_signals() -> None:
    strategy, _ = run({2: buy(size=1), 3: sell("b", size=3)}, [100] * 6)
    assert told(strategy)[-2:] == [(1, "Partial", -1), (1, "Completed", -3)]
    assert strategy.position.size == -2


def test_what_is_not_for_a_venue_is_rejected_by_name() -> None:
    plan = {2: buy(size=1, exectype=bt.Order.Close), 3: buy("b", size=0.5)}
    strategy, _ = run(plan, [100] * 5)
    assert [status for _, status, _ in told(strategy)] == ["Submitted", "Rejected"] * 2
    assert "Close orders" in strategy.orders["a"].info.sim2live


def test_the_fund_follows_the_value() -> None:
    strategy, broker = run({2: buy(size=10)}, [100, 100, 110, 110])
    assert broker.getvalue() == 100_100.0
    assert broker.fundvalue == pytest.approx(100.1)
    assert [e[1] for e in strategy.log if e[0] == "fund"][-1] == pytest.approx(100.1)


def test_a_venue_that_cannot_report_is_refused() -> None:
    with (
        sim2live.connect("record") as dispatcher,
        pytest.raises(ConfigError, match="MirrorBroker"),
    ):
        VenueBroker(dispatcher)


def test_after_a_long_walk_both_sides_hold_the_same() -> None:
    paper = Paper(behaviour=Behaviour(most_per_bar=2, most_held=6))
    dispatcher = sim2live.connect(paper)
    broker = VenueBroker(dispatcher, cash=100_000.0)

    class Busy(Spied):
        def decide(self) -> None:
            assert paper.positions("python-test").get(ONE, 0) == self.position.size
            n, close = len(self), self.data.close[0]
            if n % 7 == 1:
                self.buy(size=3)
            elif n % 7 == 3:
                self.sell(size=2, exectype=bt.Order.Limit, price=close + 0.5, valid=2.0)
            elif n % 7 == 4:
                self.buy(size=4, exectype=bt.Order.Stop, price=close + 0.5, valid=3.0)
            elif n % 7 == 6:
                self.close()
            elif n % 7 == 0 and not self.position:
                self.buy_bracket(
                    size=2, exectype=bt.Order.Market, stopprice=close - 2, limitprice=close + 2
                )

    cerebro = bt.Cerebro(stdstats=False, live=True)
    cerebro.setbroker(broker)
    cerebro.adddata(Rows(rows=walk(5, 200), idle=1), name="one")
    cerebro.addstrategy(Busy)
    with dispatcher:
        cerebro.run()
        filled = sum(o.executed.size for o in broker.orders)
        assert filled == broker.getposition(cerebro.datas[0]).size
