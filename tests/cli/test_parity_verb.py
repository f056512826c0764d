"""`sim2live parity`: the table, the JSON, the page, the exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from sim2live.runs import Decision, FillAt, Holding, Run
from sim2live.signals import Instrument

DAY = 86_400_000_000_000
HOSTILE = "<img src=x onerror=alert(1)>[red]"


def run(name: str) -> Run:
    sides = ["BUY", "SELL", "SELL", "BUY"]
    return Run(
        name=name,
        decisions=[
            Decision(
                time=(20_000 + 4 * i) * DAY, data="es", side=side, qty=1.0, order_type="Market",
                instrument=Instrument("CME", "MESH6"),
            )
            for i, side in enumerate(sides)
        ],
        positions=[Holding(time=(20_000 + i) * DAY, data="es", size=0.0) for i in range(20)],
        fills=[
            FillAt(
                time=(20_001 + 4 * i) * DAY, data="es", size=1.0 if side == "BUY" else -1.0,
                price=5000.0 + i,
            )
            for i, side in enumerate(sides)
        ],
        equity=[((20_000 + i) * DAY, 50_000.0 + (i * 37) % 90) for i in range(20)],
    )  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> tuple[Run, Run, Any]:
    a, b = run("simulated"), run("live")

    def write() -> tuple[str, str]:
        a.write(tmp_path / "a.jsonl")
        b.write(tmp_path / "b.jsonl")
        return "a.jsonl", "b.jsonl"

    return a, b, write


def test_two_equal_runs_are_in_parity(command: Any, files: Any) -> None:
    done = command("parity", *files[2]())
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("PARITY  simulated | live")
    assert "What differs" not in done.stdout


def test_a_difference_is_listed_and_the_exit_code_says_no(command: Any, files: Any) -> None:
    _, b, write = files
    b.decisions[1] = replace(b.decisions[1], qty=2.0)
    done = command("parity", *write())
    assert done.returncode == 1
    assert done.stdout.startswith("DIFFERENT: 1")
    assert "resized: another quantity" in done.stdout
    assert "Market SELL 2 CME:MESH6" in done.stdout


@pytest.mark.parametrize(
    ("allowed", "code", "word"),
    [("0", 1, "DRIFT"), ("3.9", 1, "DRIFT"), ("4", 0, "PARITY"), ("any", 0, "PARITY")],
)
def test_drift_counts_beyond_what_is_allowed(
    command: Any, files: Any, allowed: str, code: int, word: str
) -> None:
    _, b, write = files
    b.fills[0] = replace(b.fills[0], price=5001.0)
    done = command("parity", *write(), "--drift", allowed, "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["verdict"]) == (code, word)
    (one,) = told["drift"]["each"]
    assert (one["ticks"], one["money"], told["drift"]["money"]) == (4.0, 5.0, 5.0)


def test_the_page_stands_alone_and_shows_hostile_names_as_text(
    command: Any, files: Any, tmp_path: Path
) -> None:
    a, b, write = files
    a.name = HOSTILE
    b.decisions[0] = replace(b.decisions[0], data=HOSTILE, reason=HOSTILE)
    done = command("parity", *write(), "--html", "parity.html")
    assert done.returncode == 1
    assert HOSTILE in done.stdout
    html = (tmp_path / "parity.html").read_text("utf-8")
    assert "<img" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html
    assert "DIFFERENT: 2" in html
    assert "<script" not in html
    assert "http" not in html.replace('http-equiv="Content-Security-Policy"', "")
    assert html.count('<path class="series') == 4


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("none.jsonl", "b.jsonl"), "No such file"),
        (("a.jsonl", "b.jsonl", "--drift", "-1"), "must be a number of ticks"),
        (("a.jsonl", "b.jsonl", "--drift", "nan"), "must be a number of ticks"),
        (("a.jsonl", "broken.jsonl"), "broken.jsonl, line 1"),
    ],
)
def test_wrong_input_is_named(
    command: Any, files: Any, tmp_path: Path, words: tuple[str, ...], sentence: str
) -> None:
    files[2]()
    (tmp_path / "broken.jsonl").write_text("{}\n")
    done = command("parity", *words)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
