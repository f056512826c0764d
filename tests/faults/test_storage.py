"""A journal that cannot be written, is damaged, or is shared: rows 15, 18, 19, 20 and 21."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.faults.conftest import ONE, TWO

from sim2live.clock import NS, ManualClock, SystemClock
from sim2live.errors import ConfigError, JournalError
from sim2live.gate.damage import copies
from sim2live.gate.dispatch import Dispatcher
from sim2live.gate.journal import State, open_journal
from sim2live.gate.receipt import Status
from sim2live.market.bars import Bar
from sim2live.settings import Settings, connect
from sim2live.signals import Instrument
from sim2live.venues.outcome import Kind, Outcome
from sim2live.venues.record import Record


@contextmanager
def opened(journal: Path, venue: Record | None = None) -> Iterator[tuple[Dispatcher, Record]]:
    venue = Record() if venue is None else venue
    venue.fingerprint = "one"
    dispatcher = connect(
        venue, workflow="pool", journal=journal, clock=ManualClock(), settings=Settings()
    )
    try:
        yield dispatcher, venue
    finally:
        dispatcher.close()


def want(
    dispatcher: Dispatcher, target: int, nth: int, *, of: Instrument = ONE, data: str = "one"
) -> Any:
    return dispatcher.follow(of, target, data=data, nth=nth, decided_at=NS)


def test_fault_15_the_same_decision_again_gets_its_first_answer(tmp_path: Path) -> None:
    journal = tmp_path / "journal.sqlite3"
    with opened(journal) as (dispatcher, venue):
        first = want(dispatcher, 2, 0)
        assert want(dispatcher, 2, 0).granted == first.granted == 2
        assert len(venue.signals) == 1
        other = want(dispatcher, 5, 0)
        assert (other.status, other.granted) == (Status.NOT_SENT, 2)
        assert "an id is never used twice" in other.reason
    with opened(journal) as (dispatcher, venue):
        assert want(dispatcher, 2, 0).ok
        assert venue.signals == [], "another process knows it, too"


class Full:
    """A connection on a disk that is full, or that cannot sync."""

    def __init__(self, connection: sqlite3.Connection, words: str, text: str) -> None:
        self._connection, self._words, self._text = connection, words, text

    def execute(self, sql: str, *parameters: Any) -> Any:
        if sql.startswith(self._words):
            raise sqlite3.OperationalError(self._text)
        return self._connection.execute(sql, *parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def break_disk(dispatcher: Dispatcher, words: str, text: str) -> None:
    database: Any = dispatcher.gate.journal
    database._db._writer = Full(database._db._writer, words, text)


def assert_closed_for_entries(dispatcher: Dispatcher, venue: Record) -> None:
    refused = want(dispatcher, 3, 1)
    assert (refused.status, refused.granted) == (Status.NOT_SENT, 2)
    assert len(venue.signals) == 1
    assert dispatcher.state(ONE) == "HALTED"
    assert want(dispatcher, 3, 2).status is Status.HELD
    assert want(dispatcher, 0, 3).status is Status.ACCEPTED
    assert venue.signals[-1].open_close == "CLOSE"
    alarms = " ".join(alarm.text for alarm in dispatcher.gate.alarms.raised)
    assert "without a journal" in alarms


def test_fault_18_a_full_disk_stops_entries_and_no_exit(tmp_path: Path) -> None:
    with opened(tmp_path / "journal.sqlite3") as (dispatcher, venue):
        want(dispatcher, 2, 0)
        journal: Any = dispatcher.gate.journal
        pages = journal._db._writer.execute("PRAGMA page_count").fetchone()[0]
        journal._db._writer.execute(f"PRAGMA max_page_count={pages}")
        # The last free page takes a few rows; then SQLite itself says that the disk is full.
        for nth in range(100, 400):
            want(dispatcher, 1, nth, of=TWO, data=f"two {nth}")
            if dispatcher.state(TWO) == "HALTED":
                break
        assert dispatcher.state(TWO) == "HALTED"
        sent = len(venue.signals)
        assert want(dispatcher, 3, 1).status is Status.NOT_SENT
        assert len(venue.signals) == sent
        assert want(dispatcher, 0, 3).status is Status.ACCEPTED
        alarms = " ".join(alarm.text for alarm in dispatcher.gate.alarms.raised)
        assert "full" in alarms
        journal._db._writer.execute(f"PRAGMA max_page_count={pages + 1000}")


def test_fault_20_a_sync_that_fails_halts(tmp_path: Path) -> None:
    # An intent is one statement, which commits, and so syncs, by itself.
    with opened(tmp_path / "journal.sqlite3") as (dispatcher, venue):
        want(dispatcher, 2, 0)
        break_disk(dispatcher, "INSERT INTO signals", "disk I/O error")
        assert_closed_for_entries(dispatcher, venue)


def test_fault_20_a_sync_that_fails_in_a_shared_commit_halts(tmp_path: Path) -> None:
    with opened(tmp_path / "journal.sqlite3") as (dispatcher, venue):
        want(dispatcher, 2, 0)
        dispatcher.on_bar(ONE, Bar(NS, 1.0, 1.0, 1.0, 1.0))  # goes to disk with the next intent
        break_disk(dispatcher, "COMMIT", "disk I/O error")
        refused = want(dispatcher, 3, 1)
        assert (refused.status, refused.granted) == (Status.NOT_SENT, 2)
        assert len(venue.signals) == 1
        assert dispatcher.state(ONE) == "HALTED"


def written(folder: Path) -> tuple[Path, list[str]]:
    """A journal as a kill leaves it: nothing of its log is in the main file yet."""
    journal = folder / "journal.sqlite3"
    with opened(journal) as (dispatcher, venue):
        for nth in range(6):
            want(dispatcher, nth + 1, nth)
        torn = folder / "torn"
        torn.mkdir()
        for file in folder.glob("journal.sqlite3*"):
            if not file.name.endswith((".lock", ".pid")):
                shutil.copy(file, torn / file.name)
        return torn, [signal.signal_id for signal in venue.signals]


@pytest.mark.parametrize("damage", ["cut", "flip"])
def test_fault_19_a_torn_tail_leaves_the_rows_before_it(tmp_path: Path, damage: str) -> None:
    torn, ids = written(tmp_path)
    log = (torn / "journal.sqlite3-wal").read_bytes()
    seen = set()
    for n in [*range(1, 60, 3), *range(60, len(log), 6007)]:
        if damage == "cut":
            tail = log[:-n]
        else:
            tail = log[:-n] + bytes([log[-n] ^ 0xFF]) + (log[len(log) - n + 1 :])
        (torn / "journal.sqlite3-wal").write_bytes(tail)
        copy = tmp_path / f"copy-{damage}-{n}"
        shutil.copytree(torn, copy)
        journal = open_journal(str(copy / "journal.sqlite3"), "one", ManualClock())
        found = [row.id for row in journal.rows()]
        assert found == ids[: len(found)], "what is left is the beginning, without a gap"
        seen.add(len(found))
        journal.close()
        shutil.rmtree(copy)
    assert len(ids) in seen
    assert min(seen) < len(ids)


def test_fault_19_a_file_that_is_none_is_refused_and_not_overwritten(tmp_path: Path) -> None:
    journal = tmp_path / "journal.sqlite3"
    noise = os.urandom(8192)
    journal.write_bytes(noise)
    for _ in range(2):
        with pytest.raises(JournalError, match=r"copy is kept as .*damaged-1: look at the venue"):
            open_journal(str(journal), "one", ManualClock())
        assert journal.read_bytes() == noise
        assert copies(str(journal)) == [f"{journal}.damaged-1"], "a second try needs no second copy"
    assert Path(f"{journal}.damaged-1").read_bytes() == noise
    # The new journal knows nothing, so it opens nothing until somebody has looked.
    journal.unlink()
    with opened(journal) as (dispatcher, _):
        assert want(dispatcher, 2, 0).status is Status.HELD
        assert "journal was damaged" in str(dispatcher.gate.alarms.raised)
        dispatcher.resume()
        assert want(dispatcher, 2, 1).status is Status.ACCEPTED
    with opened(journal) as (dispatcher, _):
        assert dispatcher.state(ONE) == "ACTIVE", "it was told once"


def test_fault_19_commits_that_were_lost_are_told_and_a_copy_is_kept(tmp_path: Path) -> None:
    torn, ids = written(tmp_path)
    journal = torn / "journal.sqlite3"
    log = bytearray((torn / "journal.sqlite3-wal").read_bytes())
    log[len(log) // 2] ^= 0xFF  # a page in the middle; whole commits stand behind it
    (torn / "journal.sqlite3-wal").write_bytes(log)
    venue = Record()
    with opened(journal, venue) as (dispatcher, _):
        kept = Path(f"{journal}.damaged-1")
        assert Path(f"{kept}-wal").read_bytes() == log, "as it was, before it was recovered"
        assert len(list(dispatcher.gate.journal.rows())) < len(ids)
        assert str(kept) in " ".join(alarm.text for alarm in dispatcher.gate.alarms.raised)
        held = dispatcher.position(ONE).sure
        assert held > 0
        assert dispatcher.state(ONE) == dispatcher.state(TWO) == "HALTED"
        assert want(dispatcher, 20, 20).status is Status.HELD
        assert want(dispatcher, 1, 20, of=TWO).status is Status.HELD
        assert want(dispatcher, 0, 21).ok, "exits go"
        assert venue.signals[-1].qty == held


def test_fault_19_a_log_that_a_kill_left_is_no_damage(tmp_path: Path) -> None:
    torn, ids = written(tmp_path)
    journal = open_journal(str(torn / "journal.sqlite3"), "one", ManualClock())
    assert [row.id for row in journal.rows()] == ids
    journal.close()
    assert copies(str(torn / "journal.sqlite3")) == []


SECOND = """
import sys
from sim2live.clock import ManualClock
from sim2live.errors import LockedError
from sim2live.settings import connect, Settings
from sim2live.venues.record import Record
venue = Record(); venue.fingerprint = "one"
try:
    connect(venue, workflow="pool", journal=sys.argv[1], clock=ManualClock(), settings=Settings())
