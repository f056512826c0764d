"""A second process that looks after the first: is it dead or frozen while something is held?

The first process beats in the journal once a second. When the beat stops and something is
presumed at the venue, there are two cases. The lock of the workflow is free: the process is dead,
and the guard alarms or flattens. The lock is held: the process is frozen (stopped, swapped out, in
a debugger) and may wake and go on trading, so the guard only alarms; with `takeover` it ends the
frozen process first, and then flattens. A process that closes in good order says so, and what it
left standing is left alone.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct

from sim2live.clock import NS, Clock
from sim2live.errors import LockedError
from sim2live.gate.alarms import Alarms
from sim2live.gate.dispatch import Dispatcher
from sim2live.gate.journal import Journal
from sim2live.gate.lock import ProcessLock

STALE = 15.0
"""Seconds without a beat before a process counts as gone."""


class Verdict(StrEnum):
    """What the guard sees.

    Attributes:
        IDLE: nobody follows the workflow; the last one closed in good order.
        ALIVE: the beat is young.
        FLAT: the beat has stopped, and nothing is presumed to be held.
        FROZEN: the beat has stopped, something is held, and the process still exists.
        DEAD: the beat has stopped, something is held, and the process is gone.
        FLATTENING: the guard follows the workflow itself and brings it to zero.
    """

    IDLE = "IDLE"
    ALIVE = "ALIVE"
    FLAT = "FLAT"
    FROZEN = "FROZEN"
    DEAD = "DEAD"
    FLATTENING = "FLATTENING"


class Sighting(Struct, frozen=True):
    """One look.

    Attributes:
        verdict: what it is.
        text: the same for people, with what is held.
    """

    verdict: Verdict
    text: str


class Guard:
    """Looks at one workflow of one journal.

    Args:
        journal: a connection of the guard's own.
        venue: fingerprint, part of the lock's name.
        workflow: the pool.
        clock: ages the beat; a corrected wall clock does no harm.
        alarms: told when something is held and nobody looks after it.
        take_over: opens the venue and the workflow for the guard itself; without it the guard
            only alarms.
        takeover: True to end a frozen process before.
        stale: seconds without a beat.
        kill: ends a process; replaced in tests.
    """

    def __init__(
        self,
        journal: Journal,
        venue: str,
        workflow: str,
        *,
        clock: Clock,
        alarms: Alarms,
        take_over: Callable[[], Dispatcher] | None = None,
        takeover: bool = False,
        stale: float = STALE,
        kill: Callable[[int], None] | None = None,
    ) -> None:
        self._journal = journal
        self._venue = venue
        self._workflow = workflow
        self._clock = clock
        self._alarms = alarms
        self._open = take_over
        self._takeover = takeover
        self._stale = stale
        self._kill = end_process if kill is None else kill
        self._beat: tuple[int, int] | None = None
        self._since = 0.0
        self._mine: Dispatcher | None = None

    def look(self) -> Sighting:
        """Look once, and act where that was asked for."""
        if self._mine is not None:
            return self._go_on(self._mine)
        beat = self._journal.mailbox.heartbeat(self._workflow)
        if beat is None or beat[0] == 0:
            return Sighting(Verdict.IDLE, f"nobody follows {self._workflow}")
        silent = self._silent(beat)
        if silent <= self._stale:
            return Sighting(Verdict.ALIVE, f"process {beat[0]} follows {self._workflow}")
        held = self._held()
        if not held:
            return Sighting(Verdict.FLAT, f"process {beat[0]} is gone; nothing is presumed held")
        if self._is_free():
            return self._dead(beat[0], held)
        return self._frozen(beat[0], held)

    def close(self) -> None:
        """Let go of a workflow that the guard has taken over."""
        if self._mine is not None:
            self._mine.close()
            self._mine = None

    def _silent(self, beat: tuple[int, int]) -> float:
        """Seconds since the beat last changed, on a clock that nobody corrects."""
        now = self._clock.monotonic()
        if beat != self._beat:
            # The first beat that is seen may be old already.
            age = 0.0 if self._beat else (self._clock.now_ns() - beat[1]) / NS
            self._since = now - max(0.0, age)
            self._beat = beat
        return now - self._since

    def _held(self) -> str:
        """What is presumed, in words; what is under way or unknown counts as held."""
        parts = [
            f"{instrument} {line.presumed}"
            for (_, instrument), line in self._journal.lines(self._workflow).items()
            if (line.presumed.low, line.presumed.high) != (0, 0)
        ]
        parts += [
            f"{row.instrument} {row.signed:+d} under way"
            for row in self._journal.rows(states=("SENDING",), workflow=self._workflow)
        ]
        return ", ".join(parts)

    def _is_free(self) -> bool:
        lock = ProcessLock(self._journal.path, self._venue)
        try:
            lock.take(self._workflow)
        except LockedError:
            return False
        lock.release()
        return True

    def _dead(self, pid: int, held: str) -> Sighting:
        text = f"process {pid} is dead and {held} is presumed"
        if self._open is None:
            return self._sound(Verdict.DEAD, f"{text}; look at the venue, or restart the strategy")
        self._sound(Verdict.DEAD, f"{text}; the guard flattens")
        self._mine = self._open()
        self._mine.flatten()
        return self._go_on(self._mine)

    def _frozen(self, pid: int, held: str) -> Sighting:
        text = f"process {pid} does not answer and {held} is presumed"
        if not self._takeover or self._open is None:
            return self._sound(
                Verdict.FROZEN,
                f"{text}; it may wake and go on. End it, and the guard sees it dead",
            )
        sighting = self._sound(Verdict.FROZEN, f"{text}; the guard ends it and flattens")
        self._kill(pid)
        return sighting  # the next look finds the lock free

    def _go_on(self, mine: Dispatcher) -> Sighting:
        """Bring to zero what is still held; what nobody knows is for a human."""
        mine.gate.work()
        lines = [line for line in mine.standing().lines if line.presumed != "0"]
        if not lines:
            self.close()
            return Sighting(Verdict.IDLE, f"{self._workflow} is flat and halted")
        held = ", ".join(f"{line.instrument} {line.presumed}" for line in lines)
        return self._sound(Verdict.FLATTENING, f"not flat yet: {held} is presumed")

    def _sound(self, verdict: Verdict, text: str) -> Sighting:
        self._alarms.sound(self._clock.now_ns(), self._workflow, text)
        return Sighting(verdict, text)


def end_process(pid: int) -> None:
    """End a process at once; one that is gone already is no error."""
    try:
        # Windows knows no SIGKILL; there every signal ends the process at once.
        os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    except ProcessLookupError:
        return
