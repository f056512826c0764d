"""Where do the bars of a live run go, so that stock Zipline can read them?

One store that grows while the run goes on, on the calendar's own grid of minutes or sessions, and
two readers over it for the stock `DataPortal`. What is older than the store comes from the bundle.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from zipline.data.bar_reader import NoDataForSid, NoDataOnDate
from zipline.data.bcolz_minute_bars import MinuteBarReader
from zipline.data.session_bars import CurrencyAwareSessionBarReader

from sim2live.market.bars import Bar

_FIELDS = {"open": 0, "high": 1, "low": 2, "close": 3, "volume": 4}
_VOLUME = 4
_LOOK = 4096
_LAST = 2**63 - 1


class Store:
    """Bars by asset on a grid of moments.

    Args:
        grid: Every moment that can have a bar, ns UTC, increasing: minute labels, or the midnights
            that name sessions.
        begins: From this moment on an asset's bars are here; before it, in the bundle.
    """

    def __init__(self, grid: npt.NDArray[np.int64], begins: int) -> None:
        self.grid = grid
        self._begins = begins
        self._since: dict[int, int] = {}
        self._rows: dict[int, npt.NDArray[np.float64]] = {}

    def put(self, sid: int, moment: int, bar: Bar) -> bool:
        """Keep a bar; False when the grid has no such moment."""
        place = self.place(moment)
        if place < 0:
            return False
        rows = self._rows.get(sid)
        if rows is None or rows.shape[1] <= place:
            rows = self._rows[sid] = self._grown(rows, place)
        rows[:, place] = (bar.open, bar.high, bar.low, bar.close, bar.volume)
        if moment < self.since(sid):
            self._since[sid] = moment
        return True

    def place(self, moment: int) -> int:
        """Position of a moment on the grid, or -1."""
        found = int(self.grid.searchsorted(moment))
        return found if found < len(self.grid) and self.grid[found] == moment else -1

    def since(self, sid: int) -> int:
        """The first moment at which this store, and not the bundle, speaks for an asset."""
        return self._since.get(sid, self._begins)

    def value(self, sid: int, moment: int, field: str) -> float:
        """One number; NaN, or 0 for volume, where there was no trade."""
        place = self.place(moment)
        if place < 0:
            raise NoDataOnDate
        rows = self._rows.get(sid)
        if rows is None or place >= rows.shape[1]:
            return 0.0 if field == "volume" else float("nan")
        return float(rows[_FIELDS[field], place])

    def window(self, sid: int, first: int, last: int, field: str) -> npt.NDArray[np.float64]:
        """The numbers of all grid moments from `first` to `last`, both included."""
        low, high = self.grid.searchsorted(first), self.grid.searchsorted(last, side="right")
        out = np.zeros(high - low) if field == "volume" else np.full(high - low, np.nan)
        rows = self._rows.get(sid)
        if rows is not None:
            held = rows[_FIELDS[field], low:high]
            out[: len(held)] = held
        return out

    def last_traded(self, sid: int, moment: int) -> int | None:
        """The latest moment up to `moment` with volume; None where there is none here."""
        rows = self._rows.get(sid)
        if rows is None:
            return None
        end = min(int(self.grid.searchsorted(moment, side="right")), rows.shape[1])
        while end > 0:
            begin = max(0, end - _LOOK)
            traded = np.flatnonzero(rows[_VOLUME, begin:end])
            if len(traded):
                return int(self.grid[begin + int(traded[-1])])
            end = begin
        return None

    def summed(self, sid: int, first: int, last: int) -> Bar | None:
        """One bar over several moments, stamped `last`; None without a trade."""
        closes = self.window(sid, first, last, "close")
        traded = ~np.isnan(closes)
        if not traded.any():
            return None
        return Bar(
            last,
            float(self.window(sid, first, last, "open")[traded][0]),
            float(np.nanmax(self.window(sid, first, last, "high"))),
            float(np.nanmin(self.window(sid, first, last, "low"))),
            float(closes[traded][-1]),
            float(self.window(sid, first, last, "volume").sum()),
        )

    def sids(self) -> list[int]:
        """Assets that have a bar here."""
        return list(self._rows)

    def _grown(self, rows: npt.NDArray[np.float64] | None, place: int) -> npt.NDArray[np.float64]:
        had = 0 if rows is None else rows.shape[1]
        size = min(len(self.grid), max(2 * had, place + 1, _LOOK))
        out = np.full((5, size), np.nan)
        out[_VOLUME] = 0.0
        if rows is not None:
            out[:, :had] = rows
        return out


class _Grown(ABC):
    """What both readers share: the bundle before, the store after."""

    def __init__(self, store: Store, bundle: Any, calendar: Any, last: pd.Timestamp) -> None:
        self._store, self._bundle = store, bundle
        self._calendar, self._last = calendar, last

    @property
    def trading_calendar(self) -> Any:
        return self._calendar

    @property
    def first_trading_day(self) -> pd.Timestamp:
        if self._bundle is not None:
            return self._bundle.first_trading_day
        return pd.Timestamp(int(self._store.grid[0]))

    def get_value(self, sid: Any, dt: pd.Timestamp, field: str) -> float:
        number, moment = int(sid), dt.value
        if moment >= self._store.since(number):
            return self._store.value(number, moment, field)
        nothing = 0.0 if field == "volume" else float("nan")
        if self._bundle is None:
            return nothing
        try:
            return float(self._bundle.get_value(sid, dt, field))
        except NoDataForSid:  # a bundle of days has no minutes of it
            return nothing

    def get_last_traded_dt(self, asset: Any, dt: pd.Timestamp) -> Any:
        number = int(asset)
        found = self._store.last_traded(number, dt.value)
        if found is not None:
            return self._moment(found)
        if self._bundle is None:
            return pd.NaT
        before = self._before(self._store.since(number))
        try:
            return self._bundle.get_last_traded_dt(asset, min(dt, before))
        except NoDataForSid:  # it has not traded yet, then
            return pd.NaT

    def load_raw_arrays(
        self, columns: Sequence[str], start: pd.Timestamp, end: pd.Timestamp, assets: Sequence[Any]
    ) -> list[npt.NDArray[Any]]:
        """One array for each column, shape (moments, assets)."""
        moments = self._moments(start, end)
        out = []
        for column in columns:
            shape = (len(moments), len(assets))
            kind: Any = np.int64 if column == "volume" else np.float64
            values = np.zeros(shape, kind) if column == "volume" else np.full(shape, np.nan)
            for place, asset in enumerate(assets):
                values[:, place] = self._column(column, moments, asset)
            out.append(values)
        return out

    def _column(
        self, column: str, moments: pd.DatetimeIndex, asset: Any
    ) -> npt.NDArray[np.float64]:
        since = self._store.since(int(asset))
        parts = []
        old = moments[moments.asi8 < since]
        if len(old):
            parts.append(self._old(column, old, asset))
        if len(old) < len(moments):
            first, last = int(moments.asi8[len(old)]), int(moments.asi8[-1])
            parts.append(self._store.window(int(asset), first, last, column))
        return np.concatenate(parts) if parts else np.empty(0)

    def _old(self, column: str, moments: pd.DatetimeIndex, asset: Any) -> npt.NDArray[np.float64]:
        nothing = np.zeros(len(moments)) if column == "volume" else np.full(len(moments), np.nan)
        if self._bundle is None:
            return nothing
        try:
            found = self._bundle.load_raw_arrays([column], moments[0], moments[-1], [asset])
        except (NoDataForSid, NoDataOnDate):
            return nothing
        return np.asarray(found[0][:, 0], dtype=np.float64)

    @abstractmethod
    def _moments(self, start: pd.Timestamp, end: pd.Timestamp) -> pd.DatetimeIndex:
        """The grid from `start` to `end`, as the calendar knows it."""

    @abstractmethod
    def _moment(self, ns: int) -> pd.Timestamp:
        """A moment of the grid as Zipline writes it."""

    @abstractmethod
    def _before(self, ns: int) -> pd.Timestamp:
        """The moment before."""


class LiveMinutes(_Grown, MinuteBarReader):
    """Minute bars: the bundle's, then those of the live run."""

    @property
    def last_available_dt(self) -> pd.Timestamp:
        """Close of the run's last session; what has not come yet reads as no trade."""
        return self._calendar.session_close(self._last)

    def _moments(self, start: pd.Timestamp, end: pd.Timestamp) -> pd.DatetimeIndex:
        return self._calendar.minutes_in_range(start, end)

    def _moment(self, ns: int) -> pd.Timestamp:
        return pd.Timestamp(ns, tz="UTC")

    def _before(self, ns: int) -> pd.Timestamp:
        return pd.Timestamp(ns - 60_000_000_000, tz="UTC")


