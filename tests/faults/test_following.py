"""Strategies, simulators and venues that disagree: rows 40, 43, 44, 48 to 53 and 57 to 59."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.agreed import agreed
from tests.faults.conftest import ONE, POOL, Desk

from sim2live.clock import NS, ManualClock, SystemClock
from sim2live.exchange.execution import Behaviour
from sim2live.gate.alarms import Alarms
from sim2live.gate.ledger import Presumed
from sim2live.gate.receipt import Receipt, Status
from sim2live.market.bars import Bar
from sim2live.settings import connect
from sim2live.signals import Bracket, Instrument, StopLoss, TakeProfit
from sim2live.venues.base import Profile
from sim2live.venues.outcome import ChildOutcome, Kind, Outcome
from sim2live.venues.record import Record

Make = Callable[..., Desk]
NOON = 1_767_625_200 * NS


def opened(venue: Record | None = None, journal: Path | str = ":memory:", **changes: Any) -> Any:
    venue = Record() if venue is None else venue
    strategy = changes.pop("strategy", "cross")
    clock = changes.pop("clock", ManualClock(NOON))
    return connect(
        venue, workflow=POOL, strategy=strategy, journal=journal, clock=clock,
        settings=agreed(**changes),
    )  # fmt: skip


def want(
    dispatcher: Any, target: int, nth: int = 0, *, at: int = NOON, data: str = "one", **more: Any
) -> Receipt:
    found: Receipt = dispatcher.follow(ONE, target, data=data, nth=nth, decided_at=at, **more)
    return found


def bar(dispatcher: Any, at: int) -> None:
    dispatcher.on_bar(ONE, Bar(at, 100.0, 100.0, 100.0, 100.0))


class Real(Record):
    """It keeps signals like `Record`, and counts as real money."""

    simulated = False
    name = "real"


@pytest.mark.parametrize(
    ("policy", "sent", "presumed", "state"),
    [
        ("wait", 0, 0, "REDUCING"),
        ("adopt", 0, 2, "ACTIVE"),
        ("send_difference", 2, 2, "ACTIVE"),
        ("refuse", 0, 0, "HALTED"),
    ],
)
def test_fault_40_a_strategy_that_starts_with_a_position(
    policy: str, sent: int, presumed: int, state: str
) -> None:
    venue = Real()
    with opened(venue, start=policy) as dispatcher:
        want(dispatcher, 2, at=NOON - 3600 * NS)  # history
        bar(dispatcher, NOON)
        assert sum(signal.signed for signal in venue.signals) == sent
        assert dispatcher.position(ONE).low == presumed
        assert dispatcher.state(ONE) == state


def test_fault_43_two_orders_in_a_bar_are_both_wanted() -> None:
    with opened() as dispatcher:
        want(dispatcher, 1, 0)
        want(dispatcher, 2, 1)
        want(dispatcher, 3, 0, data="the same market resampled")
        first, second, third = dispatcher.venue.signals
        assert len({first.signal_id, second.signal_id, third.signal_id}) == 3
        assert [first.qty, second.qty, third.qty] == [1, 1, 3]
        assert dispatcher.position(ONE) == Presumed(5, 5)


def test_fault_44_memory_does_not_grow_with_the_signals() -> None:
    """A short form of `make soak`."""

    class Discarding(Record):
        def send(self, signal: Any, *, timeout: float) -> Outcome:
            return Outcome(Kind.ACCEPTED)

    with opened(Discarding()) as dispatcher:

        def trade(first: int, last: int) -> None:
            for nth in range(first, last):
                want(dispatcher, nth % 2, nth, at=NOON + nth * NS)

        trade(0, 2_000)
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        trade(2_000, 6_000)
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert after - before < 300_000, "bytes held by Python for 4,000 more signals"


def test_fault_48_an_alarm_that_fails_is_no_matter_for_trading() -> None:
    def broken(alarm: Any) -> None:
        raise OSError("the messenger answered 502")

    venue = Record(answer=lambda signal: Outcome(Kind.UNKNOWN, "nobody knows"))
    with opened(venue) as dispatcher:
        dispatcher.gate.alarms._tell = broken
        assert want(dispatcher, 1).status is Status.UNKNOWN
        assert dispatcher.gate.alarms.raised
    alarms = Alarms(broken)
    alarms.sound(NOON, "pool", "text")
    assert [alarm.text for alarm in alarms.raised] == ["text"]


def test_fault_49_the_exit_goes_when_every_rule_says_no() -> None:
    venue = Record()
    with opened(venue) as dispatcher:
        want(dispatcher, 3)
        rules = dispatcher.gate.doorkeeper.rules
        assert not rules
        dispatcher.halt("every reason there is")
        for minute in range(40):
            bar(dispatcher, NOON + minute * 60 * NS)
        assert want(dispatcher, 4, 1, at=NOON + 2400 * NS).status is Status.HELD
        assert want(dispatcher, 0, 2, at=NOON + 2400 * NS).status is Status.ACCEPTED
        assert venue.signals[-1].signed == -3


@given(st.lists(st.tuples(st.integers(-4, 4), st.booleans()), max_size=30))
@settings(max_examples=60, deadline=None)
def test_fault_51_an_order_that_unhappens_is_undone_at_the_next_look(
    story: list[tuple[int, bool]],
) -> None:
    """The simulator margins or cancels an order that the venue has taken already."""
    venue = Record()
    with opened(venue) as dispatcher:
        held = 0
        for number, (target, unhappens) in enumerate(story, start=1):
            at = NOON + number * 60 * NS
            bar(dispatcher, at)
            want(dispatcher, target, 0, at=at)
            if unhappens:
                want(dispatcher, held, -1, at=at)
            else:
                held = target
            assert dispatcher.position(ONE) == Presumed(held, held)
            assert sum(signal.signed for signal in venue.signals) == held


BRACKET = Bracket(TakeProfit(120.0), StopLoss(80.0))


@pytest.mark.parametrize("cancels", [True, False])
def test_fault_52_the_strategy_leaves_while_its_legs_rest(desk: Make, cancels: bool) -> None:
    profile = Profile(close_cancels_legs="yes" if cancels else "unknown")
    made = desk(profile=profile, behaviour=Behaviour(close_cancels_legs=cancels))
    entry = made.want(1, order={"bracket": BRACKET})
    assert made.gateway.account.working(POOL) == 2
    assert made.want(0).status is Status.ACCEPTED
    assert made.held() == 0
    assert (made.gateway.account.working(POOL) == 0) is cancels
    if cancels:
        assert made.line().state == "ACTIVE"
        return
    # No working order at a flat venue without an alarm, and nothing opens beside the orphans.
    assert made.line().reasons == ("LEGS",)
    assert any(entry.signals[0].signal_id in text and "stop 80" in text for text in made.alarms)
    assert made.want(1).status is Status.HELD
    made.dispatcher.resume()
    assert made.want(1).status is Status.ACCEPTED


def test_fault_52_a_leg_that_filled_leaves_none_behind(desk: Make) -> None:
    made = desk()
    made.want(1, order={"bracket": BRACKET})
    made.dispatcher.presume(ONE, 0, data=str(ONE), decided_at=made.clock.now_ns())
    assert made.line().state == "ACTIVE"
    assert made.line().resting == ()


@pytest.mark.parametrize("seed", range(5))
def test_fault_53_revised_bars_at_a_restart_double_nothing(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    plan = [chance.randint(-3, 3) for _ in range(40)]
    revised = [chance.randint(-3, 3) if chance.random() < 0.05 else target for target in plan]
    venue = Record()
    venue.fingerprint = "one"

    def play(targets: list[int]) -> None:
        with opened(venue, tmp_path / "journal.sqlite3") as dispatcher:
            for number, target in enumerate(targets, start=1):
                at = NOON + number * 60 * NS
                bar(dispatcher, at)
                want(dispatcher, target, 0, at=at)
            held = sum(signal.signed for signal in venue.signals)
            assert dispatcher.position(ONE) == Presumed(held, held)
            wanted = targets[-1]
            assert held == 0 or (held > 0) == (wanted > 0), "never on the other side"
            assert abs(held) <= abs(wanted)

    play(plan)
    sent = len(venue.signals)
    play([*revised, revised[-1], 0])
    assert len(venue.signals) - sent <= 2
    assert len({signal.signal_id for signal in venue.signals}) == len(venue.signals)


def test_fault_57_a_foreign_server_is_real_until_it_proves_otherwise(
    desk: Make, tmp_path: Path
) -> None:
    made = desk()
    assert not made.dispatcher.venue.simulated
    assert made.dispatcher.venue.fingerprint == f"evalitup:{made.gateway.url}"


def test_fault_57_rows_of_paper_never_suppress_live(desk: Make, tmp_path: Path) -> None:
    journal = tmp_path / "journal.sqlite3"
    at = SystemClock().now_ns()
    paper = Record()
    with opened(paper, journal, clock=SystemClock()) as dispatcher:
        assert want(dispatcher, 1, at=at).status is Status.ACCEPTED
    made = desk(journal=journal, timeout=5.0)
    receipt = want(made.dispatcher, 1, at=at)
    assert receipt.status is Status.ACCEPTED
    assert receipt.signals[0].signal_id == paper.signals[0].signal_id
    assert made.held() == 1


def test_fault_58_ids_of_instances_datas_and_timers_differ() -> None:
    venue = Record()
    with opened(venue) as dispatcher:
        other = dispatcher.bind(strategy="cross-2")
        want(dispatcher, 1)
        want(other, 1)
        want(dispatcher, 1, data="two")
        want(dispatcher, 2, at=NOON + 30 * NS)  # a timer between two bars
        ids = [signal.signal_id for signal in venue.signals]
        assert len(set(ids)) == 4
    again = Record()
    with opened(again) as dispatcher:
        # Without what the others hold the same decision still has the same id.
        want(dispatcher, 1, at=NOON + 30 * NS)
        assert again.signals[0].signal_id == ids[3]


def test_fault_59_the_worst_of_three_accounts_decides() -> None:
    children = (
        ChildOutcome("A", Kind.REJECTED, "not enough margin"),
        ChildOutcome("B", Kind.ACCEPTED, filled=1),
        ChildOutcome("C", Kind.UNKNOWN, "no answer"),
    )
    venue = Record(answer=lambda signal: Outcome(Kind.ACCEPTED, children=children))
    with opened(venue) as dispatcher:
        receipt = want(dispatcher, 2)
        assert receipt.children == children
        assert receipt.status is Status.UNKNOWN
        assert "A REJECTED (not enough margin)" in receipt.reason
        assert dispatcher.position(ONE) == Presumed(0, 2)
        assert dispatcher.state(ONE) == "REDUCING"


@pytest.mark.parametrize("kind", ["frozen", "refused", "trickle"])
def test_three_orders_of_one_bar_at_a_dead_gateway_share_one_deadline(
    desk: Make, kind: str
) -> None:
    """Those behind the first are not sent, so they wait for nothing."""
    made = desk(timeout=0.5)
    names = [Instrument("SIM", name) for name in ("A", "B", "C")]
    if kind == "frozen":
        made.gateway.freeze()
    elif kind == "refused":
        made.gateway.down()
    else:
        made.gateway.always("trickle")
    receipts = [made.want(1, of=name) for name in names]
    first = Status.NOT_SENT if kind == "refused" else Status.UNKNOWN
    assert [one.status for one in receipts] == [first, Status.NOT_SENT, Status.NOT_SENT]
    if kind != "refused":
        assert {one.reason for one in receipts[1:]} == {"the venue let the last deadline pass"}
    assert len(made.gateway.received) <= 1
