"""How many points go to a worker at a time, and how many workers fit into memory?"""

from __future__ import annotations

import logging
import math
from typing import Final

_log = logging.getLogger("sim2live.sweep")

# A chunk should take about so long: long against the way to a worker, short for a progress bar.
SECONDS: Final = 1.0
# So many chunks for each worker at least, or the last one makes the others wait.
SHARES: Final = 4


class Sizes:
    """Learns what a point costs, and cuts chunks accordingly.

    Args:
        workers: How many there are at most.
        memory: Bytes that all of them may hold together.
        together: True where the points of a chunk are one call, so that each takes its memory
            at the same time; False where they are run one after the other.
    """

    def __init__(self, workers: int, memory: float, *, together: bool) -> None:
        self.workers = workers
        self._most = workers
        self._memory = memory
        self.together = together
        self._room = math.inf
        self._pace = SECONDS
        self._weighed = False

    @property
    def weighed(self) -> bool:
        """True when memory is known; until then points go one by one."""
        return self._weighed

    def weigh(self, resident: int, peak: int) -> None:
        """Learn from one point what a process and a point need, in bytes."""
        self._weighed = True
        self.workers = int(max(1, min(self._most, self._memory // max(1, resident))))
        if self.together:
            free = self._memory / self.workers - (resident - peak)
            self._room = max(1, free // max(1, peak))
        if resident > self._memory:
            _log.warning(
                "one worker holds %d MB, and %d MB may be used: the sweep runs on one worker",
                resident / 1e6, self._memory / 1e6,
            )  # fmt: skip

    def learn(self, points: int, seconds: float) -> None:
        """Learn from a chunk how long a point takes."""
        self._pace = max(seconds, 1e-6) / points

    def next(self, waiting: int) -> int:
        """How many of the waiting points the next chunk takes; at least one."""
        in_time = max(1, math.ceil(SECONDS / self._pace))
        in_turn = max(1, math.ceil(waiting / (SHARES * self.workers)))
        return int(max(1, min(waiting, in_time, in_turn, self._room)))
