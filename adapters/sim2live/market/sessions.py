"""When does an exchange trade, and how old is a bar in the time that it traded?

A small table for the futures of CME Group: Globex trades from 17:00 to 16:00 Chicago time, Sunday
to Friday, with a break of an hour; grains have hours of their own. Holidays close a day early, or
altogether. Unplanned closings (a storm, a day of mourning) are not in it. Other exchanges come
from `exchange_calendars`, which is loaded only where one of its calendars is named.

Hours and holidays: https://www.cmegroup.com/trading-hours.html and the holiday calendar beside it.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from sim2live.clock import NS, from_ns, to_ns
from sim2live.errors import ConfigError, MissingExtraError, shorten
from sim2live.market.businessdays import is_business_day, nth_weekday
from sim2live.market.contracts import contract
from sim2live.signals import Instrument

Span = tuple[int, int]
"""Beginning and end of trading, ns UTC; the end is not part of it."""

CME_EXCHANGES: Final = frozenset({"CME", "CBOT", "NYMEX", "COMEX"})
_DAY: Final = timedelta(days=1)
_LONGEST_PAUSE: Final = 20
_REMEMBERED: Final = 4_000
_CHICAGO: Final = ZoneInfo("America/Chicago")
_OPEN, _CLOSE = time(17), time(16)
_THURSDAY, _FRIDAY = 3, 4


class Sessions(abc.ABC):
    """The trading hours of one kind of instrument; nothing here reads a clock.

    Attributes:
        zone: The exchange's time zone.
    """

    zone: tzinfo = UTC

    def __init__(self) -> None:
        self._known: dict[date, tuple[Span, ...]] = {}
        self._near: tuple[int, int, list[tuple[date, Span]]] = (0, 0, [])

    @abc.abstractmethod
    def _spans(self, day: date) -> tuple[Span, ...]:
        """When a session trades, in order; empty on a closed day."""

    def spans(self, day: date) -> tuple[Span, ...]:
        """When the session of a date trades, in order; empty when it does not.

        Args:
            day: The date that the session bears: that of its close.
        """
        found = self._known.get(day)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[day] = self._spans(day)
        return found

    def is_open(self, ns: int) -> bool:
        """Whether it trades at a moment (ns UTC)."""
        return any(start <= ns < end for _, (start, end) in self._around(ns))

    def next_open(self, ns: int) -> int:
        """When trading begins or resumes next, at or after a moment (both ns UTC)."""
        return self._first(ns, 0)

    def next_close(self, ns: int) -> int:
        """When trading ends or pauses next, after a moment (both ns UTC)."""
        return self._first(ns + 1, 1)

    def session_of(self, ns: int) -> date:
        """The date of the session that a moment (ns UTC) lies in, or that comes next."""
        for day, (_, end) in self._around(ns):
            if ns < end:
                return day
        raise ConfigError(f"no session within {_LONGEST_PAUSE} days of {from_ns(ns)}")

    def age(self, since: int, until: int) -> float:
        """Seconds of trading between two moments (ns UTC); 0 when they are the wrong way round."""
        traded = 0
        day, last = self._date(since), self._date(until) + _DAY
        while day <= last:
            for start, end in self.spans(day):
                traded += max(0, min(end, until) - max(start, since))
            day += _DAY
        return traded / NS

    def _date(self, ns: int) -> date:
        return from_ns(ns).astimezone(self.zone).date()

    def _around(self, ns: int) -> list[tuple[date, Span]]:
        """The sessions from the one of this date to the first that ends later."""
        since, until, found = self._near
        if since <= ns < until:  # most questions are about a moment soon after the last one
            return found
        day = self._date(ns)
        found = []
        for _ in range(_LONGEST_PAUSE):
            spans = self.spans(day)
            found += ((day, span) for span in spans)
            if spans and spans[-1][1] > ns:
                self._near = (ns, spans[-1][1], found)
                return found
            day += _DAY
        return found

    def _first(self, ns: int, side: int) -> int:
        day = self._date(ns)
        for _ in range(_LONGEST_PAUSE):
            for span in self.spans(day):
                if span[side] >= ns:
                    return span[side]
            day += _DAY
        raise ConfigError(f"no session within {_LONGEST_PAUSE} days of {from_ns(ns)}")


class Always(Sessions):
    """Never closed; a session is a day of UTC."""

    def _spans(self, day: date) -> tuple[Span, ...]:
        start = to_ns(datetime(day.year, day.month, day.day, tzinfo=UTC))
        return ((start, start + 86_400 * NS),)


class Globex(Sessions):
    """What trades nearly around the clock at CME Group.

    Args:
        holiday: Chicago time of the close on a holiday of the US (Labor Day and the like).
        eve: Chicago time of the close after Thanksgiving and on Christmas Eve.
        july: Chicago time of the close on the day before Independence Day, where that is early.
    """

    zone = _CHICAGO

    def __init__(self, *, holiday: time, eve: time, july: time | None = None) -> None:
        super().__init__()
        self._holiday = holiday
        self._eve = eve
        self._july = july

    def _spans(self, day: date) -> tuple[Span, ...]:
        if day.weekday() > _FRIDAY or _closed(day):
            return ()
        return (_span(day - _DAY, _OPEN, day, self._close(day)),)

    def _close(self, day: date) -> time:
        if not is_business_day(day):
            return self._holiday
        if _is_eve(day):
            return self._eve
        if self._july is not None and (day.month, day.day) == (7, 3) and day.weekday() < _FRIDAY:
            return self._july
        return _CLOSE


class Grains(Sessions):
    """Corn, wheat and soybeans: the night, a pause, the day. They close on all US holidays."""

    zone = _CHICAGO

    def _spans(self, day: date) -> tuple[Span, ...]:
        if not is_business_day(day):
            return ()
        night = _span(day - _DAY, time(19), day, time(7, 45))
        end = time(12, 5) if _is_eve(day) else time(13, 20)
        return night, _span(day, time(8, 30), day, end)


class Named(Sessions):
    """A calendar of the package `exchange_calendars`.

    Args:
        name: As that package knows it, such as ``XEUR``.

    Raises:
        MissingExtraError: The package is not installed.
        ConfigError: It knows no such calendar.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        try:
            import exchange_calendars
        except ModuleNotFoundError as error:
            raise MissingExtraError("exchange-calendars", "zipline") from error
        try:
            self._calendar: Any = exchange_calendars.get_calendar(name)
        except exchange_calendars.errors.InvalidCalendarName as error:
            raise ConfigError(
                f"calendar={shorten(name)}: exchange_calendars does not know it"
            ) from error
        self.zone = self._calendar.tz

    def _spans(self, day: date) -> tuple[Span, ...]:
        calendar = self._calendar
        if not calendar.is_session(day.isoformat()):
            return ()
        start, end = (int(at.value) for at in calendar.session_open_close(day.isoformat()))
        if not calendar.session_has_break(day.isoformat()):
            return ((start, end),)
        pause, again = (int(at.value) for at in calendar.session_break_start_end(day.isoformat()))
        return (start, pause), (again, end)


