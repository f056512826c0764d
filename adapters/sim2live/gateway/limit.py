"""How many requests may one sender make in a time?"""

from __future__ import annotations

from collections import deque

from sim2live.clock import Clock


class RateLimit:
    """At most so many requests of one sender in any window of time.

    Args:
        most: How many; at least 1.
        clock: Source of the monotonic time.
        seconds: Length of the window.
    """

    def __init__(self, most: int, clock: Clock, seconds: float = 60.0) -> None:
        self.most = most
        self.seconds = seconds
        self._clock = clock
        self._taken: dict[str, deque[float]] = {}

    def wait(self, sender: str) -> float:
        """Take a place, or say how long until there is one.

        Args:
            sender: Its name.

        Returns:
            0.0 when the request may go on, else seconds to wait.
        """
        now = self._clock.monotonic()
        taken = self._taken.setdefault(sender, deque())
        while taken and taken[0] <= now - self.seconds:
            taken.popleft()
        if len(taken) < self.most:
            taken.append(now)
            return 0.0
        return taken[0] + self.seconds - now
