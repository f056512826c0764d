"""What is remembered of a signal that was accepted?"""

from __future__ import annotations

import msgspec

from sim2live.exchange.execution import Submission
from sim2live.signals import Signal


class Taken(msgspec.Struct, frozen=True, gc=False):
    """A signal that was accepted.

    Attributes:
        time: When, UTC epoch nanoseconds.
        signal: The signal.
        submission: What its pool made of it.
        bar: Time of the bar that it met, UTC epoch nanoseconds; None before the first.
    """

    time: int
    signal: Signal
    submission: Submission
    bar: int | None = None