class Timetable:
    """The sessions of each instrument.

    Args:
        calendars: Exchange -> a calendar of `exchange_calendars`, for exchanges that the table
            does not know. One that is in neither counts as always open.
    """

    def __init__(self, calendars: Mapping[str, str] | None = None) -> None:
        equity = Globex(holiday=time(12), eve=time(12, 15), july=time(12, 15))
        financial = Globex(holiday=time(12), eve=time(12, 15))
        commodity = Globex(holiday=time(13, 30), eve=time(12, 45))
        self._always = Always()
        self._unlisted = financial
        self._kinds: dict[str, Sessions] = {
            **dict.fromkeys(_EQUITY, equity),
            **dict.fromkeys(_COMMODITY, commodity),
            **dict.fromkeys(_GRAINS, Grains()),
        }
        self._named = {exchange: Named(name) for exchange, name in (calendars or {}).items()}
        self._found: dict[Instrument, Sessions] = {}

    def sessions_for(self, instrument: Instrument) -> Sessions:
        """The trading hours of an instrument."""
        found = self._found.get(instrument)
        if found is None:
            found = self._found[instrument] = self._look(instrument)
        return found

    def _look(self, instrument: Instrument) -> Sessions:
        if instrument.exchange in self._named:
            return self._named[instrument.exchange]
        if instrument.exchange not in CME_EXCHANGES:
            return self._always
        known = contract(instrument)
        return self._kinds.get(known.root, self._unlisted) if known else self._unlisted


_EQUITY: Final = ("ES", "MES", "NQ", "MNQ", "RTY", "M2K", "EMD", "YM", "MYM")
_COMMODITY: Final = (
    "CL", "MCL", "QM", "NG", "QG", "MNG", "HO", "RB", "GC", "MGC", "SI", "SIL", "HG", "MHG", "PL",
)  # fmt: skip
_GRAINS: Final = ("ZC", "ZW", "ZS", "ZM", "ZL")


def _span(first: date, opens: time, last: date, closes: time) -> Span:
    # Chicago's clocks change at two in the night on a Sunday, when nothing trades.
    return (
        to_ns(datetime.combine(first, opens, tzinfo=_CHICAGO)),
        to_ns(datetime.combine(last, closes, tzinfo=_CHICAGO)),
    )


def _closed(day: date) -> bool:
    """New Year, Good Friday and Christmas: the only days on which nothing trades at all."""
    if is_business_day(day):
        return False
    return day.month in (3, 4, 12) or (day.month == 1 and day.day <= 2)


def _is_eve(day: date) -> bool:
    """The Friday after Thanksgiving, and Christmas Eve."""
    if day.month == 11 and day.weekday() == _FRIDAY:
        return day - _DAY == nth_weekday(day.year, 11, _THURSDAY, 4)
    return day.month == 12 and day.day == 24
