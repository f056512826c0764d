"""The corpus through the real gate to the simulated venue: what the venue holds, bar by bar."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import backtrader as bt
import pytest
from tests.backtrader.fakes import Rows
from tests.backtrader.runs import play, stock_log
from tests.backtrader.strategies import CASES, Case, Spied

import sim2live
from sim2live.backtrader import MirrorBroker, VenueRecorder
from sim2live.gate.dispatch import Dispatcher
from sim2live.parity import compare

BRACKETS = [
    case
    for case in CASES
    if "Bracket" in str(case) or str(case) in {"OneLeg", "ManualChildren", "TooPoor"}
]


class Compared(MirrorBroker):
    """After each bar notes what the strategy should hold there, and what the venue holds."""

    def __init__(self, dispatcher: Dispatcher, **options: Any) -> None:
        super().__init__(dispatcher, **options)
        self.gate = dispatcher
        self.seen: list[tuple[int, int, int, int]] = []

    def next(self) -> None:
        super().next()
        self.note()

    def note(self) -> None:
        held = self.gate.venue.positions(self.gate.workflow)
        for data in [d for d in self.positions if d._compensate is None]:
            instrument = self._map.of(data)
            presumed = self.gate.position(instrument)
            assert presumed.known
            wanted = int(self.target(data))
            self.seen.append((len(data), wanted, presumed.low, held.get(instrument, 0)))


def run(case: Case, mode: str, bracket: str, **options: Any) -> tuple[Any, Compared, Dispatcher]:
    dispatcher = sim2live.connect("paper")
    broker = Compared(dispatcher, bracket=bracket, **options, **case.broker)
    return play(case, broker, mode), broker, dispatcher


def unalarmed(dispatcher: Dispatcher) -> list[str]:
    """Working orders of flat instruments that nobody was told of."""
    exchange = dispatcher.venue.exchange
    flat = {o.instrument for o in exchange.orders()} - {p.instrument for p in exchange.positions()}
    told = " ".join(alarm.text for alarm in dispatcher.gate.alarms.raised)
    return [
        order.tag
        for order in exchange.orders()
        if order.state == "WORKING" and order.instrument in flat and order.tag not in told
    ]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_with_emulated_brackets_the_venue_holds_the_strategys_position(case: Case) -> None:
    mode = case.modes[0]
    strategy, broker, dispatcher = run(case, mode, "emulated")
    with dispatcher:
        assert repr(strategy.log) == stock_log(case, mode)
        assert broker.seen
        # Under cheat-on-open an order is matched after its own bar: nothing is ahead of a fill.
        for bar, wanted, presumed, held in broker.seen:
            assert presumed == held, f"bar {bar}"
            assert wanted == held, f"bar {bar}"
        assert not unalarmed(dispatcher)


@pytest.mark.parametrize("case", BRACKETS, ids=str)
def test_with_native_brackets_every_difference_is_named_leg_timing(case: Case) -> None:
    def recorded(cerebro: Any) -> None:
        case.prepare(cerebro)
        cerebro.addanalyzer(VenueRecorder, _name="venue")

    watched = dataclasses.replace(case, prepare=recorded)
    strategy, broker, dispatcher = run(watched, "once", "native")
    with dispatcher:
        assert repr(strategy.log) == stock_log(case, "once")
        for bar, wanted, presumed, held in broker.seen:
            assert presumed == held, f"bar {bar}"
            assert abs(held) <= abs(wanted), f"bar {bar}"
            assert held * wanted >= 0, f"bar {bar}"
        assert not unalarmed(dispatcher)
        record = strategy.analyzers.venue
        verdict = compare(record.wanted, record.run)
        assert verdict.bars == len(strategy.data)
        assert verdict.explained, verdict.table()


def test_leg_timing_is_seen_where_it_is() -> None:
    case = next(case for case in CASES if str(case) == "BuyBracket")
    watched = dataclasses.replace(
        case, prepare=lambda cerebro: cerebro.addanalyzer(VenueRecorder, _name="venue")
    )
    strategy, _, dispatcher = run(watched, "once", "native")
    with dispatcher:
        record = strategy.analyzers.venue
        verdict = compare(record.wanted, record.run)
        assert any(fill.leg for fill in record.run.fills)
        assert verdict.differences, "the venue tests legs a bar earlier"
        assert "LEG TIMING" in verdict.table()


RESTING = [
    case
    for case in CASES
    if str(case)
    in {"LimitsAndStops", "LimitsAndStopsPoor", "Trailing", "Oco", "Expiring", "FromNotices"}
]


@pytest.mark.parametrize("case", RESTING, ids=str)
def test_orders_that_rest_at_the_venue_leave_the_strategy_as_it_was(case: Case) -> None:
    strategy, broker, dispatcher = run(case, "once", "emulated", resting="native")
    with dispatcher:
        assert repr(strategy.log) == stock_log(case, "once")
        rows = list(dispatcher.gate.journal.rows())
        assert any(row.leg == "rest" and row.state == "ACCEPTED" for row in rows)
        for bar, _, presumed, held in broker.seen:
            assert presumed == held, f"bar {bar}"
        exchange = dispatcher.venue.exchange
        working = {order.tag for order in exchange.orders() if order.state == "WORKING"}
        alive = {broker._natives.name(o) for o in broker.orders if o in broker._natives}
        assert working == alive, "what rests there rests here"
        agree = sum(wanted == held for _, wanted, _, held in broker.seen)
        assert agree >= 0.9 * len(broker.seen)


class TooLate(Spied):
    def decide(self) -> None:
        if len(self) == 3:
            end = dt.timedelta(days=2)
            self.buy(exectype=bt.Order.Limit, price=95.0, valid=end)


def test_a_bar_that_comes_after_its_end_fills_no_order_that_rests_at_the_venue() -> None:
    prices = [100.0, 100.0, 100.0, 100.0, 100.0, 94.0, 94.0]
    start = dt.datetime(2024, 1, 2)
    rows = [(start + dt.timedelta(days=i), p, p, p, p, 9) for i, p in enumerate(prices)]
    with sim2live.connect("paper") as dispatcher:
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.setbroker(MirrorBroker(dispatcher, resting="native"))
        cerebro.adddata(Rows(rows=rows), name="one")
        cerebro.addstrategy(TooLate)
        (strategy,) = cerebro.run()
        (order,) = dispatcher.venue.exchange.orders()
        assert order.state == "CANCELLED"
    assert [e[2] for e in strategy.log if e[0] == "order"][-1] == "Expired"
