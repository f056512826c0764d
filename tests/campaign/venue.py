"""A venue in this process that fails as told, whose account outlives the process."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sim2live.exchange.execution import Behaviour
from sim2live.signals import Signal, decode
from sim2live.testing import Account
from sim2live.venues.base import Profile, Venue
from sim2live.venues.outcome import Kind, Outcome

NO_ANSWER = "no whole answer came back"

# Name -> executed at the venue?, what the client sees.
FAULTS: Final[dict[str, tuple[bool, Outcome]]] = {
    "not_sent": (False, Outcome(Kind.NOT_SENT, "connection refused")),
    "connect_timeout": (False, Outcome(Kind.NOT_SENT, "no connection in time", timed_out=True)),
    "rejected": (False, Outcome(Kind.REJECTED, "HTTP 400", 400)),
    "unauthorized": (False, Outcome(Kind.REJECTED, "HTTP 401", 401, halts=True)),
    "drop_after": (True, Outcome(Kind.UNKNOWN, NO_ANSWER)),
    "drop_before": (False, Outcome(Kind.UNKNOWN, NO_ANSWER)),
    "late": (True, Outcome(Kind.UNKNOWN, NO_ANSWER, timed_out=True)),
    "half_open": (False, Outcome(Kind.UNKNOWN, NO_ANSWER, timed_out=True)),
    "too_many": (False, Outcome(Kind.UNKNOWN, "HTTP 429", 429, retry_after=90.0)),
    "broken": (False, Outcome(Kind.UNKNOWN, "HTTP 500", 500)),
    "broken_after": (True, Outcome(Kind.UNKNOWN, "HTTP 500", 500)),
}
# Where a process may die, seen from the venue; `intend` and `outcome` are the journal's sides.
DEATHS: Final = ("before_journal", "after_journal", "after_execution", "before_commit")


class FaultyVenue(Venue):
    """Executes on an honest account, answers as told.

    Args:
        behaviour: of the account; the profile says the same when it `proves` itself.
        proves: whether the profile is known to the gate, or everything is unknown.
        simulated: whether the gate lets bars be the clock.
        log: file of executions; a process that comes later reads it first.
        die: called where the process is to die; it does not return.
    """

    name = "faulty"

    def __init__(
        self,
        behaviour: Behaviour,
        *,
        proves: bool,
        simulated: bool,
        log: Path | None,
        die: Callable[[], None],
    ) -> None:
        self.account = Account(behaviour)
        self.fingerprint = "faulty"
        self.simulated = simulated
        if proves:
            self.profile = Profile(
                dedupe="yes" if behaviour.dedupe else "no",
                close_is_reduce_only="yes" if behaviour.close_is_reduce_only else "no",
                close_cancels_legs="yes" if behaviour.close_cancels_legs else "no",
            )
        self.script: list[str] = []
        self.tried: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.there = True
        self._die = die
        self._log = log
        self._file = -1
        if log is not None:
            if log.exists():
                for line in log.read_text("utf-8").splitlines():
                    self.account.execute(decode(json.loads(line).encode()))
            self._file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def send(self, signal: Signal, *, timeout: float) -> Outcome:
        self.tried[signal.signal_id] += 1
        fault = self.script.pop(0) if self.script else "accept"
        self.faults[fault] += 1
        if fault == "after_journal":
            self._die()
        if fault in FAULTS:
            executes, outcome = FAULTS[fault]
            if executes:
                self._execute(signal)
            self.there = not outcome.timed_out
            return outcome
        refusal = self._execute(signal)
        if fault == "after_execution":
            self._die()
        self.there = True
        return Outcome(Kind.REJECTED, refusal, 422) if refusal else Outcome(Kind.ACCEPTED, "", 200)

    def probe(self, *, timeout: float) -> bool:
        return self.there

    def truth(self, signal_id: str) -> bool:
        """Whether a signal was executed, for the human who looks at the platform."""
        return self.account.counts[signal_id] > 0

    def cancel_all(self, workflow: str) -> None:
        """A human takes everything that works off the market, at the platform."""
        self.account.cancel_all(workflow)

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _execute(self, signal: Signal) -> str:
        refusal = self.account.execute(signal)
        if self._file >= 0:
            # Kept by the kernel when this process is killed, like an order at a broker.
            os.write(self._file, json.dumps(signal.encode().decode()).encode() + b"\n")
        return refusal
