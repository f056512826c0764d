"""When history ends: from which moment on a strategy's wishes count, and how a book starts."""

from __future__ import annotations

import logging

from msgspec.structs import replace

from sim2live.clock import Clock
from sim2live.gate.alarms import Alarms
from sim2live.gate.book import Book
from sim2live.gate.ledger import StartPolicy
from sim2live.gate.now import Now
from sim2live.gate.replay import Replay
from sim2live.gate.sender import Sender
from sim2live.gate.shelf import Shelf
from sim2live.signals import Instrument

logger = logging.getLogger("sim2live.gate")


class Present:
    """Tells history from now, and looks once at each book when now begins.

    Args:
        now: where the present is.
        replay: how far an earlier process came.
        shelf: keeps who shares a book.
        sender: keeps lines that change.
        alarms: told of a bar from the future.
        clock: stamps alarms.
        start: what to do on a first start with a position from history.
    """

    def __init__(
        self,
        now: Now,
        replay: Replay,
        shelf: Shelf,
        sender: Sender,
        alarms: Alarms,
        clock: Clock,
        start: StartPolicy,
    ) -> None:
        self._now = now
        self._replay = replay
        self._shelf = shelf
        self._sender = sender
        self._alarms = alarms
        self._clock = clock
        self._start: StartPolicy = start

    def is_live(self, run: str, instrument: Instrument, decided_at: int) -> bool:
        """Whether a decision of a run, made at a bar (ns UTC), may reach the venue."""
        return self._now.is_live(instrument, decided_at, self._replay.watermark(run, instrument))

    def replays(self, run: str, instrument: Instrument, decided_at: int) -> bool:
        """Whether a decision lies where an earlier process of the run has been."""
        return decided_at <= self._replay.watermark(run, instrument)

    def doubt(self, book: Book, closed: int) -> None:
        """A bar from the future: nothing is opened on a clock that is read wrongly."""
        sentence = self._now.future(closed)
        book.misdated = bool(sentence)
        if sentence and not book.line.halted:
            book.line = replace(book.line, halted=sentence)
            self._sender.save(book)
            self._alarms.sound(self._clock.now_ns(), book.name, sentence)

    def arrive(self, book: Book, strategy: str) -> None:
        """A strategy has caught up; the last one of a shared book is looked at with all here."""
        if strategy not in book.known:
            book.known.add(strategy)
            self._shelf.note(book)
        if strategy not in book.absent:
            return
        book.arrive(strategy)
        if not book.absent:
            book.begun = False

    def begin(self, book: Book) -> None:
        """The first live moment of a book: what history left behind is looked at once."""
        if book.begun:
            return
        book.begun = True
        line = book.line.started(book.total, self._start, first=book.first)
        if line is not book.line:
            book.line = line
            self._sender.save(book)
            logger.warning(
                "%s starts: %s presumed, %d wanted", book.name, line.presumed, book.total
            )
