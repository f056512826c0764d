"""How do bars that come one by one reach a strategy? A live data of Backtrader over any source.

A thread waits for the source, so that cerebro never does for longer than ``qcheck``: between two
bars it goes on telling notices. History comes first, if there is any, and then what is live.

The source is asked for its next bar only when the strategies have seen the last one. A queue does
not mind, and a replay, whose market moves by being asked, meets their orders first.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

import backtrader as bt

from sim2live.clock import Clock, SystemClock, from_ns
from sim2live.errors import ConfigError
from sim2live.market.bars import Bar

logger = logging.getLogger("sim2live.backtrader")


class BarFeed(bt.feed.DataBase):
    """Bars from a `BarSource`: a queue that a websocket fills, a file that grows, a venue.

    ``cerebro.adddata(BarFeed(source=queue, backfill=CsvBars("history.csv")), name="MES")``

    The status in ``notify_data`` is DELAYED while history is delivered, LIVE from the first
    moment on that the source is waited for, and DISCONNECTED once it has ended. A bar bears the
    moment it closes, in UTC; ``tz`` shows it in another zone, as for any data. A bar that is not
    later than the one before is dropped, so that history and source may overlap.

    Params:
        source: Yields bars, oldest first, and may wait for them; closed when the run ends.
        backfill: Bars that have closed already, or None.
        clock: Tells a resampled copy what time it is; for tests.
        qcheck: Seconds that an idle poll waits (Backtrader's own parameter).

    Raises:
        ConfigError: At the start of a run: there is no source, or `tzinput` is set.
    """

    params = (("source", None), ("backfill", None), ("clock", None), ("qcheck", 0.5))

    def islive(self) -> bool:
        """Cerebro asks bar by bar."""
        return True

    def haslivedata(self) -> bool:
        """Whether a bar is here that needs no waiting."""
        return not self._arrived.empty()

    def start(self) -> None:
        """Begin to wait for the source."""
        super().start()
        if self.p.source is None:
            raise ConfigError("source=None: a BarFeed needs something that yields bars")
        if self.p.tzinput is not None:
            raise ConfigError(f"tzinput={self.p.tzinput!r}: bars of a source are in UTC already")
        self._wall: Clock = self.p.clock or SystemClock()
        self._arrived: queue.SimpleQueue[Bar | None] = queue.SimpleQueue()
        self._wanted = threading.Semaphore(0)
        self._asked = False
        self._history: Iterator[Bar] | None = None
        self._latest: int | None = None
        self._over = False
        if self.p.backfill is not None:
            self._history = iter(self.p.backfill)
            self.put_notification(self.DELAYED)
        self._thread = threading.Thread(
            target=self._listen, name=f"bars of {self._name or 'a feed'}", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Close the source and wait for the thread; no bar is delivered any more."""
        self._over = True
        self._wanted.release()
        _close(self.p.source)
        _close(self.p.backfill)
        self._thread.join(timeout=5.0)
        super().stop()

    def _listen(self) -> None:
        try:
            self._wanted.acquire()
            for bar in self.p.source:
                if self._over:
                    break
                self._arrived.put(bar)
                self._wanted.acquire()
                if self._over:
                    break
        except Exception:
            # It ends the data, as a lost connection does, and not the program.
            logger.exception("the source of %s failed", self._name or "a feed")
        self._arrived.put(None)

    def _load(self) -> bool | None:
        bar = self._next_of_history()
        while bar is None:
            if self._over:
                return False
            self.put_notification(self.LIVE)
            if not self._asked:
                self._asked = True
                self._wanted.release()
            try:
                bar = self._arrived.get(timeout=self._qcheck) if self._qcheck else self._at_once()
            except queue.Empty:
                return None
            self._asked = False
            if bar is None:
                self._over = True
                self.put_notification(self.DISCONNECTED)
                return False
            if not self._is_new(bar):
                bar = None
        self._latest = bar.time
        self._write(bar)
        return True

    def _at_once(self) -> Bar | None:
        return self._arrived.get_nowait()

    def _next_of_history(self) -> Bar | None:
        if self._history is None:
            return None
        for bar in self._history:
            if self._is_new(bar):
                return bar
        self._history = None
        return None

    def _is_new(self, bar: Bar) -> bool:
        return self._latest is None or bar.time > self._latest

    def _write(self, bar: Bar) -> None:
        lines = self.lines
        lines.datetime[0] = bt.date2num(from_ns(bar.time).replace(tzinfo=None))
        lines.open[0], lines.high[0], lines.low[0] = bar.open, bar.high, bar.low
        lines.close[0], lines.volume[0], lines.openinterest[0] = bar.close, bar.volume, 0.0

    def _timeoffset(self) -> timedelta:
        """What a resampled copy adds to the machine's clock: it lives in the time of the bars.

        Every bar comes when it is complete, so the last one of a longer bar completes that too,
        and a machine whose clock is fast does not cut it short.
        """
        if self._latest is None:
            return timedelta(0)
        return from_ns(self._latest) - from_ns(self._wall.now_ns())


def _close(source: Iterable[Bar] | None) -> None:
    end: Any = getattr(source, "close", None)
    if end is not None:
        end()
