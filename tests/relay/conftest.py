"""A NATS server for a module's tests, and a relay that runs beside a test."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.relay.server import NatsServer

from sim2live.clock import SystemClock
from sim2live.gate.alarms import Alarms
from sim2live.gate.journal import open_journal
from sim2live.relay.relay import Relay
from sim2live.signals import BUY, CLOSE, OPEN, SELL, Instrument, Signal
from sim2live.venues.base import Venue
from sim2live.venues.nats import Nats, open_broker
from sim2live.venues.nats_address import NatsAddress
from sim2live.venues.relay_words import Subjects

MES = Instrument("CME", "MESZ6")
NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """One server for the tests that do not end it; each has a desk of its own."""
    server = NatsServer(tmp_path_factory.mktemp("nats"))
    yield server
    server.stop()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    """A server that a test may kill."""
    server = NatsServer(tmp_path / "nats")
    yield server
    server.stop()


@pytest.fixture
def desk(shared_server: NatsServer) -> str:
    """The address of a desk that no other test uses."""
    return f"{shared_server.target}/test-{next(NUMBERS)}"


class Beside:
    """A relay on a thread of this process."""

    def __init__(self, target: str, venue: Venue, folder: Path, **options: Any) -> None:
        address = NatsAddress(target)
        subjects = Subjects(address.desk)
        clock = SystemClock()
        self.alarms = Alarms()
        self.journal = open_journal(str(folder / "relay.sqlite3"), venue.fingerprint, clock)
        self.relay = Relay(
            open_broker(address, subjects), subjects, venue, self.journal,
            clock=clock, alarms=self.alarms, host="desk", **{"lease": 2.5, **options},
        )  # fmt: skip
        self.said: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self.relay.run, args=(self._stop, self.said.append), daemon=True
        )
        self._thread.start()

    def wait_until_at_work(self) -> None:
        until(lambda: self.relay.state.startswith("at work"))

    def pause(self) -> None:
        """No round is made any more, as in a process that sleeps; lanes and answers go on."""
        self._stop.set()
        self._thread.join(60)

    def close(self) -> None:
        self.pause()
        self.relay.close()


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Callable[..., Beside]]:
    """Starts relays; each is closed in the end."""
    made: list[Beside] = []

    def start(target: str, venue: Venue, *, folder: Path = tmp_path, **options: Any) -> Beside:
        made.append(Beside(target, venue, folder, **options))
        made[-1].wait_until_at_work()
        return made[-1]

    yield start
    for one in made:
        one.close()


@pytest.fixture
def connect() -> Iterator[Callable[..., Nats]]:
    """Opens venues; each is closed in the end."""
    made: list[Nats] = []

    def start(target: str, **options: Any) -> Nats:
        made.append(Nats(target, **options))
        return made[-1]

    yield start
    for one in made:
        one.close()


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts `sim2live ...` as a process; each is ended in the end."""
    made: list[subprocess.Popen[str]] = []

    def start(*words: str, folder: Path = tmp_path, **environment: str) -> subprocess.Popen[str]:
        made.append(
            subprocess.Popen(
                [sys.executable, "-m", "sim2live.cli", *words],
                cwd=folder,
                env={**os.environ, "SIM2LIVE_HOME": str(tmp_path / "home"), **environment},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        return made[-1]

    yield start
    for one in made:
        if one.poll() is None:
            one.send_signal(signal.SIGCONT)
            one.kill()
        one.communicate(timeout=200)


def until(true: Callable[[], object], seconds: float = 120.0) -> None:
    """Wait for something that another thread or process brings about."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.02)


def order(name: str, *, closing: bool = False, workflow: str = "pool", **more: Any) -> Signal:
    """One contract bought, or sold again."""
    return Signal(
        signal_id=name, workflow_id=workflow, instrument=MES, side=SELL if closing else BUY,
        qty=1, open_close=CLOSE if closing else OPEN, **more,
    )  # fmt: skip
