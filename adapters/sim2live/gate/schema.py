"""What tables does a journal have? Scripts that are only ever added to."""

from __future__ import annotations

MIGRATIONS = (
    """
    CREATE TABLE signals (
        venue TEXT NOT NULL, id TEXT NOT NULL,
        workflow TEXT NOT NULL, instrument TEXT NOT NULL,
        strategy TEXT NOT NULL, run TEXT NOT NULL, data TEXT NOT NULL,
        decided_at INTEGER NOT NULL, nth INTEGER NOT NULL, leg TEXT NOT NULL,
        signed INTEGER NOT NULL, payload BLOB NOT NULL,
        state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '',
        sends INTEGER NOT NULL DEFAULT 0,
        created_at INTEGER NOT NULL, answered_at INTEGER, latency INTEGER,
        PRIMARY KEY (venue, id)
    ) STRICT;
    CREATE INDEX open_signals ON signals (venue, state) WHERE state IN ('SENDING', 'UNKNOWN');
    CREATE INDEX decisions ON signals (venue, decided_at);
    CREATE TABLE ledger (
        venue TEXT NOT NULL, workflow TEXT NOT NULL, instrument TEXT NOT NULL,
        line BLOB NOT NULL,
        PRIMARY KEY (venue, workflow, instrument)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE bars (
        venue TEXT NOT NULL, run TEXT NOT NULL, instrument TEXT NOT NULL,
        time INTEGER NOT NULL,
        open REAL NOT NULL, high REAL NOT NULL, low REAL NOT NULL, close REAL NOT NULL,
        volume REAL NOT NULL
    ) STRICT;
    CREATE INDEX bars_in_time ON bars (venue, run, instrument, time);
    CREATE TABLE commands (
        seq INTEGER PRIMARY KEY, venue TEXT NOT NULL, workflow TEXT NOT NULL,
        verb TEXT NOT NULL, argument TEXT NOT NULL, asked_at INTEGER NOT NULL,
        answer TEXT, answered_at INTEGER
    ) STRICT;
    CREATE INDEX open_commands ON commands (venue, seq) WHERE answer IS NULL;
    CREATE TABLE heartbeats (
        venue TEXT NOT NULL, workflow TEXT NOT NULL, pid INTEGER NOT NULL,
        time INTEGER NOT NULL,
        PRIMARY KEY (venue, workflow)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE facts (
        venue TEXT NOT NULL, workflow TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
        PRIMARY KEY (venue, workflow, name)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE reports (
        venue TEXT NOT NULL, id TEXT NOT NULL,
        time INTEGER NOT NULL, kind TEXT NOT NULL, signal_id TEXT NOT NULL,
        account TEXT NOT NULL, signed_qty INTEGER NOT NULL, payload BLOB NOT NULL,
        PRIMARY KEY (venue, id)
    ) STRICT;
    CREATE INDEX reports_of_signal ON reports (venue, signal_id);
    """,
    """
    ALTER TABLE signals ADD COLUMN grown INTEGER NOT NULL DEFAULT 0;
    """,
    """
    DROP INDEX decisions;
    """,
)
"""One script for each version, run in order from the version that a file is at."""
