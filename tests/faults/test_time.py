"""Clocks, sessions, contracts and dates: rows 17, 41, 42 and 55."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.agreed import agreed
from tests.faults.test_following import Real

from sim2live.clock import NS, ManualClock, to_ns
from sim2live.gate.receipt import Status
from sim2live.market.bars import Bar
from sim2live.market.sessions import Timetable
from sim2live.settings import connect
from sim2live.signals import Instrument
from sim2live.venues.record import Record

MONDAY = to_ns(datetime(2026, 1, 5, 15, tzinfo=UTC))


def opened(clock: ManualClock, venue: Record, **changes: Any) -> Any:
    return connect(
        venue, workflow="pool", strategy="cross", journal=changes.pop("journal", ":memory:"),
        clock=clock, settings=agreed(**changes),
    )  # fmt: skip


@pytest.mark.parametrize("hours", [-1, 1])
def test_fault_17_a_clock_that_jumps_changes_no_id_and_no_deadline(hours: int) -> None:
    ids = []
    for jump in (0, hours):
        clock, venue = ManualClock(MONDAY), Record()
        with opened(clock, venue) as dispatcher:
            one = Instrument("CME", "MESH6")
            dispatcher.follow(one, 1, data="one", nth=0, decided_at=MONDAY)
            started = clock.monotonic()
            clock.set_wall(MONDAY + jump * 3600 * NS)
            assert clock.monotonic() == started
            dispatcher.follow(one, 0, data="one", nth=1, decided_at=MONDAY)
            ids.append([signal.signal_id for signal in venue.signals])
    assert ids[0] == ids[1]


@pytest.mark.parametrize(
    ("day", "opens"),
    [
        (datetime(2026, 3, 8, 20, tzinfo=UTC), datetime(2026, 3, 8, 22, tzinfo=UTC)),
        (datetime(2026, 11, 1, 20, tzinfo=UTC), datetime(2026, 11, 1, 23, tzinfo=UTC)),
    ],
    ids=["spring", "autumn"],
)
def test_fault_17_sessions_follow_the_exchange_s_own_clock(day: datetime, opens: datetime) -> None:
    """Sunday, 17:00 in Chicago, on the two days that the clocks change."""
    sessions = Timetable().sessions_for(Instrument("CME", "MESZ6"))
    assert sessions.next_open(to_ns(day)) == to_ns(opens)


def test_fault_42_bars_of_the_past_are_never_acted_on() -> None:
    clock, venue = ManualClock(MONDAY), Real()
    one = Instrument("CME", "MESH6")
    with opened(clock, venue) as dispatcher:
        for minutes in range(600, 2, -1):
            at = MONDAY - minutes * 60 * NS
            dispatcher.on_bar(one, Bar(at, 100.0, 100.0, 100.0, 100.0))
            receipt = dispatcher.follow(one, minutes % 2, data="one", nth=0, decided_at=at)
            assert receipt.status is Status.SHADOW
        assert venue.signals == []


@pytest.mark.parametrize("symbol", ["MESU5", "ESZ4"])
def test_fault_41_an_expired_contract_is_refused_with_a_suggestion(symbol: str) -> None:
    clock, venue = ManualClock(MONDAY), Real()
    with opened(clock, venue) as dispatcher:
        gone = Instrument("CME", symbol)
        receipt = dispatcher.follow(gone, 1, data="one", nth=0, decided_at=MONDAY)
        assert (receipt.status, receipt.granted) == (Status.HELD, 0)
        assert symbol in receipt.reason
        assert venue.signals == []


def test_fault_55_an_exit_goes_to_the_contract_that_was_opened(tmp_path: Path) -> None:
    clock, venue = ManualClock(MONDAY), Record()
    venue.fingerprint = "one"
    old, new = Instrument("CME", "MESH6"), Instrument("CME", "MESM6")
    journal = tmp_path / "journal.sqlite3"
    with opened(clock, venue, journal=journal) as dispatcher:
        dispatcher.follow(old, 2, data="one", nth=0, decided_at=MONDAY)
    with opened(clock, venue, journal=journal) as dispatcher:
        later = MONDAY + 60 * NS
        dispatcher.follow(old, 2, data="one", nth=0, decided_at=MONDAY)
        dispatcher.follow(new, 0, data="one", nth=0, decided_at=later)
        dispatcher.follow(new, 1, data="one", nth=1, decided_at=later)
    moves = [(signal.instrument.symbol, signal.signed) for signal in venue.signals]
    assert moves == [("MESH6", 2), ("MESH6", -2), ("MESM6", 1)]
