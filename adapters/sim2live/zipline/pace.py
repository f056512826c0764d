"""When is a bar complete? By the wall clock, or as soon as the feed has delivered it.

A pace hands the live clock the bars of each moment in turn. `Wall` waits for them and gives up
after a grace period; `Replay` takes recorded bars as fast as the algorithm can eat them.
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Mapping

from sim2live.clock import NS, Clock, SystemClock
from sim2live.errors import ConfigError
from sim2live.market.bars import Bar, BarSource

log = logging.getLogger("sim2live.zipline")

Slot = Callable[[Bar], int]
Arrival = tuple[str, Bar]
_ENDED = 2**63 - 1
_BLINK = 0.5


class Pace(ABC):
    """Hands over bars in the order of time."""

    @abstractmethod
    def start(self, feed: Mapping[str, BarSource], slot: Slot, after: int) -> None:
        """Begin.

        Args:
            feed: Symbol -> its bars.
            slot: The moment of the calendar's grid (ns UTC) that a bar belongs to.
            after: Bars of moments up to this one have been seen already and are passed over.
        """

    def until(self, moment: int) -> bool:
        """Wait until a moment (ns UTC) is there; False when the run is to stop."""
        del moment
        return True

    @abstractmethod
    def take(self, slot: int, due: int) -> list[Arrival] | None:
        """All bars up to a slot that have not been handed over yet.

        Args:
            slot: The moment on the grid.
            due: When its bars are complete, ns UTC.

        Returns:
            The bars, late ones included, or None when the run is to stop.
        """

    @property
    @abstractmethod
    def ended(self) -> bool:
        """True once no more bars can come."""

    def close(self) -> None:
        """Let go of the feed. Closing twice does no harm."""
        return


class Replay(Pace):
    """Recorded bars, one moment after the other, without waiting. It ends with its bars.

    A source is asked for a bar only when the algorithm has acted on the one before: where the
    bars come from a session at a gateway, asking moves the market that its orders meet.
    """

    def __init__(self) -> None:
        self._sources: dict[str, Iterator[Bar]] = {}
        self._feed: Mapping[str, BarSource] = {}
        self._heads: dict[str, tuple[int, Bar]] = {}

    def start(self, feed: Mapping[str, BarSource], slot: Slot, after: int) -> None:
        """Begin with the first bar after `after`."""
        self._feed, self._slot, self._after = feed, slot, after
        self._sources = {symbol: iter(source) for symbol, source in feed.items()}

    def take(self, slot: int, due: int) -> list[Arrival] | None:
        """All bars up to the slot, which recorded bars have always reached."""
        taken: list[Arrival] = []
        for symbol in list(self._sources):
            while self._head(symbol) <= slot:
                bar = self._heads.pop(symbol)[1]
                taken.append((symbol, bar))
                if slot == due == bar.time:
                    break  # a minute's last bar; to see that, the next one need not be asked for
        return taken

    @property
    def ended(self) -> bool:
        """True when every source has run dry."""
        return all(self._head(symbol) == _ENDED for symbol in list(self._sources))

    def close(self) -> None:
        """Close the sources."""
        for source in self._feed.values():
            source.close()

    def _head(self, symbol: str) -> int:
        """The slot of the next bar, which is asked for where it is not there yet."""
        if symbol not in self._heads:
            for bar in self._sources.get(symbol, ()):
                slot = self._slot(bar)
                if slot > self._after:
                    self._heads[symbol] = (slot, bar)
                    return slot
            self._sources.pop(symbol, None)
            return _ENDED
        return self._heads[symbol][0]


class Wall(Pace):
    """Real time: a moment is complete when every symbol has delivered it, or after a grace period.

    A symbol that does not trade in a minute delivers nothing; then the grace period decides, and
    the algorithm sees an empty bar. A bar that comes later still is kept for history, is written
    to the record, and is counted in `late`.

    Args:
        grace: Seconds to wait for bars after the minute is over.
        clock: The clock; the machine's by default.
        stop: Set it to end the run cleanly.

    Attributes:
        late: How many bars came after their moment was over.

    Raises:
        ConfigError: The grace period is negative or not a number.
    """

    def __init__(
        self, grace: float = 3.0, *, clock: Clock | None = None, stop: threading.Event | None = None
    ) -> None:
        if not 0 <= grace < float("inf"):
            raise ConfigError(f"grace={grace!r}: must be a number of seconds, 0 or more")
        self.clock = clock or SystemClock()
        self.stop = stop or threading.Event()
        self.late = 0
        self._grace = grace
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._waiting: deque[tuple[int, str, Bar]] = deque()
        self._reached: dict[str, int] = {}
        self._feed: Mapping[str, BarSource] = {}
        self._arrived = 0.0
        self._handed = 0

    def start(self, feed: Mapping[str, BarSource], slot: Slot, after: int) -> None:
        """Read each source in a thread of its own."""
        self._feed, self._slot, self._handed = feed, slot, after
        self._arrived = self.clock.monotonic()
        self._after = after
        self._reached = dict.fromkeys(feed, 0)
        for symbol, source in feed.items():
            threading.Thread(
                target=self._read, args=(symbol, source), name=f"bars-{symbol}", daemon=True
            ).start()

    def push(self, symbol: str, bar: Bar) -> None:
        """A bar has arrived; from any thread."""
        slot = self._slot(bar)
        with self._lock:
            self._arrived = self.clock.monotonic()
            if slot > self._after:
                self._waiting.append((slot, symbol, bar))
                self._reached[symbol] = max(slot, self._reached.get(symbol, 0))
        self._news.set()

    def until(self, moment: int) -> bool:
        """Wait for a moment of the wall clock."""
        while not self.stop.is_set():
            left = (moment - self.clock.now_ns()) / NS
            if left <= 0:
                return True
            self.clock.wait(self.stop, min(left, 60.0))
        return False

    def take(self, slot: int, due: int) -> list[Arrival] | None:
        """Wait for the slot's bars, at most until the grace period is over."""
        while not self.stop.is_set():
            self._news.clear()
            left = self._left(slot, due)
            if left <= 0:
                return self._collect(slot)
            self.clock.wait(self._news, min(left, _BLINK))
        return None

    @property
    def ended(self) -> bool:
        """True when the run is to stop, or every source has ended and is used up."""
        with self._lock:
            over = all(reached == _ENDED for reached in self._reached.values())
            return self.stop.is_set() or (over and not self._waiting)

    def close(self) -> None:
        """Stop waiting and close the sources, which ends their threads."""
        self.stop.set()
        for source in self._feed.values():
            source.close()

    def _left(self, slot: int, due: int) -> float:
        """Seconds until this slot is called complete."""
        with self._lock:
            if all(reached >= slot for reached in self._reached.values()):
                return 0.0
            quiet = self._arrived + self._grace - self.clock.monotonic()
        wall = (due - self.clock.now_ns()) / NS + self._grace
        # While a feed is still catching up, its bars keep coming: they are waited for.
        return max(wall, quiet)

    def _collect(self, slot: int) -> list[Arrival]:
        with self._lock:
            ready = [each for each in self._waiting if each[0] <= slot]
            self._waiting = deque(each for each in self._waiting if each[0] > slot)
            late = sum(1 for each in ready if each[0] <= self._handed)
            self._handed = max(slot, self._handed)
        if late:
            self.late += late
            log.warning("%d bars came after their time; they reach history only", late)
        ready.sort(key=lambda each: (each[0], each[1]))
        return [(symbol, bar) for _, symbol, bar in ready]

    def _read(self, symbol: str, source: BarSource) -> None:
        try:
            for bar in source:
                self.push(symbol, bar)
        except Exception:  # a feed that breaks ends; the run tells and goes on
            log.exception("%s: the feed broke", symbol)
        with self._lock:
            self._reached[symbol] = _ENDED
        self._news.set()
        log.info("%s: the feed has ended", symbol)
