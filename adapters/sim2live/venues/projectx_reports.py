"""Which news is in what a ProjectX server tells? Orders and fills become reports, each once.

What stood there before this process looked for the first time is no news, unless it belongs to
an order of this process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Final

from sim2live.signals import Instrument, Signal
from sim2live.venues.base import GUARD_EXIT, Report, ReportKind
from sim2live.venues.projectx_dialect import STOPS, Dialect
from sim2live.venues.projectx_rows import FillRow, OrderRow, moment

__all__ = ["STOP_NAME", "TARGET_NAME", "AccountNews"]

STOP_NAME: Final = "/stop_loss"
TARGET_NAME: Final = "/take_profit"
"""How the legs of a bracket are called, after the name of their entry."""

_KINDS: Final[dict[str, ReportKind]] = {
    "open": "accept",
    "cancelled": "cancel",
    "expired": "expire",
    "rejected": "reject",
}


class AccountNews:
    """What has been told of one account; safe to share between threads.

    Args:
        account: Its name.
        workflow: The pool that it follows.
        dialect: What numbers mean.
        instrument: Contract id to instrument.
        now: Wall time in UTC epoch nanoseconds, for rows that name no time.
    """

    def __init__(
        self,
        account: str,
        workflow: str,
        *,
        dialect: Dialect,
        instrument: Callable[[str], Instrument],
        now: Callable[[], int],
    ) -> None:
        self._account = account
        self._workflow = workflow
        self._dialect = dialect
        self._instrument = instrument
        self._now = now
        self._lock = threading.Lock()
        self._ours: set[str] = set()
        self._signals: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._parents: dict[str, str] = {}
        self._legs: dict[str, str] = {}
        self._told: set[str] = set()
        self._begun = False

    def sent(self, signal: Signal, number: str) -> None:
        """An order of this process has an id at the server now."""
        with self._lock:
            self._signals[number] = signal.signal_id
            if signal.order_id is not None:
                self._names[number] = signal.order_id

    def expect(self, signal_id: str) -> None:
        """An order of this process is about to go: what comes of it is news."""
        with self._lock:
            self._ours.add(signal_id)

    def read(self, orders: Iterable[OrderRow], fills: Iterable[FillRow]) -> list[Report]:
        """The news in one look at the account, oldest first."""
        with self._lock:
            found = [report for row in orders for report in self._order(row)]
            found += [report for row in fills for report in self._fill(row)]
            if not self._begun:
                self._begun = True
                found = [report for report in found if report.signal_id in self._ours]
        return sorted(found, key=lambda report: report.time)

    def fill(self, row: FillRow) -> list[Report]:
        """The news in one fill that a hub told of; nothing before the first look."""
        with self._lock:
            if not self._begun or str(row.order_id) not in self._signals:
                return []  # whose it is will be known at the next look
            return self._fill(row)

    def signal_of(self, order_id: str) -> str:
        """The signal behind an order, or behind the order that it protects; or empty."""
        return self._signals.get(self._parents.get(order_id, order_id), "")

    def _name(self, order_id: str) -> str:
        entry = self._parents.get(order_id, order_id)
        name = self._names.get(entry) or self._signals.get(entry, "")
        return f"{name}{self._legs.get(order_id, '')}" if name else ""

    def _order(self, row: OrderRow) -> list[Report]:
        number = str(row.id)
        if row.parent:
            self._parents[number] = row.parent
            self._legs[number] = STOP_NAME if row.type in STOPS else TARGET_NAME
        elif row.custom_tag:
            # The order that closes a position without its stop belongs to the entry.
            self._signals.setdefault(number, row.custom_tag.removesuffix(GUARD_EXIT))
            if row.custom_tag.endswith(GUARD_EXIT):
                self._legs[number] = GUARD_EXIT
        state = self._dialect.state(row.status)
        kind = _KINDS.get(state)
        key = f"{self._account}:order:{number}:{state}"
        if kind is None or key in self._told:
            return []
        self._told.add(key)
        time = moment(row.update_timestamp) or moment(row.creation_timestamp)
        return [self._report(key, kind, number, row.contract_id, time, reason=_words(row, state))]

    def _fill(self, row: FillRow) -> list[Report]:
        number = str(row.order_id)
        key = f"{self._account}:fill:{row.id}"
        time = moment(row.creation_timestamp) or moment(row.timestamp)
        signed, reason = row.signed, ""
        if row.voided:
            # A fill that was told of is taken back; one that was not never happened.
            if key not in self._told:
                self._told.add(key)
                self._told.add(key + ":voided")
                return []
            key, signed, reason = key + ":voided", -signed, "the exchange took the fill back"
        if key in self._told:
            return []
        self._told.add(key)
        return [
            self._report(
                key, "fill", number, row.contract_id, time, signed, row.price, reason=reason
            )
        ]

    def _report(
        self,
        key: str,
        kind: ReportKind,
        order: str,
        contract: str,
        time: int | None,
        signed: int = 0,
        price: float | None = None,
        *,
        reason: str = "",
    ) -> Report:
        return Report(
            id=key,
            time=self._now() if time is None else time,
            kind=kind,
            signal_id=self.signal_of(order),
            order_id=order,
            account=self._account,
            workflow=self._workflow,
            instrument=self._instrument(contract),
            signed_qty=signed,
            price=price,
            reason=reason,
            name=self._name(order),
        )


def _words(row: OrderRow, state: str) -> str:
    what = {1: "limit", 2: "market", 3: "stop limit", 4: "stop", 5: "trailing stop"}
    leg = "protective " if row.parent else ""
    filled = f", {row.filled} of {row.size} filled" if row.filled else ""
    return f"{leg}{what.get(row.type, 'unknown')} order is {state}{filled}"
