"""A stop is as large as what its entry filled; a stop that is missing means that it goes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.agreed import agreed
from tests.venues.projectx_firm import Firm, running, venue_of

from sim2live import settings
from sim2live.clock import ManualClock
from sim2live.market.bars import Bar
from sim2live.signals import Bracket, Instrument, OrderSpec, Signal, StopLoss, TakeProfit
from sim2live.venues.base import Report
from sim2live.venues.outcome import Kind
from sim2live.venues.projectx import ProjectX

MES = Instrument("CME", "MESZ6")
ENTRY = "11111111-1111-5111-8111-111111111111"
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


def enter(venue: ProjectX, name: str = ENTRY, qty: int = 3) -> None:
    entry = Signal(
        signal_id=name, workflow_id="P-1", instrument=MES, side="BUY", qty=qty, bracket=BRACKET
    )
    assert venue.send(entry, timeout=30.0).kind is Kind.ACCEPTED


def look(venue: ProjectX, times: int = 1) -> list[Report]:
    return [report for _ in range(times) for report in venue.reports()]


def test_fault_37_the_stop_follows_what_the_entry_has_filled(firm: Firm, venue: ProjectX) -> None:
    firm.fills = 0
    enter(venue)
    firm.fill(1, 1)
    told = look(venue)
    assert [report.signed_qty for report in told if report.kind == "fill"] == [1]
    assert firm.order(2)["size"] == 1
    firm.fill(1, 2)
    look(venue)
    assert firm.order(2)["size"] == 3
    assert firm.count("Order/place") == 1


def test_fault_37_a_position_whose_stop_is_refused_goes_at_once_and_once(
    firm: Firm, venue: ProjectX
) -> None:
    enter(venue)
    firm.order(2)["status"] = 5
    first = look(venue)
    assert {(r.kind, r.name) for r in first} >= {("reject", f"{ENTRY}/stop_loss")}
    assert firm.held(100) == 0
    told = look(venue, 3)
    assert [(r.kind, r.signed_qty, r.signal_id) for r in told if r.kind == "fill"] == [
        ("fill", -3, ENTRY)
    ]
    assert firm.held(100) == 0
    assert firm.count("Order/place") == 2


def test_fault_37_after_a_partial_fill_only_what_is_held_goes(firm: Firm, venue: ProjectX) -> None:
    firm.fills = 0
    enter(venue)
    firm.fill(1, 2)
    firm.order(2)["status"] = 5
    firm.fills = None
    look(venue)
    assert firm.bodies("Order/place")[1]["size"] == 2
    assert firm.held(100) == 0


def test_fault_37_a_stop_that_never_appears_counts_as_missing(firm: Firm, venue: ProjectX) -> None:
    enter(venue)
    firm.orders[100] = [firm.order(1)]
    look(venue, 2)
    assert firm.held(100) == 3
    look(venue)
    assert firm.held(100) == 0


def test_fault_37_a_stop_without_a_parent_protects_as_well(firm: Firm, venue: ProjectX) -> None:
    enter(venue)
    for leg in (2, 3):
        firm.order(leg)["parentOrderId"] = None
    look(venue, 5)
    assert firm.held(100) == 3
    assert firm.order(2)["status"] == 1


def test_fault_37_a_stop_that_a_human_took_off_stays_off(firm: Firm, venue: ProjectX) -> None:
    enter(venue)
    look(venue)
    firm.order(2)["status"] = 3
    look(venue, 5)
    assert firm.held(100) == 3


def test_fault_37_a_position_of_somebody_else_is_left_alone(firm: Firm, venue: ProjectX) -> None:
    enter(venue)
    number = firm.new({"accountId": 100, "contractId": "CON.F.US.MNQ.Z26", "type": 2, "side": 0,
                       "size": 1, "customTag": "another robot"})  # fmt: skip
    firm.fill(number)
    firm.new({"accountId": 100, "contractId": "CON.F.US.MNQ.Z26", "type": 4, "side": 1, "size": 1},
             status=5, parentOrderId=number)  # fmt: skip
    look(venue, 5)
    assert firm.held(100, "CON.F.US.MNQ.Z26") == 1


def test_fault_37_the_guard_goes_on_after_a_restart(firm: Firm, venue: ProjectX) -> None:
    enter(venue)
    look(venue)
    venue.close()
    firm.order(2)["status"] = 5
    again = venue_of(firm)
    other = Signal(
        signal_id="22222222-2222-5222-8222-222222222222",
        workflow_id="P-1",
        instrument=Instrument("CME", "MNQZ6"),
        side="BUY",
        qty=1,
    )
    again.send(other, timeout=30.0)
    again.reports()
    assert firm.held(100) == 0
    again.close()


def test_fault_37_the_ledger_knows_that_the_position_went(firm: Firm, venue: ProjectX) -> None:
    with settings.connect(
        venue, workflow="P-1", journal=":memory:", clock=firm.clock, settings=agreed()
    ) as strategy:
        firm.clock.advance(1)
        at = firm.clock.now_ns()
        strategy.on_bar(MES, Bar(at, 5000.0, 5000.0, 5000.0, 5000.0))
        order = OrderSpec(bracket=BRACKET, reference=5000.0)
        receipt = strategy.follow(MES, 3, data="MES", nth=0, decided_at=at, order=order)
        assert receipt.status.value == "ACCEPTED"
        firm.order(2)["status"] = 5
        for _ in range(3):
            strategy.gate.news.collect()
        assert firm.held(100) == 0
        assert strategy.position(MES).holds(0)
        assert any("had no stop" in alarm.text for alarm in strategy.gate.alarms.raised)
        firm.clock.advance(60)
        at = firm.clock.now_ns()
        strategy.on_bar(MES, Bar(at, 5000.0, 5000.0, 5000.0, 5000.0))
        assert firm.held(100) == 0
        told = [report.name.rpartition("/")[2] for report in strategy.reports()]
        assert "exit" in told
