"""A strategy on a real socket, with a gateway behind it that fails as told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.agreed import agreed

from sim2live import settings
from sim2live.clock import SystemClock
from sim2live.exchange.execution import Behaviour
from sim2live.gate.dispatch import Dispatcher
from sim2live.gate.receipt import Receipt
from sim2live.market.bars import Bar
from sim2live.signals import Instrument, OrderSpec
from sim2live.testing import ChaosGateway
from sim2live.venues.base import Profile
from sim2live.venues.evalitup import EvalItUp

# Names without an expiry and with a market that never closes: these tests run on any day.
ONE = Instrument("SIM", "ONE")
TWO = Instrument("SIM", "TWO")
POOL = "python-test"


class Desk:
    """A strategy that wants positions now, at a venue on loopback."""

    def __init__(self, dispatcher: Dispatcher, gateway: ChaosGateway) -> None:
        self.dispatcher = dispatcher
        self.gateway = gateway
        self.clock = SystemClock()
        self.nth = 0

    def want(
        self, target: int, *, of: Instrument = ONE, data: str | None = None, order: Any = None
    ) -> Receipt:
        self.nth += 1
        return self.dispatcher.follow(
            of,
            target,
            data=data or str(of),
            nth=self.nth,
            decided_at=self.clock.now_ns(),
            order=order if order is None else OrderSpec(**order),
        )

    def bar(self, of: Instrument = ONE) -> None:
        self.dispatcher.on_bar(of, Bar(self.clock.now_ns(), 100.0, 100.0, 100.0, 100.0))

    def work(self) -> bool:
        return self.dispatcher.gate.work()

    def line(self, of: Instrument = ONE) -> Any:
        return self.dispatcher.gate.book(POOL, of).line

    def held(self, of: Instrument = ONE) -> int:
        return self.gateway.held(POOL, of)

    @property
    def alarms(self) -> list[str]:
        return [alarm.text for alarm in self.dispatcher.gate.alarms.raised]


@pytest.fixture
def chaos() -> Iterator[Callable[..., ChaosGateway]]:
    """`chaos(**options)` starts a gateway; all are closed at the end."""
    started: list[ChaosGateway] = []

    def start(**options: Any) -> ChaosGateway:
        started.append(ChaosGateway(**options))
        return started[-1]

    yield start
    for gateway in started:
        gateway.close()


@pytest.fixture
def desk(chaos: Callable[..., ChaosGateway], tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    """`desk(...)` is a strategy on a chaos gateway; debts are worked off by `desk.work()`."""
    opened: list[Dispatcher] = []

    def make(
        gateway: ChaosGateway | None = None,
        *,
        timeout: float = 0.25,
        profile: Profile | None = None,
        behaviour: Behaviour | None = None,
        token: str | None = None,
        workflow: str = POOL,
        journal: Path | str | None = None,
        **changes: Any,
    ) -> Desk:
        gateway = gateway or chaos(behaviour=behaviour)
        venue = EvalItUp(gateway.url, token=token, profile=profile or Profile())
        dispatcher = settings.connect(
            venue,
            workflow=workflow,
            strategy="cross",
            journal=journal or tmp_path / "journal.sqlite3",
            timeout=timeout,
            clock=SystemClock(),
            settings=agreed(**changes),
        )
        opened.append(dispatcher)
        return Desk(dispatcher, gateway)

    yield make
    for dispatcher in opened:
        dispatcher.close()
    assert threading.active_count() < 200
