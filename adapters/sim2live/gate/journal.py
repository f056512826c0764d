"""What was decided, sent and answered, kept in order: the memory that a restart starts from.

One row for each signal, keyed by the venue's fingerprint and the signal's id, so that rows of
paper never shadow live ones. The life of a row is

    HELD                                              a rule refused it
    SENDING -> ACCEPTED | REJECTED | NOT_SENT | UNKNOWN
    UNKNOWN -> ACCEPTED | REJECTED                    read from the venue, or told by a human

SENDING is on disk before a byte leaves. A row that is found SENDING by the next process that
follows its workflow is UNKNOWN: the process that wrote it died without an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

import msgspec
from msgspec import Struct

from sim2live.clock import Clock
from sim2live.errors import JournalError
from sim2live.gate.barlog import BarLog
from sim2live.gate.facts import Facts
from sim2live.gate.ledger import UNKNOWN, Line
from sim2live.gate.mailbox import Mailbox
from sim2live.gate.schema import MIGRATIONS
from sim2live.gate.store import Database, DuplicateError, Statement
from sim2live.gate.told import Told
from sim2live.signals import Instrument, Signal, decode
from sim2live.venues.outcome import Outcome

APPLICATION_ID = 0x53324C4A  # "S2LJ"

State = Literal["HELD", "SENDING", "ACCEPTED", "REJECTED", "NOT_SENT", "UNKNOWN"]
OPEN: frozenset[State] = frozenset({"SENDING", "UNKNOWN"})
REFUSED: frozenset[State] = frozenset({"HELD", "REJECTED", "NOT_SENT"})

_INSERT = (
    "INSERT INTO signals (venue, id, workflow, instrument, strategy, run, data, decided_at, nth,"
    " leg, signed, payload, state, reason, sends, created_at, grown)"
    " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
)
_LINE = "INSERT OR REPLACE INTO ledger (venue, workflow, instrument, line) VALUES (?,?,?,?)"
COLUMNS = (
    "id, workflow, instrument, strategy, run, data, decided_at, nth, leg, signed, payload, state,"
    " reason, sends, created_at, answered_at, latency, grown"
)


class Row(Struct, frozen=True, kw_only=True, gc=False):
    """One signal's story, as the journal keeps it.

    Times are ns UTC, ``latency`` is ns (None when the outcome was learned later), ``signed`` is
    whole contracts (positive = buy), ``payload`` the exact bytes of the wire, ``sends`` how often
    they were written and ``grown`` what a refusal takes back of the strategy's target.
    """

    id: str
    workflow: str
    instrument: Instrument
    strategy: str
    run: str
    data: str
    decided_at: int
    nth: int
    leg: str
    signed: int
    payload: bytes
    state: State = "SENDING"
    reason: str = ""
    sends: int = 0
    created_at: int = 0
    answered_at: int | None = None
    latency: int | None = None
    grown: int = 0

    @property
    def signal(self) -> Signal:
        """The signal itself."""
        return decode(self.payload)

    @property
    def closing(self) -> bool:
        """True when it was meant to reduce what is held."""
        # A correction may be either; everything else says it by its leg.
        return self.leg == "close" or (self.leg == "fix" and self.signal.open_close == "CLOSE")


class Journal:
    """The rows of one venue in a database.

    Args:
        database: the file; a journal owns it and closes it.
        venue: fingerprint of the venue whose rows these are.
        clock: stamps the rows.
    """

    def __init__(self, database: Database, venue: str, clock: Clock) -> None:
        self._db = database
        self.mailbox = Mailbox(database, venue, clock)
        self.facts = Facts(database, venue)
        # What is true of the file, whichever venue it is opened for.
        self.file = Facts(database, "")
        self.told = Told(database, venue)
        self.bars = BarLog(database, venue)
        self._venue = venue
        self._clock = clock
        self._encode = msgspec.msgpack.Encoder().encode

    @property
    def path(self) -> str:
        """Where it is kept, or ``":memory:"``."""
        return self._db.path

    def recover(self, workflow: str, then: Callable[[Row, Line], Line]) -> None:
        """Rows of a workflow found SENDING were cut off: UNKNOWN, and their lines intervals.

        Args:
            workflow: the caller holds its lock, so nobody else has a row of it under way.
            then: what else follows for a line; kept in the same commit.
        """
        cut = tuple(self.rows(states=("SENDING",), workflow=workflow))
        if not cut:
            return
        lines = self.lines(workflow)
        statements: list[Statement] = []
        for row in cut:
            key = (row.workflow, row.instrument)
            line = lines.get(key, Line())
            line = msgspec.structs.replace(line, presumed=line.presumed.maybe(row.signed))
            lines[key] = then(row, line.because(UNKNOWN))
            statements.append(
                (
                    "UPDATE signals SET state='UNKNOWN', reason=? WHERE venue=? AND id=?",
                    ("the process stopped before the answer came", self._venue, row.id),
                )
            )
        for (_, instrument), line in lines.items():
            statements += self._line(workflow, instrument, line)
        self._db.commit(statements, durable=True)

    # -- writing -------------------------------------------------------------------------

    # Blobs are bound as bytearray: of bytes the sqlite3 module asks first whether an adapter is
    # registered for them, which takes longer than the copy.

    def _line(self, workflow: str, instrument: Instrument, line: Line | None) -> list[Statement]:
        """How a ledger line is written. In memory it is not: no process comes to read it."""
        if line is None or self._db.in_memory:
            return []
        blob = bytearray(self._encode(line))
        return [(_LINE, (self._venue, workflow, str(instrument), blob))]

    def _insert(self, row: Row) -> Statement:
        return _INSERT, (
            self._venue,
            row.id,
            row.workflow,
            str(row.instrument),
            row.strategy,
            row.run,
            row.data,
            row.decided_at,
            row.nth,
            row.leg,
            row.signed,
            bytearray(row.payload),
            row.state,
            row.reason,
            row.sends,
            self._clock.now_ns(),
            row.grown,
        )

    def intend(self, row: Row, line: Line | None = None) -> None:
        """Write a row SENDING; it is on disk when this returns.

        Args:
            row: the signal's row.
            line: the ledger line, where drawing the id has changed it.

        Raises:
            DuplicateError: the id was used before; `find` tells what became of it.
            JournalError: it could not be made durable, so nothing may be sent on it.
        """
        self._keep(row, line, durable=True)

    def intend_again(self, row: Row) -> None:
        """Count one more sending of the same bytes; durable like the first.

        A row that is UNKNOWN stays so: the ledger holds its interval already, and a crash
        now must not widen it twice.
        """
        again = (
            "UPDATE signals SET sends=sends+1,"
            " state=CASE state WHEN 'UNKNOWN' THEN state ELSE 'SENDING' END"
            " WHERE venue=? AND id=?"
        )
        self._db.commit([(again, (self._venue, row.id))], durable=True)

    def held(self, row: Row, line: Line | None, *, durable: bool = False) -> None:
        """Write a decision that was refused before sending, and the line as it stands.

        Args:
            row: the refusal.
            line: None where the caller does not hold the instrument.
            durable: True to return only when it is on disk.
        """
        try:
            self._keep(row, line, durable=durable)
        except DuplicateError:
            # The same refusal of the same decision, replayed: the first row stands.
            return

    def outcome(self, row: Row, outcome: Outcome, latency: int | None, line: Line) -> None:
        """Write what became of a row, together with the ledger line that follows from it."""
        after = self._line(row.workflow, row.instrument, line)
        self._db.commit([self._became(row, outcome, latency), *after], durable=False)

    def settle(self, row: Row, outcome: Outcome, latency: int | None) -> None:
        """Write what became of a row that no ledger follows; on disk when this returns."""
        self._db.commit([self._became(row, outcome, latency)], durable=True)

    def _became(self, row: Row, outcome: Outcome, latency: int | None) -> Statement:
        state: State = outcome.kind.value
        now = self._clock.now_ns()
        return (
            "UPDATE signals SET state=?, reason=?, answered_at=?, latency=? WHERE venue=? AND id=?",
            (state, outcome.reason, now, latency, self._venue, row.id),
        )

    def line(self, workflow: str, instrument: Instrument, line: Line) -> None:
        """Write a ledger line that changed without a signal; on disk when this returns."""
        self._db.commit(self._line(workflow, instrument, line), durable=True)

    def _keep(self, row: Row, line: Line | None, *, durable: bool) -> None:
        """A new row, together with the bars that its decision has seen."""
        bars = self.bars.take()
        after = self._line(row.workflow, row.instrument, line)
        statements = [*bars, self._insert(row), *after]
        try:
            self._db.commit(statements, durable=durable)
        except JournalError:
            self.bars.give_back(bars)
            raise

    # -- reading -------------------------------------------------------------------------

    def find(self, ids: Iterable[str]) -> dict[str, Row]:
        """The rows of these ids that exist."""
        return {row.id: row for row in self.rows(ids=list(ids))}

    def rows(
        self,
        *,
        ids: list[str] | None = None,
        states: tuple[State, ...] = (),
        workflow: str | None = None,
    ) -> Iterator[Row]:
        """Rows of this venue in the order of their writing, narrowed by what is given."""
        where = "venue=?"
        parameters: list[Any] = [self._venue]
        if ids is not None:
            where += f" AND id IN ({','.join('?' * len(ids))})"
            parameters += ids
        if states:
            if OPEN.issuperset(states):
                # In its own words, or SQLite does not see that the partial index can serve it.
                where += " AND state IN ('SENDING', 'UNKNOWN')"
            where += " AND state IN ({})".format(",".join(f"'{state}'" for state in states))
        if workflow is not None:
            where += " AND workflow=?"
            parameters.append(workflow)
        sql = f"SELECT {COLUMNS} FROM signals WHERE {where} ORDER BY rowid"  # noqa: S608
        for values in self._db.query(sql, parameters):
            yield row_of(values)

    def lines(self, workflow: str) -> dict[tuple[str, Instrument], Line]:
        """The ledger of a workflow as it was last written; a journal in memory has none."""
        found = self._db.query(
            "SELECT instrument, line FROM ledger WHERE venue=? AND workflow=?",
            (self._venue, workflow),
        )
        return {
            (workflow, Instrument.parse(name)): msgspec.msgpack.decode(blob, type=Line)
            for name, blob in found
        }

    def counts(self) -> dict[str, int]:
        """How many rows stand in each state."""
        return dict(
            self._db.query(
                "SELECT state, count(*) FROM signals WHERE venue=? GROUP BY state", (self._venue,)
            )
        )

    def close(self) -> None:
        """Write what waits and close the file."""
        self.bars.flush()
        self._db.close()


def row_of(values: tuple[Any, ...]) -> Row:
    """A row from the values of `COLUMNS`."""
    (id_, workflow, instrument, strategy, run, data, decided_at, nth, leg, *rest) = values
    signed, payload, state, reason, sends, created_at, answered_at, latency, grown = rest
    return Row(
        id=id_,
        workflow=workflow,
        instrument=Instrument.parse(instrument),
        strategy=strategy,
        run=run,
        data=data,
        decided_at=decided_at,
        nth=nth,
        leg=leg,
        signed=signed,
        payload=payload,
        state=state,
        reason=reason,
        sends=sends,
        created_at=created_at,
        answered_at=answered_at,
        latency=latency,
        grown=grown,
    )


def open_journal(path: str, venue: str, clock: Clock) -> Journal:
    """Open or make the journal file at ``path`` for a venue.

    Raises:
        JournalError: the file cannot be used.
    """
    return Journal(
        Database(path, application_id=APPLICATION_ID, migrations=MIGRATIONS), venue, clock
    )
