"""Sequences with real processes: a server, two relays and a strategy, each ended by SIGKILL.

The parent has no threads, so it may fork: the venue, each relay and each life of the strategy are
forked processes that open their own lines. What the venue executed stands in a file.
"""

from __future__ import annotations

import json
import logging
import os
import random
import shutil
import signal
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.campaign import sequences
from tests.campaign.real import Diary, remember
from tests.campaign.world import Broken, Tally
from tests.relay.server import NatsServer, free_port
from tests.relay.world import Careful

from sim2live.clock import SystemClock
from sim2live.gate.alarms import Alarms
from sim2live.gate.journal import open_journal
from sim2live.relay.relay import Relay
from sim2live.signals import Signal, decode
from sim2live.testing import Account, ChaosGateway
from sim2live.venues.base import Venue
from sim2live.venues.evalitup import EvalItUp
from sim2live.venues.nats import Nats, open_broker
from sim2live.venues.nats_address import NatsAddress
from sim2live.venues.relay_words import Subjects

BARS = 8
EVENTS = (
    "kill strategy", "kill relay", "kill standby", "kill server", "power cut", "freeze server",
)  # fmt: skip
LEASE, TIMEOUT = 1.5, 0.5
PATIENCE = 60.0


class Witness:
    """What the world asks its venue, answered from the file of executions."""

    def __init__(self, place: Path) -> None:
        self._file = place / "executions"
        self._read = 0
        self._account = Account()
        self.script: list[str] = []
        self.tried: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.there = True

    @property
    def account(self) -> Account:
        lines = self._file.read_text("utf-8").splitlines(keepends=True)
        whole = [line for line in lines if line.endswith("\n")]
        for line in whole[self._read :]:
            self._account.execute(decode(json.loads(line).encode()))
        self._read = len(whole)
        return self._account

    def truth(self, signal_id: str) -> bool:
        return self.account.counts[signal_id] > 0

    def cancel_all(self, workflow: str) -> None:
        """No order rests here."""


class Life(Diary, Careful):
    """A strategy whose venue is another process behind two more."""

    address = ""

    def begin(self) -> None:
        self.venue: Any = Witness(self.folder)

    def target(self) -> Venue:
        venue = Nats(self.address)
        venue.meet(1.0)
        return venue


def strategy(place: Path, address: str, seed: int, life: int) -> None:
    """One life; it goes home when it is told to."""
    Life.address = address
    plan, number, largest = remember(place)
    chance = random.Random(f"{seed} {life}")
    world = Life(
        place, simulated=False, proves=False, plan=plan, number=number, largest=largest,
        max_age=3_600.0, timeout=TIMEOUT,
    )  # fmt: skip
    while world.number < BARS:
        world.bar()
        for _ in range(chance.choice((0, 1, 1, 2))):
            world.order(sequences.order(chance))
            time.sleep(chance.random() * 0.08)
        if chance.random() < 0.3:
            world.work()
        if chance.random() < 0.1:
            world.human()
    while not (place / "home").exists():
        world.work()
        time.sleep(0.1)
    deadline = time.monotonic() + PATIENCE
    while not world.dispatcher.venue.probe(timeout=TIMEOUT) or world.book.unknown:
        world.work()
        world.human()
        if time.monotonic() > deadline:
            raise Broken(f"nothing settles: {world.book.line}, {list(world.book.unknown)}")
        time.sleep(0.1)
    world.finish()
    told = {name: getattr(world.tally, name) for name in ("resolved", "owed", "delivered")}
    (place / "tally").write_text(json.dumps(told))


def relay(place: Path, address: str, port: int) -> None:
    """A relay, until it is killed."""
    where, clock = NatsAddress(address), SystemClock()
    subjects = Subjects(where.desk)
    venue = EvalItUp(f"http://127.0.0.1:{port}")
    Relay(
        open_broker(where, subjects), subjects, venue,
        open_journal(str(place / "relay.sqlite3"), venue.fingerprint, clock),
        clock=clock, alarms=Alarms(), host="desk", lease=LEASE, timeout=TIMEOUT,
    ).run(threading.Event(), lambda _: None)  # fmt: skip


