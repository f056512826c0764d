"""The gate: makes the venue follow what the strategies want.

What goes out is never the size of an order seen going by. It is the difference between the
position wanted now and the position the venue is presumed to hold. A repeated, missed, refused
or late event therefore heals at the next look, and a restart sends nothing twice.

One lock for each (workflow, instrument); none is held over another instrument's exchange.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from contextlib import suppress

from msgspec.structs import replace

from sim2live.clock import Clock
from sim2live.errors import JournalError
from sim2live.gate.alarms import Alarms
from sim2live.gate.answers import Answers
from sim2live.gate.book import Book, Decision, Key
from sim2live.gate.delivery import covers, excess, growth, legs
from sim2live.gate.journal import Journal
from sim2live.gate.ledger import DriftPolicy, StartPolicy, sign
from sim2live.gate.news import News
from sim2live.gate.now import Now
from sim2live.gate.orders import Orders
from sim2live.gate.outbox import Outbox
from sim2live.gate.present import Present
from sim2live.gate.receipt import REFUSALS, Receipt, Status
from sim2live.gate.replay import Replay, Sent
from sim2live.gate.rules import Doorkeeper, Entry, Rule
from sim2live.gate.sender import Sender
from sim2live.gate.shelf import Shelf
from sim2live.market.sessions import Timetable
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
        timetable: when the markets trade.
        drift: what to do where the venue holds something else than is presumed.
        asks: True to ask a human what a blind venue holds after an unclean end.
        visit: True for a command that only changes what is kept, and leaves.

    Attributes:
        shelf: the books of this process.
        doorkeeper: asks the rules.
        orders, news: what rests at the venue, and what it tells.
        present: when history ends and what is wanted begins to count.
        heard: when (ns UTC, wall time) the last bar of each workflow and instrument came.
        replay: how far an earlier process came.
        now, timetable: as given.
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
        timetable: Timetable | None = None,
        drift: DriftPolicy = "refuse",
        asks: bool = False,
        visit: bool = False,
    ) -> None:
        self.venue = venue
        self.journal = journal
        self.alarms = alarms
        self.now = now
        self.timetable = Timetable() if timetable is None else timetable
        self._clock = clock
        self.doorkeeper = Doorkeeper(rules)
        self._timeout = timeout
        self.sender = Sender(
            venue, journal, clock=clock, alarms=alarms, timeout=timeout, version=schema_version
        )
        self.orders = Orders(venue, self.sender, self._refuses)
        self.news = News(venue, journal, self.sender, alarms, self.book)
        self._outbox = Outbox(self.work, clock) if background else None
        self.shelf = Shelf(journal, venue, alarms, clock, drift=drift, asks=asks, visit=visit)
        self._pid = os.getpid()
        self._closed = False
        self._before_close: list[Callable[[], None]] = []
        if self._outbox is not None:
            self.before_close(self._outbox.close)
        self.replay = Replay(journal)
        self.present = Present(now, self.replay, self.sender, alarms, clock, start)
        self._answers = Answers(self.sender, self.replay)
        self.heard: dict[Key, int] = {}

    def enter(self, workflow: str, strategy: str | None = None) -> None:
        """A strategy is about to follow a workflow from this process; None for a command.

        Raises:
            LockedError: another process follows it.
            JournalError: what it left behind cannot be read.
        """
        self.shelf.enter(workflow)
        if strategy is not None:
            for sentence in self.doorkeeper.enters(workflow, strategy):
                logger.warning("no entry will go: %s", sentence)

    @property
    def books(self) -> dict[Key, Book]:
        """All books of this process."""
        return self.shelf.books

    def book(self, workflow: str, instrument: Instrument) -> Book:
        """The book of an instrument of a workflow; made when it is first asked for."""
        return self.shelf.book(workflow, instrument)

    def books_of(self, workflow: str) -> list[Book]:
        """The books of a workflow."""
        return self.shelf.books_of(workflow)

    @property
    def gone(self) -> bool:
        """True once it is closed, and in a fork: sockets and journal are the parent's."""
        return self._closed or os.getpid() != self._pid

    # -- decisions -----------------------------------------------------------------------

    def follow(self, decision: Decision) -> Receipt:
        """Make the venue follow a target; never raises for a reason of delivery."""
        book = self.book(decision.workflow, decision.instrument)
        if type(decision.target) is not int:
            return self._answers.nonsense(book, decision)
        if self.gone:
            return self._answers.unable(book, decision, "this gate is closed, or the parent's")
        if not book.lock.acquire(timeout=self._timeout):
            if not self.present.reached(book, decision):
                return self._answers.past(book, decision)
            return self._answers.busy(book, decision)
        try:
            if self._closed:  # while this call waited
                return self._answers.unable(book, decision, "this gate is closed")
            receipt = self._follow(book, decision)
            if book.line.resting:
                self.orders.tidy(book, decision.decided_at)
        finally:
            book.lock.release()
        if book.line.resting and self.venue.here:
            self.news.collect()  # a leg that is through the market already has filled at once
        self.notice(book)
        return receipt

    def _follow(self, book: Book, decision: Decision) -> Receipt:
        past = self._past(book, decision)
        if past is not None:
            return past
        before, prior = book.total, book.targets.get(decision.owner, 0)
        after = before - prior + decision.target
        grown = growth(before, after)
        if grown and decision.nth >= 0:
            decision = replace(decision, grown=grown)
        book.hear(decision)
        book.last = (decision.strategy, decision.run, decision.decided_at)
        book.line = book.line.turned(before, after)
        sent = self._settle(book, decision, grown)
        if prior != decision.target and not (sent.signals or sent.opened):
            self.sender.save(book)  # nothing went out, so nothing has written it yet
        return self._answers.of(book, decision, sent)

    def _past(self, book: Book, decision: Decision) -> Receipt | None:
        """The answer for a strategy that is still in its history; None when it is here."""
        at = (decision.run, decision.instrument, decision.decided_at)
        self.present.doubt(book, decision.decided_at)
        now = book.misdated or self.present.is_live(*at)
        if now and not self.present.replays(*at):
            self.present.arrive(book, decision.strategy)
        elif not now:
            book.leave(decision.strategy)
        if decision.strategy in book.here or (now and self._answers.due(book, decision)):
            return None
        return self._answers.past(book, decision, now=now)

    def _settle(self, book: Book, decision: Decision, grown: int) -> Sent:
        """Send the difference: what closes first, and what opens only when that has gone."""
        sent = Sent()
        wanted = book.line.wants(book.total - grown)
        if grown and not book.line.blocked and covers(book.line.presumed, wanted, book.total):
            wanted = book.line.presumed.low
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
        sentence = book.line.blocked or self._refuses(book, signed, decision)
        if sentence:
            return self.sender.hold(book, signed, decision, sentence)
        return self.sender.entry(book, signed, decision)

    def _refuses(self, book: Book, signed: int, decision: Decision) -> str:
        """What the rules say against an entry; empty when they agree."""
        if not self.doorkeeper.rules:
            return ""
        return self.doorkeeper.refuses(
            Entry(
                workflow=book.key[0],
                instrument=book.key[1],
                signed=signed,
                held=book.line.presumed.sure,
                held_total=self.shelf.held_elsewhere(book),
                decided_at=decision.decided_at,
                time=self.now.time(decision.decided_at),
                order=decision.order,
                strategy=decision.strategy,
            )
        )

    # -- debts ---------------------------------------------------------------------------

    def notice(self, book: Book) -> None:
        """Wake the thread that works off debts, should there be any."""
        if self._outbox is not None and (self.owes(book) or self.sender.silent):
            self._outbox.notice()

    def work(self) -> bool:
        """Try once everything that is owed or unknown.

        Returns:
            True while something is left to do.
        """
        if self.gone:
            return False
        if self.sender.silent:
            if not self.venue.probe(timeout=self._timeout):
                return True
            self.sender.listen()
        if self.sender.resting():
            return True
        owing = [book for book in list(self.books.values()) if self.owes(book)]
        for book in owing:
            self.heal(book)
        return self.sender.silent or any(self.owes(book) for book in owing)

    def owes(self, book: Book) -> bool:
        """Whether something of a book has still to be sent, or to be found out."""
        return bool(book.owed or book.unknown or self.orders.owing(book))

    def heal(self, book: Book) -> None:
        """Compare now, without a bar."""
        self.compare(book, book.last[2])
        self.notice(book)

    # -- bars ----------------------------------------------------------------------------

    def compare(self, book: Book, time: int) -> None:
        """Send what the venue still lacks; an exit that is owed goes first and may always go."""
        if not book.lock.acquire(timeout=self._timeout):
            return
        try:
            if self.gone:
                return
            if self.orders.owing(book):
                self.orders.tidy(book, time)
            if book.unknown:
                self.sender.settle_unknown(book)
            total = book.total
            line = book.line.turned(total, total)
            if line is not book.line:
                book.line = line
                self.sender.save(book)
            if line.presumed.known and line.presumed.low == line.wants(total):
                self.sender.paid(book)
                return
            sent = self._settle(book, book.correction(time), 0)
            if sent.opened and sent.status in REFUSALS:
                book.line = replace(book.line, waiting=sign(total))
                self.sender.save(book)
            if self.orders.untold(book):
                self.orders.tidy(book, time)
        finally:
            book.lock.release()

    def before_close(self, end: Callable[[], None]) -> None:
        """Have something that works on this gate ended before the gate closes."""
        self._before_close.append(end)

    def close(self) -> None:
        """Stop sending, then close the journal and the venue's connections.

        What is owed stays in the ledger; the next start sends it.
        """
        if self.gone:
            # What a fork inherited is its parent's to close.
            self._closed = True
            return
        self._closed = True
        for end in self._before_close:
            end()
        for book in list(self.books.values()):
            # An exchange under way is waited for: its outcome must be written.
            if book.lock.acquire(timeout=2 * self._timeout):
                book.lock.release()
        with suppress(JournalError):  # a full disk: the next start asks, which is right
            self.shelf.leave()
        self.journal.close()
        self.shelf.release()
        self.venue.close()
        self.alarms.close()
