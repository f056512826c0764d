"""How one leg goes out: journal, exchange, outcome, ledger - in this order, every time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from sim2live.clock import Clock
from sim2live.errors import JournalError, SignalError
from sim2live.gate.alarms import Alarms
from sim2live.gate.book import Book, Decision
from sim2live.gate.delivery import Step, excess, next_step, worst
from sim2live.gate.draw import draw
from sim2live.gate.journal import Journal, Row
from sim2live.gate.ledger import OWED, UNKNOWN, Source
from sim2live.gate.protection import protected
from sim2live.gate.receipt import Status
from sim2live.gate.replay import Sent, as_sent
from sim2live.gate.store import DuplicateError
from sim2live.signals import CLOSE, SchemaVersion, Signal
from sim2live.venues.base import Venue
from sim2live.venues.outcome import Kind, Outcome

LONGEST_PAUSE = 60.0
"""Seconds; a venue that asks for a longer pause (Retry-After) is asked again after this."""

_STATUS: Final = {kind: Status(kind.value) for kind in Kind}

Then = Callable[[Book, Row, Signal, Kind], None]


class Sender:
    """Sends legs for the gate. Its caller holds the book's lock."""

    def __init__(
        self,
        venue: Venue,
        journal: Journal,
        *,
        clock: Clock,
        alarms: Alarms,
        timeout: float,
        version: SchemaVersion,
    ) -> None:
        self._venue = venue
        self._journal = journal
        self._clock = clock
        self._alarms = alarms
        self._timeout = timeout
        self._version = version
        self.silent = False
        self.stopped: dict[str, str] = {}
        self._not_before = 0.0

    def _pause(self, book: Book) -> str:
        """Why nothing of a book is tried now: a human stopped its workflow, or the venue rests."""
        stopped = self.stopped.get(book.key[0])
        if stopped is not None:
            return f"stopped: {stopped}; exits wait too, until `sim2live resume`"
        return self.resting()

    def resting(self) -> str:
        """Why nothing is tried at the venue now, as a sentence; empty when it may be."""
        if self.silent:
            return "the venue let the last deadline pass"
        if self._not_before:
            left = self._not_before - self._clock.monotonic()
            if left > 0:
                return f"the venue asked to wait {left:.1f} s more"
            self._not_before = 0.0
        return ""

    def _heard(self, outcome: Outcome) -> None:
        self.silent = outcome.timed_out
        if outcome.retry_after is not None:
            pause = min(outcome.retry_after, LONGEST_PAUSE)
            self._not_before = self._clock.monotonic() + pause

    def listen(self) -> None:
        """Somebody answers again at a venue that had let a deadline pass."""
        self.silent = False

    # -- legs ----------------------------------------------------------------------------

    def entry(self, book: Book, signed: int, decision: Decision) -> Sent:
        """Send an opening part at most once."""
        try:
            row, signal = draw(book, signed, decision, self._version, closing=False)
        except SignalError as error:
            return Sent(status=Status.NOT_SENT, reason=str(error), opened=True)
        resting = self._pause(book)
        if resting:
            return self._refuse(book, decision, row, "NOT_SENT", resting)
        try:
            self._journal.intend(row, book.kept)
        except DuplicateError:
            return self._repeated(row)
        except JournalError as error:
            self._unwritten(book, f"an entry was not sent: {error}")
            return Sent(status=Status.NOT_SENT, reason=str(error), opened=True)
        return replace(self._exchange(book, decision, row, signal), opened=True)

    def exit(self, book: Book, signed: int, decision: Decision) -> Sent:
        """Send a closing part; what cannot go now is owed."""
        owed = book.owed
        again = owed is not None and owed.signed == signed and owed.state == "NOT_SENT"
        if again and owed is not None:
            row, signal = owed, owed.signal
        else:
            row, signal = draw(book, signed, decision, self._version, closing=True)
        resting = self._pause(book)
        if resting:
            return self._owe(book, row, resting)
        try:
            if again:
                self._journal.intend_again(row)
            else:
                self._journal.intend(row, book.kept)
        except DuplicateError:
            # The id is used up, the exit is still due: it goes under an id of its own.
            return self.exit(book, signed, replace(decision, nth=-1))
        except JournalError as error:
            self._unwritten(book, f"exit {row.id} goes out without a journal: {error}")
        return self._exchange(book, decision, row, signal)

    def hold(self, book: Book, signed: int, decision: Decision, sentence: str) -> Sent:
        """A rule said no: write it down, send nothing."""
        try:
            row, _ = draw(book, signed, decision, self._version, closing=False)
        except SignalError as error:
            return Sent(status=Status.NOT_SENT, reason=str(error), opened=True)
        return self._refuse(book, decision, row, "HELD", sentence)

    def note(self, book: Book, signed: int, decision: Decision, sentence: str) -> None:
        """Keep a refusal by a caller that does not hold the book, so that it can be replayed."""
        if decision.nth < 0:
            return
        try:
            row, _ = draw(book, signed, decision, self._version, closing=False)
            self._journal.held(
                replace(row, grown=signed, state="HELD", reason=sentence, sends=0), None
            )
        except (SignalError, JournalError) as error:
            self.sound(book, f"a refusal could not be journalled: {error}")

    def _refuse(self, book: Book, decision: Decision, row: Row, state: str, sentence: str) -> Sent:
        if decision.grown:
            book.grant(decision)
        refused = replace(row, state=state, reason=sentence, sends=0)
        try:
            self._journal.held(refused, book.kept)
        except JournalError as error:
            self.sound(book, f"a refusal could not be journalled: {error}")
        return Sent(status=Status(state), reason=sentence, opened=True)

    # -- exchange ------------------------------------------------------------------------

    def _exchange(self, book: Book, decision: Decision, row: Row, signal: Signal) -> Sent:
        started = self._clock.monotonic_ns()
        outcome = self._venue.send(signal, timeout=self._timeout)
        latency = self._clock.monotonic_ns() - started
        self._heard(outcome)
        outcome = (
            worst(self._read(signal, outcome)) if outcome.children else self._read(signal, outcome)
        )
        self._book(book, row, outcome)
        if row.grown and outcome.kind in (Kind.REJECTED, Kind.NOT_SENT):
            book.grant(decision)
        self._write(book, row, outcome, latency)
        closing = signal.open_close == CLOSE
        status = _STATUS[outcome.kind]
        if closing and status in (Status.NOT_SENT, Status.REJECTED):
            status = Status.PENDING
        return Sent(
            status=status,
            reason=outcome.reason,
            signals=(signal,),
            latency=latency,
            children=outcome.children,
        )

    def aside(self, book: Book, row: Row, signal: Signal, then: Then | None = None) -> Outcome:
        """Send what moves no position by itself: an order that rests, its change, its end.

        Args:
            book: of the instrument.
            row: of the signal.
            signal: what goes out.
            then: changes the book by the outcome, before both are written.
        """
        pause = self._pause(book)
        if pause:
            return Outcome(Kind.NOT_SENT, pause)
        try:
            self._journal.intend(row, book.kept)
        except DuplicateError:
            stored = as_sent(self._journal.find([row.id])[row.id])
            return Outcome(Kind(stored.status.value), stored.reason)
        except JournalError as error:
            self._unwritten(book, f"{row.leg} {row.id} was not sent: {error}")
            return Outcome(Kind.NOT_SENT, str(error))
        started = self._clock.monotonic_ns()
        outcome = self._venue.send(signal, timeout=self._timeout)
        latency = self._clock.monotonic_ns() - started
        self._heard(outcome)
        outcome = self._read(signal, outcome)
        if then is not None:
            then(book, row, signal, outcome.kind)
        self._write(book, row, outcome, latency)
        return outcome

    def _read(self, signal: Signal, outcome: Outcome) -> Outcome:
        """An unknown outcome becomes a known one where the venue can be asked."""
        if outcome.kind is not Kind.UNKNOWN or not self._venue.can_report:
            return outcome
        return self._venue.lookup(signal) or outcome

    def _book(self, book: Book, row: Row, outcome: Outcome) -> None:
        """The ledger line that follows from an outcome (table 3 of the law of delivery)."""
        closing = row.closing
        line = book.line
        step = next_step(
            outcome.kind,
            closing=closing,
            venue=self._venue,
            sends=row.sends,
            whole=line.presumed.emptied_by(row.signed),
            read_failed=True,
        )
        if step is Step.BOOK:
            line = replace(line, presumed=line.presumed.moved(row.signed))
            line = protected(line, row, self._venue)
            if closing:
                line, book.owed = line.without(OWED), None
        elif step is Step.OWE:
            line = line.because(OWED)
            book.owed = replace(row, state=outcome.kind.value)
            self.sound(book, f"exit {row.id} did not go and stays owed: {outcome.reason}")
        elif step is not Step.REFUSE:
            line = replace(line, presumed=line.presumed.maybe(row.signed)).because(UNKNOWN)
            line = protected(line, row, self._venue)
            book.unknown[row.id] = replace(row, state="UNKNOWN", reason=outcome.reason)
            if closing:
                # It is not owed any more: its bytes must not go out again as if they never had.
                line, book.owed = line.without(OWED), None
            if step is Step.HALT:
                line = replace(line, halted=f"the outcome of exit {row.id} is unknown")
            self.sound(
                book,
                f"{row.id} ({row.signed:+d}): nobody knows whether it was executed; "
                f"{outcome.reason} `sim2live resolve {row.id} accepted|not-sent` settles it",
            )
        if outcome.halts:
            unsure = outcome.kind is Kind.UNKNOWN
            why = f"nobody knows what became of {row.id}" if unsure else "it refuses this client"
            line = replace(line, halted=f"the venue: {why}: {outcome.reason}")
            self.sound(book, line.halted)
        book.line = line

    def _owe(self, book: Book, row: Row, sentence: str) -> Sent:
        """The exit is not tried now; its row is written, so that it can be sent as it stands."""
        book.owed = replace(row, state="NOT_SENT", reason=sentence)
        book.line = book.line.because(OWED)
        try:
            self._journal.held(book.owed, book.kept)
        except JournalError as error:
            self._unwritten(book, f"an owed exit could not be journalled: {error}")
        self.sound(book, f"exit {row.id} stays owed: {sentence}")
        return Sent(status=Status.PENDING, reason=sentence)

    def _write(self, book: Book, row: Row, outcome: Outcome, latency: int | None) -> None:
        try:
            self._journal.outcome(row, outcome, latency, book.kept)
        except JournalError as error:
            self.sound(book, f"the outcome of {row.id} could not be journalled: {error}")

    # -- later ---------------------------------------------------------------------------

    def settle_unknown(self, book: Book) -> None:
        """Ask or repeat where that is proved harmless; else only a human can settle it."""
        for row in list(book.unknown.values()):
            before = book.line.presumed.settled(row.signed, executed=False)
            step = next_step(
                Kind.UNKNOWN,
                closing=row.closing,
                venue=self._venue,
                sends=row.sends,
                whole=before.emptied_by(row.signed),
            )
            if step is Step.READ:
                found = self._venue.lookup(row.signal)
                found = None if found is None else worst(found)
            elif step is Step.RESEND:
                found = None if self._pause(book) else self._send_again(book, row)
            else:
                self.sound(book, f"{row.id} ({row.signed:+d}) is still unknown: {row.reason}")
                continue
            if found is not None and found.kind is not Kind.UNKNOWN:
                self.resolve(book, row, found)

    def _send_again(self, book: Book, row: Row) -> Outcome | None:
        """The same bytes once more, and what their answer proves of the first sending."""
        try:
            self._journal.intend_again(row)
        except JournalError as error:
            self.sound(book, f"{row.id} cannot be repeated without a journal: {error}")
            return None
        book.unknown[row.id] = replace(row, sends=row.sends + 1)
        outcome = self._venue.send(row.signal, timeout=self._timeout)
        self._heard(outcome)
        # Only an acceptance tells what became of the first sending. A refusal of the second may
        # come from a check (token, limit, session) that stands before the memory of ids.
        return outcome if outcome.kind is Kind.ACCEPTED else None

    def resolve(self, book: Book, row: Row, outcome: Outcome, *, source: Source = "READ") -> None:
        """An unknown row is settled: the interval narrows, and entries may go again."""
        executed = outcome.kind is Kind.ACCEPTED
        book.unknown.pop(row.id, None)
        line = book.line
        line = replace(
            line, presumed=line.presumed.settled(row.signed, executed=executed, source=source)
        )
        if not book.unknown:
            line = line.without(UNKNOWN)
        if not executed and not row.closing:
            # The strategy holds what the venue never took: nothing is opened late (rule 3).
            line = line.started(book.total, "wait", first=False)
            line = replace(line, resting=tuple(r for r in line.resting if r.name != row.id))
        if not executed and row.closing:
            # It is as due as it was; the next comparison sends it, or finds it paid.
            line = line.because(OWED)
        book.line = line
        self._write(book, row, outcome, None)

    def paid(self, book: Book) -> None:
        """Nothing is owed any more: the venue holds what it should."""
        if book.owed is not None or OWED in book.line.reasons:
            book.owed = None
            book.line = book.line.without(OWED)
            self.save(book)

    def save(self, book: Book) -> None:
        """Keep a line that changed without a signal."""
        workflow, instrument = book.key
        try:
            self._journal.line(workflow, instrument, book.kept)
        except JournalError as error:
            self.sound(book, f"the ledger could not be written: {error}")

    def _repeated(self, row: Row) -> Sent:
        """The same id once more: its first answer, unless it means something else now."""
        stored = self._journal.find([row.id])[row.id]
        if stored.signal != row.signal:
            reason = f"{row.id} was used for another signal before; an id is never used twice"
            return Sent(status=Status.NOT_SENT, reason=reason, opened=True)
        return as_sent(stored)

    def _unwritten(self, book: Book, text: str) -> None:
        """The journal cannot be trusted any more: exits only, until a human resumes."""
        book.line = replace(book.line, halted="the journal cannot be written")
        self.sound(book, text)

    def sound(self, book: Book, text: str) -> None:
        """Raise an alarm about a book, with what should be there and what is presumed."""
        if excess(book.line.presumed, book.line.wants(book.total)):
            text += f" (presumed {book.line.presumed}, wanted {book.total:+d})"
        self._alarms.sound(self._clock.now_ns(), book.name, text)
