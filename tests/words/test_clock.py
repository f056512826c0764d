"""Time: whole nanoseconds UTC, and a clock that a test can hold in its hand."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2live.clock import NS, Clock, ManualClock, SystemClock, from_ns, iso, to_ns


def test_a_moment_is_the_same_in_every_zone() -> None:
    moment = datetime(2026, 9, 18, 9, 30, tzinfo=ZoneInfo("America/New_York"))
    assert to_ns(moment) == to_ns(datetime(2026, 9, 18, 13, 30, tzinfo=UTC))
    assert to_ns(datetime(1970, 1, 1, tzinfo=UTC)) == 0


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="must name its time zone"):
        to_ns(datetime(2026, 9, 18))


@given(st.datetimes(timezones=st.just(UTC)))
def test_datetimes_come_back_exactly(moment: datetime) -> None:
    assert from_ns(to_ns(moment)) == moment
    assert datetime.fromisoformat(iso(to_ns(moment))) == moment


def test_text_has_as_many_digits_as_it_needs() -> None:
    assert iso(0) == "1970-01-01T00:00:00Z"
    assert iso(1_500_000_000) == "1970-01-01T00:00:01.500Z"
    assert iso(1_000) == "1970-01-01T00:00:00.000001Z"
    assert iso(1) == "1970-01-01T00:00:00.000000001Z"
    assert iso(-1) == "1969-12-31T23:59:59.999999999Z"


def test_the_manual_clock_moves_only_when_told() -> None:
    clock = ManualClock(start_ns=5 * NS)
    assert (clock.now_ns(), clock.monotonic_ns()) == (5 * NS, 0)
    clock.advance(0.25)
    clock.sleep(1)
    clock.sleep(-3)
    assert (clock.now_ns(), clock.monotonic()) == (6_250_000_000, 1.25)
    for back in (-1, float("nan")):
        with pytest.raises(ValueError, match="time does not go back"):
            clock.advance(back)


def test_a_corrected_wall_clock_leaves_deadlines_alone() -> None:
    clock = ManualClock(start_ns=100 * NS)
    clock.advance(1)
    clock.set_wall(40 * NS)
    assert (clock.now_ns(), clock.monotonic()) == (40 * NS, 1.0)
    clock.advance(2)
    assert (clock.now_ns(), clock.monotonic()) == (42 * NS, 3.0)


def test_waiting_on_the_manual_clock_takes_no_time_but_its_own() -> None:
    clock, event = ManualClock(), threading.Event()
    assert clock.wait(event, 5) is False
    assert clock.monotonic() == 5
    event.set()
    assert clock.wait(event, 5) is True
    assert clock.wait(event, None) is True
    assert clock.monotonic() == 5


def test_waiting_without_a_limit_ends_with_the_event() -> None:
    clock, event = ManualClock(), threading.Event()
    thread = threading.Thread(target=event.set)
    waiter = threading.Thread(target=clock.wait, args=(event, None))
    waiter.start()
    thread.start()
    waiter.join(60)
    assert not waiter.is_alive()


def test_the_system_clock_is_the_machine() -> None:
    clock = SystemClock()
    first = clock.monotonic_ns()
    clock.sleep(0.001)
    assert clock.monotonic_ns() - first >= 1_000_000
    assert abs(from_ns(clock.now_ns()) - datetime.now(UTC)) < timedelta(minutes=1)
    assert clock.wait(threading.Event(), 0) is False


def test_a_clock_has_to_be_chosen() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Clock()  # type: ignore[abstract]
