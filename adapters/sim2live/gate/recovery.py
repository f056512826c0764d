"""What a process finds when it takes over a workflow: its lines, and what was cut off.

Only the process that holds a workflow may settle its rows. Another one that reads the same
journal, such as a command line verb, sees rows in SENDING that are simply under way.
"""

from __future__ import annotations

from functools import partial

from msgspec.structs import replace

from sim2live.gate.alarms import Alarms
from sim2live.gate.book import Book, Key
from sim2live.gate.delivery import Step, next_step
from sim2live.gate.journal import Journal, Row
from sim2live.gate.ledger import LEGS, OWED, Line
from sim2live.gate.protection import protected
from sim2live.gate.resting import leftover
from sim2live.venues.base import Venue
from sim2live.venues.outcome import Kind

POSITION = ("open", "close", "fix")
"""Legs that move a position at once."""


def recover(workflow: str, journal: Journal, venue: Venue, alarms: Alarms) -> dict[Key, Book]:
    """The books of a workflow as its last process left them.

    A row found SENDING was cut off by the end of that process: it becomes UNKNOWN, and what
    table 3 says of an unknown outcome is done to its line.

    Args:
        workflow: this process holds its lock.
        journal: remembers them.
        venue: its profile decides what an unknown exit means.
        alarms: told again of what is unknown or owed.

    Raises:
        JournalError: the journal cannot be read or written.
    """
    journal.recover(workflow, partial(_cut, venue))
    books = {key: Book(key, line) for key, line in journal.lines(workflow).items()}
    for row in journal.rows(states=("UNKNOWN",), workflow=workflow):
        key = (row.workflow, row.instrument)
        books.setdefault(key, Book(key, Line())).unknown[row.id] = row
    for book in books.values():
        book.line = book.line.tidied()
        _remind(book, alarms)
    return books


def _remind(book: Book, alarms: Alarms) -> None:
    """A human may have seen the alarms of the last process, or not."""
    for row in book.unknown.values():
        text = f"{row.id}: {row.reason}; `sim2live resolve` settles it"
        alarms.sound(row.decided_at, book.name, text)
    if OWED in book.line.reasons:
        alarms.sound(0, book.name, f"an exit is owed since the last run ({book.line.presumed})")
    if LEGS in book.line.reasons:
        left = "; ".join(str(one) for one in leftover(book.line.resting))
        alarms.sound(0, book.name, f"may still rest at the venue since the last run: {left}")


def _cut(venue: Venue, row: Row, line: Line) -> Line:
    """The line after a row whose process died before the answer came."""
    if _halts(row, line, venue):
        line = replace(line, halted=f"the outcome of exit {row.id} is unknown")
    if row.leg in POSITION:
        # Executed or not: better legs are remembered that never came to rest.
        line = protected(line, row, venue)
    return line


def _halts(row: Row, line: Line, venue: Venue) -> bool:
    before = line.presumed.settled(row.signed, executed=False)
    whole = before.emptied_by(row.signed)
    step = next_step(Kind.UNKNOWN, closing=row.closing, venue=venue, sends=row.sends, whole=whole)
    return step is Step.HALT
