"""An entry that does not go is the framework's own rejection; an exit always goes."""

from __future__ import annotations

import random
from typing import Any

import backtrader as bt
import pytest
from tests.backtrader.fakes import ScriptedGate
from tests.backtrader.runs import play
from tests.backtrader.strategies import CASES, Case, Spied

from sim2live.backtrader import MirrorBroker
from sim2live.signals import Instrument

ONE = Instrument("SIM", "one")


def statuses(strategy: Spied) -> list[tuple[int, str]]:
    """Order number and status of each notice, in order."""
    return [(entry[1], entry[2]) for entry in strategy.log if entry[0] == "order"]


def everything(n: int, size: int) -> bool:
    return True


def run(strategy: type[Spied], gate: ScriptedGate, **options: Any) -> Spied:
    return play(Case(strategy), MirrorBroker(gate, **options), "once")


class BuysOnce(Spied):
    def decide(self) -> None:
        if len(self) == 3:
            self.order = self.buy(size=2, hint="mine")
            self.at_once = self.order.status


def test_a_refused_entry_is_submitted_then_rejected_and_moves_nothing() -> None:
    gate = ScriptedGate(everything)
    strategy = run(BuysOnce, gate)
    assert strategy.at_once == bt.Order.Rejected
    assert statuses(strategy) == [(0, "Submitted"), (0, "Rejected")]
    assert strategy.order.info.sim2live == "the script says no"
    assert strategy.order.info.reason == "the script says no"
    assert strategy.order.info.hint == "mine"
    assert not strategy.position
    assert not gate.signals
    assert not strategy.broker.pending
    assert not strategy.broker._pchildren


class BracketOnce(Spied):
    def decide(self) -> None:
        if len(self) == 3:
            close = self.data.close[0]
            self.group = self.buy_bracket(
                size=1, exectype=bt.Order.Market, stopprice=close - 2, limitprice=close + 2
            )


@pytest.mark.parametrize("bracket", ["native", "emulated"])
def test_a_refused_parent_takes_its_children_along(bracket: str) -> None:
    strategy = run(BracketOnce, ScriptedGate(everything), bracket=bracket)
    assert statuses(strategy) == [
        (0, "Submitted"),
        (0, "Rejected"),
        (1, "Submitted"),
        (1, "Rejected"),
        (2, "Submitted"),
        (2, "Rejected"),
    ]
    assert not strategy.broker._pchildren
    assert not strategy.broker.pending


class LimitOnce(Spied):
    def decide(self) -> None:
        if len(self) == 3:
            self.buy(size=2, exectype=bt.Order.Limit, price=self.data.close[0] + 50)


def test_a_resting_entry_is_refused_at_the_moment_it_would_fill() -> None:
    strategy = run(LimitOnce, ScriptedGate(everything))
    assert statuses(strategy) == [(0, "Submitted"), (0, "Accepted"), (0, "Rejected")]
    assert not strategy.position
    assert not strategy.broker.pending


class TurnsOnce(Spied):
    kind = bt.Order.Market

    def decide(self) -> None:
        if len(self) == 3:
            self.buy(size=2)
        elif len(self) == 6:
            self.sell(size=5, exectype=self.kind, price=self.data.close[0] + 50)


class TurnsByStop(TurnsOnce):
    kind = bt.Order.Stop


@pytest.mark.parametrize("strategy", [TurnsOnce, TurnsByStop])
def test_a_turn_whose_opening_is_refused_keeps_its_closing_part(strategy: Any) -> None:
    gate = ScriptedGate(lambda n, size: size < 0)
    played = run(strategy, gate)
    assert statuses(played)[3:] == [
        (1, "Submitted"),
        (1, "Accepted"),
        (1, "Partial"),
        (1, "Rejected"),
    ]
    assert not played.position
    assert [signal.signed for signal in gate.signals] == [2, -2]
    trades = [entry for entry in played.log if entry[0] == "trade"]
    assert [closed for *_, closed in trades] == [False, True]


