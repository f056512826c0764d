"""When history ends: from which moment on a strategy's wishes count, and how a book starts."""

from __future__ import annotations

import logging

from msgspec.structs import replace

from sim2live.clock import Clock
from sim2live.gate.alarms import Alarms
from sim2live.gate.book import Book, Decision
from sim2live.gate.ledger import StartPolicy
from sim2live.gate.now import Now
from sim2live.gate.replay import Replay
from sim2live.gate.sender import Sender
from sim2live.signals import Instrument

logger = logging.getLogger("sim2live.gate")


class Present:
    """Tells history from now, and looks once at each book when now begins.

    Args:
        now: where the present is.
        replay: how far an earlier process came.
        sender: keeps lines that change.
        alarms: told of a bar from the future.
        clock: stamps alarms.
        start: what to do on a first start with a position from history.
    """

    def __init__(
        self,
        now: Now,
        replay: Replay,
        sender: Sender,
        alarms: Alarms,
        clock: Clock,
        start: StartPolicy,
    ) -> None:
        self._now = now
        self._replay = replay
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

    def reached(self, book: Book, decision: Decision) -> bool:
        """Whether a decision's strategy has caught up with now, or does so by it."""
        at = (decision.run, decision.instrument, decision.decided_at)
        return decision.strategy in book.here or book.misdated or self.is_live(*at)

    def doubt(self, book: Book, closed: int) -> None:
        """A bar from the future: nothing is opened on a clock that is read wrongly."""
        sentence = self._now.future(closed)
        book.misdated = bool(sentence)
        if sentence and not book.line.halted:
            book.line = replace(book.line, halted=sentence)
            self._sender.save(book)
            self._alarms.sound(self._clock.now_ns(), book.name, sentence)

    def arrive(self, book: Book, strategy: str) -> None:
        """A strategy has caught up: what its history left behind is looked at once.

        Where it wants what it wanted last, everything goes on as it stood.
        """
        if strategy in book.here:
            return
        before = book.total
        book.arrive(strategy)
        for who, target in book.missing.items():
            logger.warning("%s: %+d stands for %s, not here yet", book.name, target, who)
        if book.total == before:
            return
        line = book.line
        book.line = line.started(book.total, self._start, first=book.first)
        self._sender.save(book)
        if book.line is not line:
            text = "%s starts: %s presumed, %d wanted"
            logger.warning(text, book.name, line.presumed, book.total)
