"""The relay itself: wait for the lease, then take signals, answer questions, pass on news."""

from __future__ import annotations

import logging
import secrets
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Protocol

import msgspec

from sim2live.clock import Clock
from sim2live.errors import ConfigError, DeliveryError, JournalError, LockedError
from sim2live.gate.alarms import Alarms
from sim2live.gate.journal import Journal
from sim2live.gate.lock import ProcessLock
from sim2live.relay.lanes import Lanes
from sim2live.relay.lease import Lease
from sim2live.relay.passage import Passage
from sim2live.signals import decode
from sim2live.venues.base import Report, Venue
from sim2live.venues.broker import Broker, GoneError
from sim2live.venues.relay_words import About, Answer, Question, Slip, Subjects, read

IDENTITY, EPOCH = "relay journal", "relay epoch"
NEWS_EVERY = 0.25
FIRST_WAIT, LONGEST_WAIT = 0.25, 15.0
PUT_TIMEOUT = 2.0
UNTOLD = 10_000
"""Receipts that wait for the broker to come back; a strategy host asks for the rest."""

logger = logging.getLogger("sim2live.relay")


class Queue(Protocol):
    """Where passages run; see :class:`sim2live.relay.lanes.Lanes`."""

    def put(self, workflow: str, job: Callable[[], None]) -> None:
        """Do something after everything that this workflow has to do already."""

    def clear(self) -> None:
        """Forget what has not been begun."""

    def close(self) -> None:
        """Forget what has not been begun, and wait for what has."""


