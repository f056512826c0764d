"""What rests at a venue: legs that must not outlive their position, orders, and news of both."""

from __future__ import annotations

import random
from typing import Any

import pytest

from sim2live import settings
from sim2live.clock import ManualClock
from sim2live.exchange.execution import Behaviour
from sim2live.gate.dispatch import Dispatcher
from sim2live.gate.receipt import Status
from sim2live.market.bars import Bar
from sim2live.signals import Bracket, Instrument, OrderSpec, Signal, StopLoss, TakeProfit
from sim2live.venues.outcome import Kind, Outcome, Profile
from sim2live.venues.paper import Paper
from sim2live.venues.record import Record

MES = Instrument("CME", "MESZ6")
LEGS = OrderSpec(bracket=Bracket(TakeProfit(110.0), StopLoss(90.0)))
SECOND = 1_000_000_000


class Life:
    """A strategy on a venue, bar by bar."""

    def __init__(self, venue: Any, journal: Any = ":memory:") -> None:
        self.venue = venue
        self.dispatcher: Dispatcher = settings.connect(
            venue,
            workflow="pool",
            strategy="cross",
            journal=journal,
            clock=ManualClock(),
            settings=settings.Settings(),
        )
        self.now = 0
        self.nth = 0

    def bar(self, opened: float, high: float | None = None, low: float | None = None) -> None:
        self.now, self.nth = self.now + 1, 0
        high, low = high or opened, low or opened
        self.dispatcher.on_bar(MES, Bar(self.now * SECOND, opened, high, low, opened))

    def want(self, target: int, order: OrderSpec | None = None) -> Any:
        self.nth += 1
        return self.dispatcher.follow(
            MES, target, data="mes", nth=self.nth, decided_at=self.now * SECOND, order=order
        )

    def rest(self, signed: int, order: OrderSpec) -> Any:
        self.nth += 1
        return self.dispatcher.rest(
            MES, signed, data="mes", nth=self.nth, decided_at=self.now * SECOND, order=order
        )

    def cancel(self, name: str) -> Any:
        return self.dispatcher.cancel(MES, name, data="mes", decided_at=self.now * SECOND)

    def presume(self, target: int, name: str | None = None) -> bool:
        return self.dispatcher.presume(
            MES, target, data="mes", decided_at=self.now * SECOND, name=name
        )

    @property
    def line(self) -> Any:
        return self.dispatcher.gate.book("pool", MES).line

    @property
    def alarms(self) -> str:
        return " | ".join(alarm.text for alarm in self.dispatcher.gate.alarms.raised)

    def working(self) -> list[str]:
        return [order.tag for order in self.venue.exchange.orders() if order.state == "WORKING"]

    def held(self) -> int:
        return (self.venue.positions("pool") or {}).get(MES, 0)


def paper(**behaviour: Any) -> Life:
    return Life(Paper(behaviour=Behaviour(**behaviour)))


class Blind(Record):
    """Cannot cancel, cannot report."""


def blind(close_cancels_legs: str) -> Life:
    venue = Blind()
    venue.profile = Profile(close_cancels_legs=close_cancels_legs)  # type: ignore[arg-type]
    return Life(venue)


# -- legs -------------------------------------------------------------------------------------


@pytest.mark.parametrize("proved", ["no", "unknown"])
def test_a_blind_venue_is_on_exits_only_once_a_position_left_its_legs_behind(proved: str) -> None:
    life = blind(proved)
    life.bar(100)
    entry = life.want(1, LEGS).signals[0].signal_id
    life.bar(101)
    assert life.want(0).status is Status.ACCEPTED
    assert (life.line.state, life.line.reasons) == ("REDUCING", ("LEGS",))
    assert f"{entry}/stop_loss" in life.alarms
    assert f"{entry}/take_profit" in life.alarms
    life.bar(102)
    assert life.want(1).status is Status.HELD
    life.dispatcher.resume()
    assert life.want(1).status is Status.ACCEPTED


def test_where_a_close_is_proved_to_cancel_legs_nothing_is_left() -> None:
    life = blind("yes")
    life.bar(100)
    life.want(1, LEGS)
    life.want(0)
    assert (life.line.state, life.line.resting, life.alarms) == ("ACTIVE", (), "")


