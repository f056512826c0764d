"""One process follows a pool at a venue; a second one is refused.

The lock is a tiny SQLite file held in an exclusive transaction. It needs no platform call of its
own, so it works on Windows as on Linux, and it dies with its process: nothing stale is left
after a kill.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from sim2live.errors import LockedError
from sim2live.gate.store import MEMORY, Exclusive


class ProcessLock:
    """Holds (venue, workflow) for this process.

    Args:
        journal: path of the journal; the lock files live beside it. In memory there is nothing
            that another process could share, and nothing is locked.
        venue: fingerprint of the venue.
    """

    def __init__(self, journal: str, venue: str) -> None:
        self._journal = journal
        self._venue = venue
        self._held: dict[str, Exclusive | None] = {}

    def take(self, workflow: str) -> None:
        """Hold a workflow until `release`; taking it twice is taking it once.

        Raises:
            LockedError: another process holds it; its process id is named.
        """
        if workflow in self._held:
            return
        if self._journal == MEMORY:
            self._held[workflow] = None
            return
        name = hashlib.sha256(f"{self._venue}\0{workflow}".encode()).hexdigest()[:16]
        path = Path(f"{self._journal}.{name}.lock")
        held = Exclusive(path)
        if not held.taken:
            raise LockedError(
                f"another process (pid {held.owner}) follows workflow {workflow!r} at "
                f"{self._venue}; stop it first, or give this run another workflow"
            )
        self._held[workflow] = held

    @property
    def workflows(self) -> tuple[str, ...]:
        """What this process follows."""
        return tuple(self._held)

    def release(self) -> None:
        """Give everything back."""
        for held in self._held.values():
            if held is not None:
                held.close()
        self._held.clear()
