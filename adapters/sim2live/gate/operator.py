"""What a human may do to a running gate: halt, resume, flatten, resolve, set a position."""

from __future__ import annotations

from msgspec.structs import replace

from sim2live.errors import ConfigError
from sim2live.gate.gate import Gate
from sim2live.gate.ledger import Presumed
from sim2live.signals import Instrument
from sim2live.venues.outcome import Kind, Outcome


class Operator:
    """The human's hand on a gate; every change is kept under the source HUMAN."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def halt(self, workflow: str, reason: str) -> None:
        """Exits only, for every instrument of a workflow, until `resume`."""
        for book in self._gate.books_of(workflow):
            with book.lock:
                book.line = replace(book.line, halted=reason)
                self._gate.sender.save(book)

    def resume(self, workflow: str) -> None:
        """Lift a halt; what opened meanwhile in the simulator waits."""
        for book in self._gate.books_of(workflow):
            with book.lock:
                line = replace(book.line, halted="", flat=False)
                book.line = line.started(book.total, "wait", first=False)
                self._gate.sender.save(book)
            self._gate.heal(book)

    def flatten(self, workflow: str, time: int) -> None:
        """Bring every instrument of a workflow to zero and halt it."""
        for book in self._gate.books_of(workflow):
            with book.lock:
                book.line = replace(book.line, halted="flatten was asked for", flat=True)
                self._gate.sender.save(book)
            self._gate.compare(book, time)

    def resolve(self, id_: str, *, executed: bool) -> str:
        """A human says what became of an unknown signal; returns the sentence to show.

        Raises:
            ConfigError: no unknown signal has this id.
        """
        for book in list(self._gate.books.values()):
            with book.lock:
                row = book.unknown.get(id_)
                if row is None:
                    continue
                kind = Kind.ACCEPTED if executed else Kind.REJECTED
                told = "executed" if executed else "not executed"
                outcome = Outcome(kind, f"a human says: {told}")
                self._gate.sender.resolve(book, row, outcome, source="HUMAN")
                left = "; still halted" if book.line.halted else ""
                sentence = f"{book.name}: presumed {book.line.presumed}{left}"
            # What was owed until somebody knew goes now, not with the next bar.
            self._gate.heal(book)
            return sentence
        waiting = ", ".join(
            sorted(id_ for book in self._gate.books.values() for id_ in book.unknown)
        )
        raise ConfigError(f"no unknown signal has the id {id_!r}; unknown now: {waiting or 'none'}")

    def set_position(self, workflow: str, instrument: Instrument, position: int) -> str:
        """A human has looked at the venue and says what it holds; nothing is unknown then."""
        book = self._gate.book(workflow, instrument)
        with book.lock:
            for row in list(book.unknown.values()):
                outcome = Outcome(Kind.REJECTED, "a human set the position")
                self._gate.sender.resolve(book, row, outcome, source="HUMAN")
            presumed = Presumed(position, position, "HUMAN")
            line = replace(book.line, presumed=presumed, reasons=())
            book.line = line.started(book.total, "wait", first=False)
            book.owed = None
            self._gate.sender.save(book)
            sentence = f"{book.name}: presumed {book.line.presumed}"
        self._gate.heal(book)
        return sentence
