"""The gate: makes the venue follow what the strategies want.

What goes out is never the size of an order seen going by. It is the difference between the
position wanted now and the position the venue is presumed to hold. A repeated, missed, refused
or late event therefore heals at the next look, and a restart sends nothing twice.

One lock for each (workflow, instrument); none is held over another instrument's exchange.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from sim2live.clock import Clock, iso
from sim2live.errors import JournalError
from sim2live.gate.alarms import Alarms
from sim2live.gate.book import Book, Decision, Key, Owner
from sim2live.gate.delivery import excess, growth, legs
from sim2live.gate.journal import Journal
from sim2live.gate.ledger import StartPolicy, sign
from sim2live.gate.lock import ProcessLock
from sim2live.gate.now import Now
from sim2live.gate.outbox import Outbox
from sim2live.gate.receipt import REFUSALS, Receipt, Status
from sim2live.gate.recovery import recover
from sim2live.gate.replay import Replay, Sent
from sim2live.gate.rules import Entry, Rule, first_refusal
from sim2live.gate.sender import Sender
from sim2live.market.bars import Bar
from sim2live.signals import Instrument, SchemaVersion
from sim2live.venues.base import Venue

logger = logging.getLogger("sim2live.gate")


class Gate:
    """One gate for all strategies of a process; safe to use from several threads.

    Args:
        venue: where signals go.
        journal: remembers them.
        now: tells history from the present.
        rules: asked, in this order, for entries only.
        clock: deadlines and stamps.
        alarms: what a human must know of.
        timeout: seconds; the total deadline of one exchange in a strategy's thread, and the
            longest wait for an instrument's lock.
        start: what to do on a first start with a position from history.
        background: True to work off debts in a thread; without, the caller calls `work`.
        schema_version: of the signals.
    """

    def __init__(
        self,
        venue: Venue,
        journal: Journal,
        *,
        now: Now,
        rules: Sequence[Rule],
        clock: Clock,
        alarms: Alarms,
        timeout: float = 1.0,
        start: StartPolicy = "wait",
        background: bool = False,
        schema_version: SchemaVersion = "1.0",
    ) -> None:
        self.venue = venue
        self.journal = journal
        self.alarms = alarms
        self._now = now
        self._rules = tuple(rules)
        self._timeout = timeout
        self._start: StartPolicy = start
        self.sender = Sender(
            venue, journal, clock=clock, alarms=alarms, timeout=timeout, version=schema_version
        )
        self._outbox = Outbox(self.work, clock) if background else None
        self._lock = ProcessLock(journal.path, venue.fingerprint)
        self._pid = os.getpid()
        self._closed = False
        self._before_close: list[Callable[[], None]] = []
        if self._outbox is not None:
            self.before_close(self._outbox.close)
        self._opening = threading.Lock()
        self._rules_lock = threading.Lock()
        self._replay = Replay(journal)
        self.books: dict[Key, Book] = {}

    def enter(self, workflow: str) -> None:
        """A strategy is about to follow a workflow from this process.

        Raises:
            LockedError: another process follows it.
            JournalError: what it left behind cannot be read.
        """
        with self._opening:
            if self.follows(workflow):
                return
            self._lock.take(workflow)
            self.books.update(recover(workflow, self.journal, self.venue, self.alarms))

    def follows(self, workflow: str) -> bool:
        """Whether a strategy of this process follows a workflow."""
        return workflow in self._lock.workflows

    def followed(self) -> tuple[str, ...]:
        """The workflows of this process."""
        return self._lock.workflows

    def book(self, workflow: str, instrument: Instrument) -> Book:
        """The book of an instrument of a workflow; made when it is first asked for."""
        key = (workflow, instrument)
        found = self.books.get(key)
        if found is None:
            with self._opening:
                found = self.books.setdefault(key, Book(key, None))
        return found

    def books_of(self, workflow: str) -> list[Book]:
        """The books of a workflow."""
        return [book for (name, _), book in list(self.books.items()) if name == workflow]

    # -- decisions -----------------------------------------------------------------------

    def follow(self, decision: Decision) -> Receipt:
        """Make the venue follow a target; never raises for a reason of delivery."""
        book = self.book(decision.workflow, decision.instrument)
        if self._closed or os.getpid() != self._pid:
            # A fork has the sockets and the journal of its parent; using them would mix both.
            return self._unable(book, decision, "this gate is closed, or belongs to the parent")
        if not book.lock.acquire(timeout=self._timeout):
            return self._busy(book, decision)
        try:
            if self._closed:  # while this call waited
                return self._unable(book, decision, "this gate is closed")
            receipt = self._follow(book, decision)
        finally:
            book.lock.release()
        self._notice(book)
        return receipt

    def _follow(self, book: Book, decision: Decision) -> Receipt:
        before = book.total
        after = before - book.targets.get(decision.owner, 0) + decision.target
        grown = growth(before, after)
        stored = self._stored(book, decision, grown)
        if stored is not None:
            return stored
        live = self._now.is_live(
            decision.decided_at, self._replay.watermark(decision.run, decision.instrument)
        )
        if live:
            self._begin(book)
        book.targets[decision.owner] = decision.target
        book.last = (decision.strategy, decision.run, decision.decided_at)
        if not live:
            return Receipt(status=Status.SHADOW, granted=decision.target, reason="history")
        book.line = book.line.turned(before, after)
        sent = self._settle(book, decision, grown)
        return self._receipt(book, decision, grown, sent)

    def _settle(self, book: Book, decision: Decision, grown: int) -> Sent:
        """Send the difference: what closes first, and what opens only when that has gone."""
        sent = Sent()
        wanted = book.line.wants(book.total - grown)
        for leg in legs(book.line.presumed, wanted):
            if leg.closing:
                sent = sent.then(self.sender.exit(book, leg.signed, decision))
            elif not grown:
                sent = sent.then(self._enter(book, leg.signed, decision))
        if grown:
            return self._grow(book, decision, grown, sent)
        left = excess(book.line.presumed, wanted)
        if left and not book.line.presumed.known and sent.status is not Status.UNKNOWN:
            reason = f"up to {abs(left)} more may be held until the unknown outcome is settled"
            return sent.then(Sent(status=Status.PENDING, reason=reason))
        return sent

    def _grow(self, book: Book, decision: Decision, grown: int, sent: Sent) -> Sent:
        """The opening part of an order, refused as a whole while exits only may go."""
        if book.line.blocked:
            return sent.then(self.sender.hold(book, grown, decision, book.line.blocked))
        for leg in legs(book.line.presumed, book.line.wants(book.total)):
            if leg.closing:
                sent = sent.then(self.sender.exit(book, leg.signed, decision))
            else:
                sent = sent.then(self._enter(book, leg.signed, decision))
        return sent

    def _enter(self, book: Book, signed: int, decision: Decision) -> Sent:
        sentence = book.line.blocked
        workflow, instrument = book.key
        if not sentence:
            entry = Entry(
                workflow=workflow,
                instrument=instrument,
                signed=signed,
                held=book.line.presumed.sure,
                held_total=self._held_elsewhere(book) if self._rules else 0,
                decided_at=decision.decided_at,
                time=self._now.time(decision.decided_at),
                order=decision.order,
            )
            with self._rules_lock:
                sentence = first_refusal(self._rules, entry)
                if not sentence:
                    for rule in self._rules:
                        rule.went(entry)
        if sentence:
            return self.sender.hold(book, signed, decision, sentence)
        return self.sender.entry(book, signed, decision)

    def _receipt(self, book: Book, decision: Decision, grown: int, sent: Sent) -> Receipt:
        status, reason = sent.status, sent.reason
        granted = decision.target
        if grown and decision.nth >= 0 and status in REFUSALS:
            granted -= grown
            book.targets[decision.owner] = granted
        elif sent.opened and status in REFUSALS:
            # An "un-exit" has no order that could be refused: the venue waits instead (rule 8).
            book.line = replace(book.line, waiting=sign(book.total))
            self.sender.save(book)
            status = Status.SHADOW
        if sent.signals or reason:
            logger.info(
                "%s %s target=%d granted=%d %s", book.name, status, decision.target, granted, reason
            )
        return Receipt(
            status=status,
            granted=granted,
            reason=reason,
            signals=sent.signals,
            latency_ns=sent.latency,
            children=sent.children,
        )

    def _stored(self, book: Book, decision: Decision, grown: int) -> Receipt | None:
        """What the journal says of a decision that an earlier process has made already.

        Refusals are replayed, or the rebuilt simulator would hold what the venue never took
        (rule 6 of following).
        """
        watermark = self._replay.watermark(decision.run, decision.instrument)
        if decision.nth < 0 or decision.decided_at > watermark:
            return None
        stored = self._replay.stored(decision)
        if stored is None:
            if decision.decided_at < watermark or not self._replay.decided_later(decision):
                return None
            stored = Sent(status=Status.SHADOW, reason="decided before the restart")
        granted = decision.target
        if stored.opened and stored.status in REFUSALS:
            granted -= grown
        book.targets[decision.owner] = granted
        return Receipt(
            status=stored.status, granted=granted, reason=stored.reason, signals=stored.signals
        )

    def _unable(self, book: Book, decision: Decision, reason: str) -> Receipt:
        """Nothing can be sent now: an entry is refused, an exit stays in the target."""
        before = book.total
        prior = book.targets.get(decision.owner, 0)
        grown = growth(before, before - prior + decision.target)
        granted = decision.target - grown
        book.targets[decision.owner] = granted
        status = Status.HELD if grown else Status.PENDING
        return Receipt(status=status, granted=granted, reason=reason)

    def _busy(self, book: Book, decision: Decision) -> Receipt:
        """Another exchange holds the instrument longer than the deadline."""
        receipt = self._unable(book, decision, "busy: another exchange holds the instrument")
        if receipt.status is Status.HELD:
            self.sender.note(book, decision.target - receipt.granted, decision, receipt.reason)
        return receipt

    # -- debts ---------------------------------------------------------------------------

    def _notice(self, book: Book) -> None:
        if self._outbox is None or not book.begun:
            return
        if book.owed or book.unknown or self.sender.silent:
            self._outbox.notice()

    def work(self) -> bool:
        """Try once everything that is owed or unknown.

        Returns:
            True while something is left to do.
        """
        if self._closed:
            return False
        if self.sender.silent:
            if not self.venue.probe(timeout=self._timeout):
                return True
            self.sender.listen()
        if self.sender.resting():
            return True
        # A book that is still in its history does not know what its strategies want.
        begun = [book for book in list(self.books.values()) if book.begun]
        owing = [book for book in begun if book.owed or book.unknown]
        for book in owing:
            self.heal(book)
        return self.sender.silent or any(book.owed or book.unknown for book in owing)

    def heal(self, book: Book) -> None:
        """Compare now, without a bar; not while its strategies are still in their history."""
        if book.begun:
            self.compare(book, book.last[2])
            self._notice(book)

    # -- bars ----------------------------------------------------------------------------

    def on_bar(self, workflow: str, run: str, instrument: Instrument, bar: Bar) -> None:
        """A bar is delivered: price the simulated venue, record it, compare once more.

        The comparison is about everything decided up to the bar before.
        """
        self.venue.on_bar(instrument, bar)
        watermark = self._replay.watermark(run, instrument)
        try:
            self.journal.bar(run, instrument, bar, now=not self.venue.simulated)
        except JournalError as error:
            subject = f"{workflow} {instrument}"
            self.alarms.sound(bar.time, subject, f"a bar could not be recorded: {error}")
        if bar.time > watermark and self._now.is_live(bar.time, watermark):
            book = self.book(workflow, instrument)
            self.compare(book, bar.time)
            self._notice(book)

    def compare(self, book: Book, time: int) -> None:
        """Send what the venue still lacks; an exit that is owed goes first and may always go."""
        if not book.lock.acquire(timeout=self._timeout):
            return
        try:
            if self._closed:
                return
            self._begin(book)
            if book.unknown:
                self.sender.settle_unknown(book)
            total = book.total
            line = book.line
            if line.presumed.known and line.presumed.low == line.wants(total):
                self.sender.paid(book)
                return
            strategy, run, _ = book.last
            decision = Decision(
                strategy=strategy,
                run=run,
                workflow=book.key[0],
                instrument=book.key[1],
                target=total,
                data=str(book.key[1]),
                nth=-1,
                decided_at=time,
            )
            sent = self._settle(book, decision, 0)
            if sent.opened and sent.status in REFUSALS:
                book.line = replace(book.line, waiting=sign(total))
                self.sender.save(book)
        finally:
            book.lock.release()

    def presume(
        self,
        workflow: str,
        instrument: Instrument,
        owner: Owner,
        target: int,
        *,
        decided_at: int,
    ) -> None:
        """A leg that rests at the venue was filled in the mirror: presume the same there."""
        book = self.book(workflow, instrument)
        with book.lock:
            moved = target - book.targets.get(owner, 0)
            book.targets[owner] = target
            book.line = replace(book.line, presumed=book.line.presumed.moved(moved, "PRESUMED"))
            self.sender.save(book)
        logger.info("%s leg of %+d presumed filled at %s", book.name, moved, iso(decided_at))

    def before_close(self, end: Callable[[], None]) -> None:
        """Have something that works on this gate ended before the gate closes."""
        self._before_close.append(end)

    def close(self) -> None:
        """Stop sending, then close the journal and the venue's connections.

        What is owed stays in the ledger; the next start sends it.
        """
        if self._closed:
            return
        self._closed = True
        for end in self._before_close:
            end()
        for book in list(self.books.values()):
            # An exchange that is under way is waited for: its outcome must be written.
            if book.lock.acquire(timeout=2 * self._timeout):
                book.lock.release()
        self.journal.close()
        self._lock.release()
        self.venue.close()

    # -- helpers -------------------------------------------------------------------------

    def _held_elsewhere(self, book: Book) -> int:
        return sum(
            max(abs(other.line.presumed.low), abs(other.line.presumed.high))
            for other in self.books_of(book.key[0])
            if other is not book
        )

    def _begin(self, book: Book) -> None:
        """The first live moment of a book: what history left behind is looked at once."""
        if book.begun:
            return
        book.begun = True
        line = book.line.started(book.total, self._start, first=book.first)
        if line is not book.line:
            book.line = line
            self.sender.save(book)
            logger.warning(
                "%s starts: %s presumed, %d wanted", book.name, line.presumed, book.total
            )
