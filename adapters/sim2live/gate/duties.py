"""What the supervisor looks at beyond commands and heartbeat: clock, feed and kill switch."""

from __future__ import annotations

import atexit
import weakref
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from sim2live.clock import NS, Clock
from sim2live.gate.book import Book, Key
from sim2live.gate.gate import Gate
from sim2live.gate.hours import TimeOfDay
from sim2live.gate.operator import Operator
from sim2live.gate.supervisor import Duty, Heartbeat, Obedience, Supervisor

READ_EVERY = 30 * NS
"""How often a venue that disagrees is read."""

REASON = 200
"""Characters of a kill switch's text that become the reason."""


class FlattenAt(Duty):
    """Goes to zero at a time of day, and again at every look until nothing is presumed.

    What the strategy still wants waits until it is flat or turns. Nothing is halted: the next
    session begins as any other.

    Args:
        text: such as ``15:55 America/New_York``.
    """

    def __init__(self, text: str) -> None:
        self._at = TimeOfDay.parse(text, "flatten_at")
        self._last: dict[Key, int] = {}
        self._due: set[Key] = set()

    def look(self, gate: Gate, now: int) -> None:
        """Flatten each book whose time has come since the last look."""
        for workflow in gate.shelf.followed:
            for book in gate.books_of(workflow):
                if self._has_come(gate, book, now):
                    self._due.add(book.key)
                    with book.lock:
                        book.line = replace(book.line, flat=True)
                        gate.sender.save(book)
                if book.key in self._due:
                    self._press(gate, book, now)

    def _has_come(self, gate: Gate, book: Book, now: int) -> bool:
        sessions = gate.timetable.sessions_for(book.key[1])
        last = self._last.get(book.key)
        self._last[book.key] = now
        cut = self._at.within(sessions, now)
        if last is None:
            return now >= cut
        # A machine that slept through it wakes in the next session, and is late.
        return last < cut <= now or last < self._at.within(sessions, last) <= now

    def _press(self, gate: Gate, book: Book, now: int) -> None:
        presumed = book.line.presumed
        if (presumed.low, presumed.high) != (0, 0):
            gate.compare(book, now)
            presumed = book.line.presumed
        if (presumed.low, presumed.high) == (0, 0) or not book.line.flat:
            self._due.discard(book.key)
        else:
            gate.alarms.sound(now, book.name, f"not flat at {self._at}: {presumed} presumed")


class FeedWatch(Duty):
    """Alarms when something is held, the market trades and no bar comes.

    Args:
        seconds: of trading without a bar, on top of the interval between two bars.
        clock: when the watch begins.
    """

    def __init__(self, seconds: float, clock: Clock) -> None:
        self._seconds = seconds
        self._began = clock.now_ns()

    def look(self, gate: Gate, now: int) -> None:
        """Look at the age of the last bar of everything that is held."""
        for workflow in gate.shelf.followed:
            for book in gate.books_of(workflow):
                presumed = book.line.presumed
                if (presumed.low, presumed.high) == (0, 0):
                    continue
                instrument = book.key[1]
                sessions = gate.timetable.sessions_for(instrument)
                if not sessions.is_open(now):
                    continue
                silent = sessions.age(gate.heard.get(book.key, self._began), now)
                allowed = self._seconds + gate.now.interval(instrument) / NS
                if silent > allowed:
                    # Without the seconds: a text that changes would be told every time.
                    text = f"no bar for more than {allowed:.0f} s while {presumed} is presumed"
                    gate.alarms.sound(now, book.name, text)


class Rounds(Duty):
    """Asks the venue for news, so that no strategy's thread has to."""

    def look(self, gate: Gate, now: int) -> None:  # noqa: ARG002 - asks at every look
        """Ask once."""
        gate.news.collect()


class ReadAgain(Duty):
    """Reads a venue that disagreed now and then, until it agrees or a human has spoken."""

    def __init__(self) -> None:
        self._last_read = 0

    def look(self, gate: Gate, now: int) -> None:
        """Read, if it is time and anything is in doubt."""
        if abs(now - self._last_read) < READ_EVERY:
            return
        self._last_read = now
        for workflow in gate.shelf.followed:
            gate.shelf.read_again(workflow)


class KillSwitch(Duty):
    """Halts everything while a file exists; taking it away resumes nothing by itself.

    Args:
        path: the file; what is written in it becomes the reason.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)

    def look(self, gate: Gate, now: int) -> None:
        """Halt what is not halted yet."""
        try:
            text = self._path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return
        except OSError as error:  # it is there, and that is all that counts
            text = str(error.strerror)
        reason = f"kill switch: {' '.join(text[:REASON].split()) or self._path.name}"
        for workflow in gate.shelf.followed:
            if not gate.shelf.halted(workflow):
                Operator(gate).halt(workflow, reason)
                gate.alarms.sound(now, workflow, f"halted; {reason}")


def duties(
    clock: Clock,
    *,
    real: bool,
    flatten_at: str | None,
    feed_timeout: float,
    kill_switch: str | None,
    asks: bool = False,
) -> Sequence[Duty]:
    """The duties of a process, the most urgent first.

    Args:
        clock: wall time.
        real: False on a simulated venue, whose time is that of the bars: there the wall's time
            of day and the silence of a feed mean nothing.
        flatten_at: a time of day, or None.
        feed_timeout: seconds of trading without a bar before an alarm.
        kill_switch: a file, or None.
        asks: True for a venue that has news and has to be asked for it.
    """
    chosen: list[Duty] = []
    if kill_switch is not None:
        chosen.append(KillSwitch(kill_switch))
    chosen.append(Obedience(clock))
    if asks:
        chosen.append(Rounds())
    if real and flatten_at is not None:
        chosen.append(FlattenAt(flatten_at))
    if real:
        chosen.append(FeedWatch(feed_timeout, clock))
    chosen.append(Heartbeat())
    if real:
        chosen.append(ReadAgain())  # last: a venue may take its time to answer
    return chosen


def supervise(
    gate: Gate,
    clock: Clock,
    *,
    flatten_at: str | None,
    feed_timeout: float,
    kill_switch: str | None,
) -> Supervisor:
    """Start what has to happen without a bar; it ends with the gate."""
    chosen = duties(
        clock,
        real=not gate.venue.simulated,
        flatten_at=flatten_at,
        feed_timeout=feed_timeout,
        kill_switch=kill_switch,
        asks=gate.venue.can_report and not gate.venue.here,
    )
    supervisor = Supervisor(gate, chosen, clock)
    gate.before_close(supervisor.close)
    supervisor.start()
    return supervisor


def close_at_exit(gate: Gate) -> None:
    """An interpreter that ends in good order closes its gates in good order.

    No signal handler is installed: what SIGTERM means is the program's own to say. Where it
    says nothing the process dies, and the next start treats that as it treats any crash.
    """
    held = weakref.ref(gate)

    def close() -> None:
        still = held()
        if still is not None:
            still.close()

    atexit.register(close)
    gate.before_close(lambda: atexit.unregister(close))
