"""What does a journal hold of all its venues? For people who look at it; nothing is changed.

A process that follows a workflow goes on writing meanwhile: readers never wait for it, nor it for
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from sim2live.errors import ConfigError
from sim2live.gate.journal import APPLICATION_ID, COLUMNS, Row, row_of
from sim2live.gate.schema import MIGRATIONS
from sim2live.gate.store import Database
from sim2live.market.bars import Bar
from sim2live.signals import Instrument
from sim2live.venues.base import Report


class Entry(Struct, frozen=True):
    """A signal's row and where it stands.

    Attributes:
        number: grows in the order of writing.
        venue: fingerprint of the venue.
        row: the row.
    """

    number: int
    venue: str
    row: Row


class Archive:
    """A journal's file, to be read.

    Args:
        path: the file; it must exist.

    Raises:
        ConfigError: there is no such file.
        JournalError: it is no journal, or cannot be read.
    """

    def __init__(self, path: str) -> None:
        if not Path(path).is_file():
            raise ConfigError(f"journal={path!r}: there is no such file")
        self._db = Database(path, application_id=APPLICATION_ID, migrations=MIGRATIONS)

    def find(self, text: str) -> list[Entry]:
        """Signals whose id is, or begins with, a text."""
        exact = self._entries("id = ?", (text,))
        if exact or not text:
            return exact
        return self._entries("substr(id, 1, ?) = ?", (len(text), text))

    def entries(
        self,
        *,
        after: int = 0,
        last: int | None = None,
        workflow: str | None = None,
        venue: str | None = None,
    ) -> list[Entry]:
        """Rows in the order of their writing.

        Args:
            after: only rows with a greater number.
            last: at most so many, the newest.
            workflow: only this pool's.
            venue: only venues whose fingerprint holds this text.
        """
        where, given = "rowid > ?", [after]  # type: tuple[str, list[Any]]
        if workflow is not None:
            where += " AND workflow = ?"
            given.append(workflow)
        if venue is not None:
            where += " AND instr(venue, ?) > 0"
            given.append(venue)
        return self._entries(where, given, last)

    def changed(self, numbers: list[int]) -> list[Entry]:
        """The same rows again, for what became of them."""
        marks = ",".join("?" * len(numbers))
        return self._entries(f"rowid IN ({marks})", numbers) if numbers else []

    def bar(self, venue: str, run: str, instrument: Instrument, time: int) -> Bar | None:
        """The bar that a run was given at a time, or the last one before it."""
        found = self._db.query(
            "SELECT time, open, high, low, close, volume FROM bars WHERE venue=? AND run=?"
            " AND instrument=? AND time<=? ORDER BY time DESC, rowid DESC LIMIT 1",
            (venue, run, str(instrument), time),
        )
        return Bar(*found[0]) if found else None

    def reports(self, venue: str, signal_id: str) -> list[Report]:
        """What the venue told of a signal, in the order told."""
        found = self._db.query(
            "SELECT payload FROM reports WHERE venue=? AND signal_id=? ORDER BY rowid",
            (venue, signal_id),
        )
        return [msgspec.json.decode(payload, type=Report) for (payload,) in found]

    def states(self) -> list[tuple[str, str, str, int]]:
        """How many rows stand in each state: venue, workflow, state, count."""
        found = self._db.query(
            "SELECT venue, workflow, state, count(*) FROM signals GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        )
        return [(venue, workflow, state, count) for venue, workflow, state, count in found]

    def latencies(self, bounds: Sequence[int]) -> tuple[list[int], int]:
        """How many answers came within each bound (ns), how many came at all, and their sum."""
        within = "".join("total(latency <= ?), " for _ in bounds)
        sql = f"SELECT {within}count(latency), total(latency) FROM signals"  # noqa: S608
        *counts, total = self._db.query(sql, list(bounds))[0]
        return [int(count) for count in counts], int(total)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _entries(self, where: str, given: Any, last: int | None = None) -> list[Entry]:
        order = "rowid" if last is None else "rowid DESC LIMIT ?"
        parameters = [*given, *([] if last is None else [last])]
        sql = f"SELECT rowid, venue, {COLUMNS} FROM signals WHERE {where} ORDER BY {order}"  # noqa: S608
        found = [
            Entry(number, venue, row_of(tuple(rest)))
            for number, venue, *rest in self._db.query(sql, parameters)
        ]
        return found if last is None else found[::-1]
