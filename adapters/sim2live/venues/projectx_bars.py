"""Where do bars of a ProjectX account come from: history, the newest as they close, or a replay?

The API stamps a bar with its start; here a bar bears the time it closes, and one that is not
closed yet is never told.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from sim2live.clock import NS, Clock, SystemClock
from sim2live.errors import ConfigError, DataError, DeliveryError, shorten
from sim2live.market.bars import Bar
from sim2live.signals import Instrument
from sim2live.venues.projectx_rows import moment
from sim2live.venues.projectx_session import Deadline

if TYPE_CHECKING:
    from sim2live.venues.projectx import ProjectX

__all__ = ["ProjectXBars", "ReplayBars", "history"]

#: Bars asked for at once; the server gives at most 20,000.
_WINDOW: Final = 10_000
#: Seconds after a bar's end until the server is asked for it.
_LAG: Final = 0.5
_STEP_SECONDS: Final = 10.0
_UNITS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {"s": (1, 1), "m": (2, 60), "h": (3, 3_600), "D": (4, 86_400)}
)

_log = logging.getLogger("sim2live.venues")


def _timeframe(text: str) -> tuple[int, int, int]:
    """Unit and number in the server's words, and the length of a bar in nanoseconds."""
    found = re.fullmatch(r"([1-9]\d{0,3})([smhD])", text)
    if found is None:
        raise ConfigError(f"timeframe={shorten(text)}: must be a number and s, m, h or D")
    unit, seconds = _UNITS[found[2]]
    return unit, int(found[1]), int(found[1]) * seconds * NS


def history(
    venue: ProjectX, instrument: Instrument, timeframe: str, *, start: int, end: int
) -> Iterator[Bar]:
    """The bars that begin in [start, end), oldest first.

    Args:
        venue: Where to ask.
        instrument: What traded.
        timeframe: Such as ``1s``, ``5m``, ``1h`` or ``1D``.
        start: UTC epoch nanoseconds.
        end: UTC epoch nanoseconds.

    Raises:
        ConfigError: No such timeframe.
        SignalError: No such contract.
        DataError: A bar cannot be read.
        DeliveryError: The server did not answer.
    """
    unit, number, length = _timeframe(timeframe)
    listing = venue.contracts.resolve(instrument, venue.reads.read)
    dialect = venue.session.dialect
    told = start - 1
    while start < end:
        until = min(end, start + _WINDOW * length)
        body = dialect.find_bars(listing.id, unit, number, start, until, _WINDOW)
        for bar in _bars(venue.reads.read("History/retrieveBars", body), length):
            if bar.time - length > told and bar.time - length < end:
                told = bar.time - length
                yield bar
        start = until


