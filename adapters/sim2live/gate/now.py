"""Is this decision about now, or is the framework still replaying history?

All three frameworks run through the past before they reach the present. Only the gate knows
where the present begins; adapters hand over every decision and never ask.
"""

from __future__ import annotations

import abc

from sim2live.clock import NS, Clock


class Now(abc.ABC):
    """Where "now" is. A venue decides which kind of now it has."""

    @abc.abstractmethod
    def is_live(self, decided_at: int, watermark: int) -> bool:
        """Whether a decision may reach the venue.

        Args:
            decided_at: ns UTC, the bar of the decision.
            watermark: ns UTC of the latest bar that an earlier process of this journal saw.
        """

    @abc.abstractmethod
    def time(self, decided_at: int) -> int:
        """The moment (ns UTC) that rules count with."""


class BarsNow(Now):
    """The bars are the clock: a backtest is a full rehearsal, every new bar is live."""

    def is_live(self, decided_at: int, watermark: int) -> bool:
        """Everything from the last bar on that an earlier process saw."""
        return decided_at >= watermark

    def time(self, decided_at: int) -> int:
        """The decision's own bar."""
        return decided_at


class WallNow(Now):
    """The wall is the clock: a bar that closed more than ``max_age`` ago is history.

    Args:
        clock: wall time.
        max_age: seconds after its close during which a bar may still be acted on.
        ahead: seconds that a bar may seem to come from the future before its time zone
            is taken to be wrong.
    """

    def __init__(self, clock: Clock, *, max_age: float, ahead: float = 5.0) -> None:
        self._clock = clock
        self._max_age = round(max_age * NS)
        self._ahead = round(ahead * NS)

    def is_live(self, decided_at: int, watermark: int) -> bool:
        """A bar that closed not long ago, and that no earlier process has left behind."""
        age = self._clock.now_ns() - decided_at
        return decided_at >= watermark and -self._ahead <= age <= self._max_age

    def time(self, decided_at: int) -> int:  # noqa: ARG002 - the wall needs no bar
        """The wall's time."""
        return self._clock.now_ns()
