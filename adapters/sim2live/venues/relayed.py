"""A venue on another host: signals cross a message broker, and a relay there hands them on.

The broker's word proves nothing about a signal. Its acknowledgement need not be on disk, and a
stored signal need not be sent. So the outcome is the relay's receipt: what the real venue said, as
it stands in the relay's journal.

    not published                          NOT_SENT
    published, receipted                   as the real venue said
    published, or perhaps; no receipt      UNKNOWN, until the relay can be asked

A signal is never published again to find out. The relay is *asked*, and a relay that has not begun
a signal withdraws it for good and says so. Then an entry is over, and an exit is the gate's again,
which sends what is still due under an id of its own.
"""

from __future__ import annotations

import logging
import platform
import threading
from collections import deque

import msgspec

from sim2live.clock import Clock, SystemClock
from sim2live.errors import DeliveryError, NotSentError, SignalError, UnknownOutcomeError
from sim2live.market.bars import Bar
from sim2live.signals import Instrument, Signal
from sim2live.venues.base import Report, Venue
from sim2live.venues.broker import Broker
from sim2live.venues.outcome import Kind, Outcome, Profile
from sim2live.venues.relay_words import (
    FOR_VENUE,
    FROM_HOST,
    SENT_AT,
    About,
    Answer,
    Question,
    Slip,
    Subjects,
    read,
)

__all__ = ["Relayed"]

LOOKUP_TIMEOUT = 0.5
"""Seconds that a question about one signal may take; the strategy's thread may be waiting."""
BAR_TIMEOUT = 1.0
KEPT = 10_000

logger = logging.getLogger("sim2live.venues")


class _Waiting:
    """A thread that waits for the receipt of one signal."""

    def __init__(self) -> None:
        self.came = threading.Event()
        self.slip: Slip | None = None


