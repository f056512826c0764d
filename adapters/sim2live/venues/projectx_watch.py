"""Who looks at the ProjectX accounts, and when? One look reads fills, orders and positions.

A look happens at an interval, and at once when a hub tells of something. It finds the news and
what the guard has to do. A look that fails tells nothing: the next one is compared with the last
that worked, so nothing is lost.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from sim2live.clock import NS, Clock
from sim2live.errors import Sim2LiveError
from sim2live.venues.projectx_accounts import Account
from sim2live.venues.projectx_dialect import ALIVE, Dialect
from sim2live.venues.projectx_guard import Duty, Guard
from sim2live.venues.projectx_reports import AccountNews
from sim2live.venues.projectx_rows import FillRow, Holding, OrderRow, moment, rows

if TYPE_CHECKING:
    from sim2live.signals import Instrument
    from sim2live.venues.base import Report
    from sim2live.venues.projectx_reads import Reads
    from sim2live.venues.projectx_session import Session

__all__ = ["Watch", "Watched"]

#: Orders that are looked at although they are done: their legs may still work.
_RECENT: Final = 200
#: An entry is somewhat older than its legs.
_SLACK_NS: Final = 60 * NS
#: How far back the first look goes: orders may rest over a weekend.
_WEEK_NS: Final = 7 * 86_400 * NS
#: Seconds between two looks for each account, so that looking leaves room for other questions.
_SPACING: Final = 1.8

_log = logging.getLogger("sim2live.venues")


class Watched:
    """One account that is looked at.

    Attributes:
        account: Which one.
        news: What has been told of it.
        guard: Looks after its protective orders.
        since: Orders and fills from here on are read, UTC epoch nanoseconds.
        failures: Looks that failed in a row.
    """

    def __init__(self, account: Account, news: AccountNews, guard: Guard, since: int) -> None:
        self.account = account
        self.news = news
        self.guard = guard
        self.since = since
        self.failures = 0


class Watch:
    """Looks at accounts and collects the news; safe to share between threads.

    Args:
        reads: Puts the questions.
        dialect: How they are put.
        instrument: Contract id to instrument.
        act: Does what a guard asks for in an account.
        clock: Times the looks.
        session: Says whether the server is simulated.
    """

    def __init__(
        self,
        reads: Reads,
        *,
        dialect: Dialect,
        instrument: Callable[[str], Instrument],
        act: Callable[[Account, Duty], None],
        clock: Clock,
        session: Session,
    ) -> None:
        self._reads = reads
        self._dialect = dialect
        self._instrument = instrument
        self._act = act
        self._clock = clock
        self._session = session
        self._adding = threading.Lock()
        self._looking = threading.Lock()
        self._watched: dict[int, Watched] = {}
        self._news: deque[Report] = deque()
        self._nudged = threading.Event()
        self._over = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None

    @property
    def accounts(self) -> tuple[Account, ...]:
        """The accounts that are looked at."""
        return tuple(watched.account for watched in self._watched.values())

    def add(self, account: Account, workflow: str) -> Watched:
        """Look at an account from now on; `workflow` is the pool its reports name."""
        found = self._watched.get(account.id)
        if found is not None:
            return found
        news = AccountNews(
            account.name,
            workflow,
            dialect=self._dialect,
            instrument=self._instrument,
            now=self._clock.now_ns,
        )
        with self._adding:
            # At a simulator the time is that of its bars, whenever these were.
            since = 0 if self._session.simulated else self._clock.now_ns() - _WEEK_NS
            fresh = Watched(account, news, Guard(self._dialect), since)
            return self._watched.setdefault(account.id, fresh)

    def look(self) -> None:
        """Look at all accounts once."""
        with self._looking:
            for watched in list(self._watched.values()):
                try:
                    self._look_at(watched)
                except Sim2LiveError as error:
                    watched.failures += 1
                    if watched.failures == 1:
                        _log.warning("account %s cannot be read: %s", watched.account.name, error)
                else:
                    watched.failures = 0

    def tell(self, account: int, fill: FillRow) -> None:
        """A hub told of a fill; what it means is known without another look."""
        watched = self._watched.get(account)
        if watched is not None:
            self._news.extend(watched.news.fill(fill))

    def drain(self) -> list[Report]:
        """The news since the last call, oldest first."""
        found: list[Report] = []
        while self._news:
            found.append(self._news.popleft())
        return found

    def nudge(self) -> None:
        """Look soon: something happened."""
        self._nudged.set()

    def start(self, interval: float) -> None:
        """Look every `interval` seconds, and when nudged, until closed."""
        if self._thread is not None or self._closed:
            return
        with self._adding:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, args=(interval,), name="sim2live-projectx", daemon=True
                )
                self._thread.start()

    def close(self) -> None:
        """Look no more; closing twice does no harm."""
        self._closed = True
        self._over.set()
        self._nudged.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(2.0)

    def _run(self, interval: float) -> None:
        while not self._closed:
            spacing = _SPACING * len(self._watched)
            self._clock.wait(self._nudged, max(interval, spacing))
            self._nudged.clear()
            if not self._closed:
                self.look()
                self._clock.wait(self._over, spacing)

    def _look_at(self, watched: Watched) -> None:
        account, since = watched.account.id, watched.since
        # Fills before orders: the order of each fill is then known. Positions last: what the
        # orders show as filled is in them.
        fills = self._ask("Trade/search", self._dialect.find_trades(account, since))
        orders = self._ask("Order/search", self._dialect.find_orders(account, since))
        holdings = self._ask("Position/searchOpen", {"accountId": account})
        listed = rows(orders, "orders", OrderRow)
        held = rows(holdings, "positions", Holding)
        self._news.extend(watched.news.read(listed, rows(fills, "trades", FillRow)))
        watched.since = self._next(watched.since, listed)
        for duty in watched.guard.look(listed, held):
            self._act(watched.account, duty)

    def _ask(self, call: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._reads.read(call, body)

    def _next(self, since: int, listed: list[OrderRow]) -> int:
        """From when on to read the next time: old orders that are done are left out."""
        made = sorted(moment(row.creation_timestamp) or since for row in listed)
        alive = [
            moment(row.creation_timestamp) or since
            for row in listed
            if self._dialect.state(row.status) in ALIVE
        ]
        if len(made) <= _RECENT:
            return since
        return min([made[-_RECENT], *alive]) - _SLACK_NS
