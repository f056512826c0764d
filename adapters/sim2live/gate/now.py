"""Is this decision about now, or is the framework still replaying history?

All three frameworks run through the past before they reach the present. Only the gate knows
where the present begins; adapters hand over every decision and never ask.

A bar ages only while its market trades: Friday's last bar is as young on Sunday at the open as it
was when trading stopped. A daily bar is good until the next session has opened, and a while more.
"""

from __future__ import annotations

import abc

from sim2live.clock import NS, Clock, iso
from sim2live.market.sessions import Timetable
from sim2live.signals import Instrument

DAILY = 20 * 3_600 * NS
"""Bars that come further apart than this are daily."""

LONGEST = 14 * 86_400 * NS
"""What closed longer ago than this is history, however long the market was closed since."""


class Now(abc.ABC):
    """Where "now" is. A venue decides which kind of now it has."""

    @abc.abstractmethod
    def is_live(self, instrument: Instrument, decided_at: int, watermark: int) -> bool:
        """Whether a decision may reach the venue.

        Args:
            instrument: what is traded; its market's hours age the decision.
            decided_at: ns UTC, the bar of the decision.
            watermark: ns UTC of the latest bar that an earlier process of this journal saw.
        """

    @abc.abstractmethod
    def time(self, decided_at: int) -> int:
        """The moment (ns UTC) that rules count with."""

    def saw(self, instrument: Instrument, closed: int) -> None:  # noqa: B027 - empty on purpose
        """A bar that closed at ``closed`` (ns UTC) was delivered."""

    def interval(self, instrument: Instrument) -> int:  # noqa: ARG002 - bars know no interval
        """Nanoseconds between two bars as far as it has been seen; 0 when it has not."""
        return 0

    def future(self, decided_at: int) -> str:  # noqa: ARG002 - bars are never ahead of bars
        """A sentence when a bar closes later than now, which no honest bar does."""
        return ""


class BarsNow(Now):
    """The bars are the clock: a backtest is a full rehearsal, every new bar is live."""

    def is_live(self, instrument: Instrument, decided_at: int, watermark: int) -> bool:  # noqa: ARG002
        """Everything from the last bar on that an earlier process saw."""
        return decided_at >= watermark

    def time(self, decided_at: int) -> int:
        """The decision's own bar."""
        return decided_at


class WallNow(Now):
    """The wall is the clock: a bar that closed more than ``max_age`` ago is history.

    Args:
        clock: wall time.
        max_age: seconds of trading after its close during which a bar may still be acted on.
        timetable: when the markets trade.
        daily_grace: seconds after the open of the next session that a daily bar stays good.
        interval: seconds between two bars where that is known; else it is learned.
        ahead: seconds that a bar may seem to come from the future before its time zone
            is taken to be wrong.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        max_age: float,
        timetable: Timetable | None = None,
        daily_grace: float = 3_600.0,
        interval: float | None = None,
        ahead: float = 5.0,
    ) -> None:
        self._clock = clock
        self._max_age = round(max_age * NS)
        self._timetable = Timetable() if timetable is None else timetable
        self._grace = round(daily_grace * NS)
        self._given = None if interval is None else round(interval * NS)
        self._ahead = round(ahead * NS)
        self._last: dict[Instrument, int] = {}
        self._gaps: dict[Instrument, int] = {}

    def is_live(self, instrument: Instrument, decided_at: int, watermark: int) -> bool:
        """A bar that closed not long ago, and that no earlier process has left behind."""
        if decided_at < watermark:
            return False
        now = self._clock.now_ns()
        age = now - decided_at
        if age <= self._max_age:
            return age >= -self._ahead
        if age > LONGEST:
            return False
        sessions = self._timetable.sessions_for(instrument)
        if self.interval(instrument) >= DAILY:
            return now <= sessions.next_open(decided_at) + self._grace
        return sessions.age(decided_at, now) * NS <= self._max_age

    def time(self, decided_at: int) -> int:  # noqa: ARG002 - the wall needs no bar
        """The wall's time."""
        return self._clock.now_ns()

    def saw(self, instrument: Instrument, closed: int) -> None:
        """Learn how far bars lie apart: the smallest step counts."""
        last = self._last.get(instrument)
        self._last[instrument] = closed
        if last is None or closed <= last:
            return
        self._gaps[instrument] = min(closed - last, self._gaps.get(instrument, closed - last))

    def interval(self, instrument: Instrument) -> int:
        """Nanoseconds between two bars: as given, or as seen."""
        return self._gaps.get(instrument, 0) if self._given is None else self._given

    def future(self, decided_at: int) -> str:
        """A sentence when a bar closes later than now."""
        ahead = decided_at - self._clock.now_ns()
        if ahead <= self._ahead:
            return ""
        return (
            f"a bar closes at {iso(decided_at)}, {ahead / NS:.0f} s in the future: its time zone "
            "is wrong, or its stamp is (see `stamp` and `interval`)"
        )
