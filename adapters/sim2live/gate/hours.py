"""May an entry go at this hour, and in this contract? Rules that look at the exchange's time.

Times are written as people say them, with the zone that they are meant in: ``15:55
America/New_York`` and ``09:30-15:55 America/New_York``.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from sim2live.clock import NS, from_ns, to_ns
from sim2live.errors import ConfigError, shorten
from sim2live.gate.rules import Entry, Rule
from sim2live.market.businessdays import back
from sim2live.market.contracts import contract, suggest
from sim2live.market.sessions import Sessions, Timetable
from sim2live.signals import Instrument

BEFORE_EARLY_CLOSE = 300 * NS
"""On a day that closes before the time that was asked for, what has to happen happens this long
before the close."""

_CLOCK = r"([01]\d|2[0-3]):([0-5]\d)"
_TIME = re.compile(rf"{_CLOCK} (\S+)")
_WINDOW = re.compile(rf"{_CLOCK}-{_CLOCK} (\S+)")


class TimeOfDay(Struct, frozen=True):
    """A time of every day in a zone of its own."""

    time: time
    zone: ZoneInfo

    @classmethod
    def parse(cls, text: str, field: str) -> TimeOfDay:
        """Read ``15:55 America/New_York``.

        Raises:
            ConfigError: it is written in another way, or there is no such zone.
        """
        found = _TIME.fullmatch(text)
        if found is None:
            raise ConfigError(f"{field}={shorten(text)}: must be like '15:55 America/New_York'")
        return cls(time(int(found[1]), int(found[2])), _zone(found[3], field))

    def on(self, day: date) -> int:
        """This time of a date, ns UTC."""
        return to_ns(datetime.combine(day, self.time, tzinfo=self.zone))

    def within(self, sessions: Sessions, moment: int) -> int:
        """When this time comes in the session of a moment (ns UTC).

        A session begins on the evening before the date that it bears, so the time may belong
        to either date. Where the session closes before it, five minutes before the close count.
        """
        day = sessions.session_of(moment)
        spans = sessions.spans(day)
        start, end = spans[0][0], spans[-1][1]
        for at in (self.on(day), self.on(day - timedelta(days=1))):
            if start <= at < end:
                return at
        return end - BEFORE_EARLY_CLOSE

    def __str__(self) -> str:
        return f"{self.time:%H:%M} {self.zone.key}"


class Window(Struct, frozen=True):
    """Part of every day, from the first minute to before the last; it may pass midnight."""

    first: time
    last: time
    zone: ZoneInfo

    @classmethod
    def parse(cls, text: str, field: str) -> Window:
        """Read ``09:30-15:55 America/New_York``.

        Raises:
            ConfigError: it is written in another way, is empty, or there is no such zone.
        """
        found = _WINDOW.fullmatch(text)
        if found is None:
            raise ConfigError(
                f"{field}={shorten(text)}: must be like '09:30-15:55 America/New_York'"
            )
        first, last = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
        if first == last:
            raise ConfigError(f"{field}={shorten(text)}: begins when it ends")
        return cls(first, last, _zone(found[5], field))

    def holds(self, moment: int) -> bool:
        """Whether a moment (ns UTC) lies in it."""
        now = from_ns(moment).astimezone(self.zone).time()
        if self.first < self.last:
            return self.first <= now < self.last
        return now >= self.first or now < self.last

    def __str__(self) -> str:
        return f"{self.first:%H:%M}-{self.last:%H:%M} {self.zone.key}"


def _zone(name: str, field: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError(
            f"{field}: {shorten(name)} is no time zone; write it like America/New_York"
        ) from error


def clock_time(moment: int, zone: ZoneInfo) -> str:
    """A moment (ns UTC) as the clock of a zone shows it."""
    return f"{from_ns(moment).astimezone(zone):%Y-%m-%d %H:%M:%S} {zone.key}"


class SessionOpen(Rule):
    """Entries go while the instrument trades: not in the break, on weekends or holidays."""

    name = "session"

    def __init__(self, timetable: Timetable) -> None:
        self._timetable = timetable

    def refuses(self, entry: Entry) -> str:
        """Look the moment up in the exchange's hours."""
        sessions = self._timetable.sessions_for(entry.instrument)
        if sessions.is_open(entry.time):
            return ""
        zone = sessions.zone
        opens = from_ns(sessions.next_open(entry.time)).astimezone(zone)
        return (
            f"session: {entry.instrument} does not trade at "
            f"{from_ns(entry.time).astimezone(zone):%Y-%m-%d %H:%M:%S}; it opens at "
            f"{opens:%Y-%m-%d %H:%M} ({zone})"
        )


class Windows(Rule):
    """Entries go inside one of several windows."""

    name = "windows"

    def __init__(self, windows: tuple[Window, ...]) -> None:
        self._windows = windows

    def refuses(self, entry: Entry) -> str:
        """Look whether one of them holds the moment."""
        if any(window.holds(entry.time) for window in self._windows):
            return ""
        allowed = ", ".join(str(window) for window in self._windows)
        now = clock_time(entry.time, self._windows[0].zone)
        return f"windows: it is {now}; entries go in {allowed}"


class NoEntriesAfter(Rule):
    """Entries end at a time of day and begin again with the next session.

    Args:
        last: when they end.
        timetable: says which session it is.
        name: the setting that asks for it.
    """

    def __init__(
        self, last: TimeOfDay, timetable: Timetable, *, name: str = "no_entries_after"
    ) -> None:
        self.name = name
        self._last = last
        self._timetable = timetable

    def refuses(self, entry: Entry) -> str:
        """Compare the moment with that time in its session."""
        cut = self._last.within(self._timetable.sessions_for(entry.instrument), entry.time)
        if entry.time < cut:
            return ""
        zone = self._last.zone
        return (
            f"{self.name}: it is {clock_time(entry.time, zone)}; entries of this session "
            f"ended at {clock_time(cut, zone)}"
        )


class LastTradeDate(Rule):
    """No entries into a contract in its last business days, nor into a wrongly written one.

    Args:
        days: how many of the last business days are left out; 0 refuses expired ones only.
        timetable: says which session it is.
    """

    name = "last_trade_days"

    def __init__(self, days: int, timetable: Timetable) -> None:
        self._days = days
        self._timetable = timetable
        self._asked: tuple[date, dict[Instrument, str]] = (date.min, {})

    def refuses(self, entry: Entry) -> str:
        """Compare the session's date with the contract's last one."""
        instrument = entry.instrument
        day = self._timetable.sessions_for(instrument).session_of(entry.time)
        if day != self._asked[0]:
            self._asked = (day, {})
        known = self._asked[1]
        if instrument not in known:
            known[instrument] = self._sentence(instrument, day)
        return known[instrument]

    def _sentence(self, instrument: Instrument, day: date) -> str:
        wrong = suggest(instrument, on=day)
        if wrong:
            return f"contract: {wrong}"
        known = contract(instrument, on=day)
        last = known.last_trade_date if known else None
        if last is None or day <= (back(last, self._days) if self._days else last):
            return ""
        return (
            f"last_trade_days: {instrument} trades until {last}; no entries in its last "
            f"{self._days} business days"
        )
