"""How is one order worked at one ProjectX account: placed, changed, found again, closed?"""

from __future__ import annotations

import logging
from typing import Any, Final

from sim2live.clock import NS, Clock
from sim2live.errors import DataError, DeliveryError
from sim2live.signals import CANCEL, CLOSE, Signal
from sim2live.venues.outcome import Kind, Outcome
from sim2live.venues.projectx_accounts import Account
from sim2live.venues.projectx_contracts import Listing
from sim2live.venues.projectx_dialect import ASK, BID, STOPS, TYPES, Dialect
from sim2live.venues.projectx_exchange import exchange
from sim2live.venues.projectx_guard import Cancel, Duty, Exit
from sim2live.venues.projectx_orders import Verdict, change, of_order, place
from sim2live.venues.projectx_reports import STOP_NAME, TARGET_NAME
from sim2live.venues.projectx_rows import Holding, OrderRow, rows
from sim2live.venues.projectx_session import Deadline, Session
from sim2live.venues.projectx_watch import Watched

__all__ = ["Desk"]

#: Seconds during which an entry may not show in the position yet.
SETTLING: Final = 5.0
#: An order older than this is not looked for.
_SEARCHED_NS: Final = 7 * 86_400 * NS
_DUTY_SECONDS: Final = 5.0

_log = logging.getLogger("sim2live.venues")


