"""A session ends in the middle of a run: one login, then everything goes on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.agreed import agreed
from tests.venues.projectx_firm import Firm, ok, refused, running, venue_of

from sim2live import settings
from sim2live.clock import ManualClock
from sim2live.gate.dispatch import Dispatcher
from sim2live.gate.receipt import Receipt
from sim2live.market.bars import Bar
from sim2live.signals import Instrument, Signal
from sim2live.venues.outcome import Kind

MES = Instrument("CME", "MESZ6")


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
        firm.clock.advance(1)
        dispatcher.on_bar(MES, Bar(firm.clock.now_ns(), 5000.0, 5000.0, 5000.0, 5000.0))
        yield dispatcher


def want(strategy: Dispatcher, firm: Firm, target: int, nth: int) -> Receipt:
    return strategy.follow(MES, target, data="MES", nth=nth, decided_at=firm.clock.now_ns())


def entry(name: str) -> Signal:
    return Signal(signal_id=name, workflow_id="P-1", instrument=MES, side="BUY", qty=1)


def test_fault_47_an_entry_that_got_401_is_rejected_and_the_next_one_goes(
    strategy: Dispatcher, firm: Firm
) -> None:
    assert want(strategy, firm, 1, 0).status.value == "ACCEPTED"
    logins = firm.count("Auth/loginKey")
    firm.expire()
    refused_one = want(strategy, firm, 2, 1)
    assert refused_one.status.value == "REJECTED"
    assert firm.count("Auth/loginKey") == logins + 1
    assert strategy.state(MES) == "ACTIVE"
    assert want(strategy, firm, 2, 2).status.value == "ACCEPTED"
    assert firm.held(100) == 2
    assert firm.count("Auth/loginKey") == logins + 1


def test_fault_47_an_exit_finds_the_session_renewed_by_its_own_question(
    strategy: Dispatcher, firm: Firm
) -> None:
    """An exit reads the position first; that question is repeated after a login."""
    want(strategy, firm, 1, 0)
    firm.expire()
    assert want(strategy, firm, 0, 1).status.value == "ACCEPTED"
    assert firm.held(100) == 0


def test_fault_47_an_exit_that_got_401_itself_is_owed_and_delivered_once(
    strategy: Dispatcher, firm: Firm
) -> None:
    want(strategy, firm, 1, 0)
    firm.script("Order/place", lambda _: (401, ""))
    assert want(strategy, firm, 0, 1).status.value == "PENDING"
    assert firm.held(100) == 1
    for _ in range(5):
        firm.clock.advance(5)
        if not strategy.gate.work():
            break
    assert firm.held(100) == 0
    assert strategy.state(MES) == "ACTIVE"


def test_fault_47_a_key_that_is_refused_as_well_halts(strategy: Dispatcher, firm: Firm) -> None:
    want(strategy, firm, 1, 0)
    firm.expire()
    firm.script("Auth/loginKey", lambda _: (200, refused(10, "API keys are switched off")))
    receipt = want(strategy, firm, 2, 1)
    assert receipt.status.value == "REJECTED"
    assert strategy.state(MES) == "HALTED"


def test_fault_47_a_server_that_cannot_log_in_now_does_not_halt(
    strategy: Dispatcher, firm: Firm
) -> None:
    want(strategy, firm, 1, 0)
    firm.expire()
    firm.script("Auth/loginKey", lambda _: (503, "later"))
    assert want(strategy, firm, 2, 1).status.value == "REJECTED"
    assert strategy.state(MES) == "ACTIVE"


def test_fault_47_a_token_is_exchanged_before_it_is_a_day_old(firm: Firm) -> None:
    venue = venue_of(firm)
    venue.send(entry("a"), timeout=30.0)
    firm.clock.advance(22.9 * 3600)
    venue.send(entry("b"), timeout=30.0)
    assert firm.count("Auth/validate") == 0
    firm.clock.advance(0.2 * 3600)
    venue.send(entry("c"), timeout=30.0)
    assert firm.count("Auth/validate") == 1
    assert firm.count("Auth/loginKey") == 1
    assert firm.held(100) == 3
    venue.close()


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: (200, refused(3, "expired")),
        lambda _: (401, ""),
        lambda _: ok(newToken=None),
        lambda _: "lost",
    ],
)
def test_fault_47_a_token_that_cannot_be_exchanged_is_replaced_by_a_login(
    firm: Firm, answer: object
) -> None:
    venue = venue_of(firm)
    venue.send(entry("a"), timeout=30.0)
    firm.clock.advance(23.5 * 3600)
    firm.script("Auth/validate", answer)  # type: ignore[arg-type]
    assert venue.send(entry("b"), timeout=30.0).kind is Kind.ACCEPTED
    assert firm.count("Auth/loginKey") == 2
    venue.close()


def test_fault_47_many_threads_share_one_login(firm: Firm) -> None:
    venue = venue_of(firm)
    venue.send(entry("first"), timeout=30.0)
    logins = firm.count("Auth/loginKey")
    firm.expire()
    threads = [
        threading.Thread(target=venue.positions, args=("P-1",), daemon=True) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert firm.count("Auth/loginKey") == logins + 1
    venue.close()
