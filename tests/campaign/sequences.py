"""Seeded sequences: the same number always gives the same orders, faults and deaths."""

from __future__ import annotations

import random
import shutil
import tempfile
from pathlib import Path

from tests.campaign.venue import DEATHS, FAULTS
from tests.campaign.world import Broken, Order, Tally, World

from sim2live.exchange.execution import Behaviour

BARS = 9


def folder() -> Path:
    """A place for journals; in shared memory where there is one, for speed."""
    shared = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="s2l-", dir=shared if shared.is_dir() else None))


def faults(chance: random.Random, rate: float, deaths: bool) -> list[str]:
    """What happens to the next exchanges; mostly nothing."""
    made = []
    for _ in range(2):
        if chance.random() < rate:
            made.append(chance.choice(list(FAULTS)))
        elif deaths and chance.random() < 0.06:
            made.append(chance.choice(DEATHS))
        else:
            made.append("accept")
    return made


def order(chance: random.Random, *, brackets: bool = False) -> Order:
    kind = chance.choices(("reach", "add", "close", "unhappen"), (5, 3, 3, 1))[0]
    data = chance.choices(("mes", "slow"), (5, 1))[0]
    size = chance.choice((-3, -2, -1, 1, 2, 3))
    return Order(kind, size, data, legs=brackets and chance.random() < 0.6)


def play(seed: int, tally: Tally) -> None:
    """One sequence.

    Raises:
        Broken: an invariant does not hold; the text names the seed.
    """
    chance = random.Random(seed)
    place = folder()
    behaviour = Behaviour(
        dedupe=chance.random() < 0.3,
        close_is_reduce_only=chance.random() < 0.2,
        close_cancels_legs=chance.random() < 0.4,
    )
    rate = chance.choice((0.1, 0.25, 0.5))
    world = None
    try:
        world = World(
            place,
            behaviour=behaviour,
            proves=chance.random() < 0.7,
            simulated=chance.random() < 0.5,
            shared=chance.random() < 0.4,
        )
        brackets = chance.random() < 0.4
        for _ in range(BARS):
            step(world, chance, rate, brackets)
        world.finish()
        tally.add(world.tally)
    except Broken as broken:
        raise Broken(f"seed {seed}: {broken}") from broken
    finally:
        if world is not None and not world.dispatcher.gate._closed:
            world.abandon()
        shutil.rmtree(place, ignore_errors=True)


def step(world: World, chance: random.Random, rate: float, brackets: bool) -> None:
    """A bar, what the strategy does at it, and what befalls the process."""
    world.bar(*faults(chance, rate, deaths=True))
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
        world.order(order(chance, brackets=brackets), *faults(chance, rate, deaths=True))
    dice = chance.random()
    if dice < 0.25:
        world.work(*faults(chance, rate, deaths=True))
    elif dice < 0.35:
        world.human()
    elif dice < 0.40:
        world.intruder()
    elif dice < 0.50:
        dead = chance.random() < 0.6
        missed = chance.choice((0, 0, 1, 3))
        lag = chance.choice((0, 0, 1, 2))
        last = chance.choice(("mes", "slow"))
        luck = faults(chance, rate, deaths=True)
        world.restart(*luck, kill=dead, missed=missed, lag=lag, last=last)
        world.check()