class OcoOnce(Spied):
    def decide(self) -> None:
        if len(self) == 3:
            leader = self.buy(size=1)
            self.follower = self.sell(
                size=1, exectype=bt.Order.Limit, price=self.data.close[0] + 500, oco=leader
            )


def test_an_oco_follower_sent_after_a_refused_leader_stays_alive() -> None:
    strategy = run(OcoOnce, ScriptedGate(everything))
    assert strategy.follower.alive()


class ExitsByStop(Spied):
    def decide(self) -> None:
        if len(self) == 3:
            self.buy(size=2)
        elif len(self) == 5:
            self.sell(size=2, exectype=bt.Order.Stop, price=self.data.close[0] + 50)


@pytest.mark.parametrize("strategy", [ExitsByStop, TurnsOnce])
def test_exits_are_never_in_question(strategy: Any) -> None:
    gate = ScriptedGate(lambda n, size: n > 0)
    run(strategy, gate)
    assert gate.presumed[ONE] == 0
    assert [signal.signed for signal in gate.signals] == [2, -2]


class RefusingGate(ScriptedGate):
    """Refuses some openings, and looks after each bar that nobody drifted away."""

    broker: Any = None

    def calm(self, instrument: Instrument) -> bool:
        return False  # each bar is looked at

    def mark(self, equity: float) -> None:
        super().mark(equity)
        caps = self.broker._caps
        wanted: dict[Any, float] = {d: p.size for d, p in self.broker.positions.items()}
        if not self.broker.p.coo:
            for order in {o.ref: o for o in self.broker.pending}.values():
                if order.exectype == bt.Order.Market and order.active():
                    left = caps.get(order.ref, order.executed.remsize)
                    wanted[order.data] = wanted.get(order.data, 0) + left
        for data, size in wanted.items():
            assert self.presumed.get(Instrument("SIM", data._name), 0) == int(size), data._name


@pytest.mark.parametrize("share", [0.2, 0.6, 1.0])
@pytest.mark.parametrize("case", [c for c in CASES if c.name != "OrderHistory"], ids=str)
def test_however_often_entries_are_refused_the_two_sides_stay_together(
    case: Case, share: float
) -> None:
    draw = random.Random(f"{case}{share}")
    gate = RefusingGate(lambda n, size: draw.random() < share)
    gate.broker = MirrorBroker(gate, bracket="emulated", **case.broker)
    play(case, gate.broker, "next")
    assert len(gate.marks) > 100


class Halves(Spied):
    """Half a unit in, half a unit out, and a turn into a fraction."""

    def decide(self) -> None:
        if len(self) == 3:
            self.buy(size=1.5)
        elif len(self) == 5:
            self.buy(size=2)
        elif len(self) == 7:
            self.sell(size=0.5)
        elif len(self) == 9:
            self.sell(size=2.75)


def test_fractions_on_a_simulated_venue_stay_in_the_mirror(
    caplog: pytest.LogCaptureFixture,
) -> None:
    gate = ScriptedGate()
    strategy = run(Halves, gate)
    assert strategy.position.size == pytest.approx(0.25)
    assert [call.target for call in gate.calls] == [1, 3, 3, 0]
    assert len([r for r in caplog.records if "no whole number" in r.message]) == 1


def test_a_fractional_entry_on_a_real_venue_is_refused_with_the_ways_out() -> None:
    gate = ScriptedGate(simulated=False)
    strategy = run(Halves, gate, instruments={"one": "CME:MESZ6"})
    ends = dict(statuses(strategy))
    assert ends == {0: "Rejected", 1: "Completed", 2: "Completed", 3: "Rejected"}
    first = strategy.broker.orders[0]
    assert "sizing.direction(n)" in first.info.sim2live
    # The exit of 0.5 was not refused, and the turn was cut to its closing part.
    assert [signal.signed for signal in gate.signals] == [2, -1, -1]
    assert strategy.position.size == 0
