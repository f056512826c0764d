"""What time is it, and how to wait: the only room that reads a clock.

Inside the package a moment is an integer number of nanoseconds since 1970-01-01 UTC, or an
aware UTC datetime. Deadlines use the monotonic clock, which no correction of the wall clock
can move. Whatever needs time is given a `Clock`, so that a test never has to sleep.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta

NS = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(ABC):
    """What every clock can do."""

    @abstractmethod
    def now_ns(self) -> int:
        """Wall time, in nanoseconds since 1970-01-01 UTC."""

    @abstractmethod
    def monotonic_ns(self) -> int:
        """Nanoseconds since some fixed moment; never goes back. For deadlines and latencies."""

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back."""
        return self.monotonic_ns() / NS

    @abstractmethod
    def sleep(self, seconds: float) -> None:
        """Wait for `seconds`."""

    @abstractmethod
    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        """Wait until `event` is set, at most `seconds` (None: as long as it takes).

        Returns:
            True when the event is set.
        """


class SystemClock(Clock):
    """The clock of the machine."""

    # The functions themselves: an order reads the clock some ten times on its way.
    now_ns = staticmethod(time.time_ns)
    monotonic_ns = staticmethod(time.monotonic_ns)

    def sleep(self, seconds: float) -> None:
        """Wait for `seconds`."""
        time.sleep(seconds)

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        """Wait until `event` is set, at most `seconds`; True when it is set."""
        return event.wait(seconds)


class ManualClock(Clock):
    """A clock that moves only when told; sleeping and waiting move it.

    Safe to share between threads.

    Args:
        start_ns: First wall time, nanoseconds since 1970-01-01 UTC.
    """

    def __init__(self, start_ns: int = 1_700_000_000 * NS) -> None:
        self._lock = threading.Lock()
        self._start_ns = start_ns
        self._passed_ns = 0
        self._wall_shift_ns = 0

    def now_ns(self) -> int:
        """Wall time, in nanoseconds since 1970-01-01 UTC."""
        with self._lock:
            return self._start_ns + self._passed_ns + self._wall_shift_ns

    def monotonic_ns(self) -> int:
        """Nanoseconds since some fixed moment; never goes back."""
        with self._lock:
            return self._passed_ns

    def advance(self, seconds: float) -> None:
        """Let time pass.

        Args:
            seconds: How much; not negative.

        Raises:
            ValueError: Negative or not a number: time does not go back.
        """
        if not seconds >= 0:
            raise ValueError(f"seconds={seconds!r}: time does not go back")
        with self._lock:
            self._passed_ns += round(seconds * NS)

    def set_wall(self, now_ns: int) -> None:
        """Correct the wall time, as an operator or NTP would; the monotonic clock stays."""
        with self._lock:
            self._wall_shift_ns = now_ns - self._start_ns - self._passed_ns

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass at once."""
        self.advance(max(0.0, seconds))

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        """Let `seconds` pass at once, unless `event` is set; True when it is set."""
        if event.is_set():
            return True
        if seconds is None:
            return event.wait()
        self.advance(max(0.0, seconds))
        return event.is_set()


def to_ns(moment: datetime) -> int:
    """An aware datetime as integer nanoseconds since 1970-01-01 UTC.

    Raises:
        ValueError: The datetime names no time zone.
    """
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise ValueError(f"moment={moment!r}: must name its time zone")
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def from_ns(ns: int) -> datetime:
    """Integer nanoseconds since 1970-01-01 UTC as an aware UTC datetime.

    Digits below the microsecond, which a datetime cannot hold, are dropped.
    """
    return _EPOCH + timedelta(microseconds=ns // 1000)


def iso(ns: int) -> str:
    """Integer nanoseconds since 1970-01-01 UTC as RFC 3339 text ending in ``Z``.

    Whole seconds print without a fraction; a fraction has 3, 6 or 9 digits, as many as it needs.
    """
    seconds, rest = divmod(ns, NS)
    text = (_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()
    if not rest:
        return text + "Z"
    digits = f"{rest:09d}"
    while digits.endswith("000"):
        digits = digits[:-3]
    return f"{text}.{digits}Z"
