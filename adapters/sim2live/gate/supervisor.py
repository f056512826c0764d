"""What must happen without a bar: commands, a heartbeat, the kill switch, the end of the day.

Strategies act when bars come. This thread acts when they do not.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Sequence

from sim2live.clock import Clock
from sim2live.gate.control import Control
from sim2live.gate.gate import Gate

logger = logging.getLogger("sim2live.supervisor")
EVERY = 1.0


class Duty:
    """Something the supervisor looks at each time. Subclasses do the looking."""

    def look(self, gate: Gate, now: int) -> None:
        """Act if it is time.

        Args:
            gate: whose workflows are watched.
            now: ns UTC.
        """


class Heartbeat(Duty):
    """Tells other processes that this one is alive."""

    def look(self, gate: Gate, now: int) -> None:  # noqa: ARG002 - beats at every look
        """Write one beat for each workflow."""
        for workflow in gate.shelf.followed:
            gate.journal.mailbox.beat(workflow, os.getpid())


class Obedience(Duty):
    """Carries out what people left in the journal."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def look(self, gate: Gate, now: int) -> None:  # noqa: ARG002 - obeys at every look
        """Carry out what was asked since the last look."""
        Control(gate, self._clock).obey()


class Supervisor:
    """Runs duties once a second until it is closed.

    Args:
        gate: what is supervised.
        duties: looked at in this order; one that fails is logged and does not stop the others.
        clock: how to wait.
    """

    def __init__(self, gate: Gate, duties: Sequence[Duty], clock: Clock) -> None:
        self._gate = gate
        self._duties = tuple(duties)
        self._clock = clock
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sim2live-supervisor", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def tick(self) -> None:
        """Look once at every duty."""
        now = self._clock.now_ns()
        for duty in self._duties:
            try:
                duty.look(self._gate, now)
            except Exception:
                # The end of the day must come even when the journal cannot be written.
                logger.exception("%s failed and is looked at again", type(duty).__name__)

    def _run(self) -> None:
        while not self._clock.wait(self._stop, EVERY):
            self.tick()

    def close(self) -> None:
        """Stop looking; a look that is under way ends first."""
        self._stop.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout=5.0)
