"""What was asked of the signal door lately, and what became of it?

One line for each signal, refused ones included, for people to look at. It is kept in memory: the
inbox is the truth about what was accepted, and a refused signal changed nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import takewhile

import msgspec

from sim2live.exchange.execution import Submission
from sim2live.exchange.orders import State
from sim2live.gateway.taken import Taken
from sim2live.gateway.way import Way
from sim2live.signals import Signal

KEPT = 10_000
_LONGEST = 500
#: Upper ends of the latency histogram, in seconds.
BOUNDS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
_NS = 1_000_000_000


class Line(msgspec.Struct, gc=False):
    """One signal as the door saw it.

    Attributes:
        number: Counts the lines since the gateway started, from 1.
        time: When it came, UTC epoch nanoseconds.
        pool: The pool that it was sent to, which need not exist.
        signal: The signal, or None where the body was none.
        submission: What its pool made of it; None when it was refused.
        status: HTTP status of the answer.
        reason: Why it was refused, else empty.
        latency: From its arrival to the end of the answer, nanoseconds; None for a signal of an
            earlier start.
        change: Grows with each change of any line.
    """

    number: int
    time: int
    pool: str
    signal: Signal | None = None
    submission: Submission | None = None
    status: int = 200
    reason: str = ""
    latency: int | None = None
    change: int = 0

    @property
    def outcome(self) -> str:
        """REFUSED at the door, else where its order stands, or ACCEPTED where it made none."""
        if self.submission is None:
            return "REFUSED"
        if not self.submission.accepted:
            return State.REJECTED.value
        made = self.submission.state
        changes = self.signal is not None and self.signal.action in ("CANCEL", "MODIFY")
        return "ACCEPTED" if made is None or changes else made.value


class Chronicle:
    """The latest lines, and counts of all.

    Args:
        taken: Signals accepted before this start, oldest first.

    Attributes:
        accepted: How many signals were accepted, earlier starts included.
        refused: How many were refused since the start.
        statuses: How many answers there were with each HTTP status since the start.
        histogram: Answers to accepted signals within each of `BOUNDS`, and at last beyond them.
        seconds: Sum of their latencies.
    """

    def __init__(self, taken: Iterable[Taken] = ()) -> None:
        self.accepted = 0
        self.refused = 0
        self.statuses: dict[int, int] = {}
        self.histogram = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0
        self._changes = 0
        self._numbers = 0
        self._order: deque[Line] = deque()
        self._ids: dict[str, Line] = {}
        self._ways: dict[str, Way] = {}
        # Lines in the order of their last change, so that news is found at the end.
        self._news: dict[int, Line] = {}
        for one in taken:
            self.took(one)

    @property
    def change(self) -> int:
        """Number of the latest change."""
        return self._changes

    def took(self, taken: Taken, latency: int | None = None) -> None:
        """A signal was accepted.

        Args:
            taken: The signal and what became of it.
            latency: Nanoseconds from its arrival to the end of the answer.
        """
        signal = taken.signal
        if signal.signal_id not in self._ids:
            line = Line(0, taken.time, signal.workflow_id, signal, taken.submission)
            line.latency = latency
            self.accepted += 1
            self._ids[signal.signal_id] = line
            self._add(line)
        if latency is not None:
            self._answered(200)
            seconds = latency / _NS
            self.seconds += seconds
            self.histogram[bisect_left(BOUNDS, seconds)] += 1

    def refuse(
        self,
        time: int,
        pool: str,
        status: int,
        reason: str,
        *,
        signal: Signal | None = None,
        latency: int | None = None,
    ) -> None:
        """A signal was refused; other arguments as the fields of a line."""
        self.refused += 1
        self._answered(status)
        # What a stranger sends must not fill the memory.
        pool, reason = pool[:_LONGEST], reason[:_LONGEST]
        self._add(Line(0, time, pool, signal, None, status, reason, latency))

    def touch(self, signal_id: str) -> None:
        """Something happened to the orders of a signal."""
        line = self._ids.get(signal_id)
        if line is not None:
            self._changed(line)

    def came(self, way: Way) -> None:
        """A relay tells how a signal came; it may do so before the line is made."""
        self._ways.pop(way.signal_id, None)
        if len(self._ways) == KEPT:
            del self._ways[next(iter(self._ways))]
        self._ways[way.signal_id] = way
        self.touch(way.signal_id)

    def way(self, line: Line) -> Way | None:
        """How the signal of an accepted line came over a relay; None where it came directly."""
        if line.signal is None or line.submission is None:
            return None
        return self._ways.get(line.signal.signal_id)

    def find(self, number: int) -> Line | None:
        """The line of that number, while it is kept."""
        return self._news.get(number)

    def lines(self) -> Iterator[Line]:
        """All that are kept, newest first."""
        return reversed(self._order)

    def since(self, change: int) -> list[Line]:
        """Lines that changed after a change that was seen, oldest change first."""
        news = list(takewhile(lambda line: line.change > change, reversed(self._news.values())))
        return news[::-1]

    def _answered(self, status: int) -> None:
        self.statuses[status] = self.statuses.get(status, 0) + 1

    def _add(self, line: Line) -> None:
        self._numbers += 1
        line.number = self._numbers
        if len(self._order) == KEPT:
            gone = self._order.popleft()
            self._news.pop(gone.number, None)
            if gone.signal is not None and gone.submission is not None:
                self._ids.pop(gone.signal.signal_id, None)
        self._order.append(line)
        self._changed(line)

    def _changed(self, line: Line) -> None:
        self._changes += 1
        line.change = self._changes
        self._news.pop(line.number, None)
        self._news[line.number] = line
