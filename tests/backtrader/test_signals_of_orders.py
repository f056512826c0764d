"""Each market order is one signal at the bar of its decision, with an id of its own."""

from __future__ import annotations

import datetime as dt
from typing import Any

import backtrader as bt
from tests.backtrader.fakes import Rows, ScriptedGate, walk
from tests.backtrader.runs import play
from tests.backtrader.strategies import Case, Cross, InAndOut, Spied, TargetSizes, Twice

import sim2live
from sim2live.backtrader import MirrorBroker
from sim2live.clock import from_ns


class Diary:
    """Notes each order as it is transmitted, and which signals went out meanwhile."""

    def __init__(self, dispatcher: Any) -> None:
        self.dispatcher = dispatcher
        self.lines: list[tuple[float, list[int]]] = []

    def broker(self) -> MirrorBroker:
        diary = self

        class Noted(MirrorBroker):
            def submit(self, order: Any, check: bool = True) -> Any:
                before = len(diary.dispatcher.venue.signals)
                result = super().submit(order, check)
                sent = diary.dispatcher.venue.signals[before:]
                diary.lines.append((order.size, [signal.signed for signal in sent]))
                return result

        return Noted(self.dispatcher)


def test_every_market_order_is_sent_with_its_side_and_size_when_it_is_made() -> None:
    for strategy in (Cross, InAndOut, Twice, TargetSizes):
        with sim2live.connect("record") as dispatcher:
            diary = Diary(dispatcher)
            play(Case(strategy), diary.broker(), "once")
            assert len(diary.lines) > 10
            for size, sent in diary.lines:
                assert sum(sent) == size, "lag 0, same side, same quantity"
            total = sum(len(sent) for _, sent in diary.lines)
            assert total == len(dispatcher.venue.signals), "and nothing else went out"
            assert len({signal.signal_id for signal in dispatcher.venue.signals}) == total


def test_turns_are_split_and_every_part_says_whether_it_opens_or_closes() -> None:
    with sim2live.connect("record") as dispatcher:
        play(Case(TargetSizes), MirrorBroker(dispatcher), "once")
        held = 0
        for signal in dispatcher.venue.signals:
            after = held + signal.signed
            assert signal.open_close == ("CLOSE" if abs(after) < abs(held) else "OPEN")
            assert held * after >= 0, "no signal turns a position"
            held = after


class EachBar(Spied):
    def decide(self) -> None:
        self.buy(size=1)
        self.buy(size=1)


def test_calls_are_numbered_from_zero_at_each_bar_whatever_was_refused() -> None:
    numbers = []
    for refuse in (lambda n, size: False, lambda n, size: n % 3 == 0):
        gate = ScriptedGate(refuse)
        play(Case(EachBar), MirrorBroker(gate), "once")
        numbers.append([(call.decided_at, call.nth) for call in gate.calls])
    assert numbers[0] == numbers[1]
    assert [nth for _, nth in numbers[0][:4]] == [0, 1, 0, 1]


def test_two_strategies_number_their_calls_apart_and_share_one_target() -> None:
    gate = ScriptedGate()
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.setbroker(MirrorBroker(gate, cash=1e6))
    cerebro.adddata(Rows(rows=walk(1, 20)), name="one")
    cerebro.addstrategy(EachBar)
    cerebro.addstrategy(EachBar)
    cerebro.run()
    first = [call for call in gate.calls if call.decided_at == gate.calls[0].decided_at]
    assert [call.nth for call in first] == [0, 1, 2**32, 2**32 + 1]
    assert [call.target for call in first] == [1, 2, 3, 4]


class RestsAndBuys(Spied):
    def decide(self) -> None:
        if len(self) == 3:
            for _ in range(2):
                self.buy(size=1, exectype=bt.Order.Limit, price=self.data.close[0] + 50)
        if len(self) == 4:
            self.buy(size=1)


def test_fills_of_resting_orders_never_take_the_number_of_a_call() -> None:
    gate = ScriptedGate()
    play(Case(RestsAndBuys), MirrorBroker(gate), "once")
    assert [call.nth for call in gate.calls] == [2**31, 2**31 + 1, 0]
    assert len({call.decided_at for call in gate.calls}) == 1


class Minutes(Spied):
    def decide(self) -> None:
        if len(self) == 3:
            self.buy(size=1)


def test_the_decision_is_stamped_with_the_close_of_its_bar() -> None:
    rows = walk(1, 10, step=dt.timedelta(minutes=1))
    gate = ScriptedGate()
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.setbroker(MirrorBroker(gate))
    cerebro.adddata(Rows(rows=rows, timeframe=bt.TimeFrame.Minutes), name="one")
    cerebro.addstrategy(Minutes)
    cerebro.run()
    assert from_ns(gate.calls[0].decided_at) == rows[2][0].replace(tzinfo=dt.UTC)
    assert [bar.time for _, bar in gate.bars] == sorted({bar.time for _, bar in gate.bars})
    assert len(gate.bars) == 10


def test_native_legs_ride_on_the_entry_and_are_never_sent_again() -> None:
    from tests.backtrader.strategies import BuyBracket

    gate = ScriptedGate()
    strategy = play(Case(BuyBracket), MirrorBroker(gate), "once")
    filled = [e for e in strategy.log if e[0] == "order" and e[2] == "Completed"]
    entries = [e for e in filled if e[3] == "Market"]
    assert len(entries) > 5
    assert len(gate.signals) == len(entries), "children are filled in the mirror only"
    assert all(signal.bracket for signal in gate.signals)
    assert len(gate.presumptions) == len(filled) - len(entries) > 5