def test_where_the_venue_can_cancel_the_gate_takes_the_legs_away_after_the_exit() -> None:
    life = paper()
    life.bar(100)
    life.want(1, LEGS)
    assert len(life.working()) == 2
    life.bar(101)
    life.want(0)
    assert (life.working(), life.held(), life.line.state) == ([], 0, "ACTIVE")
    life.bar(120)
    assert life.held() == 0


def test_a_partial_exit_leaves_the_legs_where_they_are() -> None:
    life = paper()
    life.bar(100)
    life.want(3, LEGS)
    life.want(2)
    assert len(life.working()) == 2


def test_one_leg_may_be_cancelled_by_its_name() -> None:
    life = paper()
    life.bar(100)
    entry = life.want(1, LEGS).signals[0].signal_id
    assert life.cancel(f"{entry}/take_profit").status is Status.ACCEPTED
    assert life.working() == [f"{entry}/stop_loss"]
    assert life.cancel(f"{entry}/take_profit").status is Status.SHADOW
    assert [one.legs for one in life.line.resting] == [("stop_loss",)]


def test_a_leg_that_the_simulator_fills_is_presumed_once_and_its_sister_is_gone() -> None:
    life = blind("unknown")
    life.bar(100)
    entry = life.want(1, LEGS).signals[0].signal_id
    assert life.presume(0, f"{entry}/stop_loss")
    assert life.dispatcher.position(MES).holds(0)
    assert not life.presume(0, f"{entry}/take_profit")
    assert (life.line.resting, life.line.state) == ((), "ACTIVE")


def test_a_leg_that_the_venue_fills_first_is_read_and_the_position_is_not_opened_again() -> None:
    life = paper()
    life.bar(100)
    entry = life.want(1, LEGS).signals[0].signal_id
    life.bar(89)
    assert (life.held(), life.line.presumed.source) == (0, "READ")
    life.bar(89)
    assert life.held() == 0
    assert not life.presume(0, f"{entry}/stop_loss"), "it rests no more: the fill is followed"
    assert life.want(0).signals == ()
    life.bar(95)
    assert life.want(1).status is Status.ACCEPTED
    assert life.held() == 1


# -- cancels that do not arrive ----------------------------------------------------------------


class Stubborn(Paper):
    """Answers cancels as told."""

    def __init__(self) -> None:
        super().__init__()
        self.script: list[Kind] = []
        self.tried = 0

    def send(self, signal: Signal, *, timeout: float) -> Outcome:
        if signal.action == "CANCEL":
            self.tried += 1
            if self.script:
                return Outcome(self.script.pop(0), "scripted")
        return super().send(signal, timeout=timeout)

    def lookup(self, signal: Signal) -> Outcome | None:
        return None


def test_a_cancel_that_was_not_sent_is_tried_again_and_entries_wait_meanwhile() -> None:
    venue = Stubborn()
    life = Life(venue)
    life.bar(100)
    life.want(1, LEGS)
    venue.script = [Kind.NOT_SENT] * 5
    life.want(0)
    assert (len(life.working()), life.line.reasons) == (2, ("LEGS",))
    assert life.want(1).status is Status.HELD
    venue.script = []
    life.dispatcher.gate.work()
    assert (life.working(), life.line.state) == ([], "ACTIVE")


def test_a_cancel_of_unknown_outcome_is_repeated_three_times_and_then_left_to_a_human() -> None:
    venue = Stubborn()
    life = Life(venue)
    life.bar(100)
    life.want(1, OrderSpec(bracket=Bracket(stop_loss=StopLoss(90.0))))
    venue.script = [Kind.UNKNOWN] * 20
    life.want(0)
    for _ in range(10):
        life.dispatcher.gate.work()
    assert venue.tried == 3
    assert life.line.reasons == ("LEGS",)
    assert "is not cancelled yet" in life.alarms


# -- orders that rest ----------------------------------------------------------------------------


def limit(price: float) -> OrderSpec:
    return OrderSpec(order_type="LIMIT", limit_price=price)


def test_a_resting_order_moves_nothing_until_it_fills_and_then_both_sides_agree() -> None:
    life = paper()
    life.bar(100)
    receipt = life.rest(2, limit(95.0))
    name = receipt.signals[0].signal_id
    assert (receipt.status, life.working()) == (Status.ACCEPTED, [name])
    assert life.dispatcher.position(MES).holds(0)
    life.bar(97, low=94)
    assert life.held() == 2
    assert life.presume(2, name)
    assert life.line.presumed.holds(2)
    life.bar(97)
    assert (life.held(), life.line.resting) == (2, ())


