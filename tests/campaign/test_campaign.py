"""A small campaign with every run of the tests; `make fault-campaign` is the large one."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.campaign import sequences
from tests.campaign.planted import PLANTED
from tests.campaign.run import caught
from tests.campaign.world import Tally

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Alarms are wanted here by the thousand; their text is not."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("part", range(4))
def test_no_sequence_of_faults_and_deaths_breaks_an_invariant(part: int) -> None:
    tally = Tally()
    for number in range(50):
        sequences.play(part * 50 + number, tally)
    assert tally.sequences == 50
    assert tally.kills > 10
    assert tally.in_flight > 2
    assert tally.owed == tally.delivered > 0


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_defect_is_caught(name: str) -> None:
    assert caught(name, first=0, most=200)


def test_real_processes_killed_by_the_system_leave_nothing_behind() -> None:
    command = "-m tests.campaign.run --sequences 0 --real 6 --planted 0 --seed 1 --workers 1"
    done = subprocess.run(
        [sys.executable, *command.split()],
        cwd=ROOT, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all invariants held" in done.stdout
