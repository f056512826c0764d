"""Which bars were delivered? The part of the journal that grows with every bar."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

from sim2live.gate.store import Database, Statement
from sim2live.market.bars import Bar
from sim2live.market.stretch import Row
from sim2live.signals import Instrument

TOGETHER: Final = 256
"""So many bars of history are kept back at most, to be written in one go."""

_MANY: Final = 32
"""Rows in one statement: half the time of one by one, and more gain little."""

# How to insert one row, two rows, and so on.
_INSERT: Final = tuple(
    f"INSERT INTO bars VALUES {','.join(['(?,?,?,?,?,?,?,?,?)'] * count)}"  # noqa: S608
    for count in range(1, _MANY + 1)
)


class BarLog:
    """The bars of one venue in a database.

    Args:
        database: the journal's.
        venue: fingerprint of the venue.
    """

    def __init__(self, database: Database, venue: str) -> None:
        self._db = database
        self._venue = venue
        self._waiting: list[Statement] = []
        self._lock = threading.Lock()

    def add(self, run: str, instrument: Instrument, bar: Bar, *, now: bool) -> None:
        """Record a bar as it was delivered.

        Args:
            run: name of the run that it was delivered to.
            instrument: what it prices.
            bar: the bar.
            now: True to write it at once (live bars); history is written in groups, at the
                latest together with the next intent.
        """
        values = (bar.time, bar.open, bar.high, bar.low, bar.close, bar.volume)
        with self._lock:
            self._waiting.append((_INSERT[0], (self._venue, run, str(instrument), *values)))
            if not now and len(self._waiting) < TOGETHER:
                return
            statements, self._waiting = self._waiting, []
        self._db.commit(statements, durable=False)

    def extend(self, run: str, instrument: Instrument, rows: Sequence[Row]) -> None:
        """Record many bars of history; a full group is written at once.

        Args:
            run: name of the run that they were delivered to.
            instrument: what they price.
            rows: the bars, in the order of their delivery.
        """
        key = (self._venue, run, str(instrument))
        statements: list[Statement] = []
        for i in range(0, len(rows), _MANY):
            some = rows[i : i + _MANY]
            values = tuple(chain.from_iterable([key + row for row in some]))
            statements.append((_INSERT[len(some) - 1], values))
        with self._lock:
            self._waiting += statements
            if len(rows) < TOGETHER and len(self._waiting) < TOGETHER:
                return
            statements, self._waiting = self._waiting, []
        self._db.commit(statements, durable=False)

    def take(self) -> list[Statement]:
        """What waits for company, to be written together with what was decided on it."""
        if not self._waiting:
            return []
        with self._lock:
            statements, self._waiting = self._waiting, []
        return statements

    def give_back(self, statements: list[Statement]) -> None:
        """What was taken could not be written."""
        with self._lock:
            self._waiting = [*statements, *self._waiting]

    def flush(self) -> None:
        """Write the bars that are still waiting for company."""
        statements = self.take()
        if statements:
            self._db.commit(statements, durable=False)

    def recorded(self, run: str, instrument: Instrument) -> Iterator[Bar]:
        """The bars of an instrument as they were delivered to a run, in that order."""
        self.flush()
        for time, *prices in self._db.query(
            "SELECT time, open, high, low, close, volume FROM bars"
            " WHERE venue=? AND run=? AND instrument=? ORDER BY rowid",
            (self._venue, run, str(instrument)),
        ):
            yield Bar(time, *prices)

    def watermark(self, run: str, instrument: Instrument) -> int:
        """Time (ns UTC) of the latest bar that a run has recorded; 0 when there is none."""
        found = self._db.query(
            "SELECT max(time) FROM bars WHERE venue=? AND run=? AND instrument=?",
            (self._venue, run, str(instrument)),
        )
        return found[0][0] or 0