def test_a_fill_that_the_simulator_does_not_see_is_kept_until_it_lets_the_order_go() -> None:
    life = paper()
    life.bar(100)
    name = life.rest(2, limit(95.0)).signals[0].signal_id
    life.bar(97, low=94)
    life.bar(98)
    assert life.held() == 2, "not closed: the simulator may see it a bar later"
    assert life.cancel(name).status is Status.REJECTED
    life.bar(98)
    assert life.held() == 0, "the strategy never had it: it is taken back"


def test_a_resting_order_is_moved_and_cancelled() -> None:
    life = paper()
    life.bar(100)
    name = life.rest(1, limit(95.0)).signals[0].signal_id
    moved = life.dispatcher.modify(MES, name, limit(96.0), data="mes", decided_at=life.now * SECOND)
    assert moved.status is Status.ACCEPTED
    (order,) = life.venue.exchange.orders()
    assert order.limit_price == 96.0
    assert life.cancel(name).status is Status.ACCEPTED
    assert (life.working(), life.line.resting) == ([], ())


def test_nothing_rests_at_a_venue_that_cannot_cancel() -> None:
    life = blind("unknown")
    life.bar(100)
    receipt = life.rest(1, limit(95.0))
    assert receipt.status is Status.HELD
    assert "cannot cancel" in receipt.reason


def test_what_rests_is_known_after_a_restart(tmp_path: Any) -> None:
    venue = Paper()
    first = Life(venue, tmp_path / "j.sqlite3")
    first.bar(100)
    entry = first.want(1, LEGS).signals[0].signal_id
    first.dispatcher.close()
    second = Life(venue, tmp_path / "j.sqlite3")
    assert [one.name for one in second.line.resting] == [entry]
    second.dispatcher.close()


# -- news ------------------------------------------------------------------------------------------


def test_each_report_reaches_its_owner_once_and_nobody_else() -> None:
    life = paper()
    other = life.dispatcher.bind(strategy="other")
    life.bar(100)
    life.want(1)
    assert [report.kind for report in life.dispatcher.reports()] == ["accept", "fill"]
    assert life.dispatcher.reports() == []
    assert other.reports() == []


def test_what_was_told_before_is_not_told_again_and_is_kept() -> None:
    life = paper()
    life.bar(100)
    life.want(1)
    told = life.venue.reports()
    life.venue.reports = lambda: told
    life.venue._told = -1
    assert len(life.dispatcher.reports()) == 2
    assert life.dispatcher.reports() == []
    assert [r.kind for r in life.dispatcher.gate.journal.told.all()] == ["accept", "fill"]


def test_what_will_not_be_filled_is_taken_from_what_is_presumed() -> None:
    life = paper(most_per_bar=2)
    life.bar(100)
    life.want(5)
    assert (life.held(), life.line.presumed.low) == (2, 5)
    (order,) = life.venue.exchange.orders()
    life.venue.exchange.cancel(order.order_id, life.now)
    life.bar(100)
    assert (life.held(), life.line.presumed.low, life.line.presumed.source) == (2, 2, "READ")
    life.bar(100)
    assert life.held() == 2, "nothing is sent late"
    assert "+3 of" in life.alarms


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_no_order_works_at_a_flat_venue(seed: int) -> None:
    draw = random.Random(seed)
    life = paper()
    life.bar(100)
    price = 100.0
    for _ in range(120):
        price = max(50.0, price + draw.uniform(-3, 3))
        life.bar(price, price + draw.uniform(0, 3), price - draw.uniform(0, 3))
        target = draw.choice([-2, -1, 0, 0, 1, 2])
        side = 1 if target > 0 else -1
        legs = Bracket(TakeProfit(price + 4 * side), StopLoss(price - 4 * side))
        before = life.line
        life.want(target, OrderSpec(bracket=legs) if target else None)
        assert life.line.presumed.holds(life.held()), before
        if life.held() == 0:
            assert life.working() == []
    assert len(life.venue.exchange.trades()) > 10
