"""What did the price do, bar by bar, and where do bars come from?

A source is anything that yields `Bar` objects in order of time: a file (`CsvBars`), or a feed
that pushes from another thread (`BarQueue`).
"""

from __future__ import annotations

import csv
import math
import queue
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import Final, Literal, Protocol, runtime_checkable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct
from msgspec.structs import force_setattr

from sim2live.clock import iso, to_ns
from sim2live.errors import ConfigError, DataError, shorten

_PRICES: Final = ("open", "high", "low", "close")
_TIME_COLUMNS: Final = ("datetime", "timestamp", "time", "date")
_NEW_YORK: Final = "America/New_York"


class Bar(Struct, frozen=True, gc=False):
    """What one interval of trading did. Prices in points; they may be zero or negative.

    Attributes:
        time: Moment the bar closes, nanoseconds since 1970-01-01 UTC.
        open: First price.
        high: Highest price.
        low: Lowest price.
        close: Last price.
        volume: Traded volume, in the unit of the source; not negative.

    Raises:
        DataError: A number is not finite, or the prices do not lie between low and high.
    """

    time: int
    open: float
    high: float
    low: float
    close: float
    volume: float = 0.0

    def __post_init__(self) -> None:
        low, high = self.low, self.high
        if (
            type(self.time) is int
            and type(low) is type(high) is type(self.open) is type(self.close) is float
            and type(self.volume) is float
            and -math.inf < low <= self.open <= high < math.inf
            and low <= self.close <= high
            and 0.0 <= self.volume < math.inf
        ):
            return  # nearly every bar there is, at a fraction of the cost; NaN fails each of these
        if type(self.time) is not int:
            raise DataError(f"time={shorten(self.time)}: must be whole nanoseconds UTC")
        for field in (*_PRICES, "volume"):
            value = getattr(self, field)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise DataError(f"{field}={shorten(value)}: must be a number")
            if not math.isfinite(value):
                raise DataError(f"{field}={value!r}: must be a finite number")
            force_setattr(self, field, float(value))
        if self.low > self.high:
            raise DataError(f"low={self.low!r}: must not be above high={self.high!r}")
        for field in ("open", "close"):
            value = getattr(self, field)
            if not self.low <= value <= self.high:
                raise DataError(
                    f"{field}={value!r}: must lie from low={self.low!r} to high={self.high!r}"
                )
        if self.volume < 0:
            raise DataError(f"volume={self.volume!r}: must not be negative")


@runtime_checkable
class BarSource(Protocol):
    """Anything that yields bars in order of time and can be closed."""

    def __iter__(self) -> Iterator[Bar]:
        """The bars, oldest first."""
        ...

    def close(self) -> None:
        """Stop; iteration ends."""
        ...


