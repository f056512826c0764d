"""A venue that keeps what it is given: to look at signals without sending any."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from sim2live.venues.base import Venue
from sim2live.venues.outcome import Kind, Outcome

if TYPE_CHECKING:
    from sim2live.signals import Signal

__all__ = ["Record"]


class Record(Venue):
    """Keeps every signal in memory and accepts it.

    Args:
        answer: Decides the outcome of each signal instead; it may be called from
            several threads at once.

    Attributes:
        signals: Every signal handed over, in order, whatever its outcome.
    """

    name = "record"
    simulated = True
    takes_bars = False

    def __init__(self, answer: Callable[[Signal], Outcome] | None = None) -> None:
        self.signals: list[Signal] = []
        self.fingerprint = f"record:{secrets.token_hex(8)}"
        self._answer = answer
        self._lock = threading.Lock()

    def send(self, signal: Signal, *, timeout: float) -> Outcome:  # noqa: ARG002 - it takes no time
        """Keep the signal; see :meth:`Venue.send`."""
        with self._lock:
            self.signals.append(signal)
        return Outcome(Kind.ACCEPTED) if self._answer is None else self._answer(signal)
