"""A gate on a scripted venue: what the tests of this room share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sim2live import settings
from sim2live.clock import ManualClock
from sim2live.gate.dispatch import Dispatcher
from sim2live.market.bars import Bar
from sim2live.signals import Instrument, Signal
from sim2live.venues.base import Profile
from sim2live.venues.outcome import Kind, Outcome
from sim2live.venues.record import Record

MES = Instrument("CME", "MESZ6")
SECOND = 1_000_000_000


def bar(number: int, price: float = 100.0) -> Bar:
    """Bar number n closes at n seconds."""
    return Bar(number * SECOND, price, price, price, price)


class Scripted(Record):
    """A venue that answers as told and keeps what really happened at it."""

    def __init__(self) -> None:
        super().__init__(answer=self._reply)
        self.script: list[Kind] = []
        self.default = Kind.ACCEPTED
        self.executes_unknown = False
        self.held = 0
        self.fingerprint = "scripted"
        self.tried: list[Signal] = []

    def _reply(self, signal: Signal) -> Outcome:
        self.tried.append(signal)
        kind = self.script.pop(0) if self.script else self.default
        if kind is Kind.ACCEPTED or (kind is Kind.UNKNOWN and self.executes_unknown):
            self.held += signal.signed
        return Outcome(kind, "" if kind is Kind.ACCEPTED else f"scripted {kind.value}")


class Strategy:
    """Says what it wants, bar by bar, as an adapter would."""

    def __init__(self, dispatcher: Dispatcher, venue: Scripted) -> None:
        self.dispatcher = dispatcher
        self.venue = venue
        self.nth = 0
        self.now = 0

    def bar(self, number: int) -> None:
        self.now, self.nth = number, 0
        self.dispatcher.on_bar(MES, bar(number))

    def want(self, target: int, *, data: str = "mes"):
        receipt = self.dispatcher.follow(
            MES, target, data=data, nth=self.nth, decided_at=self.now * SECOND
        )
        self.nth += 1
        return receipt

    @property
    def presumed(self):
        return self.dispatcher.position(MES)

    @property
    def line(self):
        return self.dispatcher.gate.book(self.dispatcher.workflow, MES).line


Connect = Callable[..., Strategy]


@pytest.fixture(autouse=True)
def left_open(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test left open, as a killed process does, is closed after it."""
    opened: list[Dispatcher] = []
    connect = settings.connect

    def noted(*arguments: Any, **options: Any) -> Dispatcher:
        opened.append(connect(*arguments, **options))
        return opened[-1]

    monkeypatch.setattr(settings, "connect", noted)
    yield
    for dispatcher in opened:
        dispatcher.close()


@pytest.fixture
def connect(tmp_path: Path) -> Connect:
    """Opens a strategy on a scripted venue; the journal is a file that outlives it."""

    def make(
        venue: Scripted | None = None,
        *,
        journal: str | Path | None = None,
        profile: Profile | None = None,
        rules: settings.Rules | None = None,
        **changes: object,
    ) -> Strategy:
        venue = venue or Scripted()
        if profile is not None:
            venue.profile = profile
        dispatcher = settings.connect(
            venue,
            workflow="pool",
            strategy="cross",
            journal=journal or tmp_path / "journal.sqlite3",
            clock=ManualClock(),
            settings=settings.Settings(rules=rules or settings.Rules(), **changes),
        )
        return Strategy(dispatcher, venue)

    return make
