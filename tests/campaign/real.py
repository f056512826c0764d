"""Sequences in which a real process is killed by the operating system, again and again.

Each life is a forked process that opens the journal, replays, goes on, and is ended by SIGKILL
in the middle of what it does. What the venue executed stands in a file that outlives it, as an
order outlives the program that sent it.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import traceback
from pathlib import Path

from tests.campaign.sequences import BARS, faults, folder, order
from tests.campaign.world import Broken, Order, Tally, World

from sim2live.exchange.execution import Behaviour

MOST_LIVES = 12


def suicide() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Diary(World):
    """A world that writes down each step before it is taken, for its next life."""

    def note(self, *words: object) -> None:
        with (self.folder / "diary").open("a", encoding="utf-8") as diary:
            diary.write(json.dumps(words) + "\n")

    def bar(self, *faults: str) -> None:
        self.note("bar")
        super().bar(*faults)

    def order(self, order: Order, *faults: str) -> None:
        if self.number and not self._senseless(order):
            self.note("order", order.kind, order.size, order.data)
        super().order(order, *faults)

    def check(self) -> None:
        super().check()
        self.note("largest", *self.largest)


def remember(place: Path) -> tuple[dict[int, list[Order]], int, list[int]]:
    """The steps of the lives so far."""
    plan: dict[int, list[Order]] = {}
    number, largest = 0, [0, 0]
    diary = place / "diary"
    for line in diary.read_text("utf-8").splitlines() if diary.exists() else ():
        match json.loads(line):
            case ["bar"]:
                number += 1
                plan[number] = []
            case ["order", kind, size, data]:
                plan[number].append(Order(kind, size, data))
            case ["largest", low, high]:
                largest = [low, high]
    return plan, number, largest


def live(place: Path, seed: int, life: int) -> None:
    """One life; it ends by SIGKILL, or with the sequence."""
    mode = random.Random(seed)
    behaviour = Behaviour(dedupe=mode.random() < 0.3, close_is_reduce_only=mode.random() < 0.2)
    plan, number, largest = remember(place)
    chance = random.Random(f"{seed} {life}")
    world = Diary(
        place,
        behaviour=behaviour,
        proves=mode.random() < 0.7,
        simulated=mode.random() < 0.5,
        die=suicide,
        log=place / "executions",
        plan=plan,
        number=number,
        largest=largest,
    )
    rate = mode.choice((0.1, 0.25, 0.5))
    while world.number < BARS and life < MOST_LIVES:
        world.bar(*faults(chance, rate, deaths=True))
        for _ in range(chance.choice((0, 1, 1, 2))):
            world.order(order(chance), *faults(chance, rate, deaths=True))
        if chance.random() < 0.1:
            suicide()
        if chance.random() < 0.2:
            world.human()
    world.finish()
    counted = {name: getattr(world.tally, name) for name in ("resolved", "owed", "delivered")}
    (place / "tally").write_text(json.dumps({**counted, "faults": list(world.venue.faults)}))


def play(seed: int, tally: Tally) -> None:
    """One sequence of lives.

    Raises:
        Broken: an invariant does not hold; the text names the seed.
    """
    place = folder()
    try:
        for life in range(MOST_LIVES + 1):
            child = os.fork()
            if not child:
                _child(place, seed, life)
            _, status = os.waitpid(child, 0)
            if os.WIFEXITED(status):
                break
            tally.kills += 1
            tally.in_flight += _sending(place)
        if (place / "broken").exists():
            raise Broken(f"real seed {seed}: {(place / 'broken').read_text('utf-8')}")
        told = json.loads((place / "tally").read_text("utf-8"))
        for name in ("resolved", "owed", "delivered"):
            setattr(tally, name, getattr(tally, name) + told[name])
        executions = (place / "executions").read_text("utf-8").splitlines()
        tally.executions += len(executions)
        tally.signals += _rows(place, "sends > 0")
        tally.sequences += 1
        tally.real_kills += life > 0
        tally.faults.update(told["faults"])
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _child(place: Path, seed: int, life: int) -> None:
    try:
        live(place, seed, life)
    except BaseException:
        (place / "broken").write_text(traceback.format_exc(), "utf-8")
    finally:
        os._exit(0)


def _sending(place: Path) -> int:
    return min(1, _rows(place, "state = 'SENDING'"))


def _rows(place: Path, condition: str) -> int:
    journal = place / "journal.sqlite3"
    if not journal.exists():
        return 0
    connection = sqlite3.connect(journal)
    try:
        (found,) = connection.execute(f"SELECT count(*) FROM signals WHERE {condition}").fetchone()
        return int(found)
    except sqlite3.OperationalError:
        return 0  # killed before the tables were made
    finally:
        connection.close()