class CsvBars:
    """The bars of a CSV file with a header line; can be iterated again from the start.

    Columns are found by name, upper or lower case: open, high, low, close, volume (may be
    absent), and the time. Others are ignored.

    Args:
        path: The file, UTF-8.
        time_column: Name of the column with the time; by default the first of Datetime,
            Timestamp, Time and Date that is there.
        timezone: IANA name of the zone of times that name no offset. By default UTC; for
            rows with a date only, America/New_York, the zone of the exchange's session.
        stamp: Whether a time of day says when the bar ends or when it starts.
        interval: Length of a bar in seconds; needed where `stamp` is ``start``.
        session_close: Time of day at which a bar with a date only is closed.

    Raises:
        ConfigError: No such file or zone, or `stamp` and `interval` do not fit.
        DataError: While iterating: a row breaks a rule, or is not later than the one before. The
            text names file, line, column, value and rule.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        time_column: str | None = None,
        timezone: str | None = None,
        stamp: Literal["end", "start"] = "end",
        interval: float | None = None,
        session_close: time = time(16, 0),
    ) -> None:
        if stamp not in ("end", "start"):
            raise ConfigError(f"stamp={shorten(stamp)}: must be end or start")
        if interval is not None and not (math.isfinite(interval) and interval > 0):
            raise ConfigError(f"interval={interval!r}: must be a number of seconds above zero")
        if stamp == "start" and interval is None:
            raise ConfigError("interval=None: is needed where bars are stamped at their start")
        self.path = Path(path)
        if not self.path.is_file():
            raise ConfigError(f"path={str(path)!r}: no such file")
        self._time_column = time_column
        self._zone = UTC if timezone is None else _zone(timezone)
        self._session_zone = _zone(timezone or _NEW_YORK)
        self._session_close = session_close
        self._shift = timedelta(seconds=interval or 0) if stamp == "start" else timedelta(0)
        self._closed = False

    def __iter__(self) -> Iterator[Bar]:
        """The bars, oldest first; ends early when the source is closed."""
        before: int | None = None
        with self.path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            header = next(rows, [])
            columns = self._columns(header)
            for row in rows:
                if self._closed:
                    return
                if not row:
                    continue
                where = f"{self.path}, line {rows.line_num}"
                if len(row) != len(header):
                    raise DataError(f"{where}: has {len(row)} columns, the header {len(header)}")
                bar = self._bar(where, header, columns, row)
                if before is not None and bar.time <= before:
                    column = header[columns["time"]]
                    raise DataError(
                        f"{where}, column {column}: {column}={row[columns['time']]!r}: closes at "
                        f"{iso(bar.time)}, which is not later than the row before"
                    )
                before = bar.time
                yield bar

    def close(self) -> None:
        """Stop; a running iteration ends before its next bar."""
        self._closed = True

    def _columns(self, header: list[str]) -> dict[str, int]:
        """Where each wanted column stands."""
        names = [name.strip().lower() for name in header]
        times = (self._time_column,) if self._time_column else _TIME_COLUMNS
        found = {}
        for field, choices in {"time": times, **{p: (p,) for p in _PRICES}}.items():
            at = [names.index(choice.lower()) for choice in choices if choice.lower() in names]
            if not at:
                wanted = " or ".join(choices)
                raise DataError(f"{self.path}, line 1: header={header}: has no column {wanted}")
            found[field] = at[0]
        if "volume" in names:
            found["volume"] = names.index("volume")
        return found

    def _bar(self, where: str, header: list[str], columns: dict[str, int], row: list[str]) -> Bar:
        values = {}
        for field, at in columns.items():
            try:
                values[field] = self._moment(row[at]) if field == "time" else _number(row[at])
            except ValueError as error:
                place = f"{where}, column {header[at]}: {header[at]}={shorten(row[at])}"
                raise DataError(f"{place}: {error}") from None
        try:
            return Bar(**values)  # type: ignore[arg-type]
        except DataError as error:
            raise DataError(f"{where}: {error}") from None

    def _moment(self, text: str) -> int:
        """When the bar of this row closes."""
        text = text.strip()
        try:
            day = date.fromisoformat(text)
        except ValueError:
            pass
        else:
            return to_ns(_certain(datetime.combine(day, self._session_close), self._session_zone))
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError("must be a date or a time as in ISO 8601") from None
        if moment.tzinfo is None:
            moment = _certain(moment, self._zone)
        return to_ns(moment.astimezone(UTC) + self._shift)


class BarQueue:
    """Bars that another thread pushes; iterating waits for them until the queue is closed."""

    def __init__(self) -> None:
        self._bars: queue.SimpleQueue[Bar | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False

    def push(self, bar: Bar) -> None:
        """Hand over one bar.

        Raises:
            DataError: The queue is closed; the bar would never be read.
        """
        with self._lock:
            if self._closed:
                raise DataError(f"bar={shorten(bar)}: the queue is closed")
            self._bars.put(bar)

    def close(self) -> None:
        """No more bars; iterators end when they have read what is there."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._bars.put(None)

    def __iter__(self) -> Iterator[Bar]:
        """The bars in the order pushed; each goes to one iterator only."""
        while (bar := self._bars.get()) is not None:
            yield bar
        self._bars.put(None)  # for whoever else iterates


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(f"timezone={name!r}: is not known on this machine") from None


def _certain(moment: datetime, zone: tzinfo) -> datetime:
    """A local time in its zone; when clocks change some exist twice and some never."""
    first, second = moment.replace(tzinfo=zone, fold=0), moment.replace(tzinfo=zone, fold=1)
    if first.utcoffset() != second.utcoffset():
        raise ValueError(f"is not one moment in {zone}; write the offset")
    return first


def _number(text: str) -> float:
    try:
        if "_" in text:  # Python reads 1_000, a data file does not mean it
            raise ValueError
        return float(text)
    except ValueError:
        raise ValueError("must be a number") from None
