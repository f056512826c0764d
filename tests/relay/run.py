"""The relay's fault campaign: sequences on two hosts, in this process and with real processes.

python -m tests.relay.run --sequences 1000 --real 100
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import secrets
import subprocess
import sys
import time

import pytest
from tests.campaign.world import Broken, Tally
from tests.relay import real, world
from tests.relay.planted import PLANTED


def caught(name: str, first: int, most: int) -> str:
    """What caught a planted defect, and after how many sequences; empty when it got through."""
    with pytest.MonkeyPatch.context() as patch:
        PLANTED[name](patch)
        for number in range(most):
            try:
                world.play(first + number, Tally())
            except Broken as error:
                return f"caught after {number + 1}: {error}"
    return ""


def share(arguments: argparse.Namespace) -> tuple[Tally, list[str]]:
    """The sequences of one worker."""
    tally, broken = Tally(), []
    for play, count in ((world.play, arguments.sequences), (real.play, arguments.real)):
        for number in range(arguments.worker, count, arguments.workers):
            try:
                play(arguments.seed + number, tally)
            except Broken as error:
                broken.append(str(error))
    return tally, broken


def spread(arguments: argparse.Namespace) -> tuple[Tally, list[str]]:
    """One process for each worker; each writes what it counted."""
    command = [sys.executable, "-m", "tests.relay.run", "--seed", str(arguments.seed)]
    command += ["--sequences", str(arguments.sequences), "--real", str(arguments.real)]
    command += ["--workers", str(arguments.workers), "--worker"]
    workers = [
        subprocess.Popen([*command, str(number)], stdout=subprocess.PIPE, text=True)
        for number in range(arguments.workers)
    ]
    tally, broken = Tally(), []
    for worker in workers:
        told, _ = worker.communicate()
        if worker.returncode != 0:
            broken.append(f"a worker failed with status {worker.returncode}")
            continue
        counted, failed = json.loads(told.splitlines()[-1])
        faults = counted.pop("faults")
        tally.add(Tally(**counted))
        tally.faults.update(faults)
        broken += failed
    return tally, broken


def table(tally: Tally) -> str:
    rows = {
        "sequences": tally.sequences,
        "of these with real processes": tally.real_kills,
        "executions at the venue": tally.executions,
        "processes killed": tally.kills,
        "relays killed between SENDING and outcome": tally.in_flight,
        "unknown outcomes settled by a human": tally.resolved,
        "sequences that owed an exit": tally.owed,
        "of these delivered": tally.delivered,
    }
    lines = [f"{name:<44}{value:>8,}" for name, value in rows.items()]
    lines += [f"  {name:<42}{value:>8,}" for name, value in sorted(tally.faults.items())]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sequences", type=int, default=1_000)
    parser.add_argument("--real", type=int, default=100)
    parser.add_argument("--planted", type=int, default=500, help="most sequences for a defect")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--worker", type=int, default=None)
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    if arguments.worker is not None:
        tally, broken = share(arguments)
        counted = {name: getattr(tally, name) for name in Tally.__dataclass_fields__}
        print(json.dumps([counted, broken]))
        return 0
    if arguments.seed is None:
        arguments.seed = secrets.randbelow(10**9)
    started = time.monotonic()
    print(f"seed {arguments.seed}", flush=True)
    tally, broken = spread(arguments)
    print(table(tally))
    for text in broken[:20]:
        print("BROKEN", text)
    failed = bool(broken)
    for name in PLANTED if arguments.planted else ():
        found = caught(name, arguments.seed, arguments.planted)
        failed |= not found
        print(f"planted: {name:<26}{found or 'NOT CAUGHT'}")
    print(f"{time.monotonic() - started:.0f} s; {'FAILED' if failed else 'all invariants held'}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
