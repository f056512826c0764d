"""A human's hand from the shell: beside a running strategy, and where none runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sim2live import settings
from sim2live.clock import SystemClock
from sim2live.gate.journal import open_journal
from sim2live.gate.places import places
from sim2live.signals import Instrument
from sim2live.venues.base import Profile
from sim2live.venues.outcome import Kind, Outcome
from sim2live.venues.record import Record

MES = Instrument("SIM", "MES")


class Venue(Record):
    def __init__(self) -> None:
        super().__init__(
            answer=lambda _: Outcome(self.script.pop(0) if self.script else Kind.ACCEPTED)
        )
        self.script: list[Kind] = []
        self.fingerprint = "venue-one"


def sim2live(*words: str, said: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "COLUMNS": "120", "NO_COLOR": "1", **environment}
    return subprocess.run(
        [sys.executable, "-m", "sim2live.cli", *words],
        env=env, input=said, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite3"


def running(journal: Path, venue: Venue, workflow: str = "pool"):
    dispatcher = settings.connect(venue, workflow=workflow, strategy="cross", journal=journal)
    dispatcher.follow(MES, 2, data="mes", nth=0, decided_at=10**18)
    return dispatcher


def test_beside_a_running_strategy_its_process_obeys(journal: Path) -> None:
    with running(journal, Venue()) as dispatcher:
        done = sim2live("halt", "lunch", "--journal", str(journal))
        assert (done.returncode, done.stdout) == (0, "pool is halted: exits only until resume\n")
        assert dispatcher.state(MES) == "HALTED"
        assert sim2live("resume", "--journal", str(journal)).returncode == 0
        assert dispatcher.state(MES) == "ACTIVE"
        done = sim2live("flatten", "--target", "record", "--journal", str(journal))
        assert done.returncode == 0, done.stderr
        assert "being flattened" in done.stdout
        assert sum(s.signed for s in dispatcher.venue.signals) == 0


def test_where_nobody_runs_the_journal_is_changed(journal: Path) -> None:
    venue = Venue()
    running(journal, venue).close()
    done = sim2live("halt", "--all", "fire", "--journal", str(journal))
    assert done.returncode == 0, done.stderr
    shown = sim2live("position", "--journal", str(journal))
    assert "SIM:MES" in shown.stdout
    assert "fire" in shown.stdout
    done = sim2live("position", "MES=-1", "--journal", str(journal))
    assert done.stdout == "pool SIM:MES: presumed -1\n"
    with settings.connect(venue, workflow="pool", strategy="cross", journal=journal) as again:
        assert str(again.position(MES)) == "-1"
        assert again.state(MES) == "HALTED"


def test_an_unknown_signal_is_resolved(journal: Path) -> None:
    venue = Venue()
    venue.script = [Kind.UNKNOWN]
    running(journal, venue).close()
    (sent,) = venue.signals
    shown = sim2live("position", "--journal", str(journal))
    assert f"unknown  {sent.signal_id}  SIM:MES +2" in shown.stdout
    wrong = sim2live("resolve", sent.signal_id, "perhaps", "--journal", str(journal))
    assert wrong.returncode == 2
    assert "must be accepted or not-sent" in wrong.stderr
    done = sim2live("resolve", sent.signal_id, "accepted", "--journal", str(journal))
    assert done.stdout == "pool SIM:MES: presumed +2\n"


def test_a_command_does_not_hide_that_the_last_process_died(journal: Path) -> None:
    running(journal, Venue()).close()
    kept = open_journal(str(journal), "venue-one", SystemClock())
    kept.mailbox.beat("pool", 4_194_305)
    assert sim2live("halt", "--journal", str(journal)).returncode == 0
    assert kept.mailbox.unclean("pool")
    kept.close()


def test_several_workflows_are_told_apart_by_name(journal: Path) -> None:
    for workflow in ("one", "two"):
        running(journal, Venue(), workflow).close()
    several = sim2live("halt", "--journal", str(journal))
    assert several.returncode == 2
    assert "one at venue-one; two at venue-one" in " ".join(several.stderr.split())
    assert sim2live("halt", "-w", "two", "--journal", str(journal)).returncode == 0


def test_a_journal_that_does_not_exist_is_not_made(journal: Path) -> None:
    done = sim2live("position", "--journal", str(journal))
    assert done.returncode == 2
    # A long path breaks the line anywhere.
    assert "there is no such file" in " ".join(done.stderr.split())
    assert not journal.exists()


def test_a_frozen_process_is_named_and_the_command_waits_for_it(journal: Path) -> None:
    program = (
        "import sys\nfrom sim2live import connect\nfrom sim2live.signals import Instrument\n"
        f"d = connect('record', workflow='pool', strategy='s', journal={str(journal)!r})\n"
        "d.follow(Instrument('SIM','MES'), 2, data='m', nth=0, decided_at=1)\n"
        "print('ready', flush=True)\nsys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGSTOP)
        done = sim2live("halt", "--wait", "0.3", "--journal", str(journal))
        assert done.returncode == 2
        assert f"pid {process.pid}" in " ".join(done.stderr.split())
        process.send_signal(signal.SIGCONT)
        seen = sim2live("guard", "--once", "--journal", str(journal))
        assert (seen.returncode, seen.stdout.split()[0]) == (0, "ALIVE")
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()
    seen = sim2live("guard", "--once", "--stale", "0", "--journal", str(journal))
    assert (seen.returncode, seen.stdout.split()[0]) == (1, "DEAD")
    assert "SIM:MES +2 is presumed" in seen.stdout


END = """
import os, signal, sys
from sim2live import connect
from sim2live.signals import Instrument
dispatcher = connect('record', workflow='pool', strategy='s', journal=sys.argv[1])
dispatcher.follow(Instrument('SIM', 'MES'), 2, data='m', nth=0, decided_at=1)
print(dispatcher.venue.fingerprint, flush=True)
{end}
"""


@pytest.mark.parametrize(
    ("end", "clean"),
    [
        ("", True),
        ("raise SystemExit(3)", True),
        ("os.kill(os.getpid(), signal.SIGINT)", True),  # a KeyboardInterrupt, and then the end
        ("raise RuntimeError", True),
        ("os.kill(os.getpid(), signal.SIGTERM)", False),
        ("signal.signal(signal.SIGTERM, lambda *_: sys.exit(143)); "
         "os.kill(os.getpid(), signal.SIGTERM)", True),
        ("os.kill(os.getpid(), signal.SIGKILL)", False),
        ("pid = os.fork()\nif pid == 0: sys.exit(0)\nos.waitpid(pid, 0); "
         "os.kill(os.getpid(), signal.SIGKILL)", False),  # the child's exit says nothing
    ],
)  # fmt: skip
def test_how_a_process_ends_is_known_to_the_next(journal: Path, end: str, clean: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-c", END.format(end=end), str(journal)],
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    kept = open_journal(str(journal), done.stdout.strip(), SystemClock())
    try:
        assert kept.mailbox.heartbeat("pool") is not None, done.stderr
        assert kept.mailbox.unclean("pool") is not clean
        assert str(kept.lines("pool")["pool", MES].presumed) == "+2"
    finally:
        kept.close()


def test_a_library_installs_no_signal_handler() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    with settings.connect("record"):
        now = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    assert now == before


def test_the_guard_ends_at_sigterm(journal: Path) -> None:
    running(journal, Venue()).close()
    process = subprocess.Popen(
        [sys.executable, "-m", "sim2live.cli", "guard", "--journal", str(journal)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline().startswith("IDLE")
    process.terminate()
    assert process.wait(60) == 0
    process.stdout.close()


def test_flatten_at_the_wrong_venue_changes_nothing(journal: Path) -> None:
    running(journal, Venue()).close()
    done = sim2live("flatten", "--target", "record", "--journal", str(journal))
    assert done.returncode == 2
    assert "the journal means venue-one; give its address with --target" in done.stderr
    # The wrong venue has not become a second place that every other command would ask about.
    assert [str(place) for place in places(str(journal))] == ["pool at venue-one"]


def test_takeover_without_flatten_is_refused(journal: Path) -> None:
    done = sim2live("guard", "--takeover", "--journal", str(journal))
    assert done.returncode == 2
    assert "give --flatten too" in " ".join(done.stderr.split())


def test_doctor_says_what_is_there(journal: Path) -> None:
    running(journal, Venue()).close()
    done = sim2live("doctor", "--target", "record", "--journal", str(journal))
    assert done.returncode == 0, done.stdout
    assert "pool at venue-one: SIM:MES +2 ACTIVE" in done.stdout
    sim2live("halt", "--journal", str(journal))
    done = sim2live("doctor", "--target", "http://127.0.0.1:1", "--journal", str(journal))
    assert done.returncode == 1
    assert "REAL: orders move money, no answer" in done.stdout


def test_a_probe_keeps_only_what_was_answered(journal: Path) -> None:
    answers = ["pool", "0", "2", "nonsense", "0", "?"]
    words = ("doctor", "--probe", "--target", "record", "-w", "pool", "-i", "SIM:MES")
    done = sim2live(*words, "--journal", str(journal), said="\n".join(answers) + "\n")
    assert done.returncode == 0, done.stderr
    assert "dedupe no, close is reduce-only yes, close cancels legs unknown" in done.stdout
    venue = Record()
    venue.fingerprint = done.stdout.split("kept for ")[1].split(": dedupe")[0]
    with settings.connect(venue, journal=journal) as dispatcher:
        assert dispatcher.venue.profile == Profile(dedupe="no", close_is_reduce_only="yes")


def test_a_probe_of_a_pool_that_is_not_named_again_sends_nothing(journal: Path) -> None:
    words = ("doctor", "--probe", "--target", "record", "-w", "pool", "-i", "SIM:MES")
    done = sim2live(*words, "--journal", str(journal), said="yes\n")
    assert done.returncode == 2
    assert "nothing was sent" in done.stderr
