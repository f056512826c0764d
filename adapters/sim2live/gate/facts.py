"""Small things that must outlive a process: pins, profiles, halts, peaks. Name and value."""

from __future__ import annotations

from sim2live.gate.store import Database


class Facts:
    """Values by (workflow, name) of one venue.

    Args:
        database: the journal's file.
        venue: fingerprint of the venue that they are about.
    """

    def __init__(self, database: Database, venue: str) -> None:
        self._db = database
        self._venue = venue

    def get(self, workflow: str, name: str) -> str | None:
        """The value, or None."""
        found = self._db.query(
            "SELECT value FROM facts WHERE venue=? AND workflow=? AND name=?",
            (self._venue, workflow, name),
        )
        return found[0][0] if found else None

    def put(self, workflow: str, name: str, value: str | None, *, durable: bool = True) -> None:
        """Keep a value; None forgets it.

        Args:
            workflow: the pool; empty for what is true of the whole venue.
            name: of the value.
            value: what to keep.
            durable: True to return only when it is on disk.
        """
        if value is None:
            statement = "DELETE FROM facts WHERE venue=? AND workflow=? AND name=?"
            self._db.commit([(statement, (self._venue, workflow, name))], durable=durable)
            return
        statement = "INSERT OR REPLACE INTO facts VALUES (?,?,?,?)"
        self._db.commit([(statement, (self._venue, workflow, name, value))], durable=durable)