class LiveSessions(_Grown, CurrencyAwareSessionBarReader):
    """Daily bars: the bundle's, then those of the live run."""

    def __init__(self, store: Store, bundle: Any, calendar: Any, last: pd.Timestamp) -> None:
        super().__init__(store, bundle, calendar, last)
        self._done: pd.Timestamp | None = None

    def completed(self, session: pd.Timestamp) -> None:
        """A session is over; rolls by volume look no further than this one."""
        self._done = session

    @property
    def last_available_dt(self) -> pd.Timestamp:
        """The last session that is over."""
        if self._done is not None:
            return self._done
        return self._before(int(self._store.grid[0]))

    @property
    def sessions(self) -> pd.DatetimeIndex:
        """Every session from the bundle's first to the run's last."""
        return self._calendar.sessions_in_range(self.first_trading_day, self._last)

    def currency_codes(self, sids: Any) -> Any:
        """Currencies of equities, from the bundle."""
        return self._bundle.currency_codes(sids)

    def _moments(self, start: pd.Timestamp, end: pd.Timestamp) -> pd.DatetimeIndex:
        return self._calendar.sessions_in_range(_naive(start), _naive(end))

    def _moment(self, ns: int) -> pd.Timestamp:
        return pd.Timestamp(ns)

    def _before(self, ns: int) -> pd.Timestamp:
        place = int(self._calendar.sessions.searchsorted(pd.Timestamp(ns))) - 1
        return self._calendar.sessions[max(0, place)]


def _naive(moment: pd.Timestamp) -> pd.Timestamp:
    return moment if moment.tz is None else moment.tz_convert("UTC").tz_localize(None)