except LockedError as error:
    print(error)
"""


def test_fault_21_a_second_process_is_refused_by_name(tmp_path: Path) -> None:
    journal = tmp_path / "journal.sqlite3"
    with opened(journal) as (dispatcher, venue):
        with subprocess.Popen(
            [sys.executable, "-c", SECOND, str(journal)], stdout=subprocess.PIPE, text=True
        ) as second:
            for nth in range(500):
                want(dispatcher, 1, 2 * nth)
                want(dispatcher, 0, 2 * nth + 1)
            told, _ = second.communicate(timeout=200)
        assert f"pid {os.getpid()}" in told
        assert "'pool'" in told
        ids = [signal.signal_id for signal in venue.signals]
        assert len(set(ids)) == len(ids) == 1000


def test_fault_21_a_reader_beside_it_does_not_take_a_row_under_way_for_a_dead_one(
    tmp_path: Path,
) -> None:
    journal = tmp_path / "journal.sqlite3"
    venue = Record()

    def looked_at(signal: Any) -> Outcome:
        beside = open_journal(str(journal), "one", ManualClock())
        assert beside.counts() == {"SENDING": 1}
        beside.mailbox.ask("pool", "halt", "from beside")
        beside.close()
        return Outcome(Kind.ACCEPTED)

    venue._answer = looked_at
    with opened(journal, venue) as (dispatcher, _):
        assert want(dispatcher, 1, 0).status is Status.ACCEPTED
        assert dispatcher.gate.journal.counts() == {"ACCEPTED": 1}
        assert [command.verb for command in dispatcher.gate.journal.mailbox.asked()] == ["halt"]


def test_fault_21_another_pool_of_the_same_journal_is_left_alone(tmp_path: Path) -> None:
    """Two processes on two pools share a file; neither settles or closes what is the other's."""
    journal = tmp_path / "journal.sqlite3"
    with opened(journal) as (dispatcher, venue):
        venue._answer = lambda signal: Outcome(Kind.UNKNOWN, "nobody knows")
        want(dispatcher, 2, 0)
        other = Record()
        other.fingerprint = "one"
        with connect(
            other, workflow="another", journal=journal, clock=ManualClock(), settings=Settings()
        ) as beside:
            assert beside.follow(ONE, 1, data="one", nth=0, decided_at=NS).ok
            beside.gate.work()
            assert [signal.workflow_id for signal in other.signals] == ["another"]
        assert dispatcher.gate.journal.counts()["UNKNOWN"] == 1


