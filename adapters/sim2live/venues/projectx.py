"""A TopStep or other ProjectX account, or a TestMax simulator: the venue that answers.

Signals become orders of each account of a workflow, named by their signal id, so that an order
whose answer got lost can be found again. Fills, cancels and rejections come back as reports.

A close is cut to what the account holds: the position is read before the order goes, because an
order of this API nets and would open the other side.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import msgspec

from sim2live.clock import Clock, SystemClock
from sim2live.errors import ConfigError, DeliveryError, SignalError, Sim2LiveError
from sim2live.signals import CANCEL, MODIFY, Instrument, Signal
from sim2live.venues.base import Report, Venue
from sim2live.venues.health import paper_store
from sim2live.venues.outcome import Kind, Outcome, Profile
from sim2live.venues.projectx_accounts import Account, Accounts, UnknownWorkflowError
from sim2live.venues.projectx_contracts import Contracts
from sim2live.venues.projectx_desk import Desk
from sim2live.venues.projectx_dialect import Dialect, root_url
from sim2live.venues.projectx_exchange import failed
from sim2live.venues.projectx_listener import Listener
from sim2live.venues.projectx_orders import of_order, together
from sim2live.venues.projectx_reads import Reads
from sim2live.venues.projectx_rows import Holding, rows
from sim2live.venues.projectx_session import Deadline, Session
from sim2live.venues.projectx_watch import Watch

if TYPE_CHECKING:
    import ssl

    from sim2live.market.bars import Bar

__all__ = ["GRACE", "ProjectX"]

GRACE: Final = 10.0
"""Seconds until an order that cannot be found was never taken: it may still be on its way."""

_LOOKUP_SECONDS: Final = 2.0
_Child = tuple[str, Outcome, int | None]

_log = logging.getLogger("sim2live.venues")


class ProjectX(Venue):
    """Accounts at a ProjectX server. They count as real until the contrary is proved.

    Args:
        firm: ``topstepx``, ``testmax``, another firm's name, or an address; see `root_url`.
        user_name: The platform's login (TestMax: the e-mail address).
        api_key: Never shown, never written.
        accounts: Names or numbers of accounts by workflow; a workflow that is not in it is
            itself the name or number of an account.
        dialect: Where the address does not say it.
        poll: Seconds between two looks at the accounts, in a thread of its own; None looks only
            when :meth:`reports` is asked.
        clock: For deadlines, pace and the token's age.
        ssl_context: For https; the default context verifies the certificate.

    Attributes:
        session: The login, for those who ask more than a venue can tell.
        reads: Questions that may be repeated, at the pace that the server allows.
        contracts: Contract ids by instrument, and back.
        watch: What looks at the accounts.

    Raises:
        ConfigError: An argument breaks a rule.
        MissingExtraError: The package `requests` is absent.
    """

    name = "projectx"
    can_cancel = True
    can_report = True

    def __init__(
        self,
        firm: str,
        *,
        user_name: str,
        api_key: str,
        accounts: Mapping[str, Sequence[str | int]] | None = None,
        dialect: Dialect | None = None,
        poll: float | None = 2.0,
        clock: Clock | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        url, spoken = root_url(firm)
        self._dialect = spoken if dialect is None else dialect
        self._clock = clock or SystemClock()
        self.session = Session(
            url,
            dialect=self._dialect,
            user_name=user_name,
            api_key=api_key,
            clock=self._clock,
            ssl_context=ssl_context,
        )
        self.simulated = self.session.simulated
        self.fingerprint = f"{self._dialect.name}:{self.session.url}:{user_name}"
        self.reads = Reads(self.session, self._clock)
        self.contracts = Contracts(self._dialect)
        self._accounts = Accounts(accounts)
        self._desk = Desk(self.session, self._dialect, self._clock)
        self._poll = poll
        self._prices: dict[Instrument, float] = {}
        self._doubts: dict[str, float] = {}
        self._listeners: list[Listener] = []
        self.watch = Watch(
            self.reads,
            dialect=self._dialect,
            instrument=lambda contract: self.contracts.instrument(contract, self.reads.read),
            act=self._desk.do,
            clock=self._clock,
            session=self.session,
        )

    def __repr__(self) -> str:
        kind = "simulated" if self.simulated else "real"
        return f"ProjectX({self.session.url!r}, {self._dialect.name}, {kind})"

    def prove_paper(self, timeout: float) -> bool:
        """Ask the server whether it is the paper gateway of sim2live.

        Only a clear yes makes this venue simulated; its fingerprint then is the gateway's
        store, so that paper and live never share a journal row.

        Args:
            timeout: Seconds for the whole question.

        Returns:
            True when the server proved to be the paper gateway.
        """
        store = paper_store(self.session.get, timeout)
        if store is None:
            return False
        self.fingerprint = f"paper:{store}"
        self.simulated = self.session.simulated = True
        if self._dialect.tags:
            self.profile = Profile(dedupe="yes", close_cancels_legs="yes")
        return True

    # -- orders ------------------------------------------------------------------------------
    def send(self, signal: Signal, *, timeout: float) -> Outcome:
        """Hand one signal to each account of its workflow; see :meth:`Venue.send`."""
        return self._send(signal, Deadline(self._clock, timeout), trailing=False)

    def send_trailing(self, signal: Signal, *, timeout: float) -> Outcome:
        """As :meth:`send`, with a stop that follows the market.

        Args:
            signal: A STOP; its trigger price is the first level, and its distance from the
                market is kept.
            timeout: Seconds for the whole exchange.

        Returns:
            What became of it.
        """
        return self._send(signal, Deadline(self._clock, timeout), trailing=True)

    def lookup(self, signal: Signal) -> Outcome | None:
        """What the accounts say became of a signal.

        An order that is not there was never taken, but only after `GRACE` seconds: before that
        it may still be on its way. At TestMax orders have no name, so it cannot tell.
        """
        if signal.action in (CANCEL, MODIFY) or not self._dialect.tags:
            return None
        deadline = Deadline(self._clock, _LOOKUP_SECONDS)
        since = self._doubts.setdefault(signal.signal_id, self._clock.monotonic())
        waited = self._clock.monotonic() - since >= GRACE
        children: list[_Child] = []
        try:
            for account in self._accounts.of(signal.workflow_id, self._asking(deadline)):
                found = self._desk.find(account, signal.signal_id, deadline)
                if found is None and not waited:
                    return None
                missing = Outcome(Kind.NOT_SENT, f"{account.name} has no such order")
                outcome = missing if found is None else of_order(found, self._dialect)
                if outcome is None:
                    return None
                children.append((account.name, outcome, found.filled if found else 0))
        except Sim2LiveError as error:
            _log.info("signal %s cannot be looked up: %s", signal.signal_id, error)
            return None
        self._doubts.pop(signal.signal_id, None)
        return together(children, signal)

    # -- what there is -----------------------------------------------------------------------
    def positions(self, workflow: str) -> dict[Instrument, int] | None:
        """What every account of a workflow holds; None when they disagree or cannot be read."""
        try:
            accounts = self._accounts.of(workflow, self.reads.read)
            books = [self._held(account) for account in accounts]
        except Sim2LiveError as error:
            _log.warning("positions of %r are not known: %s", workflow, error)
            return None
        return books[0] if all(book == books[0] for book in books) else None

    def probe(self, *, timeout: float) -> bool:
        """Whether the server answers, with whatever status."""
        try:
            self.session.get(self.session.path("Status/ping"), timeout=timeout)
        except DeliveryError:
            return False
        return True

    def on_bar(self, instrument: Instrument, bar: Bar) -> None:
        """Remember the price that brackets of market orders are measured from.

        The first bar of an instrument also has its contract looked up, so that no order has to
        wait for that.
        """
        if instrument not in self._prices:
            deadline = Deadline(self._clock, _LOOKUP_SECONDS)
            try:
                self.contracts.resolve(instrument, self._asking(deadline))
            except Sim2LiveError as error:
                _log.warning("%s cannot be traded as it is: %s", instrument, error)
        self._prices[instrument] = bar.close

    def quote(self, instrument: Instrument, price: float) -> None:
        """As :meth:`on_bar`, from a quote of the market; in points."""
        self._prices[instrument] = price

    def reports(self) -> list[Report]:
        """News of all accounts that orders went to since the last call, oldest first."""
        if self._poll is None:
            self.watch.look()
        return self.watch.drain()

    def listen(self, workflow: str, instruments: Iterable[Instrument] = ()) -> Listener:
        """Have news of a workflow's accounts at once, and quotes, through the hubs.

        Args:
            workflow: Its accounts are looked at from now on.
            instruments: Their quotes become the price that brackets are measured from.

        Returns:
            The hubs; they end with the venue.

        Raises:
            ConfigError: TestMax has no hubs.
            MissingExtraError: The package `pysignalr` is absent.
            SignalError: No such contract.
            DeliveryError: The server did not answer.
            UnknownWorkflowError: The workflow names no account.
        """
        if self._dialect.name != "projectx":
            raise ConfigError(f"{self._dialect.name} has no hubs; its accounts are looked at")
        for account in self._accounts.of(workflow, self.reads.read):
            self.watch.add(account, workflow)
        contracts = [self.contracts.resolve(one, self.reads.read).id for one in instruments]
        listener = Listener(
            self.session, self.watch, self.contracts, contracts, quote=self.quote, clock=self._clock
        )
        self._listeners.append(listener)
        if self._poll is not None:
            self.watch.start(self._poll)
        return listener

    def close(self) -> None:
        """Stop looking and close the idle connections."""
        while self._listeners:
            self._listeners.pop().close()
        self.watch.close()
        self.reads.close()
        self.session.close()

    # -- inside ------------------------------------------------------------------------------
    def _send(self, signal: Signal, deadline: Deadline, *, trailing: bool) -> Outcome:
        ask = self._asking(deadline)
        try:
            accounts = self._accounts.of(signal.workflow_id, ask)
            listing = self.contracts.resolve(signal.instrument, ask)
        except UnknownWorkflowError as error:
            return Outcome(Kind.REJECTED, str(error))
        except SignalError as error:
            return Outcome(Kind.NOT_SENT, str(error))
        except DeliveryError as error:
            return msgspec.structs.replace(failed(error), kind=Kind.NOT_SENT)

        def one(account: Account) -> _Child:
            outcome: Outcome
            filled: int | None = None
            self.reads.order_went()
            try:
                if signal.action in (CANCEL, MODIFY):
                    outcome = self._desk.change(account, signal, listing, deadline)
                else:
                    outcome, filled = self._desk.place(
                        self.watch.add(account, signal.workflow_id),
                        signal,
                        listing,
                        deadline,
                        reference=self._prices.get(signal.instrument),
                        trailing=trailing,
                    )
            except SignalError as error:
                outcome = Outcome(Kind.NOT_SENT, str(error))
            return account.name, outcome, filled

        outcome = together(_each(one, accounts), signal)
        if outcome.kind is Kind.UNKNOWN:
            self._doubts[signal.signal_id] = self._clock.monotonic()
        if self._poll is not None:
            self.watch.start(self._poll)
        return outcome

    def _asking(self, deadline: Deadline) -> Callable[[str, Mapping[str, Any]], dict[str, Any]]:
        return lambda call, body: self.session.ask(call, body, deadline)

    def _held(self, account: Account) -> dict[Instrument, int]:
        answer = self.reads.read("Position/searchOpen", {"accountId": account.id})
        book: dict[Instrument, int] = {}
        for row in rows(answer, "positions", Holding):
            if row.signed:
                instrument = self.contracts.instrument(row.contract_id, self.reads.read)
                book[instrument] = book.get(instrument, 0) + row.signed
        return book


def _each(one: Callable[[Account], _Child], accounts: Iterable[Account]) -> list[_Child]:
    """The same for all accounts, at the same time: one deadline has to do for all."""
    told = tuple(accounts)
    if len(told) == 1:
        return [one(told[0])]
    with ThreadPoolExecutor(len(told)) as pool:
        return list(pool.map(one, told))
