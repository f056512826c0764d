"""A million signals into a venue that keeps nothing: does the gate keep anything?

    python -m tests.campaign.soak

Prints what the process grew by after the first tenth, and how long a journal of that size takes
from opening to the first decision.
"""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
from pathlib import Path
from typing import Any

from tests.campaign.sequences import folder

from sim2live.clock import NS, ManualClock, SystemClock
from sim2live.settings import Settings, connect
from sim2live.signals import Instrument, Signal
from sim2live.venues.base import Venue
from sim2live.venues.outcome import Kind, Outcome

ONE = Instrument("SIM", "ONE")
TEN_MEGABYTES = 10 * 2**20
START = 1_767_625_200 * NS


class Discarding(Venue):
    """Accepts, and keeps nothing."""

    name = "discarding"
    fingerprint = "discarding"
    simulated = True

    def send(self, signal: Signal, *, timeout: float) -> Outcome:
        return Outcome(Kind.ACCEPTED)


def resident() -> int:
    """Bytes of memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def opened(journal: Path) -> Any:
    return connect(
        Discarding(), workflow="pool", strategy="soak", journal=journal,
        clock=ManualClock(START), settings=Settings(),
    )  # fmt: skip


def want(dispatcher: Any, number: int) -> None:
    receipt = dispatcher.follow(
        ONE, (number + 1) % 2, data="one", nth=0, decided_at=START + number * NS
    )
    assert receipt.ok, receipt


def first_decision(journal: Path, number: int) -> float:
    """Seconds from opening a journal to the first receipt."""
    clock = SystemClock()
    began = clock.monotonic()
    dispatcher = opened(journal)
    want(dispatcher, number)
    took = clock.monotonic() - began
    dispatcher.close()
    return took


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signals", type=int, default=1_000_000)
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    place, failed = folder(), False
    journal = place / "journal.sqlite3"
    warm = arguments.signals // 10
    try:
        dispatcher, clock = opened(journal), SystemClock()
        began = clock.monotonic()
        before = 0
        for number in range(arguments.signals):
            if number == warm:
                before = resident()
            want(dispatcher, number)
        grown = resident() - before
        took = clock.monotonic() - began
        dispatcher.close()
        print(f"{arguments.signals:,} signals in {took:.0f} s")
        print(f"grown by {grown / 2**20:.1f} MB after the first {warm:,}")
        opening = first_decision(journal, arguments.signals)
        limit = 0.5 if arguments.signals <= 100_000 else 2.0
        print(f"from opening the journal to the first decision: {opening:.2f} s (limit {limit})")
        failed = grown >= TEN_MEGABYTES or opening > limit
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
