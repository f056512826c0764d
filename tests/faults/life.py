"""A day of a strategy in a process that kills itself where it is told.

    CRASH_AT=after_execution@7 python -m tests.faults.life FOLDER      one life
    CRASH_AT=after_commit python -m tests.faults.life FOLDER --each    a kill at each bar

``CRASH_AT`` is a point and the bar that it happens at. The folder holds the journal, what the
venue executed, and a diary; a second life goes on where the first one was ended. It prints what
became of the day as JSON.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

from tests.campaign.real import Diary, remember, suicide
from tests.campaign.venue import DEATHS
from tests.campaign.world import Order

PLAN = [1, 2, 2, 0, -1, -3, -3, 2, 2, 3, 0, 0, 1, -1, 1, -2, -2, 0, 3, 3, 1, 0, -2, -1]
POINTS = (*DEATHS, "after_bar", "after_commit")


def day(folder: Path, crash: str) -> dict[str, Any]:
    """Live until the end of the day, or until the crash."""
    logging.disable(logging.CRITICAL)
    point, _, bar = crash.partition("@")
    plan, number, largest = remember(folder)
    world = Diary(
        folder, proves=False, simulated=True, die=suicide, log=folder / "executions",
        plan=plan, number=number, largest=largest,
    )  # fmt: skip
    missed = []
    if number:
        world.human()
        missed += listed(world, number)
    for now in range(number + 1, len(PLAN) + 1):
        doomed = point if bar == str(now) else ""
        world.bar()
        if doomed == "after_bar":
            suicide()
        world.order(Order("reach", PLAN[now - 1]), *([doomed] if doomed in DEATHS else []))
        if doomed == "after_commit":
            suicide()
        missed += listed(world, now)
    counts = world.venue.account.counts
    return {
        "held": world.held,
        "missed": missed,
        "most": max(counts.values()),
        "executed": len(counts),
        "state": world.book.line.state,
    }


def listed(world: Diary, number: int) -> list[list[Any]]:
    """The bars at which the venue stands elsewhere than the strategy, and how that is shown."""
    if world.held == PLAN[number - 1]:
        return []
    return [[number, PLAN[number - 1], world.held, world.book.line.state]]


def each(folder: Path, point: str) -> dict[str, Any]:
    """The same day with a kill at a point of each of its bars, one folder for each.

    Bars at which nothing is sent, so that nobody could be killed sending it, are left out.
    """
    results = {}
    for number in range(1, len(PLAN) + 1):
        place = folder / str(number)
        place.mkdir()
        for crash in (f"{point}@{number}", ""):
            child = os.fork()
            if not child:
                (place / "result").write_text(json.dumps(day(place, crash)))
                os._exit(0)
            _, status = os.waitpid(child, 0)
            if os.WIFSIGNALED(status) != bool(crash):
                assert point in DEATHS, (number, crash, status)
                break
        else:
            results[number] = json.loads((place / "result").read_text())
    return results


if __name__ == "__main__":
    place = Path(sys.argv[1])
    crash = os.environ.get("CRASH_AT", "")
    told = each(place, crash) if "--each" in sys.argv else day(place, crash)
    print(json.dumps(told))
