"""A position that somebody else closes: its legs go, and nothing opens the other side."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.venues.projectx_firm import Firm, running, venue_of

from sim2live.clock import ManualClock
from sim2live.market.bars import Bar
from sim2live.signals import Bracket, Instrument, Signal, StopLoss, TakeProfit
from sim2live.venues.outcome import Kind
from sim2live.venues.projectx import ProjectX

MES = Instrument("CME", "MESZ6")
ENTRY = "11111111-1111-5111-8111-111111111111"
SECOND = "33333333-3333-5333-8333-333333333333"
EXIT = "22222222-2222-5222-8222-222222222222"
BRACKET = Bracket(TakeProfit(5020.0), StopLoss(4990.0))


@pytest.fixture
def firm(manual_clock: ManualClock) -> Iterator[Firm]:
    with running(Firm(manual_clock)) as one:
        yield one


@pytest.fixture
def venue(firm: Firm) -> Iterator[ProjectX]:
    made = venue_of(firm)
    made.on_bar(MES, Bar(1, 5000.0, 5000.0, 5000.0, 5000.0))
    yield made
    made.close()


def enter(venue: ProjectX, name: str = ENTRY) -> None:
    entry = Signal(
        signal_id=name, workflow_id="P-1", instrument=MES, side="BUY", qty=2, bracket=BRACKET
    )
    assert venue.send(entry, timeout=30.0).kind is Kind.ACCEPTED


def states(firm: Firm) -> list[int]:
    return [order["status"] for order in firm.orders[100]]


def test_fault_38_orphaned_legs_are_taken_off(firm: Firm, venue: ProjectX) -> None:
    enter(venue)
    venue.reports()
    firm.by_hand(100, side=1, size=2)
    venue.reports()
    venue.reports()
    assert states(firm) == [2, 3, 3, 2]
    assert firm.held(100) == 0


def test_fault_38_a_position_seen_flat_only_once_keeps_its_legs(
    firm: Firm, venue: ProjectX
) -> None:
    """Orders and positions are read at two moments; one look may fall between them."""
    enter(venue)
    firm.script(
        "Position/searchOpen",
        lambda _: (200, {"success": True, "errorCode": 0, "errorMessage": None, "positions": []}),
    )
    for _ in range(3):
        venue.reports()
    assert states(firm) == [2, 1, 1]


def test_fault_38_legs_wait_while_another_entry_is_on_its_way(firm: Firm, venue: ProjectX) -> None:
    enter(venue)
    firm.by_hand(100, side=1, size=2)
    firm.fills = 0
    enter(venue, SECOND)
    venue.reports()
    venue.reports()
    assert states(firm)[:3] == [2, 1, 1]


def test_fault_38_the_strategys_own_exit_comes_too_late_and_sends_nothing(
    firm: Firm, venue: ProjectX
) -> None:
    enter(venue)
    firm.by_hand(100, side=1, size=2)
    firm.clock.advance(60)
    late = Signal(
        signal_id=EXIT, workflow_id="P-1", instrument=MES, side="SELL", qty=2, open_close="CLOSE"
    )
    outcome = venue.send(late, timeout=30.0)
    assert outcome.kind is Kind.ACCEPTED
    assert firm.held(100) == 0
    assert firm.count("Order/place") == 1


def test_fault_38_a_cancel_that_loses_the_race_is_rejected_and_the_fill_is_told(
    firm: Firm, venue: ProjectX
) -> None:
    rest = Signal(
        schema_version="1.1",
        signal_id=ENTRY,
        workflow_id="P-1",
        instrument=MES,
        side="BUY",
        qty=1,
        order_type="LIMIT",
        limit_price=4990.0,
        order_id="mine",
    )
    venue.send(rest, timeout=30.0)
    venue.reports()
    firm.fill(1)
    cancel = Signal(
        schema_version="1.1",
        signal_id=EXIT,
        workflow_id="P-1",
        instrument=MES,
        side="BUY",
        qty=1,
        action="CANCEL",
        order_id="mine",
    )
    assert venue.send(cancel, timeout=30.0).kind is Kind.REJECTED
    told = venue.reports()
    assert [(report.kind, report.signed_qty, report.name) for report in told] == [
        ("fill", 1, "mine")
    ]
