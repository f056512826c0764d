"""How many signals may a pool send in a minute?"""

from __future__ import annotations

from collections import deque

from sim2live.clock import Clock

_WINDOW = 60.0


class RateLimit:
    """At most so many signals of one pool in any 60 seconds.

    Args:
        per_minute: How many; at least 1.
        clock: Source of the monotonic time.
    """

    def __init__(self, per_minute: int, clock: Clock) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._taken: dict[str, deque[float]] = {}

    def wait(self, pool: str) -> float:
        """Take a place, or say how long until there is one.

        Args:
            pool: Its name.

        Returns:
            0.0 when the signal may go on, else seconds to wait.
        """
        now = self._clock.monotonic()
        taken = self._taken.setdefault(pool, deque())
        while taken and taken[0] <= now - _WINDOW:
            taken.popleft()
        if len(taken) < self.per_minute:
            taken.append(now)
            return 0.0
        return taken[0] + _WINDOW - now
