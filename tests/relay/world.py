"""The campaign's world on two hosts: between the strategy and the venue stand a broker and relays.

What must hold is what always must; `tests.campaign.world` checks it after each step. New are the
faults of the line, relays that die where a strategy may die, a standby, a relay that sleeps, and a
broker that loses what it stored last.
"""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass, field
from typing import Any

from tests.campaign import sequences
from tests.campaign.world import Broken, Killed, Tally, World
from tests.relay.double import Double, Server

from sim2live.errors import ConfigError
from sim2live.exchange.execution import Behaviour
from sim2live.gate.alarms import Alarms
from sim2live.gate.journal import open_journal
from sim2live.gate.operator import Operator
from sim2live.relay.relay import Relay
from sim2live.venues.base import Venue
from sim2live.venues.relay_words import Subjects
from sim2live.venues.relayed import Relayed

LINE = (
    "line_away", "cut_before", "cut_after", "ack_lost", "relay_late", "store_lost",
    "strategy_killed_first", "strategy_killed_later",
)  # fmt: skip
"""What befalls a signal between the strategy and the broker."""
RELAY_DEATHS = ("relay_before_journal", "relay_before_commit", "relay_before_refusal")
"""Where a relay dies on its journal's side; on the venue's side it dies as any process does."""
HOSTS = ("relay_killed", "relay_asleep", "server_down", "power_cut", "sync", "standby_killed")
"""What befalls the other host between two steps."""
MOST_RELAYS = 2


class RelayKilled(BaseException):
    """A relay is dead; only what drives it may catch this."""


def relay_killed() -> None:
    raise RelayKilled


class Inline:
    """Lanes without threads."""

    def put(self, workflow: str, job: Any) -> None:
        job()

    def clear(self) -> None: ...

    def close(self) -> None: ...


class Careful(World):
    """A human who does not call a signal void while a relay may still hand it on."""

    def human(self) -> None:
        """Settle what can be settled; the rest later."""
        self._expect(())
        for id_ in list(self.book.unknown):
            if id_ not in self.book.unknown:
                continue
            try:
                Operator(self.dispatcher.gate).resolve(id_, executed=self.venue.truth(id_))
            except ConfigError:
                continue
            self.tally.resolved += 1
        if not self.book.unknown:
            super().human()
        self.check()


@dataclass
class RelayWorld(Careful):
    """A strategy here, a venue there. `venue` is the one that the relays speak to."""

    relays: list[Relay] = field(default_factory=list)
    asleep: set[int] = field(default_factory=set)
    doomed_relay: str = ""
    ticking: bool = False

    def begin(self) -> None:
        self.venue._die = relay_killed
        self.server = Server(Subjects("desk"), self.clock)
        self.server.tick = self.tick
        self.server.die = self.die
        self.server.answer = self.answer  # type: ignore[method-assign]
        self.hire()

    def target(self) -> Venue:
        venue = Relayed(
            Double(self.server), self.server.subjects, address="double", clock=self.clock
        )
        # A strategy on paper that finds nobody counts as real, and has another journal: no case
        # for this world.
        for _ in range(40 if self.simulated else 1):
            if venue.meet(1.0) or not self.simulated:
                return venue
            self.server.up = True
            self.asleep.clear()
            self.hire()
            self.clock.advance(5)
        raise Broken("no relay comes to work")

    # -- the other host --------------------------------------------------------------------

    def hire(self) -> None:
        """Start another relay, beside one that lives or in its place."""
        if len(self.relays) >= MOST_RELAYS:
            return
        journal = open_journal(
            str(self.folder / "relay.sqlite3"), self.venue.fingerprint, self.clock
        )
        self._wire(journal)
        self.relays.append(
            Relay(
                Double(self.server), self.server.subjects, self.venue, journal,
                clock=self.clock, alarms=Alarms(), host="desk", lanes=Inline(),
            )
        )  # fmt: skip

    def _wire(self, journal: Any) -> None:
        """Let a relay die on its journal's side, where the script says so."""
        for name, fault in (
            ("intend", "relay_before_journal"),
            ("settle", "relay_before_commit"),
            ("held", "relay_before_refusal"),
        ):
            setattr(journal, name, self._doomed(getattr(journal, name), fault))

    def _doomed(self, right: Any, fault: str) -> Any:
        def dying(*given: Any, **how: Any) -> Any:
            if self.doomed_relay == fault:
                self.doomed_relay = ""
                self.server.faults[fault] += 1
                raise RelayKilled
            return right(*given, **how)

        return dying

    def bury(self, relay: Any) -> None:
        """The objects of a dead relay let go of their files, and say nothing more."""
        self.tally.kills += 1
        relay._broker.close()
        database = relay._journal._db
        for connection in (database._writer, database._quick, database._reader):
            connection.close()
        relay._lock.release()
        self.asleep.discard(id(relay))
        self.relays.remove(relay)

    def tick(self) -> None:
        """Let every relay that is awake make a round."""
        if self.ticking:
            return  # a relay publishes while it works
        self.ticking = True
        try:
            relay: Any
            for relay in list(self.relays):
                if id(relay) in self.asleep:
                    continue
                try:
                    relay.step(0.0)
                    relay.step(0.0)
                except RelayKilled:
                    self.tally.in_flight += relay._journal.counts().get("SENDING", 0) > 0
                    self.bury(relay)
        finally:
            self.ticking = False

    def answer(self, client: Double, answer: Any, data: bytes) -> Any:
        """A relay that sleeps says nothing, and one may die while it speaks."""
        mine: Any = next(one for one in self.relays if one._broker is client)
        if id(mine) in self.asleep:
            return None
        try:
            return answer(data)
        except RelayKilled:
            self.bury(mine)
            return None

    def befall(self, event: str) -> None:
        """Something happens to the other host."""
        self.server.faults[event] += 1
        match event:
            case "relay_killed" if self.relays:
                self.bury(self.relays[0])
            case "standby_killed" if len(self.relays) > 1:
                self.bury(self.relays[-1])
            case "relay_asleep" if self.relays:
                self.asleep.add(id(self.relays[0]))
            case "server_down":
                self.server.up = False
            case "power_cut":
                self.server.lose()
            case "sync":
                self.server.sync()

    def mend(self) -> None:
        """Somebody starts what is down. A store that was synced stays so."""
        self.server.up = True
        self.asleep.clear()
        self.hire()

    # -- the strategy's host -----------------------------------------------------------------

    def _expect(self, faults: tuple[str, ...]) -> None:
        super()._expect(tuple(f for f in faults if f not in (*LINE, *RELAY_DEATHS)))
        self.server.script = [fault for fault in faults if fault in LINE]
        self.doomed_relay = next((f for f in faults if f in RELAY_DEATHS), "")

    def abandon(self) -> None:
        self.dispatcher.venue.close()
        super().abandon()

    def finish(self) -> None:
        """Everything comes back; what waited is settled."""
        self.venue.script.clear()
        self.server.script.clear()
        self.doom, self.doomed_relay = None, ""
        for _ in range(6):
            self.mend()
            self.clock.advance(20)
            self.tick()
            self.dispatcher.gate.work()
        super().finish()
        for relay in list[Any](self.relays):
            left = {"SENDING"} & {*relay._journal.counts()}
            if left:
                raise Broken(f"I2: rows of the relay are left: {relay._journal.counts()}")

    def close(self) -> None:
        super().close()
        self.tally.faults.update(dict.fromkeys(self.server.faults, 1))


