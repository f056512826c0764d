"""A small campaign on two hosts with every run; `make relay-campaign` is the large one."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.campaign.world import Tally
from tests.relay import world
from tests.relay.planted import PLANTED
from tests.relay.run import caught
from tests.relay.server import needs_server

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Alarms are wanted here by the hundred; their text is not."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_no_sequence_on_two_hosts_breaks_an_invariant() -> None:
    tally = Tally()
    for number in range(60):
        world.play(number, tally)
    assert tally.sequences == 60
    assert tally.kills > 60
    assert tally.in_flight > 10
    assert tally.owed == tally.delivered > 0


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_defect_is_caught(name: str) -> None:
    assert caught(name, first=0, most=100)


def test_real_processes_killed_by_the_system_leave_nothing_behind() -> None:
    needs_server()
    command = "-m tests.relay.run --sequences 0 --real 1 --planted 0 --seed 3 --workers 1"
    done = subprocess.run(
        [sys.executable, *command.split()],
        cwd=ROOT, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all invariants held" in done.stdout
