"""How one signal passes from the broker to the venue: once, whatever dies on the way.

There is no following here. A signal goes as it is, or it does not go: an entry that is older than
its life is dropped, an exit never is. What the tables of `sim2live.gate.delivery` say of an outcome
is done here as it is done by the gate, with one difference. An exit that could not go is owed by
the relay only until the strategy host asks about it. From then on it is the gate's again, which
knows what is still due. So one of the two owes it at any time, and never both.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from msgspec.structs import replace

from sim2live.clock import Clock
from sim2live.errors import JournalError, SignalError
from sim2live.gate.alarms import Alarms
from sim2live.gate.delivery import Step, next_step, worst
from sim2live.gate.journal import Journal, Row
from sim2live.gate.store import DuplicateError
from sim2live.relay.lease import Lease
from sim2live.signals import CLOSE, Signal, decode
from sim2live.venues.base import Venue
from sim2live.venues.broker import Parcel
from sim2live.venues.outcome import Kind, Outcome
from sim2live.venues.relay_words import FOR_VENUE, FROM_HOST, SENT_AT, Slip

PATIENCE = 0.2
"""Seconds that a question waits for an exchange that is under way."""
WITHDRAWN = "the strategy host asked before the relay had begun it: it will not go"
LATE = "the lease was over before a byte left"
AGAIN = (Step.OWE, Step.RESEND)
CUT = "the relay stopped before the answer came"

logger = logging.getLogger("sim2live.relay")


class Passage:
    """Carries signals for one relay. Safe to use from several threads.

    Args:
        venue: where signals go.
        journal: knows every id that ever passed.
        lease: without it nothing goes.
        clock: stamps rows.
        alarms: told of what a human has to know.
        host: name of this host, for receipts.
        life: seconds that an entry may wait at the broker.
        timeout: seconds of one exchange with the venue.
        tell: publishes a receipt.

    Attributes:
        left: a signal was left because the tenure was over; the queue has to be begun anew.
    """

    def __init__(
        self,
        venue: Venue,
        journal: Journal,
        lease: Lease,
        *,
        clock: Clock,
        alarms: Alarms,
        host: str,
        life: float,
        timeout: float,
        tell: Callable[[Slip], None],
    ) -> None:
        self._venue = venue
        self._journal = journal
        self._lease = lease
        self._clock = clock
        self._alarms = alarms
        self._host = host
        self._life = life
        self._timeout = timeout
        self._tell = tell
        self._lock = threading.Lock()
        self._free = threading.Condition()
        self._busy: set[str] = set()
        self._debts: dict[str, Row] = {}
        self.left = False

    def recover(self) -> None:
        """Settle what a relay before this one left: rows that were cut off are unknown."""
        for row in list(self._journal.rows(states=("SENDING",))):
            with self._alone(row.id) as mine:  # a tenure may begin amid an exchange of our own
                if mine and self._journal.find([row.id])[row.id].state == "SENDING":
                    self._conclude(row, Outcome(Kind.UNKNOWN, CUT), None)
        for row in self._journal.rows(states=("NOT_SENT", "UNKNOWN")):
            self._owe(row)

    @property
    def debts(self) -> list[Row]:
        """Rows that are to be tried again: owed exits, and what is harmless to repeat."""
        with self._lock:
            return list(self._debts.values())

    def _owe(self, row: Row) -> None:
        again = row.state in ("NOT_SENT", "UNKNOWN") and self.step(row) in AGAIN
        with self._lock:
            if again:
                self._debts[row.id] = row
            else:
                self._debts.pop(row.id, None)

    def carry(self, parcel: Parcel) -> None:
        """Bring one signal to its outcome, as far as that is possible now.

        The parcel is done when the journal holds the outcome on disk; a parcel that is left
        comes again.
        """
        try:
            signal = decode(parcel.data)
        except SignalError as error:
            self._sound("a message at the broker", f"is no signal, and is dropped: {error}")
            parcel.done()
            return
        with self._alone(signal.signal_id) as mine:
            if not mine:
                return  # the same one is under way; this copy comes again
            row = self._journal.find([signal.signal_id]).get(signal.signal_id)
            if row is None:
                row = self._new(signal, parcel)
                if not self._begin(row, parcel):
                    return
            elif row.signal != signal:
                text = "was used for another signal before; the second one is dropped"
                self._sound(signal.signal_id, text)
            else:
                self._tell(self._slip(row))
            parcel.done()

    def retry(self, row: Row) -> None:
        """Try an owed exit again, or repeat what is proved to be harmless."""
        with self._alone(row.id) as mine:
            # It may have been given back, or have gone, since the caller saw it.
            now = self._journal.find([row.id]).get(row.id)
            if mine and now is not None and now.state != row.state:
                self._owe(now)
            if not mine or now is None or now.state != row.state or not self._may_begin():
                return
            self._journal.intend_again(now)
            self._send(replace(now, sends=now.sends + 1), again=now.state == "UNKNOWN")

    def ask(self, payload: bytes, *, void: bool = False) -> Slip | None:
        """What became of a signal. One that was not begun, or is owed, is over with this.

        Args:
            payload: exact bytes of the signal.
            void: True when a human has called it void; then nothing unknown is repeated either.

        Returns:
            None while it is under way, or where this relay may not say.
        """
        try:
            signal = decode(payload)
        except SignalError:
            return None
        # A receipt is on its way a moment before its signal is done with.
        with self._alone(signal.signal_id, patience=PATIENCE) as mine:
            if not mine or not self._lease.valid():
                return None
            row = self._journal.find([signal.signal_id]).get(signal.signal_id)
            if row is None:
                row = replace(_row(signal, 0), state="HELD", reason=WITHDRAWN, sends=0)
                self._journal.held(row, None, durable=True)
            elif row.signal != signal:
                other = replace(_row(signal, 0), state="HELD", reason="its id means another signal")
                return self._slip(other)
            elif row.state == "NOT_SENT" and row.closing:
                self._over(row, f"given back: {row.reason}")
            elif row.state == "UNKNOWN":
                found = self._venue.lookup(signal) if self._venue.can_report else None
                if found is not None and worst(found).kind is not Kind.UNKNOWN:
                    self._journal.settle(row, worst(found), None)
                elif void:
                    self._over(row, "a human called it void")
            return self._slip(self._journal.find([row.id])[row.id])

    def _over(self, row: Row, why: str) -> None:
        """Nothing is tried any more."""
        self._journal.settle(row, Outcome(Kind.REJECTED, why), None)
        with self._lock:
            self._debts.pop(row.id, None)

    # -- inside --------------------------------------------------------------------------

    @contextmanager
    def _alone(self, id_: str, *, patience: float = 0.0) -> Iterator[bool]:
        """One thread at a time looks after an id; False for one that comes too late."""
        with self._free:
            mine = self._free.wait_for(lambda: id_ not in self._busy, patience)
            self._busy.add(id_)
        try:
            yield mine
        finally:
            if mine:
                with self._free:
                    self._busy.discard(id_)
                    self._free.notify_all()

    def _may_begin(self) -> bool:
        """An exchange that is begun must end within the tenure."""
        return self._lease.valid(self._timeout)

    def _new(self, signal: Signal, parcel: Parcel) -> Row:
        text = parcel.headers.get(SENT_AT, "")
        sent_at = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
        return replace(_row(signal, sent_at), created_at=self._clock.now_ns())

    def _begin(self, row: Row, parcel: Parcel) -> bool:
        """A signal that was never seen before; False when it is left for later."""
        why = self._refused(row, parcel)
        if why:
            refused = replace(row, state="HELD", reason=why, sends=0)
            self._journal.held(refused, None, durable=True)
            self._tell(self._slip(refused))
            return True
        if not self._may_begin():
            self.left = True
            return False
        try:
            self._journal.intend(row)
        except DuplicateError:
            return False  # it comes again, and is found then
        except JournalError as error:
            if not row.closing:
                self._sound(row.id, f"an entry was not sent: {error}")
                failed = replace(row, state="NOT_SENT", reason=str(error))
                self._tell(self._slip(failed))
                return True
            self._sound(row.id, f"an exit goes out without a journal: {error}")
        self._send(row, host=parcel.headers.get(FROM_HOST, ""))
        return True

    def _refused(self, row: Row, parcel: Parcel) -> str:
        meant = parcel.headers.get(FOR_VENUE)
        if meant is not None and meant != self._venue.fingerprint:
            return f"it was meant for {meant}, and this relay stands before another venue"
        age = self._lease.age(parcel.stored_at)
        if row.leg == "open" and age > self._life:
            return f"dropped: it waited {age:.0f} s, and an entry lives {self._life:g} s"
        return ""

    def _send(self, row: Row, *, again: bool = False, host: str = "") -> None:
        """One exchange, its outcome on disk, its receipt on the way."""
        started = self._clock.monotonic_ns()
        if self._lease.valid():  # asked last of all: this process may have slept since
            outcome = self._venue.send(row.signal, timeout=self._timeout)
        else:
            outcome = Outcome(Kind.NOT_SENT, LATE)
        latency = self._clock.monotonic_ns() - started
        if outcome.kind is Kind.UNKNOWN and self._venue.can_report:
            outcome = self._venue.lookup(row.signal) or outcome
        if outcome.children:
            outcome = worst(outcome)
        if again and outcome.kind is not Kind.ACCEPTED:
            # A refusal of the second says nothing about the first, as with the gate.
            outcome = Outcome(Kind.UNKNOWN, outcome.reason)
        slip = self._conclude(row, outcome, latency)
        if outcome.kind is Kind.ACCEPTED:
            self._venue.on_way(slip, host)

    def _conclude(self, row: Row, outcome: Outcome, latency: int | None) -> Slip:
        try:
            self._journal.settle(row, outcome, latency)
        except JournalError as error:
            self._sound(row.id, f"its outcome could not be journalled: {error}")
        told = replace(
            row,
            state=outcome.kind.value,
            reason=outcome.reason,
            answered_at=self._clock.now_ns(),
        )
        self._owe(told)
        if outcome.kind is Kind.NOT_SENT and row.closing:
            self._sound(row.id, f"the exit did not go and stays owed: {outcome.reason}")
        if outcome.kind is Kind.UNKNOWN:
            self._sound(row.id, f"nobody knows whether it was executed: {outcome.reason}")
        slip = self._slip(told, outcome)
        self._tell(slip)
        return slip

    def step(self, row: Row) -> Step:
        """What the table of delivery says of a row as it stands."""
        kind = Kind.NOT_SENT if row.state == "NOT_SENT" else Kind.UNKNOWN
        return next_step(
            kind,
            closing=row.closing,
            venue=self._venue,
            sends=row.sends,
            whole=False,
            read_failed=True,
        )

    def _slip(self, row: Row, outcome: Outcome | None = None) -> Slip:
        kind = Kind.REJECTED if row.state in ("HELD", "REJECTED") else Kind.UNKNOWN
        if row.state == "ACCEPTED" or (row.state == "NOT_SENT" and not row.closing):
            kind = Kind(row.state)
        reason = row.reason
        if row.state == "NOT_SENT" and row.closing:
            reason = f"the relay owes it: {row.reason}"
        unsure = row.state == "UNKNOWN" and self.step(row) is Step.HALT
        return Slip(
            signal_id=row.id,
            workflow=row.workflow,
            kind=kind,
            reason=reason,
            status=None if outcome is None else outcome.status,
            halts=unsure or (outcome is not None and outcome.halts),
            children=() if outcome is None else outcome.children,
            epoch=self._lease.epoch,
            relay=self._host,
            sent_at=row.decided_at,
            taken_at=row.created_at,
            answered_at=row.answered_at or 0,
        )

    def _sound(self, name: str, text: str) -> None:
        self._alarms.sound(self._clock.now_ns(), name, text)


def _row(signal: Signal, sent_at: int) -> Row:
    """The relay's row of a signal; what only the strategy host knows stays empty."""
    leg = {"CANCEL": "cancel", "MODIFY": "modify"}.get(
        signal.action or "", "close" if signal.open_close == CLOSE else "open"
    )
    return Row(
        id=signal.signal_id,
        workflow=signal.workflow_id,
        instrument=signal.instrument,
        strategy="",
        run="",
        data="",
        decided_at=sent_at,
        nth=0,
        leg=leg,
        signed=signal.signed,
        payload=signal.encode(),
        sends=1,
    )