class Relay:
    """One process between a broker and a venue.

    Exactly one relay is at work: it holds the lock of its journal on this machine, and the lease
    at the broker. Another one that is started beside it waits for both.

    Args:
        broker: where signals come from; the relay closes it.
        subjects: the desk.
        venue: where signals go; the relay closes it.
        journal: remembers every id, and is the last word on whether one has gone.
        clock: time.
        alarms: told of what a human has to know.
        host: name of this host.
        lease: seconds of a tenure.
        life: seconds that an entry may wait at the broker.
        timeout: seconds of one exchange with the venue.
        lanes: where passages run.

    Attributes:
        state: what it does, as a sentence for people.
    """

    def __init__(
        self,
        broker: Broker,
        subjects: Subjects,
        venue: Venue,
        journal: Journal,
        *,
        clock: Clock,
        alarms: Alarms,
        host: str,
        lease: float = 5.0,
        life: float = 30.0,
        timeout: float = 1.0,
        lanes: Queue | None = None,
    ) -> None:
        if not timeout < lease / 2:
            raise ConfigError(f"lease={lease:g}: must be more than two timeouts of {timeout:g} s")
        self._broker = broker
        self._subjects = subjects
        self._venue = venue
        self._journal = journal
        self._clock = clock
        self._alarms = alarms
        self._host = host
        self._lock = ProcessLock(journal.path, venue.fingerprint)
        self._lanes: Queue = Lanes() if lanes is None else lanes
        self.lease = Lease(
            broker,
            clock,
            holder=secrets.token_hex(8),
            journal=self._identity(),
            host=host,
            seconds=lease,
        )
        self.passage = Passage(
            venue,
            journal,
            self.lease,
            clock=clock,
            alarms=alarms,
            host=host,
            life=life,
            timeout=timeout,
            tell=self._tell,
        )
        self._untold: deque[tuple[str, str, bytes]] = deque(maxlen=UNTOLD)
        self._active = False
        self._lease_due = self._news_due = self._debts_due = 0.0
        self._wait = FIRST_WAIT
        self.state = ""
        broker.serve(subjects.ask, self._answer)

    @property
    def simulated(self) -> bool:
        """True only when it is certain that no real money is behind it."""
        return self._venue.simulated

    @property
    def journal_path(self) -> str:
        """Where its memory is kept."""
        return self._journal.path

    def run(self, stop: threading.Event, said: Callable[[str], None]) -> None:
        """Work until told to stop.

        Args:
            stop: set by somebody else.
            said: hears each change of `state`.
        """
        last = ""
        while not stop.is_set():
            self.step(0.1, stop)
            if self.state != last:
                last = self.state
                said(last)

    def step(self, wait: float, stop: threading.Event | None = None) -> bool:
        """One round.

        Args:
            wait: at most so many seconds, where nothing is to do.
            stop: ends the wait.

        Returns:
            True while this relay is the one at work.
        """
        now = self._clock.monotonic()
        if now >= self._lease_due:
            self._lease_due = now + self.lease.every
            self._hold()
        if not self.lease.valid():
            self._leave()
            self._clock.wait(stop or threading.Event(), wait)
            return False
        if self.passage.left:
            self.passage.left = False
            self._leave()
        if not self._active and not self._enter():
            self._clock.wait(stop or threading.Event(), wait)
            return False
        self._take(wait)
        self._look_after(self._clock.monotonic())
        return True

    def close(self) -> None:
        """Finish what is under way, and let another relay go on at once."""
        self._lanes.close()
        self._publish()
        self.lease.give_back()
        self._active = False
        self._broker.close()
        self._lock.release()
        self._venue.close()
        self._journal.close()

    # -- who is at work ------------------------------------------------------------------

    def _identity(self) -> str:
        """Names this journal, so that no other one dispatches from the same desk."""
        facts = self._journal.file
        name = facts.get("", IDENTITY)
        if name is None:
            name = secrets.token_hex(8)
            facts.put("", IDENTITY, name)
        return name

    def _hold(self) -> None:
        try:
            self._lock.take(f"relay {self._subjects.desk}")
        except LockedError as error:
            self.state = f"waiting: {error}"
            return
        before = self.lease.epoch
        facts = self._journal.file
        if not self.lease.hold(int(facts.get("", EPOCH) or 0)):
            self.state = "waiting: another relay holds the lease, or the broker is away"
        if self.lease.epoch != before:
            # Whoever forgets it would give two tenures one number.
            facts.put("", EPOCH, str(self.lease.epoch))
            self._active = False

    def _enter(self) -> bool:
        """Begin a tenure, or begin again after the broker was away."""
        try:
            self.passage.recover()
            self._broker.begin()
        except (DeliveryError, JournalError) as error:
            self.state = f"waiting: {error}"
            return False
        self._active = True
        self.state = f"at work, epoch {self.lease.epoch}"
        return True

    def _leave(self) -> None:
        if self._active:
            self._active = False
            self._lanes.clear()

    # -- signals -------------------------------------------------------------------------

    def _take(self, wait: float) -> None:
        due = max(0.0, self._lease_due - self._clock.monotonic())
        try:
            parcels = self._broker.take(timeout=min(wait, due))
        except GoneError as error:
            self._leave()
            logger.info("the queue is begun anew: %s", error)
            return
        for parcel in parcels:
            self._lanes.put(_workflow(parcel.data), partial(self.passage.carry, parcel))

    def _look_after(self, now: float) -> None:
        if now >= self._news_due:
            self._news_due = now + NEWS_EVERY
            self._collect()
            self._publish()
        if now >= self._debts_due:
            debts = self.passage.debts
            self._wait = min(2 * self._wait, LONGEST_WAIT) if debts else FIRST_WAIT
            self._debts_due = now + self._wait
            for row in debts:
                self._lanes.put(row.workflow, partial(self.passage.retry, row))

    # -- news ----------------------------------------------------------------------------

    def _tell(self, slip: Slip) -> None:
        subject = self._subjects.receipt(slip.workflow, slip.signal_id)
        # The id lets each word through once, and a later one for the same signal as well.
        id_ = f"{slip.signal_id}/{slip.kind}/{slip.answered_at}/{secrets.token_hex(4)}"
        self._untold.append((subject, id_, msgspec.json.encode(slip)))
        self._publish()

    def _collect(self) -> None:
        if not self._venue.can_report:
            return
        reports: list[Report] = self._venue.reports()
        if not reports:
            return
        try:
            reports = self._journal.told.fresh(reports)
        except JournalError as error:
            self._alarms.sound(reports[0].time, self._venue.name, f"news is not kept: {error}")
        for report in reports:
            subject = self._subjects.report(report.workflow, report.id)
            self._untold.append((subject, report.id, msgspec.json.encode(report)))

    def _publish(self) -> None:
        """Send what waits; what cannot go now is tried again."""
        while self._untold:
            try:
                subject, id_, data = self._untold.popleft()
            except IndexError:
                return  # another lane was faster
            try:
                self._broker.put(subject, data, id_=id_, headers={}, timeout=PUT_TIMEOUT)
            except DeliveryError:
                self._untold.appendleft((subject, id_, data))
                return

    # -- questions -----------------------------------------------------------------------

    def _answer(self, data: bytes) -> bytes | None:
        """What a strategy host is told; only the relay at work speaks."""
        if not (self._active and self.lease.valid()):
            return None
        question = read(data, Question)
        if question is None:
            return msgspec.json.encode(Answer(error="the question cannot be read"))
        try:
            return msgspec.json.encode(self._said(question))
        except JournalError as error:
            return msgspec.json.encode(Answer(error=str(error)))

    def _said(self, question: Question) -> Answer:
        match question.about:
            case "outcome" | "void":
                void = question.about == "void"
                return Answer(slip=self.passage.ask(question.signal, void=void))
            case "positions":
                held = self._venue.positions(question.workflow)
                named = None if held is None else {str(name): qty for name, qty in held.items()}
                return Answer(positions=named)
            case "bar":
                if question.instrument is not None and question.bar is not None:
                    self._venue.on_bar(question.instrument, question.bar)
                return Answer()
            case "relay":
                venue = self._venue
                return Answer(
                    about=About(
                        venue.fingerprint,
                        venue.simulated,
                        venue.can_cancel,
                        venue.takes_bars,
                        venue.profile,
                        self._host,
                        self.lease.epoch,
                    )
                )


def _workflow(data: bytes) -> str:
    """Whose lane a message belongs to; one that cannot be read has no workflow."""
    try:
        return decode(data).workflow_id
    except ValueError:
        return ""
