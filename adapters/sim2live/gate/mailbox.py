"""What processes tell one another through the journal: commands, answers and heartbeats."""

from __future__ import annotations

from msgspec import Struct

from sim2live.clock import Clock
from sim2live.gate.store import Database


class Command(Struct, frozen=True):
    """What a human asked of the process that follows a workflow."""

    seq: int
    workflow: str
    verb: str
    argument: str


class Mailbox:
    """Commands for the process that follows a workflow, and signs that it is alive.

    Args:
        database: the journal's file.
        venue: fingerprint of the venue that is followed.
        clock: stamps what is written.
    """

    def __init__(self, database: Database, venue: str, clock: Clock) -> None:
        self._db = database
        self._venue = venue
        self._clock = clock

    def ask(self, workflow: str, verb: str, argument: str) -> int:
        """Leave a command for the process that follows the workflow; returns its number."""
        self._db.commit(
            [
                (
                    "INSERT INTO commands (venue, workflow, verb, argument, asked_at)"
                    " VALUES (?,?,?,?,?)",
                    (self._venue, workflow, verb, argument, self._clock.now_ns()),
                )
            ],
            durable=True,
        )
        found = self._db.query("SELECT max(seq) FROM commands WHERE venue=?", (self._venue,))
        return int(found[0][0])

    def asked(self) -> list[Command]:
        """The commands that nobody has carried out yet, oldest first."""
        found = self._db.query(
            "SELECT seq, workflow, verb, argument FROM commands"
            " WHERE venue=? AND answer IS NULL ORDER BY seq",
            (self._venue,),
        )
        return [Command(*values) for values in found]

    def answer(self, seq: int, text: str) -> None:
        """Say what became of a command."""
        self._db.commit(
            [
                (
                    "UPDATE commands SET answer=?, answered_at=? WHERE seq=?",
                    (text, self._clock.now_ns(), seq),
                )
            ],
            durable=True,
        )

    def answered(self, seq: int) -> str | None:
        """What became of a command, or None while nobody has carried it out."""
        found = self._db.query("SELECT answer FROM commands WHERE seq=?", (seq,))
        return found[0][0] if found else None

    def beat(self, workflow: str, pid: int) -> None:
        """This process is alive and follows the workflow."""
        self._db.commit(
            [
                (
                    "INSERT OR REPLACE INTO heartbeats VALUES (?,?,?,?)",
                    (self._venue, workflow, pid, self._clock.now_ns()),
                )
            ],
            durable=False,
        )

    def rest(self, workflow: str) -> None:
        """This process stops following the workflow in good order: no pid beats for it."""
        self.beat(workflow, 0)

    def heartbeat(self, workflow: str) -> tuple[int, int] | None:
        """Process id (0: ended in good order) and time (ns UTC) of the latest beat, or None."""
        found = self._db.query(
            "SELECT pid, time FROM heartbeats WHERE venue=? AND workflow=?",
            (self._venue, workflow),
        )
        return (found[0][0], found[0][1]) if found else None

    def unclean(self, workflow: str) -> bool:
        """Whether the last process that followed the workflow ended without closing."""
        beat = self.heartbeat(workflow)
        return beat is not None and beat[0] != 0
