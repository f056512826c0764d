"""A recording venue keeps every signal and harms nobody."""

from __future__ import annotations

import threading

from sim2live.signals import Instrument, Signal
from sim2live.venues.outcome import Kind, Outcome
from sim2live.venues.record import Record


def a_signal(number: int) -> Signal:
    return Signal(
        signal_id=f"id-{number}",
        workflow_id="p",
        instrument=Instrument("CME", "MESZ6"),
        side="BUY",
        qty=1,
    )


def test_signals_are_kept_in_order_and_accepted() -> None:
    venue = Record()
    for number in range(3):
        assert venue.send(a_signal(number), timeout=1).kind is Kind.ACCEPTED
    assert venue.signals == [a_signal(number) for number in range(3)]
    assert venue.simulated is True
    assert venue.probe(timeout=1) is True


def test_an_answer_of_ones_own_decides_and_the_signal_is_kept_all_the_same() -> None:
    venue = Record(lambda signal: Outcome(Kind.REJECTED, f"not {signal.signal_id}"))
    assert venue.send(a_signal(1), timeout=1) == Outcome(Kind.REJECTED, "not id-1")
    assert venue.signals == [a_signal(1)]


def test_two_recordings_are_two_venues_in_a_journal() -> None:
    first, second = Record(), Record()
    assert first.fingerprint.startswith("record:")
    assert first.fingerprint != second.fingerprint


def test_threads_lose_no_signal() -> None:
    venue = Record()

    def work(base: int) -> None:
        for number in range(200):
            venue.send(a_signal(base + number), timeout=1)

    threads = [threading.Thread(target=work, args=(base,)) for base in range(0, 800, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {signal.signal_id for signal in venue.signals} == {f"id-{n}" for n in range(800)}