class Desk:
    """Works orders; safe to share between threads.

    Args:
        session: To the server.
        dialect: What it speaks.
        clock: For what is still settling.
    """

    def __init__(self, session: Session, dialect: Dialect, clock: Clock) -> None:
        self._session = session
        self._dialect = dialect
        self._clock = clock
        self._orders: dict[tuple[int, str], int | str] = {}
        self._entries: dict[tuple[int, str], float] = {}
        self._bracketed: set[tuple[int, str]] = set()

    def place(
        self,
        watched: Watched,
        signal: Signal,
        listing: Listing,
        deadline: Deadline,
        *,
        reference: float | None,
        trailing: bool,
    ) -> tuple[Outcome, int | None]:
        """Place one signal in one account.

        Args:
            watched: The account.
            signal: What is wanted; a close is cut to what is held.
            listing: The contract.
            deadline: For everything.
            reference: Last price known, in points.
            trailing: A stop follows the market.

        Returns:
            The outcome, and contracts filled where the answer says so.

        Raises:
            SignalError: The signal cannot be said in this dialect.
        """
        account, closing = watched.account, signal.open_close == CLOSE
        size, flat = signal.qty, False
        if closing:
            try:
                held = self._held(account, listing, deadline)
            except (DeliveryError, DataError) as error:
                # Not known is not flat, and not held either: the exit stays owed.
                reason = f"what {account.name} holds cannot be read: {error}"
                return Outcome(Kind.NOT_SENT, reason), None
            size, settled = self._closable(account, signal, listing, held)
            if settled is not None:
                return settled, 0
            flat = size == abs(held)
        body = place(
            signal,
            account.id,
            listing,
            self._dialect,
            size=size,
            reference=reference,
            trailing=trailing,
        )
        watched.news.expect(signal.signal_id)
        verdict = self._exchange("Order/place", body, deadline)
        if verdict.doubted:
            verdict = self._seek(account, signal.signal_id, verdict, deadline)
        kind = verdict.outcome.kind
        if kind is Kind.ACCEPTED or kind is Kind.UNKNOWN:
            if not closing:
                self._entries[account.id, listing.id] = self._clock.monotonic()
            if signal.bracket is not None:
                self._bracketed.add((account.id, listing.id))
                if signal.bracket.stop_loss is not None:
                    watched.guard.sent(signal.signal_id)
        if verdict.order_id is not None:
            name = signal.signal_id if signal.order_id is None else signal.order_id
            self._orders[account.id, name] = verdict.order_id
            watched.news.sent(signal, str(verdict.order_id))
        if flat and kind is Kind.ACCEPTED and (account.id, listing.id) in self._bracketed:
            self._take_legs(account, listing, deadline)
        filled = size if self._dialect.state(verdict.state) == "filled" else None
        return verdict.outcome, filled

    def change(
        self, account: Account, signal: Signal, listing: Listing, deadline: Deadline
    ) -> Outcome:
        """Cancel or modify the order that a signal names.

        Raises:
            SignalError: A price is off the tick.
        """
        name = signal.order_id or ""
        try:
            number = self._number(account, name, deadline)
        except (DeliveryError, DataError) as error:
            return Outcome(Kind.NOT_SENT, f"order {name!r} cannot be looked up: {error}")
        if number is None:
            return Outcome(Kind.REJECTED, f"no order {name!r} in account {account.name}")
        if signal.action == CANCEL:
            return self._exchange(
                "Order/cancel", {"accountId": account.id, "orderId": number}, deadline
            ).outcome
        body = change(signal, account.id, number, listing, signal.qty)
        return self._exchange("Order/modify", body, deadline).outcome

    def find(self, account: Account, tag: str, deadline: Deadline) -> OrderRow | None:
        """The order of a name, or None where the server has none.

        Raises:
            DeliveryError: No answer, or it was no.
            DataError: The answer does not say what there is.
        """
        if not self._dialect.tags:
            raise DataError("orders carry no name in this dialect")
        found = [row for row in self._listed(account, deadline) if row.custom_tag == tag]
        # A refused order may keep the name; an order that lives or filled says more.
        found.sort(key=lambda row: self._dialect.state(row.status) == "rejected")
        return found[0] if found else None

    def do(self, account: Account, duty: Duty) -> None:
        """What a guard asks for. A failure is logged; the next look asks again."""
        deadline = Deadline(self._clock, _DUTY_SECONDS)
        if isinstance(duty, Exit):
            side = BID if duty.signed > 0 else ASK
            body: dict[str, Any] = {
                "accountId": account.id,
                "contractId": duty.contract,
                "type": TYPES["MARKET"],
                "side": side,
                "size": abs(duty.signed),
                **self._dialect.tagged(duty.tag),
            }
            call, what = "Order/place", f"closes {-duty.signed:+d} of {duty.contract}"
        elif isinstance(duty, Cancel):
            body = {"accountId": account.id, "orderId": duty.order}
            call, what = "Order/cancel", f"cancels order {duty.order}"
        else:
            body = {"accountId": account.id, "orderId": duty.order, "size": duty.size}
            call, what = "Order/modify", f"sets order {duty.order} to {duty.size}"
        outcome = self._exchange(call, body, deadline).outcome
        _log.error(
            "account %s: the guard %s, because %s: %s %s",
            account.name, what, duty.why, outcome.kind.value, outcome.reason,
        )  # fmt: skip

    # -- inside ------------------------------------------------------------------------------
    def _exchange(self, call: str, body: dict[str, Any], deadline: Deadline) -> Verdict:
        return exchange(self._session, call, body, deadline, now_ns=self._clock.now_ns())

    def _seek(self, account: Account, tag: str, refused: Verdict, deadline: Deadline) -> Verdict:
        """A refusal that may mean that the name is taken: by this very order, sent before."""
        plain = Outcome(Kind.REJECTED, refused.outcome.reason, refused.outcome.status)
        if not self._dialect.tags:
            return Verdict(plain)
        try:
            found = self.find(account, tag, deadline)
        except (DeliveryError, DataError):
            return refused
        if found is None:
            return Verdict(plain)
        outcome = of_order(found, self._dialect)
        if outcome is None:
            return refused
        return Verdict(outcome if outcome.kind is Kind.ACCEPTED else plain, found.id, found.status)

    def _listed(self, account: Account, deadline: Deadline) -> list[OrderRow]:
        since = 0 if self._session.simulated else self._clock.now_ns() - _SEARCHED_NS
        question = self._dialect.find_orders(account.id, since)
        return rows(self._session.ask("Order/search", question, deadline), "orders", OrderRow)

    def _number(self, account: Account, name: str, deadline: Deadline) -> int | str | None:
        """The id of the order that bears a name; a leg's is its entry's with the leg's word."""
        known = self._orders.get((account.id, name))
        if known is not None:
            return known
        for word in (STOP_NAME, TARGET_NAME):
            if name.endswith(word):
                entry = self._number(account, name.removesuffix(word), deadline)
                stop = word == STOP_NAME
                legs = [
                    row
                    for row in self._listed(account, deadline)
                    if row.parent == str(entry) and (row.type in STOPS) == stop
                ]
                return legs[-1].id if legs else None
        found = self.find(account, name, deadline)
        return None if found is None else found.id

    def _take_legs(self, account: Account, listing: Listing, deadline: Deadline) -> None:
        """The position goes, so its legs go: one of them would open the other side.

        What is not reached in time is the guard's to take off.
        """
        try:
            answer = self._session.ask("Order/searchOpen", {"accountId": account.id}, deadline)
            working = rows(answer, "orders", OrderRow)
        except (DeliveryError, DataError) as error:
            _log.warning("legs in %s are left to the guard: %s", account.name, error)
            return
        for row in working:
            if row.parent and row.contract_id == listing.id:
                body = {"accountId": account.id, "orderId": row.id}
                self._exchange("Order/cancel", body, deadline)

    def _held(self, account: Account, listing: Listing, deadline: Deadline) -> int:
        answer = self._session.ask("Position/searchOpen", {"accountId": account.id}, deadline)
        found = rows(answer, "positions", Holding)
        return sum(row.signed for row in found if row.contract_id == listing.id)

    def _closable(
        self, account: Account, signal: Signal, listing: Listing, held: int
    ) -> tuple[int, Outcome | None]:
        """How much of a close may go; or the outcome, where none of it can or needs to."""
        size = min(signal.qty, max(0, -held if signal.signed > 0 else held))
        if size == signal.qty:
            return size, None
        entered = self._entries.get((account.id, listing.id))
        if entered is not None and self._clock.monotonic() - entered < SETTLING:
            reason = f"{account.name} holds {held:+d}; an entry may still be on its way"
            return 0, Outcome(Kind.NOT_SENT, reason)
        if size == 0:
            reason = f"{account.name} holds {held:+d}: there is nothing to close"
            return 0, Outcome(Kind.ACCEPTED, reason)
        return size, None
