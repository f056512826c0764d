"""What happens to a signal once it is understood: made durable, executed, remembered.

One event loop owns the desk. Signals that arrive together share one commit: it waits for as long
as each turn of the loop brings more of them. It runs in the loop itself: handing it to a thread
costs more than it hides (a commit is about as long as two thread switches).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping

from sim2live.clock import Clock, SystemClock
from sim2live.errors import JournalError, SignalError
from sim2live.exchange.accounts import Pool
from sim2live.exchange.execution import Submission
from sim2live.exchange.tickets import Ticket
from sim2live.exchange.venue import Exchange, UnknownPool
from sim2live.gateway.inbox import (
    Cancelled,
    Changed,
    Entry,
    Halted,
    Inbox,
    Mark,
    Opened,
    Placed,
    PushedBar,
    Quote,
)
from sim2live.gateway.prices import PriceRow, Quotes
from sim2live.gateway.seen import Seen
from sim2live.gateway.taken import Taken
from sim2live.market.bars import Bar
from sim2live.signals import CANCEL, MODIFY, Instrument, Signal

_LOG = logging.getLogger("sim2live.gateway")
#: Told that a signal was executed, or why it could not be stored.
Taking = Callable[[JournalError | None], None]


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
        seen: Bars that moved the market, the latest of each instrument.
        watchers: Called after each change of orders or prices.
        sessions: Accounts that :meth:`open_account` added, oldest first.
        halted: Pools that take only what closes a position.
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
        self.seen = Seen()
        self.watchers: list[Callable[[], None]] = []
        self.sessions: list[str] = []
        self.halted: frozenset[str] = frozenset()
        self._inbox = inbox
        self._quotes = Quotes() if quotes is None else quotes
        self._clock = SystemClock() if clock is None else clock
        self._waiting: dict[str, tuple[Signal, list[Taking]]] = {}
        # The last price that the inbox holds of each instrument: a restart knows no other.
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
    def take(self, signal: Signal, then: Taking) -> None:
        """Make a signal durable and execute it; a repeated one was executed already.

        Args:
            signal: A signal for a pool that exists.
            then: Called with None when it is durable, and executed before anything else is
                asked; or with the reason why it could not be stored and was not executed.

        Raises:
            SignalError: Its id was used by another signal, or it names an order that is not
                there. Nothing is called then.
        """
        known, pending = self.taken.get(signal.signal_id), self._waiting.get(signal.signal_id)
        first = known.signal if known is not None else pending[0] if pending is not None else None
        if first is not None and first != signal:
            rule = "was used by another signal"
            raise SignalError("signal_id", signal.signal_id, rule)
        if pending is not None:
            pending[1].append(then)
            return
        if known is not None:
            then(None)
            return
        self._check_order(signal)
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._commit, 1)
        self._waiting[signal.signal_id] = (signal, [then])

    def knows(self, signal: Signal) -> bool:
        """Whether this very signal came before, so that taking it again changes nothing."""
        known = self.taken.get(signal.signal_id)
        return known is not None and known.signal == signal

    def _check_order(self, signal: Signal) -> None:
        if signal.action not in (CANCEL, MODIFY) or signal.order_id is None:
            return
        coming = (other.order_id for other, _ in self._waiting.values())
        if signal.order_id in coming:
            return
        if not self.exchange.has_order(signal.workflow_id, signal.order_id):
            raise SignalError("order_id", signal.order_id, "names no working order")

    def _commit(self, seen: int) -> None:
        if len(self._waiting) > seen:
            # More came in this turn, and others are a turn behind them: all share one commit. A
            # connection has one signal under way, so it ends; a lone signal does not wait.
            asyncio.get_running_loop().call_soon(self._commit, len(self._waiting))
            return
        waiting, self._waiting = self._waiting, {}
        now = self._clock.now_ns()
        entries: list[tuple[int, Entry]] = []
        quoted: set[Instrument] = set()
        for signal, _ in waiting.values():
            instrument = signal.instrument
            if instrument not in quoted:
                quoted.add(instrument)
                entries += self._to_be_known(instrument, now)
            entries.append((now, signal))
        try:
            self._inbox.write(entries, durable=True)
        except JournalError as error:
            _LOG.error("%d signals could not be stored: %s", len(waiting), error)
            for _, told in waiting.values():
                for then in told:
                    then(error)
            return
        # Accepted is true from here on; nobody can ask more before this turn of the loop is over.
        for _, told in waiting.values():
            for then in told:
                then(None)
        for time, entry in entries:
            if isinstance(entry, Signal):
                self._submit(entry, time)
            else:
                self._apply(time, entry)
        self._changed()

    def _to_be_known(self, instrument: Instrument, now: int) -> list[tuple[int, Entry]]:
        """The price that an order is about to meet, where the inbox does not hold it yet."""
        walked = self._quotes.price(instrument, now)
        price = self.exchange.price(instrument) if walked is None else walked
        if price is None or price == self._kept.get(instrument):
            return []
        return [(now, Mark(instrument, price) if walked is None else Quote(instrument, price))]

    # -- orders of one account ---------------------------------------------------------------
    def now(self) -> int:
        """The present, UTC epoch nanoseconds."""
        return self._clock.now_ns()

    def price(self, instrument: Instrument) -> float | None:
        """What the market would trade at now, or None before its first bar."""
        walked = self._quotes.price(instrument, self.now())
        return self.exchange.price(instrument) if walked is None else walked

    def open_account(self, account: str, instrument: Instrument) -> None:
        """Add an account, in a pool of its own name, for a session over past bars.

        The price of the instrument is forgotten, and its walk ends: another time begins.
        """
        self._record(self.now(), Opened(account, instrument))

    def place(self, account: str, ticket: Ticket, time: int) -> int:
        """Store and execute an order of one account; it is not synced to the disk.

        Args:
            account: Its name.
            ticket: A checked order.
            time: UTC epoch nanoseconds.

        Returns:
            The order's id.

        Raises:
            JournalError: It could not be stored and was not executed.
        """
        entries = self._to_be_known(ticket.instrument, time)
        placed = Placed(account, ticket, self.exchange.next_order)
        self._inbox.write([*entries, (time, placed)], durable=False)
        for when, entry in entries:
            self._apply(when, entry)
        number = self.exchange.place(account, ticket, time)
        self._changed()
        return number

    def change_order(
        self,
        order_id: int,
        time: int,
        *,
        qty: int | None = None,
        limit_price: float | None = None,
        trigger_price: float | None = None,
        trail: float | None = None,
    ) -> str:
        """Change one account's order; arguments and answer as of :meth:`Exchange.modify`."""
        known = self.exchange.order(order_id)
        if known is not None:
            for when, entry in self._to_be_known(known.instrument, time):
                self._record(when, entry)
        account = "" if known is None else known.account
        change = Changed(order_id, account, qty, limit_price, trigger_price, trail)
        return self._record(time, change)

    def cancel_order(self, order_id: int, time: int) -> str:
        """Cancel one account's order; answer as of :meth:`Exchange.cancel`."""
        known = self.exchange.order(order_id)
        return self._record(time, Cancelled(order_id, "" if known is None else known.account))

    def halt(self, pool: str, halted: bool) -> None:
        """Let a pool take only what closes a position, or everything again.

        Raises:
            JournalError: It could not be stored; nothing changed.
        """
        self._record(self.now(), Halted(pool, halted))

    def _record(self, time: int, entry: Entry) -> str:
        self._inbox.write([(time, entry)], durable=False)
        reason = self._apply(time, entry)
        self._changed()
        return reason

    def _changed(self) -> None:
        for watcher in self.watchers:
            watcher()

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
        self._changed()
        return len(entries)

    def move(self, instrument: Instrument, bar: Bar) -> None:
        """Move the market through a bar of a session; it is stored only if an order met it.

        Args:
            instrument: One that :meth:`open_account` named.
            bar: The bar.
        """
        if self.exchange.on_bar(instrument, bar):
            self._kept[instrument] = bar.close
            self._inbox.write([(bar.time, PushedBar(instrument, bar))], durable=False)
        self._changed()

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
            if price is None:
                continue
            self.seen.add(instrument, Bar(now, price, price, price, price))
            if price == self.exchange.price(instrument):
                continue
            if self.exchange.quote(instrument, price, now):
                met.append((now, Quote(instrument, price)))
                self._kept[instrument] = price
        if met:
            self._inbox.write(met, durable=False)
        self._changed()

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

    def _apply(self, time: int, entry: Entry) -> str:
        exchange, reason = self.exchange, ""
        match entry:
            case Quote(instrument, price):
                self._kept[instrument] = price
                exchange.quote(instrument, price, time)
            case PushedBar(instrument, bar):
                self._quotes.stop(instrument)
                self._kept[instrument] = bar.close
                self.seen.add(instrument, bar)
                exchange.on_bar(instrument, bar)
            case Mark(instrument, price):
                self._quotes.stop(instrument)
                self._kept[instrument] = price
                exchange.mark(instrument, price)
            case Opened(account, instrument):
                self._quotes.stop(instrument)
                self._kept.pop(instrument, None)
                exchange.open_pool(account, Pool.named(account))
                exchange.mark(instrument, None)
                self.seen.forget(instrument)
                self.sessions.append(account)
            case Placed(account, ticket, first):
                self._place_again(account, ticket, time, first)
            case Changed(order_id, account) | Cancelled(order_id, account) if self._lost(
                order_id, account
            ):
                _LOG.warning("a change of order %d is left out: %s is gone", order_id, account)
            case Changed(order_id, _, qty, limit, trigger, trail):
                prices = {"limit_price": limit, "trigger_price": trigger, "trail": trail}
                reason = exchange.modify(order_id, time, qty=qty, **prices)
            case Cancelled(order_id):
                reason = exchange.cancel(order_id, time)
            case Halted(pool, halted):
                self.halted = self.halted | {pool} if halted else self.halted - {pool}
            case Signal():
                self._submit(entry, time)
        return reason

    def _lost(self, order_id: int, account: str) -> bool:
        """Whether the order of that number is not the account's (with other pools they move)."""
        known = self.exchange.order(order_id)
        return bool(account) and (known is None or known.account != account)

    def _place_again(self, account: str, ticket: Ticket, time: int, first: int) -> None:
        try:
            self.exchange.place(account, ticket, time, first)
        except KeyError:
            _LOG.warning("an order of %s is left out: it is not configured any more", account)

    def _submit(self, signal: Signal, time: int) -> None:
        try:
            submission = self.exchange.submit(signal, time)
        except UnknownPool:
            # Only on a restart with fewer pools: the id stays used, nothing is traded.
            _LOG.warning("signal %s: its pool is not configured any more", signal.signal_id)
            submission = Submission(())
        bar = self.seen.latest(signal.instrument)
        self.taken[signal.signal_id] = Taken(time, signal, submission, bar)