class Relayed(Venue):
    """The venue behind a relay. It counts as real until :meth:`meet` says otherwise.

    Args:
        broker: the line to the relay; this venue closes it.
        subjects: the desk.
        address: names the line in messages and in the journal; holds no secret.
        clock: for deadlines, and to say when a signal left.
    """

    name = "nats"
    can_report = True
    takes_bars = False

    def __init__(
        self, broker: Broker, subjects: Subjects, *, address: str, clock: Clock | None = None
    ) -> None:
        self._broker = broker
        self._subjects = subjects
        self._clock = clock or SystemClock()
        self._address = address
        self._about: About | None = None
        self._lock = threading.Lock()
        self._waiting: dict[str, list[_Waiting]] = {}
        self._workflows: set[str] = set()
        self._reports: deque[Report] = deque(maxlen=KEPT)
        host = platform.node()
        # A header holds ASCII only; a host of another name goes without.
        self._named = {FROM_HOST: host} if host and host.isascii() and host.isprintable() else {}
        self.fingerprint = f"nats:{address}"
        # The relay's journal lets an id through once, whatever the venue behind it does.
        self.profile = Profile(dedupe="yes")

    def __repr__(self) -> str:
        kind = "paper" if self.simulated else "real"
        return f"{type(self).__name__}({self._address!r}, {kind})"

    def meet(self, timeout: float) -> bool:
        """Ask who is there; only a relay that proves to stand before paper makes this simulated.

        Args:
            timeout: seconds for the whole question.

        Returns:
            True when a relay answered.
        """
        answer = self._ask(Question("relay"), timeout)
        about = None if answer is None else answer.about
        if about is None:
            return False
        self.can_cancel = about.can_cancel
        self.profile = msgspec.structs.replace(about.profile, dedupe="yes")
        if about.simulated:
            # Rows of paper and rows of a real venue never share an id.
            self.fingerprint = f"relay:{about.venue}"
            self.simulated, self.takes_bars = True, about.takes_bars
        self._about = about
        return True

    # -- signals -------------------------------------------------------------------------

    def send(self, signal: Signal, *, timeout: float) -> Outcome:
        """Publish a signal and wait for the relay's receipt; see :meth:`Venue.send`."""
        deadline = self._clock.monotonic() + timeout
        id_ = signal.signal_id
        waiting = _Waiting()
        try:
            subject = self._subjects.signal(signal.workflow_id)
            body = signal.encode()
            self._know(signal.workflow_id)
            with self._lock:
                self._waiting.setdefault(id_, []).append(waiting)
            try:
                new = self._broker.put(
                    subject, body, id_=id_, headers=self._headers(), timeout=timeout
                )
                if not new:  # the server knows the id: what became of it may be known as well
                    found = self._found(signal, max(0.0, deadline - self._clock.monotonic()))
                    if found is not None:
                        return found
                said = f"published, but no receipt came within {timeout:g} s"
            except UnknownOutcomeError as error:  # it may have arrived all the same
                said = str(error)
            left = deadline - self._clock.monotonic()
            self._clock.wait(waiting.came, max(0.0, left))
        except SignalError as error:
            return Outcome(Kind.NOT_SENT, str(error))
        except NotSentError as error:
            return Outcome(Kind.NOT_SENT, str(error), timed_out=error.timed_out)
        finally:
            self._forget(id_, waiting)
        if waiting.slip is not None:
            return self._learned(signal, waiting.slip)
        return Outcome(Kind.UNKNOWN, said, timed_out=True)

    def lookup(self, signal: Signal) -> Outcome | None:
        """What the relay says became of a signal; one that it has not begun is over then."""
        return self._found(signal, LOOKUP_TIMEOUT)

    def _found(self, signal: Signal, timeout: float) -> Outcome | None:
        answer = self._ask(Question("outcome", signal.encode()), timeout)
        slip = self._stored(signal) if answer is None else answer.slip
        if slip is None or (answer is None and not slip.final):
            return None
        outcome = self._learned(signal, slip)
        if outcome.kind is Kind.NOT_SENT:
            # To the caller it was unknown: what is learned later is an acceptance or a refusal.
            return msgspec.structs.replace(outcome, kind=Kind.REJECTED)
        return outcome

    def withdraw(self, signal: Signal) -> str:
        """Make sure that the relay will not begin a signal; see :meth:`Venue.withdraw`."""
        answer = self._ask(Question("void", signal.encode()), LOOKUP_TIMEOUT)
        if answer is None:
            return "the relay cannot be reached, and may still hand it on"
        if answer.slip is None:
            return "the relay is handing it on"
        if answer.slip.kind is Kind.ACCEPTED:
            return "the venue took it, says the relay"
        return "" if answer.slip.final else "the relay does not know either"

    def _learned(self, signal: Signal, slip: Slip) -> Outcome:
        """An outcome; the way over the other host becomes a report, for `sim2live explain`."""
        if slip.kind is Kind.ACCEPTED:
            self._reports.append(
                Report(
                    id=f"{slip.signal_id}/relay",
                    time=slip.answered_at,
                    kind="accept",
                    signal_id=slip.signal_id,
                    order_id="",
                    account="",
                    workflow=signal.workflow_id,
                    instrument=signal.instrument,
                    signed_qty=0,
                    price=None,
                    reason=slip.way,
                )
            )
        return slip.outcome

    def _headers(self) -> dict[str, str]:
        headers = {SENT_AT: str(self._clock.now_ns()), **self._named}
        if self.simulated and self._about is not None:
            headers[FOR_VENUE] = self._about.venue
        return headers

    def _forget(self, id_: str, waiting: _Waiting) -> None:
        with self._lock:
            others = [one for one in self._waiting.get(id_, ()) if one is not waiting]
            if others:
                self._waiting[id_] = others
            else:
                self._waiting.pop(id_, None)

    def _know(self, workflow: str) -> None:
        """Listen to what the relay says about a workflow."""
        with self._lock:
            if workflow in self._workflows:
                return
            self._workflows.add(workflow)
        self._broker.watch(self._subjects.receipts(workflow), self._heard, stored=False)
        self._broker.watch(self._subjects.reports(workflow), self._told, stored=True)

    def _heard(self, data: bytes) -> None:
        slip = read(data, Slip)
        if slip is None:
            logger.warning("a receipt of the relay at %s cannot be read", self._address)
            return
        with self._lock:
            for waiting in self._waiting.get(slip.signal_id, ()):
                waiting.slip = slip
                waiting.came.set()

    def _told(self, data: bytes) -> None:
        report = read(data, Report)
        if report is not None:
            self._reports.append(report)

    def _stored(self, signal: Signal) -> Slip | None:
        """The receipt that the broker kept, where the relay itself is away."""
        subject = self._subjects.receipt(signal.workflow_id, signal.signal_id)
        try:
            data = self._broker.last(subject, timeout=LOOKUP_TIMEOUT)
        except DeliveryError:
            return None
        slip: Slip | None = None if data is None else read(data, Slip)
        return slip

    # -- everything else ---------------------------------------------------------------------

    def positions(self, workflow: str) -> dict[Instrument, int] | None:
        """What the relay's venue says is held; None when it, or the relay, cannot tell."""
        self._know(workflow)
        answer = self._ask(Question("positions", workflow=workflow), LOOKUP_TIMEOUT)
        if answer is None or answer.positions is None:
            return None
        return {Instrument.parse(name): held for name, held in answer.positions.items()}

    def probe(self, *, timeout: float) -> bool:
        """Whether an active relay answers."""
        return self._ask(Question("relay"), timeout) is not None

    def on_bar(self, instrument: Instrument, bar: Bar) -> None:
        """Give a price to a simulated venue behind the relay; a real one is told nothing."""
        if self.simulated and self.takes_bars:
            self._ask(Question("bar", instrument=instrument, bar=bar), BAR_TIMEOUT)

    def reports(self) -> list[Report]:
        """News since the last call, oldest first. After a reconnect old news may come again."""
        news = []
        while self._reports:
            news.append(self._reports.popleft())
        return news

    def close(self) -> None:
        """Close the line."""
        self._broker.close()

    def _ask(self, question: Question, timeout: float) -> Answer | None:
        try:
            data = self._broker.ask(
                self._subjects.ask, msgspec.json.encode(question), timeout=timeout
            )
        except DeliveryError as error:
            logger.debug("the relay at %s does not answer: %s", self._address, error)
            return None
        answer: Answer | None = read(data, Answer)
        return None if answer is None or answer.error else answer