def luck(chance: random.Random, rate: float) -> list[str]:
    """What happens to the next exchanges: at the venue, on the line, or to a process."""
    made = sequences.faults(chance, rate, deaths=True)
    for place in range(len(made)):
        dice = chance.random()
        if dice < rate:
            made.insert(place, chance.choice(LINE))
        elif dice < rate + 0.15:
            made.insert(place, chance.choice(RELAY_DEATHS))
    return made


def play(seed: int, tally: Tally) -> None:
    """One sequence on two hosts.

    Raises:
        Broken: an invariant does not hold; the text names the seed.
    """
    chance = random.Random(f"relay {seed}")
    place = sequences.folder()
    behaviour = Behaviour(
        dedupe=chance.random() < 0.3,
        close_is_reduce_only=chance.random() < 0.2,
        close_cancels_legs=chance.random() < 0.4,
    )
    rate = chance.choice((0.1, 0.25, 0.5))
    world = None
    try:
        world = RelayWorld(
            place,
            behaviour=behaviour,
            proves=chance.random() < 0.7,
            simulated=chance.random() < 0.3,
            shared=chance.random() < 0.3,
            max_age=3_600.0,  # waiting for receipts takes this world's time
        )
        for _ in range(sequences.BARS):
            step(world, chance, rate)
        world.finish()
        tally.add(world.tally)
    except Broken as broken:
        raise Broken(f"relay seed {seed}: {broken}") from broken
    finally:
        if world is not None:
            if not world.dispatcher.gate._closed:
                world.abandon()
            for relay in list(world.relays):
                world.bury(relay)
        shutil.rmtree(place, ignore_errors=True)


def step(world: RelayWorld, chance: random.Random, rate: float) -> None:
    """A bar, what the strategy does at it, and what befalls both hosts."""
    if chance.random() < 0.4:
        world.befall(chance.choice(HOSTS))
    if chance.random() < 0.5:
        world.mend()
    world.bar(*luck(chance, rate))
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
        world.order(sequences.order(chance), *luck(chance, rate))
    dice = chance.random()
    if dice < 0.35:
        world.work(*luck(chance, rate))
    elif dice < 0.45:
        world.human()
    elif dice < 0.50:
        world.intruder()
    elif dice < 0.60:
        dead = chance.random() < 0.6
        missed = chance.choice((0, 0, 1, 3))
        last = chance.choice(("mes", "slow"))
        lag = chance.choice((0, 0, 1, 2))
        world.restart(*luck(chance, rate), kill=dead, missed=missed, lag=lag, last=last)
        world.check()
    for _relay in list(world.relays):
        if chance.random() < 0.3:
            world.clock.advance(3)
        world.tick()


__all__ = ["HOSTS", "LINE", "RELAY_DEATHS", "Killed", "RelayWorld", "play"]
