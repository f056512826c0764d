"""Reading a journal: activity, explain, export."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def rows(command: Any, journal: Path, *words: str) -> list[dict[str, Any]]:
    done = command("activity", "--no-follow", "--json", "--journal", str(journal), *words)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_activity_shows_each_signal_in_exchange_time(command: Any, journal: Path) -> None:
    done = command("activity", "--no-follow", "--journal", str(journal))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("2026-01-05 09:00:00.000  ACCEPTED  python-test  =breakout")
    assert "BUY 1 CME:MESH6 MARKET OPEN" in lines[0]
    assert "REJECTED" in lines[3]
    assert "Halted: python-test" in lines[3]


def test_activity_can_be_narrowed(command: Any, journal: Path) -> None:
    assert [row["qty"] for row in rows(command, journal, "-n", "2")] == [3, 2]
    assert rows(command, journal, "--pool", "other") == []
    assert rows(command, journal, "-n", "0") == []
    assert len(rows(command, journal, "--venue", "paper:")) == 4


def test_activity_goes_on_as_rows_are_written(journal: Path, tmp_path: Path) -> None:
    words = ["activity", "--json", "-n", "1", "--journal", str(journal)]
    run = [sys.executable, "-u", "-m", "sim2live.cli", *words]
    following = subprocess.Popen(run, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    try:
        assert following.stdout is not None
        assert json.loads(following.stdout.readline())["state"] == "REJECTED"
        again = journal_row(journal)
        told = json.loads(following.stdout.readline())
        assert (told["signal_id"], told["state"]) == (again, "SENDING")
        answer(journal, again)
        told = json.loads(following.stdout.readline())
        assert (told["signal_id"], told["state"]) == (again, "UNKNOWN")
    finally:
        following.terminate()
        following.wait(60)
        following.stdout.close()


def journal_row(path: Path) -> str:
    from sim2live.clock import SystemClock
    from sim2live.gate.archive import Archive
    from sim2live.gate.journal import Row, open_journal
    from sim2live.signals import Instrument, Signal

    archive = Archive(str(path))
    venue = archive.entries(last=1)[0].venue
    archive.close()
    signal = Signal(
        signal_id="later", workflow_id="python-test", instrument=Instrument("CME", "MESH6"),
        side="BUY", qty=1,
    )  # fmt: skip
    kept = open_journal(str(path), venue, SystemClock())
    kept.intend(
        Row(
            id="later",
            workflow="python-test",
            instrument=signal.instrument,
            strategy="s",
            run="",
            data="mes",
            decided_at=1,
            nth=0,
            leg="open",
            signed=1,
            payload=signal.encode(),
            sends=1,
        )
    )
    kept.close()
    return "later"


def answer(path: Path, name: str) -> None:
    from sim2live.clock import SystemClock
    from sim2live.gate.archive import Archive
    from sim2live.gate.journal import open_journal
    from sim2live.gate.ledger import Line
    from sim2live.venues.outcome import Kind, Outcome

    archive = Archive(str(path))
    (entry,) = archive.find(name)
    archive.close()
    kept = open_journal(str(path), entry.venue, SystemClock())
    kept.outcome(entry.row, Outcome(Kind.UNKNOWN, "no answer"), None, Line())
    kept.close()


def test_explain_tells_the_story_from_bar_to_outcome(command: Any, journal: Path) -> None:
    first = rows(command, journal)[0]["signal_id"]
    done = command("explain", first[:12], "--journal", str(journal))
    assert done.returncode == 0, done.stderr
    for part in (
        "ACCEPTED  BUY 1 CME:MESH6 MARKET OPEN",
        "open 5070, high 5072, low 5069, close 5071, volume 100",
        "=breakout, run r1, on mes, call 1 of that bar",
        "opens or enlarges a position",
        "2026-01-05 09:00:00.000-06:00",
        "once",
        "The venue took it, which is not the same as a fill.",
        first,
    ):
        assert part in done.stdout, part


def test_explain_gives_a_refusal_its_reason(command: Any, journal: Path) -> None:
    last = rows(command, journal)[3]["signal_id"]
    done = command("explain", last, "--json", "--journal", str(journal))
    told = json.loads(done.stdout)
    assert told["state"] == "REJECTED"
    assert "Halted: python-test" in told["reason"]
    assert told["bar"]["close"] == 5071.0
    assert told["decided_at"] == "2026-01-05T15:03:00Z"


@pytest.mark.parametrize("name", ["nothing-like-it", "%"])
def test_explain_says_when_there_is_no_such_signal(command: Any, journal: Path, name: str) -> None:
    done = command("explain", name, "--journal", str(journal))
    assert done.returncode == 2
    assert "holds no such signal" in done.stderr


def test_a_journal_that_is_not_there_is_not_made(command: Any, tmp_path: Path) -> None:
    for words in (("activity",), ("explain", "x"), ("export", "journal", "--csv", "-")):
        done = command(*words)
        assert done.returncode == 2
        assert "there is no such file" in done.stderr
    assert not (tmp_path / "home").exists()


def test_export_writes_the_audit_trail_in_exchange_time(
    command: Any, journal: Path, tmp_path: Path
) -> None:
    done = command("export", "journal", "--csv", "audit.csv", "--journal", str(journal))
    assert (done.returncode, done.stdout) == (0, "4 rows written to audit.csv\n")
    found = list(csv.DictReader(io.StringIO((tmp_path / "audit.csv").read_text("utf-8"))))
    assert [row["state"] for row in found] == ["ACCEPTED", "ACCEPTED", "ACCEPTED", "REJECTED"]
    assert found[0]["decided_at"] == "2026-01-05 09:00:00.000-06:00"
    assert found[0]["time_zone"] == "America/Chicago"
    assert found[2]["side"] == "SELL"
    assert found[2]["open_close"] == "CLOSE"


def test_an_exported_cell_is_never_a_formula(command: Any, journal: Path) -> None:
    done = command("export", "journal", "--csv", "-", "--journal", str(journal))
    assert {row["strategy"] for row in csv.DictReader(io.StringIO(done.stdout))} == {"'=breakout"}


def test_export_as_lines_of_json_is_what_activity_says(command: Any, journal: Path) -> None:
    done = command("export", "journal", "--jsonl", "-", "--journal", str(journal))
    assert [json.loads(line) for line in done.stdout.splitlines()] == rows(command, journal)


@pytest.mark.parametrize("words", [(), ("--csv", "a", "--jsonl", "b")])
def test_export_wants_one_file(command: Any, journal: Path, words: tuple[str, ...]) -> None:
    done = command("export", "journal", "--journal", str(journal), *words)
    assert done.returncode == 2
    assert "name one of --csv" in done.stderr
