"""Which orders did a live script send? A file that knows before the venue does."""

from __future__ import annotations

from pathlib import Path

from sim2live.gate.store import MEMORY, Database

#: "s2lp": marks the file as the Playground's.
APPLICATION_ID = 0x73326C70
MIGRATIONS = (
    """
    CREATE TABLE sent (
        tag     TEXT PRIMARY KEY,
        time    INTEGER NOT NULL,
        call    TEXT NOT NULL,
        body    BLOB NOT NULL,
        outcome TEXT
    ) STRICT;
    """,
)


class Journal:
    """What was sent, and what was said to it.

    Args:
        path: The file, or ``":memory:"``.

    Raises:
        JournalError: The file cannot be opened or belongs to another program.
    """

    def __init__(self, path: str | Path = MEMORY) -> None:
        self._db = Database(path, application_id=APPLICATION_ID, migrations=MIGRATIONS)

    def intend(self, tag: str, time: int, call: str, body: bytes) -> None:
        """Note a request before it goes; on the disk when this returns.

        Raises:
            JournalError: It could not be noted, so it must not go.
        """
        sql = "INSERT INTO sent (tag, time, call, body) VALUES (?, ?, ?, ?)"
        self._db.commit([(sql, (tag, time, call, body))], durable=True)

    def settle(self, tag: str, outcome: str) -> None:
        """Note what came of it."""
        sql = "UPDATE sent SET outcome = ? WHERE tag = ?"
        self._db.commit([(sql, (outcome, tag))], durable=False)

    def rows(self) -> list[tuple[str, str, str | None]]:
        """Tag, call and outcome, oldest first; None where nobody knows."""
        found = self._db.query("SELECT tag, call, outcome FROM sent ORDER BY rowid")
        return [(tag, call, outcome) for tag, call, outcome in found]

    def close(self) -> None:
        """Close the file."""
        self._db.close()
