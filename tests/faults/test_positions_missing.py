"""A position that cannot be read is unknown; it is never flat, and no exit is lost by it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.agreed import agreed
from tests.venues.projectx_firm import Firm, running, venue_of

from sim2live import settings
from sim2live.clock import ManualClock
from sim2live.gate.dispatch import Dispatcher
from sim2live.gate.receipt import Status
from sim2live.market.bars import Bar
from sim2live.signals import Instrument

MES = Instrument("CME", "MESZ6")
Script = Callable[[dict[str, Any]], Any]

UNREADABLE: dict[str, Script] = {
    "missing": lambda _: (200, {"success": True, "errorCode": 0, "errorMessage": None}),
    "null": lambda _: (200, {"success": True, "errorCode": 0, "positions": None}),
    "no list": lambda _: (200, {"success": True, "errorCode": 0, "positions": {}}),
    "no side": lambda _: (
        200,
        {"success": True, "errorCode": 0,
         "positions": [{"contractId": "CON.F.US.MES.Z26", "type": 0, "size": 1}]},
    ),
    "no size": lambda _: (
        200, {"success": True, "positions": [{"contractId": "CON.F.US.MES.Z26", "type": 1}]},
    ),
    "refused": lambda _: (200, {"success": False, "errorCode": 1, "errorMessage": "no"}),
    "broken": lambda _: (500, "oops"),
    "cut": lambda _: (200, "[{"),
    "silent": lambda _: "lost",
}  # fmt: skip


@pytest.fixture
def firm(manual_clock: ManualClock) -> Iterator[Firm]:
    with running(Firm(manual_clock)) as one:
        yield one


@pytest.fixture
def strategy(firm: Firm, tmp_path: Path) -> Iterator[Dispatcher]:
    with settings.connect(
        venue_of(firm),
        workflow="P-1",
        journal=tmp_path / "j.sqlite3",
        clock=firm.clock,
        settings=agreed(),
    ) as dispatcher:
        yield dispatcher


def want(strategy: Dispatcher, firm: Firm, target: int, nth: int) -> Status:
    at = firm.clock.now_ns()
    return strategy.follow(MES, target, data="MES", nth=nth, decided_at=at).status


@pytest.mark.parametrize("way", UNREADABLE)
def test_fault_39_it_is_not_known(firm: Firm, way: str) -> None:
    venue = venue_of(firm)
    firm.by_hand(100, side=0, size=2)
    firm.script("Position/searchOpen", *[UNREADABLE[way]] * 3)
    assert venue.positions("P-1") is None
    firm.scripts.clear()
    assert venue.positions("P-1") == {MES: 2}
    venue.close()


def test_fault_39_an_empty_list_is_flat_and_size_zero_too(firm: Firm) -> None:
    venue = venue_of(firm)
    assert venue.positions("P-1") == {}
    row = {"contractId": "CON.F.US.MES.Z26", "type": 1, "size": 0}
    firm.script("Position/searchOpen", lambda _: (200, {"success": True, "positions": [row]}))
    assert venue.positions("P-1") == {}
    venue.close()


@pytest.mark.parametrize("way", UNREADABLE)
def test_fault_39_an_exit_is_owed_until_it_can_be_read(
    firm: Firm, strategy: Dispatcher, way: str
) -> None:
    firm.clock.advance(1)
    strategy.on_bar(MES, Bar(firm.clock.now_ns(), 5000.0, 5000.0, 5000.0, 5000.0))
    assert want(strategy, firm, 2, 0) is Status.ACCEPTED
    firm.scripts["Position/searchOpen"] = [UNREADABLE[way]] * 2
    assert want(strategy, firm, 0, 1) in (Status.PENDING, Status.UNKNOWN)
    assert firm.held(100) == 2
    firm.scripts.clear()
    for _ in range(30):
        firm.clock.advance(5)
        if not strategy.gate.work():
            break
    assert firm.held(100) == 0
    assert firm.count("Order/place") == 2


def test_fault_39_the_guard_does_nothing_while_it_cannot_read(firm: Firm) -> None:
    venue = venue_of(firm)
    with settings.connect(
        venue, workflow="P-1", journal=":memory:", clock=firm.clock, settings=agreed()
    ) as strategy:
        firm.clock.advance(1)
        strategy.on_bar(MES, Bar(firm.clock.now_ns(), 5000.0, 5000.0, 5000.0, 5000.0))
        want(strategy, firm, 2, 0)
        leg = firm.new(
            {"accountId": 100, "contractId": "CON.F.US.MES.Z26", "type": 4, "side": 1, "size": 2},
            parentOrderId=1,
        )
        firm.by_hand(100, side=1, size=2)
        firm.scripts["Position/searchOpen"] = [UNREADABLE["null"]] * 4
        for _ in range(4):
            venue.reports()
        assert firm.order(leg)["status"] == 1
        for _ in range(2):
            venue.reports()
        assert firm.order(leg)["status"] == 3
