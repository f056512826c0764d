"""A killed live run goes on as if nobody had killed it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sim2live.errors import ConfigError
from sim2live.market.bars import Bar
from sim2live.zipline.tape import Tape

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.slow
def test_after_a_kill_the_venue_ends_as_in_the_uninterrupted_run() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "tests/campaign_zipline.py", "--seeds", "3"],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "adapters")},
        capture_output=True,
        text=True,
        timeout=230,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 kills, 0 faults" in done.stdout


ABOUT = {"bundle": "b", "frequency": "minute", "capital": 1.0, "start": None}
MOMENT = 1_700_000_040_000_000_000


def written(path: Path) -> Tape:
    with Tape(path, dict(ABOUT)) as tape:
        tape.begin(start="2023-11-14")
        tape.write(MOMENT, [("ES", Bar(MOMENT, 1.0, 2.0, 0.5, 1.5, 10.0))])
        tape.write(MOMENT + 60, [])
    return tape


def test_a_tape_gives_back_what_was_written_moment_by_moment(tmp_path: Path) -> None:
    written(tmp_path / "tape")
    with Tape(tmp_path / "tape", dict(ABOUT)) as tape:
        assert tape.about["start"] == "2023-11-14"
        assert tape.last == MOMENT + 60
        assert tape.replaying
        assert tape.next(MOMENT) == [("ES", Bar(MOMENT, 1.0, 2.0, 0.5, 1.5, 10.0))]
        assert tape.next(MOMENT + 60) == []
        assert not tape.replaying
        assert tape.next(MOMENT + 120) is None


def test_a_line_that_a_kill_cut_short_was_seen_by_nobody(tmp_path: Path) -> None:
    path = tmp_path / "tape"
    written(path)
    whole = path.read_bytes()
    path.write_bytes(whole + b'[1700000160000000000,[["ES",17')
    with Tape(path, dict(ABOUT)) as tape:
        assert tape.last == MOMENT + 60
        tape.begin()
        tape.write(MOMENT + 120, [])
    assert path.read_bytes() == whole + b"[1700000040000000120,[]]\n"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"bundle": "other"}, "bundle"),
        ({"frequency": "daily"}, "frequency"),
        ({"start": "2023-11-15"}, "start"),
    ],
)
def test_a_tape_of_another_run_is_refused(
    tmp_path: Path, change: dict[str, object], sentence: str
) -> None:
    written(tmp_path / "tape")
    with pytest.raises(ConfigError, match=sentence):
        Tape(tmp_path / "tape", {**ABOUT, **change})


def test_a_file_that_is_no_tape_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tape").write_text("hello\n")
    with pytest.raises(ConfigError, match="is not a record"):
        Tape(tmp_path / "tape", dict(ABOUT))
