"""What happens to a signal once it is understood: made durable, executed, remembered.

One event loop owns the desk. Signals that arrive in one turn of the loop share one commit, and
the commit runs in the loop itself: handing it to a thread costs more than it hides (a commit is
about as long as two thread switches).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import msgspec

from sim2live.clock import Clock, SystemClock
from sim2live.errors import JournalError, SignalError
from sim2live.exchange.execution import Submission
from sim2live.exchange.venue import Exchange, UnknownPool
from sim2live.gateway.inbox import Entry, Inbox, PushedBar, Quote
from sim2live.gateway.prices import Quotes
from sim2live.market.bars import Bar
from sim2live.signals import CANCEL, MODIFY, Instrument, Signal

_LOG = logging.getLogger("sim2live.gateway")


class Taken(msgspec.Struct, frozen=True):
    """A signal that was accepted.

    Attributes:
        time: When, UTC epoch nanoseconds.
        signal: The signal.
        submission: What its pool made of it.
    """

    time: int
    signal: Signal
    submission: Submission


class PriceRow(msgspec.Struct, frozen=True):
    """A last price, and where it comes from.

    Attributes:
        instrument: What trades.
        price: Its last price.
        source: ``bars`` that somebody sent or a file held, or a ``synthetic`` walk that has
            nothing to do with any market.
    """

    instrument: Instrument
    price: float
    source: Literal["bars", "synthetic"]


class Desk:
    """The exchange with a memory and a clock.

    Args:
        exchange: A fresh one; the inbox is played into it.
        inbox: Where accepted signals are kept.
        quotes: Prices where no bars are.
        playback: Bars of files, one played at each tick.
        clock: Source of time.

    Attributes:
        exchange: As given; look, do not submit.
        taken: Accepted signals by id, oldest first.
    """

    def __init__(
        self,
        exchange: Exchange,
        inbox: Inbox,
        *,
        quotes: Quotes | None = None,
        playback: Mapping[Instrument, Iterable[Bar]] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.exchange = exchange
        self.taken: dict[str, Taken] = {}
        self._inbox = inbox
        self._quotes = Quotes() if quotes is None else quotes
        self._clock = SystemClock() if clock is None else clock
        self._waiting: dict[str, tuple[Signal, asyncio.Future[None]]] = {}
        # The last price of each walk that the inbox holds: a replay knows no other.
        self._kept: dict[Instrument, float] = {}
        last = self._replay()
        self._playback: dict[Instrument, Iterator[Bar]] = {
            instrument: (bar for bar in bars if bar.time > last.get(instrument, bar.time - 1))
            for instrument, bars in (playback or {}).items()
        }

    @property
    def store(self) -> str:
        """Name of the memory behind this desk."""
        return self._inbox.store

    # -- signals -----------------------------------------------------------------------------
    async def accept(self, signal: Signal) -> None:
        """Make a signal durable and execute it; a repeated one was executed already.

        Args:
            signal: A signal for a pool that exists.

        Raises:
            SignalError: Its id was used by another signal, or it names an order that is not
                there.
            JournalError: It could not be stored; it was not executed.
        """
        await self._queue(signal)

    def knows(self, signal: Signal) -> bool:
        """Whether this very signal came before, so that taking it again changes nothing."""
        known = self.taken.get(signal.signal_id)
        return known is not None and known.signal == signal

    def _queue(self, signal: Signal) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        known, pending = self.taken.get(signal.signal_id), self._waiting.get(signal.signal_id)
        first = known.signal if known is not None else pending[0] if pending is not None else None
        if first is not None and first != signal:
            rule = "was used by another signal"
            raise SignalError("signal_id", signal.signal_id, rule)
        if pending is not None:
            return pending[1]
        done: asyncio.Future[None] = loop.create_future()
        if known is not None:
            done.set_result(None)
            return done
        self._check_order(signal)
        if not self._waiting:
            loop.call_soon(self._commit)
        self._waiting[signal.signal_id] = (signal, done)
        return done

    def _check_order(self, signal: Signal) -> None:
        if signal.action not in (CANCEL, MODIFY) or signal.order_id is None:
            return
        coming = (other.order_id for other, _ in self._waiting.values())
        if signal.order_id in coming:
            return
        if not self.exchange.has_order(signal.workflow_id, signal.order_id):
            raise SignalError("order_id", signal.order_id, "names no working order")

    def _commit(self) -> None:
        waiting, self._waiting = self._waiting, {}
        now = self._clock.now_ns()
        entries: list[tuple[int, Entry]] = []
        quoted: set[Instrument] = set()
        for signal, _ in waiting.values():
            instrument = signal.instrument
            if instrument not in quoted:
                quoted.add(instrument)
                price = self._quotes.price(instrument, now)
                if price is not None and price != self._kept.get(instrument):
                    entries.append((now, Quote(instrument, price)))
            entries.append((now, signal))
        try:
            self._inbox.write(entries, durable=True)
        except JournalError as error:
            _LOG.error("%d signals could not be stored: %s", len(waiting), error)
            for _, done in waiting.values():
                if not done.cancelled():
                    done.set_exception(error)
            return
        for time, entry in entries:
            self._apply(time, entry)
        for _, done in waiting.values():
            if not done.cancelled():
                done.set_result(None)

    # -- prices ------------------------------------------------------------------------------
    def push(self, bars: Iterable[tuple[Instrument, Bar]]) -> int:
        """Move the market through bars; from now on the instrument's walk is over.

        Args:
            bars: Instruments and bars, in time order.

        Returns:
            How many they were.

        Raises:
            JournalError: They could not be stored; none was used.
        """
        now = self._clock.now_ns()
        entries = [(now, PushedBar(instrument, bar)) for instrument, bar in bars]
        self._inbox.write(entries, durable=False)
        for time, entry in entries:
            self._apply(time, entry)
        return len(entries)

    def tick(self) -> None:
        """Let a second pass: files play their next bar, walks take their next step.

        A step is stored only when an order met it; the others leave no trace worth keeping.
        """
        bars = [(i, next(source, None)) for i, source in self._playback.items()]
        self.push((i, bar) for i, bar in bars if bar is not None)
        now = self._clock.now_ns()
        met: list[tuple[int, Entry]] = []
        for instrument in self._quotes.walking():
            price = self._quotes.price(instrument, now)
            if price is None or price == self.exchange.price(instrument):
                continue
            if self.exchange.quote(instrument, price, now):
                met.append((now, Quote(instrument, price)))
                self._kept[instrument] = price
        if met:
            self._inbox.write(met, durable=False)

    def prices(self) -> list[PriceRow]:
        """Last prices, each labelled with its source."""
        walking = set(self._quotes.walking())
        return [
            PriceRow(instrument, price, "synthetic" if instrument in walking else "bars")
            for instrument, price in self.exchange.prices().items()
        ]

    def close(self) -> None:
        """Close the inbox."""
        self._inbox.close()

    # -- inside ------------------------------------------------------------------------------
    def _replay(self) -> dict[Instrument, int]:
        """Rebuild the venue; returns the time of each instrument's last bar."""
        last: dict[Instrument, int] = {}
        for time, entry in self._inbox.replay():
            self._apply(time, entry)
            if isinstance(entry, PushedBar):
                last[entry.instrument] = entry.bar.time
            elif isinstance(entry, Quote):
                self._quotes.resume(entry.instrument, entry.price, self._clock.now_ns())
        return last

    def _apply(self, time: int, entry: Entry) -> None:
        if isinstance(entry, Quote):
            self._kept[entry.instrument] = entry.price
            self.exchange.quote(entry.instrument, entry.price, time)
        elif isinstance(entry, PushedBar):
            self._quotes.stop(entry.instrument)
            self.exchange.on_bar(entry.instrument, entry.bar)
        else:
            try:
                submission = self.exchange.submit(entry, time)
            except UnknownPool:
                # Only on a restart with fewer pools: the id stays used, nothing is traded.
                _LOG.warning("signal %s: its pool is not configured any more", entry.signal_id)
                submission = Submission(())
            self.taken[entry.signal_id] = Taken(time, entry, submission)
