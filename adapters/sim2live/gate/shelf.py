"""The books that a process works on, and what it finds when it takes over a workflow.

Start and recovery are one path: lock, settle what was cut off, read the venue where it can be
read, and tell what is not certain. Nothing is sent here.
"""

from __future__ import annotations

import os
import threading

from msgspec.structs import replace

from sim2live.clock import Clock
from sim2live.gate.alarms import Alarms
from sim2live.gate.book import Book, Key
from sim2live.gate.damage import copies
from sim2live.gate.journal import Journal
from sim2live.gate.ledger import DRIFT, UNCONFIRMED, DriftPolicy, Line, Presumed
from sim2live.gate.lock import ProcessLock
from sim2live.gate.recovery import recover
from sim2live.signals import Instrument
from sim2live.venues.base import Venue

HALTED = "halted"
"""Name of the fact that a whole workflow is halted; its value is the reason."""

DAMAGED = "damaged"
"""Name of the fact that a copy of a damaged journal was told of; its value is the copy's name."""


class Shelf:
    """The books of this process, and the locks that make them its own.

    Args:
        journal: where they come from.
        venue: read, where it can be, and compared with what is presumed.
        alarms: told of what is not certain.
        clock: stamps alarms.
        drift: what to do where the venue holds something else: only exits until a human
            looks (``refuse``), take what was read (``adopt``), or take it and go to zero
            (``flatten``).
        asks: True to ask a human what a blind venue holds after a process that ended
            without closing had left something there.
        visit: True for a command that changes a word or two and leaves: it reads no venue,
            and how the last process ended stays as it was noted.
    """

    def __init__(
        self,
        journal: Journal,
        venue: Venue,
        alarms: Alarms,
        clock: Clock,
        *,
        drift: DriftPolicy,
        asks: bool,
        visit: bool = False,
    ) -> None:
        self.books: dict[Key, Book] = {}
        self.read: dict[str, dict[Instrument, int] | None] = {}
        self.unclean: set[str] = set()
        self._journal = journal
        self._venue = venue
        self._alarms = alarms
        self._clock = clock
        self._drift = drift
        self._asks = asks
        self._visit = visit
        self._lock = ProcessLock(journal.path, venue.fingerprint)
        self._opening = threading.Lock()
        self._halts: dict[str, str] = {}

    def enter(self, workflow: str) -> None:
        """Take over a workflow; a second call does nothing.

        Raises:
            LockedError: another process follows it.
            JournalError: what it left behind cannot be read.
        """
        with self._opening:
            if self.follows(workflow):
                return
            self._lock.take(workflow)
            mailbox, facts = self._journal.mailbox, self._journal.facts
            if mailbox.unclean(workflow):
                self.unclean.add(workflow)
            books = recover(workflow, self._journal, self._venue, self._alarms)
            halted = facts.get(workflow, HALTED)
            if halted is not None:
                self._halts[workflow] = halted
            self._distrust(workflow, books)
            if not self._visit:
                self._compare(workflow, books)
                self._look(books)
                mailbox.beat(workflow, os.getpid())
            self.books.update(books)

    def follows(self, workflow: str) -> bool:
        """Whether this process follows a workflow."""
        return workflow in self._lock.workflows

    @property
    def followed(self) -> tuple[str, ...]:
        """The workflows of this process."""
        return self._lock.workflows

    def book(self, workflow: str, instrument: Instrument) -> Book:
        """The book of an instrument of a workflow; made when it is first asked for."""
        key = (workflow, instrument)
        found = self.books.get(key)
        if found is None:
            made = Book(key, None)
            made.line = Line(halted=self._halts.get(workflow, ""))
            with self._opening:
                found = self.books.setdefault(key, made)
        return found

    def books_of(self, workflow: str) -> list[Book]:
        """The books of a workflow."""
        return [book for (name, _), book in list(self.books.items()) if name == workflow]

    def held_elsewhere(self, book: Book) -> int:
        """Contracts that the other instruments of a book's workflow may hold at most."""
        return sum(
            max(abs(other.line.presumed.low), abs(other.line.presumed.high))
            for other in self.books_of(book.key[0])
            if other is not book
        )

    def halt(self, workflow: str, reason: str) -> None:
        """What has no book yet is halted too, in this process and the next; empty lifts it."""
        if reason:
            self._halts[workflow] = reason
        else:
            self._halts.pop(workflow, None)
        self._journal.facts.put(workflow, HALTED, reason or None)

    def halted(self, workflow: str) -> str:
        """Why a whole workflow is halted; empty when it is not."""
        return self._halts.get(workflow, "")

    def read_again(self, workflow: str) -> None:
        """Lift doubts about positions that the venue, read once more, now agrees with."""
        unsure = {DRIFT, UNCONFIRMED}
        doubted = [book for book in self.books_of(workflow) if unsure & {*book.line.reasons}]
        held = self._venue.positions(workflow) if doubted else None
        if held is None:
            return
        self.read[workflow] = held
        for book in doubted:
            with book.lock:
                presumed, found = book.line.presumed, held.get(book.key[1], 0)
                if not book.unknown and (presumed.low, presumed.high) == (found, found):
                    self._save(book, book.line.without(DRIFT).without(UNCONFIRMED))

    def leave(self) -> None:
        """End in good order; the next process need not ask anybody anything."""
        for workflow in () if self._visit else self.followed:
            self._journal.mailbox.rest(workflow)

    def release(self) -> None:
        """Give the locks back."""
        self._lock.release()

    # -- the start -----------------------------------------------------------------------

    def _distrust(self, workflow: str, books: dict[Key, Book]) -> None:
        """Rows may be missing from a journal that was damaged: exits only until somebody looked."""
        kept = copies(self._journal.path)
        facts = self._journal.facts
        if not kept or facts.get(workflow, DAMAGED) == kept[-1]:
            return
        reason = (
            f"the journal was damaged and rows may be missing; a copy is {kept[-1]}; look at the "
            "venue, and say what it holds with `sim2live position` where that differs"
        )
        self.halt(workflow, reason)
        for book in books.values():
            self._save(book, replace(book.line, halted=reason))
        facts.put(workflow, DAMAGED, kept[-1])
        self._alarms.sound(self._clock.now_ns(), workflow, reason)

    def _compare(self, workflow: str, books: dict[Key, Book]) -> None:
        """Hold what is presumed against what the venue says, where it says anything."""
        held = self.read[workflow] = self._venue.positions(workflow)
        if held is None:
            if workflow in self.unclean and self._asks:
                for book in books.values():
                    self._ask(book)
            return
        for instrument in held:
            books.setdefault((workflow, instrument), Book((workflow, instrument), None))
        for (_, instrument), book in books.items():
            if not book.unknown:
                self._settle(book, held.get(instrument, 0))

    def _look(self, books: dict[Key, Book]) -> None:
        """What was wanted and is not held waits; nothing is opened late."""
        for book in books.values():
            line = book.line.started(book.total, "wait", first=False)
            if line is not book.line:
                self._save(book, line)

    def _ask(self, book: Book) -> None:
        line = book.line
        if line.presumed == replace(Presumed(), source=line.presumed.source):
            return
        self._save(book, line.because(UNCONFIRMED))
        name = book.key[1].symbol
        self._sound(
            book,
            f"the last process ended without closing and {line.presumed} is presumed; look at "
            f"the venue and say what it holds: `sim2live position {name}=N`, or --confirm",
        )

    def _settle(self, book: Book, held: int) -> None:
        """The venue was read: it agrees, or the policy decides."""
        line = book.line
        read = Presumed(held, held, "READ")
        if (line.presumed.low, line.presumed.high) == (held, held):
            agreed = line.without(DRIFT).without(UNCONFIRMED)
            if agreed is not line:
                self._save(book, agreed)
            return
        text = f"the venue holds {read}, presumed was {line.presumed}"
        if self._drift == "refuse":
            self._save(book, line.because(DRIFT))
            text += "; exits only until `sim2live position` says what is true"
        else:
            flat = line.flat or self._drift == "flatten"
            adopted = replace(line, presumed=read, flat=flat)
            self._save(book, adopted.without(DRIFT).without(UNCONFIRMED))
            text += "; what it holds is taken for true"
        self._sound(book, text)

    def _save(self, book: Book, line: Line) -> None:
        book.line = line
        self._journal.line(*book.key, book.kept)

    def _sound(self, book: Book, text: str) -> None:
        self._alarms.sound(self._clock.now_ns(), book.name, text)
