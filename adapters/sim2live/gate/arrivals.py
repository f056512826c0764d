"""A bar has come: who hears of it?"""

from __future__ import annotations

from collections.abc import Sequence

from sim2live.clock import Clock
from sim2live.errors import JournalError
from sim2live.gate.book import Book
from sim2live.gate.gate import Gate
from sim2live.market.bars import Bar
from sim2live.market.stretch import Row
from sim2live.signals import Instrument


class Arrivals:
    """Prices a simulated venue, has each bar recorded, and has the gate compare once more.

    The comparison is about everything decided up to the bar before.

    Args:
        gate: the gate.
        clock: tells when a bar was heard.
    """

    def __init__(self, gate: Gate, clock: Clock) -> None:
        self._gate = gate
        self._clock = clock

    def one(
        self, workflow: str, run: str, instrument: Instrument, bar: Bar, *, strategy: str
    ) -> None:
        """A bar is delivered."""
        gate = self._gate
        if gate.gone:
            return
        gate.venue.on_bar(instrument, bar)
        watermark = gate.replay.watermark(run, instrument)  # before this bar moves it
        book = gate.book(workflow, instrument)
        try:
            gate.journal.bars.add(run, instrument, bar, now=not gate.venue.simulated)
        except JournalError as error:
            self._unrecorded(book, bar.time, error)
        gate.now.saw(instrument, bar.time)
        self._delivered(book, bar.time, watermark, strategy)

    def many(
        self, workflow: str, run: str, instrument: Instrument, rows: Sequence[Row], *, strategy: str
    ) -> None:
        """Bars that came while the book was calm are delivered together: one comparison."""
        gate = self._gate
        if gate.gone or not rows:
            return
        watermark = gate.replay.watermark(run, instrument)
        book = gate.book(workflow, instrument)
        last = rows[-1][0]
        try:
            gate.journal.bars.extend(run, instrument, rows)
        except JournalError as error:
            self._unrecorded(book, last, error)
        for row in rows:
            gate.now.saw(instrument, row[0])
        self._delivered(book, last, watermark, strategy)

    def calm(self, book: Book, strategy: str) -> bool:
        """Whether a bar would only be recorded: the venue needs none and nothing is left to do."""
        venue, line = self._gate.venue, book.line
        return (
            venue.simulated
            and not (venue.takes_bars or venue.can_report or venue.here)
            and strategy in book.here
            and not (book.misdated or line.resting or line.waiting)
            and not self._gate.owes(book)
            and line.presumed.known
            and line.presumed.low == line.wants(book.total)
        )

    def _delivered(self, book: Book, time: int, watermark: int, strategy: str) -> None:
        gate = self._gate
        gate.heard[book.key] = self._clock.now_ns()
        gate.present.doubt(book, time)
        if time > watermark and gate.now.is_live(book.key[1], time, watermark):
            if strategy not in book.here:
                with book.lock:
                    gate.present.arrive(book, strategy)
            gate.compare(book, time)
            gate.notice(book)
        if gate.venue.here:
            # After the comparison: what this bar has filled there, it is about to fill here.
            gate.news.collect()

    def _unrecorded(self, book: Book, time: int, error: JournalError) -> None:
        self._gate.alarms.sound(time, book.name, f"a bar could not be recorded: {error}")
