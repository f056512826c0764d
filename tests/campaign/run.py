"""The fault campaign: thousands of seeded sequences, and the numbers that they gave.

python -m tests.campaign.run --sequences 10000 --real 450
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
from tests.campaign import real, sequences
from tests.campaign.planted import PLANTED
from tests.campaign.venue import DEATHS, FAULTS
from tests.campaign.world import Broken, Tally

RARE = 0.02


def caught(name: str, first: int, most: int) -> str:
    """What caught a planted defect, and after how many sequences; empty when it got through."""
    with pytest.MonkeyPatch.context() as patch:
        PLANTED[name](patch)
        for number in range(most):
            try:
                sequences.play(first + number, Tally())
            except Broken as error:
                return f"caught after {number + 1}: {error}"
    return ""


def table(tally: Tally, duplicates: int, lost: int, wrong: int) -> str:
    rows = {
        "sequences": tally.sequences,
        "of these with a real SIGKILL": tally.real_kills,
        "signals": tally.signals,
        "executions": tally.executions,
        "kills": tally.kills,
        "kills between SENDING and outcome": tally.in_flight,
        "unknown outcomes resolved by a human": tally.resolved,
        "sequences that owed an exit": tally.owed,
        "of these delivered": tally.delivered,
        "duplicate entries": duplicates,
        "silently lost exits": lost,
        "wrong-side positions without an alarm": wrong,
    }
    return "\n".join(f"{name:<40}{value:>10,}" for name, value in rows.items())


def share(arguments: argparse.Namespace) -> tuple[Tally, list[str]]:
    """The sequences of one worker."""
    tally, broken = Tally(), []
    for number in range(arguments.worker, arguments.sequences, arguments.workers):
        try:
            sequences.play(arguments.seed + number, tally)
        except Broken as error:
            broken.append(str(error))
    for number in range(arguments.worker, arguments.real, arguments.workers):
        try:
            real.play(arguments.seed + number, tally)
        except Broken as error:
            broken.append(str(error))
    return tally, broken


def spread(arguments: argparse.Namespace) -> tuple[Tally, list[str]]:
    """One process for each worker; each writes what it counted."""
    command = [sys.executable, "-m", "tests.campaign.run", "--seed", str(arguments.seed)]
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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sequences", type=int, default=10_000)
    parser.add_argument("--real", type=int, default=450)
    parser.add_argument("--planted", type=int, default=2_000, help="most sequences for a defect")
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
    duplicates = sum("I1" in text for text in broken)
    lost = sum("I3" in text or "after everything" in text for text in broken)
    print(table(tally, duplicates, lost, sum("I6" in text for text in broken)))
    for text in broken[:20]:
        print("BROKEN", text)
    failed = bool(broken)
    failed |= rare(tally, arguments)
    for name in PLANTED if arguments.planted else ():
        found = caught(name, arguments.seed, arguments.planted)
        failed |= not found
        print(f"planted: {name:<26}{found or 'NOT CAUGHT'}")
    print(f"{time.monotonic() - started:.0f} s; {'FAILED' if failed else 'all invariants held'}")
    return int(failed)


def rare(tally: Tally, arguments: argparse.Namespace) -> bool:
    """Whether a fault was too seldom to prove anything."""
    shares = {name: tally.faults[name] / max(1, tally.sequences) for name in [*FAULTS, *DEATHS]}
    seldom = min(shares, key=lambda name: shares[name])
    print(f"the rarest of {len(shares)} fault modes is {seldom}, in {shares[seldom]:.1%}")
    few = []
    if arguments.sequences >= 1_000 and shares[seldom] < RARE:
        few.append(f"sequences with {seldom}")
    if arguments.sequences >= 10_000 and tally.in_flight < 500:
        few.append("kills between SENDING and outcome")
    if arguments.sequences >= 10_000 and tally.real_kills < 300:
        few.append("sequences with a real SIGKILL")
    for what in few:
        print(f"TOO FEW {what}")
    return bool(few)


if __name__ == "__main__":
    sys.exit(main())