def gateway(place: Path, port: int, seed: int) -> None:
    """The real venue; one in ten answers is lost, before or after the execution."""
    chance = random.Random(f"venue {seed}")
    file = os.open(place / "executions", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    class Written(Account):
        def execute(self, signal: Signal) -> str:
            refusal = super().execute(signal)
            os.write(file, json.dumps(signal.encode().decode()).encode() + b"\n")
            return refusal

    made = ChaosGateway(port=port)
    made.account = Written()
    faults = ("drop", "reset_before", "broken_after", "bad_request", "drop_before")
    made.script(*(chance.choice(faults) if chance.random() < 0.1 else "accept" for _ in range(500)))
    threading.Event().wait()


class Household:
    """All processes of one sequence."""

    def __init__(self, place: Path, seed: int) -> None:
        self.place, self.seed = place, seed
        self.port, self.lives, self.kills = free_port(), 0, 0
        (place / "executions").touch()
        self.server = NatsServer(place / "nats")
        self.server.stop()
        self.server.keep_copy()
        self.server.start()
        self.venue = self._fork(gateway, place, self.port, seed)
        self.relays: list[int] = []
        self.strategy = 0
        self.mend()

    def _fork(self, work: Callable[..., None], *given: Any) -> int:
        child = os.fork()
        if child:
            return child
        logging.disable(logging.CRITICAL)
        try:
            work(*given)
        except BaseException:
            (self.place / "broken").write_text(f"{work.__name__}: {traceback.format_exc()}")
        finally:
            os._exit(0)

    def mend(self) -> None:
        """Start what is down."""
        if self.server.process is None:
            self.server.start()
        while len(self.relays) < 2:
            self.relays.append(self._fork(relay, self.place, self.server.target, self.port))
        if not self.strategy:
            self.lives += 1
            self.strategy = self._fork(
                strategy, self.place, self.server.target, self.seed, self.lives
            )

    def befall(self, event: str) -> None:
        """Something dies, or hangs for a while."""
        match event:
            case "kill strategy" if self.strategy:
                self._kill(self.strategy)
                self.strategy = 0
            case "kill relay" if self.relays:
                self._kill(self.relays.pop(0))
            case "kill standby" if self.relays:
                self._kill(self.relays.pop())
            case "kill server":
                self.server.kill()
            case "power cut":
                self.server.kill()
                self.server.go_back()
            case "freeze server" if self.server.process is not None:
                self.server.freeze()
                time.sleep(0.7)
                self.server.thaw()

    def gone(self) -> bool:
        """Whether the strategy has ended by itself."""
        return bool(self.strategy and os.waitpid(self.strategy, os.WNOHANG)[0])

    def _kill(self, child: int) -> None:
        self.kills += 1
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)

    def close(self) -> None:
        for child in (self.venue, self.strategy, *self.relays):
            if child:
                try:
                    self._kill(child)
                except (ProcessLookupError, ChildProcessError):
                    continue
        self.server.kill()


def play(seed: int, tally: Tally) -> None:
    """One sequence.

    Raises:
        Broken: an invariant does not hold; the text names the seed.
    """
    chance = random.Random(f"household {seed}")
    place = sequences.folder()
    house = Household(place, seed)
    try:
        for _ in range(chance.randint(3, 7)):
            time.sleep(chance.uniform(0.05, 0.9))
            event = chance.choice(EVENTS)
            tally.faults[event] += 1
            house.befall(event)
            if chance.random() < 0.7:
                time.sleep(chance.uniform(0.0, 0.3))
                house.mend()
        house.mend()
        (place / "home").touch()
        deadline = time.monotonic() + 2 * PATIENCE
        while not house.gone():
            if time.monotonic() > deadline:
                raise Broken(f"real seed {seed}: the strategy does not come home")
            time.sleep(0.02)
        house.strategy = 0
        if (place / "broken").exists():
            raise Broken(f"real seed {seed}: {(place / 'broken').read_text('utf-8')}")
        told = json.loads((place / "tally").read_text("utf-8"))
        for name, value in told.items():
            setattr(tally, name, getattr(tally, name) + value)
        witness = Witness(place).account
        tally.executions += len(witness.executions)
        tally.kills += house.kills
        tally.real_kills += house.kills > 0
        tally.sequences += 1
    finally:
        house.close()
        shutil.rmtree(place, ignore_errors=True)
