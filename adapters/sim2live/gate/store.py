"""One SQLite file, written durably and in groups: the only room that speaks to SQLite.

Intents are committed with ``synchronous=FULL``: they are on disk before a byte leaves.
Outcomes are committed with NORMAL: a crash of the process loses nothing, a power cut may lose
the last ones, and then the intent is found without an outcome, which is what UNKNOWN is for.
Threads that wait while a commit runs share the next one (group commit).
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from sim2live.errors import JournalError
from sim2live.gate.damage import keep_copy, torn

Statement = tuple[str, Sequence[Any]]
MEMORY = ":memory:"
BUSY_TIMEOUT_MS = 5_000
PAGE_BYTES = 2_048
"""A commit writes whole pages, and a row of ours fills a small one: half the bytes of SQLite's
usual 4,096. A file that exists keeps the size that it was made with."""


class DuplicateError(JournalError):
    """A row with this key exists already."""


class _Ticket:
    """One caller's statements on their way into a shared commit."""

    __slots__ = ("done", "durable", "error", "statements")

    def __init__(self, statements: Sequence[Statement], durable: bool) -> None:
        self.statements = statements
        self.durable = durable
        self.done = False
        self.error: JournalError | None = None


class Database:
    """A WAL database with one writer, shared by the threads of a process.

    Args:
        path: the file, or ``":memory:"``. Its folder is made when missing.
        application_id: marks the file as ours; another program's file is refused.
        migrations: scripts, one for each schema version, run in order from the
            file's ``user_version``.

    Attributes:
        path: as text.
        in_memory: True when it ends with this process; no crash leaves half of anything in it.

    Raises:
        JournalError: the file cannot be opened, is damaged, belongs to another
            program or was written by a newer version.
    """

    def __init__(self, path: str | Path, *, application_id: int, migrations: Sequence[str]) -> None:
        self.path = str(path)
        self.in_memory = self.path == MEMORY
        self._waiting: deque[_Ticket] = deque()
        self._writing = threading.Lock()
        self._reading = threading.Lock()
        self._connections: list[sqlite3.Connection] = []
        damaged = not self.in_memory and torn(self.path)
        if damaged:
            keep_copy(self.path)
        try:
            self._writer = self._open("FULL")
            self._prepare(application_id, migrations)
            # A memory database is its one connection. A file has three: to change the pragma
            # of one from commit to commit costs more, and readers never wait for a commit.
            self._quick = self._writer if self.in_memory else self._open("NORMAL")
            self._reader = self._writer if self.in_memory else self._open("NORMAL")
            if damaged:
                # It reads every page, so it is asked only where there is a reason to.
                (verdict,) = self._reader.execute("PRAGMA quick_check(1)").fetchone()
                if verdict != "ok":
                    raise sqlite3.DatabaseError(verdict)
        except JournalError:
            self.close()
            raise
        except (sqlite3.Error, OSError) as error:
            advice = self._advice(error)  # a copy is kept before a close might change the file
            self.close()
            raise JournalError(f"journal {self.path}: {error}{advice}") from error

    def _advice(self, error: Exception) -> str:
        """What to do about a file that is no database any more; a copy of it is kept first."""
        if type(error) is not sqlite3.DatabaseError or not Path(self.path).is_file():
            return ""
        return (
            f"; a copy is kept as {keep_copy(self.path)}: look at the venue, move the damaged "
            "file away and start with a new one, which takes exits only until `sim2live resume`"
        )

    def _open(self, synchronous: Literal["FULL", "NORMAL"]) -> sqlite3.Connection:
        if not self.in_memory:
            Path(self.path).parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self.path,
            isolation_level=None,
            check_same_thread=False,
            timeout=BUSY_TIMEOUT_MS / 1000,
            cached_statements=256,
        )
        self._connections.append(connection)
        connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
        if not self.in_memory:
            mode = _to_wal(connection)
            if mode != "wal":
                raise JournalError(
                    f"journal {self.path}: this file system has no write-ahead log "
                    f"(journal_mode is {mode!r}); choose a local disk with --journal"
                )
            connection.execute(f"PRAGMA synchronous={synchronous}")
        return connection

    def _prepare(self, application_id: int, migrations: Sequence[str]) -> None:
        run = self._writer.execute
        if self._version(application_id, len(migrations)) == len(migrations):
            return
        # Two processes may open a new file at once: the second one looks again, and finds it made.
        run("BEGIN IMMEDIATE")
        try:
            version = self._version(application_id, len(migrations))
            run(f"PRAGMA application_id={application_id}")
            for script in migrations[version:]:
                for statement in script.split(";"):
                    run(statement)
            run(f"PRAGMA user_version={len(migrations)}")
            run("COMMIT")
        except BaseException:
            run("ROLLBACK")
            raise

    def _version(self, application_id: int, known: int) -> int:
        """Version of the file's tables; 0 for a new one."""
        run = self._writer.execute
        (found,) = run("PRAGMA application_id").fetchone()
        (version,) = run("PRAGMA user_version").fetchone()
        (tables,) = run("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and found != application_id:
            raise JournalError(f"journal {self.path}: this file belongs to another program")
        if version > known:
            raise JournalError(
                f"journal {self.path}: written by a newer version (schema {version}, "
                f"this version knows {known}); upgrade sim2live"
            )
        return int(version)

    def commit(self, statements: Sequence[Statement], *, durable: bool) -> None:
        """Run the statements in one transaction; return when it is committed.

        Args:
            statements: pairs of SQL and parameters.
            durable: True to return only when the commit has reached the disk.

        Raises:
            DuplicateError: a unique key exists already; nothing of this call is kept.
            JournalError: the disk is full, unreadable, or the database is closed.
        """
        ticket = _Ticket(statements, durable)
        self._waiting.append(ticket)
        with self._writing:
            # Whoever gets here first commits for all who queued behind the last commit.
            if not ticket.done:
                if len(self._waiting) == 1:  # its own: the usual case
                    self._waiting.popleft()
                    self._commit_one(statements, durable)
                    return
                self._commit_many([self._waiting.popleft() for _ in range(len(self._waiting))])
        if ticket.error is not None:
            raise ticket.error

    def _commit_one(self, statements: Sequence[Statement], durable: bool) -> None:
        """A single statement is a transaction by itself."""
        connection = self._writer if durable else self._quick
        execute = connection.execute
        # Outcomes in memory need none either: they cannot clash, and no crash leaves half of them.
        alone = len(statements) == 1 or (self.in_memory and not durable)
        try:
            if not alone:
                execute("BEGIN IMMEDIATE")
            for sql, parameters in statements:
                execute(sql, parameters)
            if not alone:
                execute("COMMIT")
        except sqlite3.Error as error:
            _roll_back(connection)
            duplicate = isinstance(error, sqlite3.IntegrityError)
            kind = DuplicateError if duplicate else JournalError
            raise kind(f"journal {self.path}: {error}") from error

    def _commit_many(self, batch: list[_Ticket]) -> None:
        """One commit for all; a duplicate key is its own fault and spoils no other's commit."""
        durable = any(ticket.durable for ticket in batch)
        connection = self._writer if durable else self._quick
        execute = connection.execute
        try:
            execute("BEGIN IMMEDIATE")
            for ticket in batch:
                execute("SAVEPOINT ticket")
                try:
                    for sql, parameters in ticket.statements:
                        execute(sql, parameters)
                except sqlite3.IntegrityError as error:
                    ticket.error = DuplicateError(f"journal {self.path}: {error}")
                    execute("ROLLBACK TO ticket")
                execute("RELEASE ticket")
            execute("COMMIT")
        except sqlite3.Error as error:
            _roll_back(connection)
            for ticket in batch:
                ticket.error = JournalError(f"journal {self.path}: {error}")
        finally:
            for ticket in batch:
                ticket.done = True

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a question. A file database does not wait for a running commit.

        Raises:
            JournalError: the database cannot be read or is closed.
        """
        lock = self._writing if self._reader is self._writer else self._reading
        with lock:
            try:
                return self._reader.execute(sql, parameters).fetchall()
            except sqlite3.Error as error:
                raise JournalError(f"journal {self.path}: {error}") from error

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        with self._writing, self._reading:
            for connection in reversed(self._connections):
                connection.close()


def _roll_back(connection: sqlite3.Connection) -> None:
    """Undo what was begun, if the connection is still open."""
    try:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    except sqlite3.ProgrammingError:
        return


def _to_wal(connection: sqlite3.Connection, attempts: int = 100) -> str:
    """Switch to the write-ahead log; returns the mode that the file is in then."""
    try:
        (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or not attempts:
            raise
        # Another process makes the same file at this moment; SQLite does not wait for this lock.
        threading.Event().wait(BUSY_TIMEOUT_MS / 1000 / 100)
        return _to_wal(connection, attempts - 1)
    return str(mode)


class Exclusive:
    """A file that one process holds at a time; the operating system gives it back at its end.

    The holder's process id stands beside it in a plain file, to be named in messages only.

    Attributes:
        taken: True when this object holds it.
        owner: the holder's process id as text, or "unknown".
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        note = path.with_suffix(".pid")
        self._connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=0
        )
        try:
            self._connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            self._connection.close()
            self.taken = False
            self.owner = note.read_text(encoding="ascii") if note.exists() else "unknown"
            return
        self.taken = True
        self.owner = str(os.getpid())
        note.write_text(self.owner, encoding="ascii")

    def close(self) -> None:
        """Give it back."""
        self._connection.close()
        self.taken = False