class ProjectXBars:
    """Bars from some time on, and each new one soon after it has closed.

    Args:
        venue: Where to ask; its pace is kept.
        instrument: What is traded.
        timeframe: Such as ``1m``.
        start: First bar to tell, UTC epoch nanoseconds; None begins with what comes next.
        clock: Wall time; waits for the next bar.

    Raises:
        ConfigError: No such timeframe.
    """

    def __init__(
        self,
        venue: ProjectX,
        instrument: Instrument,
        timeframe: str = "1m",
        *,
        start: int | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._venue = venue
        self._instrument = instrument
        self._timeframe = timeframe
        self._length = _timeframe(timeframe)[2]
        self._clock = SystemClock() if clock is None else clock
        self._start = start
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[Bar]:
        """The bars, oldest first; waits for the next one until closed."""
        start = self._clock.now_ns() - self._length if self._start is None else self._start
        failing = False
        while not self._closed.is_set():
            now = self._clock.now_ns()
            try:
                for bar in history(
                    self._venue, self._instrument, self._timeframe, start=start, end=now
                ):
                    if bar.time > now:
                        break  # still open, whatever the server says of it
                    start = bar.time
                    yield bar
                    if self._closed.is_set():
                        return
                failing = False
            except DeliveryError as error:
                if not failing:
                    _log.warning("bars of %s cannot be read now: %s", self._instrument, error)
                failing = True
            self._clock.wait(self._closed, self._pause(start))

    def close(self) -> None:
        """Stop; iteration ends."""
        self._closed.set()

    def _pause(self, start: int) -> float:
        """Seconds until the next bar should be there; while it is late, ask now and then."""
        left = (start + self._length - self._clock.now_ns()) / NS
        return left + _LAG if left > 0 else max(1.0, self._length / NS / 20)


class ReplayBars:
    """A session over past bars at a TestMax simulator, or at our gateway: one step for each bar.

    Each bar is delivered when it is asked for, so an order that was sent after bar i is in the
    market before bar i + 1 moves it.

    Args:
        venue: A venue that speaks TestMax.
        symbol: Such as ``NQ``.
        start: First day, ``YYYY-MM-DD``.
        end: Last day, or None for one day.
        timeframe: ``1s 1m 5m 15m 30m 1h 4h 1D``.
        clock: For deadlines.

    Attributes:
        account: Number of the session's account; its text is a workflow of the venue.
        instrument: What is replayed, as the venue lists it.
        total: Bars in the session.
        result: What the session ended with, as the server tells it; empty until closed.

    Raises:
        ConfigError: No such timeframe, or the venue speaks another dialect.
        DeliveryError: The server refused, or did not answer.
        DataError: The answer cannot be read.
    """

    def __init__(
        self,
        venue: ProjectX,
        symbol: str,
        *,
        start: str,
        end: str | None = None,
        timeframe: str = "1m",
        clock: Clock | None = None,
    ) -> None:
        if venue.session.dialect.name != "testmax":
            raise ConfigError("venue: only TestMax, and our gateway in its dialect, replay bars")
        self._length = _timeframe(timeframe)[2]
        self._venue = venue
        self._clock = SystemClock() if clock is None else clock
        self._closed = False
        self.result: dict[str, Any] = {}
        answer = self._ask(
            "Replay/start",
            {
                "instrumentSymbol": symbol,
                "startDate": start,
                "timeframe": timeframe,
                "endDate": end,
            },
        )
        account, contract = answer.get("accountId"), answer.get("contractId")
        if not isinstance(account, int) or not isinstance(contract, str):
            raise DataError("Replay/start: the answer names no account or no contract")
        self.account = account
        self.instrument = venue.contracts.instrument(contract, self._ask)
        total = answer.get("totalBars")
        self.total = total if isinstance(total, int) else 0

    def __iter__(self) -> Iterator[Bar]:
        """The bars, oldest first."""
        while not self._closed:
            answer = self._ask("Replay/step", {"accountId": self.account, "count": 1})
            found = answer.get("bars")
            one = answer.get("bar")
            rows = found if isinstance(found, list) and found else [one] if one else []
            if not rows:
                return
            yield from _bars({"bars": rows}, self._length)

    def close(self) -> None:
        """End the session; iteration ends."""
        if self._closed:
            return
        self._closed = True
        try:
            self.result = self._ask("Replay/end", {"accountId": self.account})
        except DeliveryError as error:
            _log.warning("the replay session did not end as it should: %s", error)

    def _ask(self, call: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._venue.session.ask(call, body, Deadline(self._clock, _STEP_SECONDS))


def _bars(answer: Mapping[str, Any], length: int) -> list[Bar]:
    """The bars of an answer, oldest first, each once."""
    found = answer.get("bars")
    if not isinstance(found, list):
        raise DataError(f"bars={shorten(found)}: must be a list")
    bars = {bar.time: bar for bar in (_bar(row, length) for row in found)}
    return [bars[time] for time in sorted(bars)]


def _bar(row: object, length: int) -> Bar:
    time = moment(row.get("t")) if isinstance(row, dict) else None
    if not isinstance(row, dict) or time is None:
        raise DataError(f"bar={shorten(row)}: must have a time t and prices o, h, l, c")
    opened, high, low, last = (row.get(name) for name in "ohlc")
    return Bar(time + length, opened, high, low, last, row.get("v") or 0.0)  # type: ignore[arg-type]
