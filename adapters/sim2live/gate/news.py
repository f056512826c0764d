"""How news of a venue reaches the ledger and the strategy that it is about: by this one path.

Venue -> journal, which knows each report by its id -> the ledger's line -> the owner's queue,
which the adapter drains on the strategy's thread.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping

from msgspec.structs import replace

from sim2live.errors import JournalError
from sim2live.gate.alarms import Alarms
from sim2live.gate.book import Book
from sim2live.gate.journal import Journal, Row
from sim2live.gate.ledger import DRIFT, UNCONFIRMED, Presumed
from sim2live.gate.resting import Resting, changed, found
from sim2live.gate.sender import Sender
from sim2live.signals import Instrument
from sim2live.venues.base import GUARD_EXIT, Report, Venue

KEPT = 10_000
"""Reports that wait for a strategy that does not ask; older ones fall out of its queue."""

Queue = deque[Report]
BookOf = Callable[[str, Instrument], Book]


class News:
    """Collects the reports of a venue.

    Args:
        venue: asked for news.
        journal: knows what was told before, and whose signal it was.
        sender: saves lines and sounds alarms about them.
        alarms: told when news cannot be kept.
        book_of: the book of a workflow and instrument.
    """

    def __init__(
        self, venue: Venue, journal: Journal, sender: Sender, alarms: Alarms, book_of: BookOf
    ) -> None:
        self._venue = venue
        self._journal = journal
        self._sender = sender
        self._alarms = alarms
        self._book_of = book_of
        self._lock = threading.Lock()
        self._queues: dict[tuple[str, str], Queue] = {}

    def queue(self, workflow: str, strategy: str) -> Queue:
        """The queue of a strategy; the same one each time."""
        with self._lock:
            return self._queues.setdefault((workflow, strategy), deque(maxlen=KEPT))

    def collect(self) -> None:
        """Ask the venue, and hand on what is new. Never while a book is locked."""
        if not self._venue.can_report:
            return
        with self._lock:
            reports = self._venue.reports()
            if not reports:
                return
            try:
                reports = self._journal.told.fresh(reports)
            except JournalError as error:
                # Told all the same: a strategy that misses a fill is worse than a lost line.
                self._alarms.sound(reports[0].time, self._venue.name, f"news is not kept: {error}")
            for report in reports:
                row = self._journal.find([report.signal_id]).get(report.signal_id)
                self._apply(report, row)
                self._deliver(report, row)

    def read(self, books: Iterable[Book], held: Mapping[Instrument, int]) -> None:
        """Take what was read for true, where no outcome is unknown.

        Args:
            books: of the workflow.
            held: signed contracts, with those of market orders that are taken and not filled.
        """
        for book in books:
            with book.lock:
                if book.unknown:
                    continue
                known = held.get(book.key[1], 0)
                line = book.line.without(DRIFT).without(UNCONFIRMED)
                if not line.presumed.holds(known):
                    line = replace(line, presumed=Presumed(known, known, "READ"))
                if line is not book.line:
                    book.line = line
                    self._sender.save(book)

    def _deliver(self, report: Report, row: Row | None) -> None:
        """To the strategy that sent the signal; what nobody here sent, to all of its workflow."""
        if row is not None and (own := self._queues.get((row.workflow, row.strategy))) is not None:
            own.append(report)
            return
        for (workflow, _), queue in self._queues.items():
            if workflow == report.workflow:
                queue.append(report)

    def _apply(self, report: Report, row: Row | None) -> None:
        if row is None or report.kind == "accept":
            return
        book = self._book_of(row.workflow, row.instrument)
        with book.lock:
            before = book.line
            one = _meant(report, book.line.resting)
            if report.kind == "fill":
                if one is not None:
                    self._filled(book, one, report)
                elif report.name == f"{row.id}{GUARD_EXIT}":
                    self._guarded(book, report)
            elif one is not None:
                self._gone(book, one, report)
            elif row.signed and report.name == row.id:
                self._dead(book, row, report)
            book.line = book.line.tidied()
            if book.line is not before:
                self._sender.save(book)

    def _filled(self, book: Book, one: Resting, report: Report) -> None:
        """What rested was filled at the venue, perhaps before the simulator does it."""
        line = book.line
        moved = report.signed_qty
        most = one.signed - one.done
        moved = most if abs(moved) > abs(most) else moved
        line = replace(line, presumed=line.presumed.moved(moved, "READ"))
        done = replace(one, done=one.done + moved)
        if not one.legs:
            # One that was being cancelled has lost its race; nobody waits for its fill.
            left = None if one.ending and done.filled else done
            book.line = replace(line, resting=changed(line.resting, one, left))
            return
        # One leg ends the others. What the simulator still holds is not opened again.
        left = replace(one, signed=one.signed - moved)
        line = replace(line, resting=changed(line.resting, one, left if left.signed else None))
        book.line = line.started(book.total, "wait", first=False)

    def _guarded(self, book: Book, report: Report) -> None:
        """The venue's guard closed a position whose stop was missing; it is not opened again."""
        line = book.line
        line = replace(line, presumed=line.presumed.moved(report.signed_qty, "READ"))
        book.line = line.started(book.total, "wait", first=False)
        text = f"{report.signal_id} had no stop: {report.signed_qty:+d} went at {report.price}"
        self._sender.sound(book, text)

    def _gone(self, book: Book, one: Resting, report: Report) -> None:
        """What rested does so no more."""
        name = report.name or one.name
        line = book.line
        book.line = replace(line, resting=changed(line.resting, one, one.without(name)))
        if one.legs and not one.ending and not line.presumed.holds(0):
            text = f"{name} protects no longer: {report.kind} at the venue, {report.reason}"
            self._sender.sound(book, text)

    def _dead(self, book: Book, row: Row, report: Report) -> None:
        """A signal that was taken ended before all of it was filled."""
        if row.state != "ACCEPTED":
            return
        unfilled = row.signed - self._journal.told.filled(row.id, report.account)
        if not unfilled or (unfilled > 0) != (row.signed > 0):
            return
        line = book.line
        line = replace(line, presumed=line.presumed.moved(-unfilled, "READ"))
        if not row.closing:
            line = line.started(book.total, "wait", first=False)
        book.line = line
        self._sender.sound(
            book, f"{unfilled:+d} of {row.id} will not be filled: {report.kind}, {report.reason}"
        )


def _meant(report: Report, resting: tuple[Resting, ...]) -> Resting | None:
    """The resting order that a report is about."""
    if report.name:
        return found((one for one in resting if report.name in one.names), report.name)
    return next(
        (
            one
            for one in resting
            if one.name == report.signal_id
            and (report.signed_qty > 0) == (one.signed > 0)
            and report.kind == "fill"
        ),
        None,
    )
