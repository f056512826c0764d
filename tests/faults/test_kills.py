"""Processes that end at the worst moment: rows 1 to 4, 22, 45 and 54."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.campaign.venue import DEATHS, FaultyVenue
from tests.faults.conftest import ONE
from tests.faults.life import PLAN

from sim2live.clock import NS, ManualClock
from sim2live.errors import LockedError
from sim2live.exchange.execution import Behaviour
from sim2live.gate.journal import open_journal
from sim2live.gate.receipt import Status
from sim2live.settings import Settings, connect
from sim2live.venues.record import Record

ROOT = Path(__file__).parents[2]


def run(
    folder: Path, *options: str, crash: str = "", patience: float = 200
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.faults.life", str(folder), *options],
        cwd=ROOT, env={**os.environ, "CRASH_AT": crash},
        capture_output=True, text=True, timeout=patience, check=False,
    )  # fmt: skip


def killed_and_restarted(folder: Path, crash: str) -> dict[str, Any]:
    first = run(folder, crash=crash)
    assert first.returncode == -signal.SIGKILL, first.stderr
    second = run(folder)
    assert second.returncode == 0, second.stderr
    told: dict[str, Any] = json.loads(second.stdout.splitlines()[-1])
    return told


def assert_as_uninterrupted(told: dict[str, Any]) -> None:
    """The day ends where it would have; what was missed meanwhile is shown as a state."""
    assert told["held"] == PLAN[-1]
    assert told["most"] == 1, "nothing was executed twice"
    assert told["state"] == "ACTIVE"
    for bar, wanted, held, state in told["missed"]:
        assert state != "ACTIVE", "a missed entry is listed as such"
        if bar != told["missed"][0][0]:  # at the bar of the kill an exit may still be due
            assert held == 0 or 0 < held / wanted < 1, (bar, wanted, held)


@pytest.mark.parametrize("bar", [1, 6, 8])  # an entry, an add, a flip
def test_fault_01_killed_before_the_journal(tmp_path: Path, bar: int) -> None:
    """Nothing was sent; the same decision is made again under the same id."""
    told = killed_and_restarted(tmp_path, f"before_journal@{bar}")
    assert_as_uninterrupted(told)
    assert told["missed"] == []


@pytest.mark.parametrize("bar", [1, 4, 8])  # an entry, an exit, a flip
def test_fault_02_killed_between_journal_and_send(tmp_path: Path, bar: int) -> None:
    assert_as_uninterrupted(killed_and_restarted(tmp_path, f"after_journal@{bar}"))


@pytest.mark.parametrize("bar", [1, 4, 8])
def test_fault_03_killed_between_send_and_answer(tmp_path: Path, bar: int) -> None:
    told = killed_and_restarted(tmp_path, f"after_execution@{bar}")
    assert_as_uninterrupted(told)


@pytest.mark.parametrize("bar", [1, 4, 8])
def test_fault_04_killed_between_answer_and_commit(tmp_path: Path, bar: int) -> None:
    assert_as_uninterrupted(killed_and_restarted(tmp_path, f"before_commit@{bar}"))


def test_fault_54_killed_at_each_bar_of_a_day(tmp_path: Path) -> None:
    done = run(tmp_path, "--each", crash="after_commit", patience=200)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert len(told) == len(PLAN) == 24
    for result in told.values():
        assert_as_uninterrupted(result)
        assert result["missed"] == [], "a kill between two bars misses nothing"


@pytest.mark.parametrize("point", DEATHS)
def test_fault_54_killed_at_each_point_of_each_bar_of_a_day(tmp_path: Path, point: str) -> None:
    """The venue ends as the uninterrupted run leaves it, or what is missing is told as a state."""
    done = run(tmp_path, "--each", crash=point, patience=200)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert len(told) == 18, "bars at which something is sent"
    for bar, result in told.items():
        assert result["most"] == 1, "nothing was executed twice"
        assert result["held"] == PLAN[-1] or result["missed"][-1][0] == len(PLAN), bar
        assert all(state != "ACTIVE" for *_, state in result["missed"]), bar


HOLDER = """
import sys, time
from sim2live.gate.lock import ProcessLock
ProcessLock(sys.argv[1], "venue").take("pool")
print("held", flush=True)
time.sleep(60)
"""


def test_fault_22_a_lock_dies_with_its_process(tmp_path: Path) -> None:
    from sim2live.gate.lock import ProcessLock

    journal = str(tmp_path / "journal.sqlite3")
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, journal], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LockedError, match=str(holder.pid)):
            ProcessLock(journal, "venue").take("pool")
        holder.send_signal(signal.SIGKILL)
        holder.wait(60)
    lock = ProcessLock(journal, "venue")
    lock.take("pool")
    lock.release()


def test_fault_45_an_interrupt_in_an_exchange_leaves_it_unknown(tmp_path: Path) -> None:
    def interrupted(signal: Any) -> Any:
        raise KeyboardInterrupt

    journal = tmp_path / "journal.sqlite3"
    venue = Record(answer=interrupted)
    venue.fingerprint = "one"

    def opened() -> Any:
        return connect(venue, journal=journal, clock=ManualClock(), settings=Settings())

    dispatcher = opened()
    with pytest.raises(KeyboardInterrupt):
        dispatcher.follow(ONE, 1, data="one", nth=0, decided_at=NS)
    dispatcher.close()
    sent = len(venue.signals)
    receipt = dispatcher.follow(ONE, 0, data="one", nth=1, decided_at=NS)
    assert receipt.status is not Status.ACCEPTED
    assert len(venue.signals) == sent, "nothing is sent after the stop"
    with opened() as dispatcher:
        assert str(dispatcher.position(ONE)) == "between +0 and +1"
        assert dispatcher.gate.alarms.raised


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_fault_45_a_fork_sends_nothing_and_leaves_the_parent_whole(tmp_path: Path) -> None:
    venue = FaultyVenue(
        Behaviour(), proves=False, simulated=True, log=tmp_path / "log", die=lambda: None
    )
    journal = tmp_path / "journal.sqlite3"
    with connect(venue, journal=journal, clock=ManualClock(), settings=Settings()) as dispatcher:
        dispatcher.follow(ONE, 1, data="one", nth=0, decided_at=NS)
        child = os.fork()
        if not child:
            receipt = dispatcher.follow(ONE, 2, data="one", nth=1, decided_at=NS)
            dispatcher.close()
            os._exit(0 if receipt.status is Status.HELD else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert dispatcher.follow(ONE, 0, data="one", nth=1, decided_at=NS).ok
        assert venue.account.held("python-test", ONE) == 0
        executed = (tmp_path / "log").read_text().splitlines()
        assert len(executed) == 2
    with closing(open_journal(str(journal), "faulty", ManualClock())) as kept:
        assert kept.counts() == {"ACCEPTED": 2}