def multiplied(journal: Path, rows: int) -> None:
    """Add this many copies of the journal's first signal, with ids of their own."""
    copies = sqlite3.connect(journal)
    names = [row[1] for row in copies.execute("PRAGMA table_info(signals)")]
    chosen = ["id || '-' || n" if name == "id" else name for name in names]
    copies.execute(
        f"WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted"
        f" WHERE n < {rows}) INSERT INTO signals ({','.join(names)})"
        f" SELECT {','.join(chosen)} FROM counted, (SELECT * FROM signals LIMIT 1)"
    )
    copies.commit()
    copies.close()


@pytest.mark.parametrize(
    ("settings", "spoil", "error"),
    [
        (Settings(alerts={"phone": "json://{NO_SUCH_VARIABLE}"}), None, ConfigError),
        (Settings(confirm="nonsense"), None, ConfigError),
        (Settings(), "PRAGMA user_version=99", JournalError),
        (Settings(), "PRAGMA application_id=7", JournalError),
    ],
    ids=["an alert without its secret", "a wrong confirmation", "newer", "of another program"],
)
def test_a_start_that_fails_leaves_no_file_open(
    tmp_path: Path, settings: Settings, spoil: str | None, error: type[Exception]
) -> None:
    """A notebook keeps the last error, and with it all that the failed call had at hand."""
    journal = tmp_path / "journal.sqlite3"
    with opened(journal) as (dispatcher, _):
        want(dispatcher, 1, 0)
        assert open_files(tmp_path)
    if spoil is not None:
        with closing(sqlite3.connect(journal)) as connection:
            connection.execute(spoil)
    with pytest.raises(error) as kept:
        connect("record", workflow="pool", journal=journal, clock=ManualClock(), settings=settings)
    assert kept.traceback
    assert open_files(tmp_path) == []


