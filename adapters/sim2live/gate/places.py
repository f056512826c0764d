"""Which workflows does a journal know, and how does a command reach one of them?

Beside a running strategy a command is left in the journal, and that process carries it out.
Where no process follows the workflow, it is carried out here, on what the journal keeps.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from sim2live.clock import Clock
from sim2live.errors import ConfigError, LockedError
from sim2live.gate.alarms import Alarms
from sim2live.gate.control import Control
from sim2live.gate.gate import Gate
from sim2live.gate.journal import APPLICATION_ID, Journal, open_journal
from sim2live.gate.lock import ProcessLock
from sim2live.gate.mailbox import Command
from sim2live.gate.now import BarsNow
from sim2live.gate.schema import MIGRATIONS
from sim2live.gate.store import Database
from sim2live.signals import Signal
from sim2live.venues.base import Venue
from sim2live.venues.outcome import Kind, Outcome

EVERY = 0.1
"""Seconds between two looks for an answer."""


class Place(Struct, frozen=True):
    """A workflow at a venue, as a journal knows it.

    Attributes:
        venue: the venue's fingerprint.
        workflow: the pool.
    """

    venue: str
    workflow: str

    def __str__(self) -> str:
        return f"{self.workflow} at {self.venue}"


class Away(Venue):
    """Stands for a venue that a command does not need; nothing goes out through it."""

    name = "away"

    def __init__(self, fingerprint: str) -> None:
        self.fingerprint = fingerprint

    def send(self, signal: Signal, *, timeout: float) -> Outcome:  # noqa: ARG002 - goes nowhere
        """Not sent; see `Venue.send`."""
        return Outcome(Kind.NOT_SENT, "this command does not reach the venue")


def places(path: str) -> list[Place]:
    """The places that a journal knows, in order.

    Raises:
        ConfigError: there is no such file; it is not made.
        JournalError: it cannot be read.
    """
    if not Path(path).is_file():
        raise ConfigError(f"journal={path!r}: there is no such file")
    database = Database(path, application_id=APPLICATION_ID, migrations=MIGRATIONS)
    try:
        found = database.query(
            "SELECT venue, workflow FROM heartbeats UNION SELECT venue, workflow FROM ledger"
            " ORDER BY workflow, venue"
        )
    finally:
        database.close()
    return [Place(*values) for values in found]


def find(path: str, *, workflow: str | None, venue: str | None) -> Place:
    """The one place that is meant.

    Raises:
        ConfigError: none, or several; they are named.
    """
    known = places(path)
    meant = [
        place
        for place in known
        if workflow in (None, place.workflow) and (venue is None or venue in place.venue)
    ]
    if len(meant) == 1:
        return meant[0]
    names = "; ".join(str(place) for place in (meant or known)) or "none"
    which = "several are meant" if meant else "none is meant"
    raise ConfigError(f"{which}: name --workflow and --venue of one of these: {names}")


def ask(path: str, place: Place, verb: str, argument: str, clock: Clock, *, wait: float) -> str:
    """Have a command carried out, by the process that follows the place or here.

    Args:
        path: the journal's file.
        place: what it is about.
        verb: one of `sim2live.gate.control.VERBS`.
        argument: the rest of the command.
        clock: how to wait.
        wait: seconds for the other process to answer.

    Returns:
        The answer, for people. It begins with ``refused:`` when nothing was changed.

    Raises:
        ConfigError: the other process did not answer; the command stays where it is.
    """
    journal = open_journal(path, place.venue, clock)
    try:
        holder = holder_of(path, place)
        if not holder:
            return _here(journal, place, verb, argument, clock)
        number = journal.mailbox.ask(place.workflow, verb, argument)
        deadline = clock.monotonic() + wait
        while clock.monotonic() < deadline:
            answer = journal.mailbox.answered(number)
            if answer is not None:
                return answer
            clock.sleep(EVERY)
    finally:
        journal.close()
    raise ConfigError(
        f"{holder}: it has not answered within {wait:g} s and may be frozen; the command stays "
        "in the journal and is carried out when it wakes"
    )


def holder_of(path: str, place: Place) -> str:
    """Who follows the place now, as a sentence; empty when nobody does."""
    lock = ProcessLock(path, place.venue)
    try:
        lock.take(place.workflow)
    except LockedError as error:
        return str(error).partition(";")[0]
    lock.release()
    return ""


def _here(journal: Journal, place: Place, verb: str, argument: str, clock: Clock) -> str:
    gate = Gate(
        Away(place.venue),
        journal,
        now=BarsNow(),
        rules=(),
        clock=clock,
        alarms=Alarms(),
        visit=True,
    )
    try:
        gate.enter(place.workflow)
        return Control(gate, clock).carry_out(Command(0, place.workflow, verb, argument))
    finally:
        gate.close()
