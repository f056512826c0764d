"""`sim2live export metrics`: what a monitoring system is told of a journal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sim2live.clock import ManualClock
from sim2live.gate.metrics import exposition


def figures(text: str) -> dict[str, float]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def named(found: dict[str, float], start: str, *parts: str) -> float:
    (value,) = [v for k, v in found.items() if k.startswith(start) and all(p in k for p in parts)]
    return value


def test_signals_latency_states_and_what_is_held_are_told(journal: Path) -> None:
    found = figures(exposition(str(journal), ManualClock()))
    assert named(found, "sim2live_signals_total", 'state="ACCEPTED"') == 3
    assert named(found, "sim2live_signals_total", 'state="REJECTED"') == 1
    assert found["sim2live_latency_seconds_count"] == 4
    assert found['sim2live_latency_seconds_bucket{le="+Inf"}'] == 4
    assert found["sim2live_latency_seconds_sum"] == 0  # the clock of this journal stands still
    within = [v for k, v in found.items() if k.startswith("sim2live_latency_seconds_bucket")]
    assert within == sorted(within)
    assert named(found, "sim2live_owed", 'instrument="CME:MESH6"') == 0
    assert named(found, "sim2live_presumed", 'bound="low"') == 0
    assert sum(v for k, v in found.items() if k.startswith("sim2live_state")) == 1


def test_the_file_is_replaced_in_one_step(command: Any, journal: Path, tmp_path: Path) -> None:
    (tmp_path / "s.prom").write_text("old")
    done = command("export", "metrics", "--journal", str(journal), "-o", "s.prom")
    assert done.returncode == 0, done.stderr
    written = (tmp_path / "s.prom").read_text("utf-8")
    assert figures(written)["sim2live_latency_seconds_count"] == 4
    assert not (tmp_path / "s.prom.new").exists()
    shown = command("export", "metrics", "--journal", str(journal)).stdout
    assert figures(shown).keys() == figures(written).keys()


@pytest.mark.parametrize(
    "line", ["# TYPE sim2live_latency_seconds histogram", "# HELP sim2live_owed"]
)
def test_each_metric_says_what_it_is(journal: Path, line: str) -> None:
    assert line in exposition(str(journal), ManualClock())