def open_files(folder: Path) -> list[str]:
    return [file.path for file in psutil.Process().open_files() if str(folder) in file.path]


def test_a_long_journal_opens_with_no_more_work_than_a_short_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From opening it to the first decision. SQLite counts its steps; a row read is several."""
    connected, step, steps = sqlite3.connect, 10, 0

    def counted(*words: Any, **options: Any) -> sqlite3.Connection:
        def one() -> None:
            nonlocal steps
            steps += step

        made = connected(*words, **options)
        made.set_progress_handler(one, step)
        return made

    work = {}
    for rows in (10, 30_000):
        journal = tmp_path / f"{rows}.sqlite3"
        with opened(journal) as (dispatcher, _):
            want(dispatcher, 1, 0)
            want(dispatcher, 0, 1)
        multiplied(journal, rows)
        steps = 0
        with monkeypatch.context() as patched:
            patched.setattr(sqlite3, "connect", counted)
            with opened(journal) as (dispatcher, venue):
                assert dispatcher.follow(ONE, 1, data="one", nth=2, decided_at=2 * NS).ok
                work[rows] = steps
                assert len(venue.signals) == 1
                assert sum(dispatcher.gate.journal.counts().values()) == rows + 3
        assert steps > work[rows] + rows, "counting the rows is work that is seen"
    assert 0 < work[30_000] < 2 * work[10], work


@pytest.mark.parametrize("states", [("SENDING",), ("UNKNOWN",), ("SENDING", "UNKNOWN")])
def test_open_rows_are_found_without_a_look_at_the_others(
    tmp_path: Path, states: tuple[State, ...]
) -> None:
    """A start asks for them, and the guard again and again, however long the journal is."""
    journal = open_journal(str(tmp_path / "journal.sqlite3"), "venue", SystemClock())
    asked: list[str] = []
    journal._db._reader.set_trace_callback(asked.append)
    assert list(journal.rows(states=states, workflow="pool")) == []
    plan = journal._db.query(f"EXPLAIN QUERY PLAN {asked[0]}")
    assert "USING INDEX open_signals" in str(plan)
    journal.close()
