"""What a human may do to a running gate: halt, resume, flatten, resolve, set a position."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from sim2live.errors import ConfigError
from sim2live.gate.gate import Gate
from sim2live.gate.journal import Row
from sim2live.gate.ledger import UNCONFIRMED, Presumed
from sim2live.signals import Instrument
from sim2live.venues.outcome import Kind, Outcome

FLATTENED = "flatten was asked for"


class Operator:
    """The human's hand on a gate; every change is kept under the source HUMAN."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def halt(self, workflow: str, reason: str) -> None:
        """Exits only, for every instrument of a workflow, until `resume`."""
        self._gate.shelf.halt(workflow, reason)
        for book in self._gate.books_of(workflow):
            with book.lock:
                book.line = replace(book.line, halted=reason)
                self._gate.sender.save(book)

    def stop(self, workflow: str, reason: str) -> None:
        """Halt, and keep exits back too: what is due stays owed and is alarmed."""
        self._gate.sender.stopped[workflow] = reason
        self.halt(workflow, reason)

    def resume(self, workflow: str) -> None:
        """Lift a halt or a stop; what opened meanwhile in the simulator waits."""
        self._gate.shelf.halt(workflow, "")
        self._gate.sender.stopped.pop(workflow, None)
        for book in self._gate.books_of(workflow):
            with book.lock:
                line = replace(book.line.looked_at(), halted="", flat=False)
                book.line = line.started(book.total, "wait", first=False)
                self._gate.sender.save(book)
            self._gate.heal(book)

    def flatten(self, workflow: str, time: int) -> None:
        """Bring every instrument of a workflow to zero and halt it.

        What strategies wanted that have not come back ends with it.
        """
        self._gate.shelf.halt(workflow, FLATTENED)
        for book in self._gate.books_of(workflow):
            with book.lock:
                book.forget()
                book.line = replace(book.line, halted=FLATTENED, flat=True)
                self._gate.sender.save(book)
            self._gate.compare(book, time)

    def resolve(self, id_: str, *, executed: bool) -> str:
        """A human says what became of an unknown signal; returns the sentence to show.

        Raises:
            ConfigError: no unknown signal has this id, or one that was not executed still may be.
        """
        for book in list(self._gate.books.values()):
            with book.lock:
                row = book.unknown.get(id_)
                if row is None:
                    continue
                if not executed:
                    self._withdraw(row)
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
        """A human has looked at the venue and says what it holds; nothing is unknown then.

        Raises:
            ConfigError: a signal of unknown outcome may still be executed.
        """
        book = self._gate.book(workflow, instrument)
        with book.lock:
            for row in book.unknown.values():
                self._withdraw(row)
            for row in list(book.unknown.values()):
                outcome = Outcome(Kind.REJECTED, "a human set the position")
                self._gate.sender.resolve(book, row, outcome, source="HUMAN")
            presumed = Presumed(position, position, "HUMAN")
            line = replace(book.line, presumed=presumed, reasons=()).looked_at()
            book.line = line.started(book.total, "wait", first=False)
            book.owed = None
            self._gate.sender.save(book)
            sentence = f"{book.name}: presumed {book.line.presumed}"
        self._gate.heal(book)
        return sentence

    def _withdraw(self, row: Row) -> None:
        """What a human calls void must not be executed afterwards."""
        why = self._gate.venue.withdraw(row.signal)
        if why:
            raise ConfigError(f"signal_id={row.id!r}: it cannot be called void now: {why}")

    def confirm(self, workflow: str, text: str) -> list[str]:
        """A human says what a blind venue holds after an unclean end.

        Args:
            workflow: the pool.
            text: ``presumed``, or such as ``MESZ6=+1, CME:MNQZ6=0``. A symbol without its
                exchange means the instrument that the ledger knows by this symbol.

        Returns:
            One sentence for each instrument.

        Raises:
            ConfigError: it is written in another way, or no instrument bears the symbol.
        """
        books = {book.key[1]: book for book in self._gate.books_of(workflow)}
        if text.strip() == "presumed":
            unsure = [book for book in books.values() if UNCONFIRMED in book.line.reasons]
            for book in unsure:
                with book.lock:
                    book.line = book.line.without(UNCONFIRMED)
                    self._gate.sender.save(book)
            return [f"{book.name}: presumed {book.line.presumed}" for book in unsure]
        return [
            self.set_position(workflow, instrument, position)
            for instrument, position in parse_positions(text, tuple(books))
        ]


def parse_positions(text: str, known: Sequence[Instrument]) -> list[tuple[Instrument, int]]:
    """Read ``MESZ6=+1, CME:MNQZ6=0``.

    Args:
        text: as a human writes it.
        known: instruments that a symbol without its exchange may mean.

    Raises:
        ConfigError: it is written in another way, or no known instrument bears a symbol.
    """
    found = []
    for part in text.split(","):
        name, equals, number = part.strip().rpartition("=")
        try:
            position = int(number)
        except ValueError:
            equals = ""
        if not equals:
            raise ConfigError(f"position={part.strip()!r}: must be like MESZ6=+1")
        if ":" in name:
            found.append((Instrument.parse(name), position))
            continue
        named = [instrument for instrument in known if instrument.symbol == name]
        if len(named) != 1:
            there = ", ".join(str(instrument) for instrument in known) or "nothing yet"
            raise ConfigError(f"position={part.strip()!r}: no one {name}; the ledger knows {there}")
        found.append((named[0], position))
    return found
