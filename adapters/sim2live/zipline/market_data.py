"""What can an algorithm look at, live? Assets, the growing store, and the stock `DataPortal`."""

from __future__ import annotations

import logging
from typing import Any

import pandas as pd
from zipline.assets import Asset
from zipline.data.data_portal import DataPortal
from zipline.data.resample import ReindexMinuteBarReader, ReindexSessionBarReader
from zipline.errors import SymbolNotFound

from sim2live.errors import ConfigError
from sim2live.market.bars import Bar
from sim2live.zipline.assets import OpenEndedFinder
from sim2live.zipline.frames import frame_of, onto_calendar
from sim2live.zipline.store import LiveMinutes, LiveSessions, Store

log = logging.getLogger("sim2live.zipline")

_MINUTE = 60_000_000_000


class Market:
    """The data of one live run.

    Args:
        data: The loaded bundle.
        calendar: The run's calendar.
        frequency: ``minute`` or ``daily``.
        first: First session of the run, naive.
        last: Last session, naive.
    """

    def __init__(
        self, data: Any, calendar: Any, frequency: str, first: pd.Timestamp, last: pd.Timestamp
    ) -> None:
        self.calendar = calendar
        self.minutes = frequency == "minute"
        self._closed = 0  # close of the last session that is over, ns UTC
        self._data, self._frequency = data, frequency
        self._first, self._last = first, last
        daily = data.equity_daily_bar_reader
        self.finder = OpenEndedFinder(
            data.asset_finder.engine, ends=min(_ends(daily, calendar), first), last=last
        )
        reader = _on_calendar(daily, ReindexSessionBarReader, calendar, last)
        begins = calendar.sessions_in_range(reader.first_trading_day, last)
        self._days = Store(begins.asi8, first.value)
        self.sessions = LiveSessions(self._days, reader, calendar, last)
        self.sessions.completed(calendar.previous_session(first))
        minutes = None
        if self.minutes:
            old = _on_calendar(
                data.equity_minute_bar_reader, ReindexMinuteBarReader, calendar, last
            )
            opens = calendar.session_first_minute(first)
            before = max(old.first_trading_day, first - pd.Timedelta(days=30))
            grid = calendar.minutes_in_range(
                calendar.session_first_minute(calendar.date_to_session(before, "next")),
                calendar.session_close(last),
            )
            self._store = Store(grid.asi8, opens.value)
            minutes = LiveMinutes(self._store, old, calendar, last)
        self.portal = DataPortal(
            self.finder,
            trading_calendar=calendar,
            first_trading_day=data.equity_minute_bar_reader.first_trading_day,
            equity_daily_reader=self.sessions,
            equity_minute_reader=minutes,
            future_daily_reader=self.sessions,
            future_minute_reader=minutes,
            adjustment_reader=data.adjustment_reader,
            last_available_session=last,
            last_available_minute=calendar.session_close(last),
            # A window read ahead of time would keep the holes of bars that have not come yet.
            minute_history_prefetch_length=0,
            daily_history_prefetch_length=0,
        )

    def asset(self, symbol: Any) -> Asset:
        """The asset of a symbol.

        Raises:
            ConfigError: The bundle has none.
        """
        if isinstance(symbol, Asset):
            return self.finder.retrieve_asset(int(symbol))
        try:
            return self.finder.lookup_future_symbol(symbol)
        except SymbolNotFound:
            pass
        try:
            return self.finder.lookup_symbol(symbol, as_of_date=None)
        except SymbolNotFound:
            raise ConfigError(f"feed={symbol!r}: the bundle has no such symbol") from None

    def slot(self, bar: Bar) -> int:
        """The moment of the grid that a bar belongs to: its minute, or its session's midnight."""
        if self.minutes:
            return bar.time
        minute = pd.Timestamp(bar.time - bar.time % _MINUTE, tz="UTC")
        return int(self.calendar.minute_to_session(minute, direction="previous").value)

    def put(self, asset: Asset, bar: Bar) -> None:
        """Keep a bar of the feed; one of a session that is over mends that session's daily bar."""
        store = self._store if self.minutes else self._days
        if not store.put(int(asset), self.slot(bar), bar):
            log.warning(
                "%s: the bar at %s falls outside the calendar %s and is not used",
                asset.symbol,
                pd.Timestamp(bar.time, tz="UTC"),
                self.calendar.name,
            )
        elif self.minutes and bar.time <= self._closed:
            minute = pd.Timestamp(bar.time, tz="UTC")
            self._sum(self.calendar.minute_to_session(minute), [int(asset)])

    def remember(self, asset: Asset, bars: Any) -> None:
        """Take bars from before the start, for history windows.

        Raises:
            ConfigError: They are no bars, or fall outside the calendar.
        """
        frame = onto_calendar(
            str(asset.symbol), frame_of(bars, {}), self.calendar, self._frequency, "refuse"
        )
        store = self._store if self.minutes else self._days
        for when, row in zip(frame.index, frame.itertuples(index=False), strict=True):
            if when.value < (self._opens if self.minutes else self._first.value):
                store.put(int(asset), when.value, Bar(int(when.value), *map(float, row)))
        if self.minutes:
            labels = self.calendar.minutes_to_sessions(frame.index).unique()
            for session in labels[labels < self._first]:
                self._sum(session, [int(asset)])

    def completed(self, session: pd.Timestamp) -> None:
        """A session is over: its minutes become its daily bar."""
        if self.minutes:
            self._sum(session, self._store.sids())
            self._closed = self.calendar.session_close(session).value
        self.sessions.completed(session)

    def warn_near_the_end(self, session: pd.Timestamp, sessions: int) -> None:
        """Say when the calendar, which ends a year after the process began, runs out."""
        left = len(self.calendar.sessions) - int(self.calendar.sessions.searchsorted(session)) - 1
        if left < sessions:
            log.warning(
                "the calendar %s ends in %d sessions; start the process again before that, a new "
                "one knows a further year",
                self.calendar.name,
                left,
            )

    @property
    def _opens(self) -> int:
        return int(self.calendar.session_first_minute(self._first).value)

    def _sum(self, session: pd.Timestamp, sids: list[int]) -> None:
        first = self.calendar.session_first_minute(session).value
        last = self.calendar.session_close(session).value
        for sid in sids:
            bar = self._store.summed(sid, first, last)
            if bar is not None:
                self._days.put(sid, session.value, bar)


def _ends(reader: Any, calendar: Any) -> pd.Timestamp:
    """The session of the bundle's last bar, as near as it says."""
    last = pd.Timestamp(reader.last_available_dt)
    last = last if last.tz is None else last.tz_localize(None)
    return min(last, calendar.last_session)


def _on_calendar(reader: Any, reindexed: Any, calendar: Any, last: pd.Timestamp) -> Any:
    """A bundle's reader on the run's calendar, as stock Zipline aligns it."""
    if reader.trading_calendar.name == calendar.name:
        return reader
    return reindexed(calendar, reader, reader.first_trading_day, last)
