"""A journal that several processes open for the first time at once is made once."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

from sim2live.clock import SystemClock
from sim2live.gate.journal import open_journal

PROCESSES = 6


def opened(path: str, gate: object, said: object) -> None:
    gate.wait()  # type: ignore[attr-defined]
    try:
        open_journal(path, "venue", SystemClock()).close()
        said.put("")  # type: ignore[attr-defined]
    except Exception as error:
        said.put(repr(error))  # type: ignore[attr-defined]


def test_a_new_journal_is_made_once(tmp_path: Path) -> None:
    here = multiprocessing.get_context("spawn")
    for turn in range(2):
        gate, said = here.Barrier(PROCESSES), here.Queue()
        path = str(tmp_path / f"{turn}.sqlite3")
        made = [here.Process(target=opened, args=(path, gate, said)) for _ in range(PROCESSES)]
        for one in made:
            one.start()
        assert [said.get(timeout=200) for _ in made] == [""] * PROCESSES
        for one in made:
            one.join(60)
