"""Scripts under `sim2live playground run`: whole ones, and the strategy logic alone."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sim2live.errors import ConfigError
from sim2live.market.bars import Bar, CsvBars
from sim2live.playground.child import is_whole
from sim2live.playground.record import Record
from sim2live.playground.run import Outcome, Plan, Run

EXAMPLES = Path(__file__).parents[2] / "examples"
WHOLE = Path(__file__).with_name("whole_script.py")
MINUTE = 60 * 10**9
START = 1_736_951_400 * 10**9  # 2025-01-15 14:30 UTC


def minutes(*closes: float) -> list[Bar]:
    return [Bar(START + (n + 1) * MINUTE, c, c, c, c, 1.0) for n, c in enumerate(closes)]


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "strategy.py"
    path.write_text(textwrap.dedent(text))
    return path


def ran(script: Path, bars: list[Bar] | None = None, **more: Any) -> tuple[Outcome, list[Any]]:
    lines: list[Any] = []
    plan = Plan(
        script=script, instrument="NQ", start="2025-01-15", end=None, timeframe="1m", bars=bars,
        **more,
    )  # fmt: skip
    outcome = Run(plan, lambda stream, line: lines.append((stream, line))).run()
    return outcome, lines


def test_strategy_logic_alone_finds_its_names_and_is_cleaned_up_after(tmp_path: Path) -> None:
    script = written(tmp_path, """
        import sys
        print("[INFO]", INSTRUMENT, TOTAL_BARS, MAX_BARS, CONTRACT_ID)
        for i in range(MAX_BARS):
            bar = get_next_bar()
            if i == 0:
                place_order(ACCOUNT_ID, CONTRACT_ID, 0, 1)
            if i == 1:
                place_order(ACCOUNT_ID, CONTRACT_ID, 1, 3)
        print("[DEBUG] last", bar["c"], file=sys.stderr)
    """)  # fmt: skip
    outcome, lines = ran(script, minutes(100, 110, 105))
    assert ("stdout", "[INFO] NQ 3 3 CON.F.US.ENQ.H25") in lines
    assert ("stderr", "[DEBUG] last 105.0") in lines
    told = [line for _, line in lines if line.startswith("RESULT ")]
    wanted = {"finalBalance": 50_400.0, "netPnl": 400.0, "totalTrades": 4, "winRate": 100.0}
    assert msgspec.json.decode(told[0].removeprefix("RESULT ")) == wanted
    record = outcome.record
    assert (record.exit_code, record.bars, record.total_bars) == (0, 3, 3)
    assert (record.final_balance, record.net_pnl) == (50_400, 400)
    assert (record.total_trades, record.win_rate, record.open_position) == (4, 100, 0)
    assert [(f.size, f.price, f.profit) for f in record.fills] == [
        (1, 100, None), (-3, 110, 200), (2, 105, 200),
    ]  # fmt: skip
    assert outcome.curve == [50_000, 50_200, 50_400]


def test_a_whole_script_runs_with_its_own_header() -> None:
    assert is_whole(WHOLE)
    outcome, lines = ran(WHOLE)
    assert outcome.record.exit_code == 0
    assert outcome.record.bars == 390
    assert outcome.record.open_position == 0
    assert len([line for _, line in lines if line.startswith("[TRADE]")]) == 39
    # 39 orders of which 38 turn the position, and the last close.
    assert outcome.record.total_trades == 1 + 2 * 38 + 1
    assert lines[-1] == ("stdout", f"[INFO] done {outcome.record.final_balance}")


def test_a_script_that_fails_is_flattened_and_told(tmp_path: Path) -> None:
    script = written(
        tmp_path,
        """
        get_next_bar()
        place_order(ACCOUNT_ID, CONTRACT_ID, 0, 1)
        raise RuntimeError("broken")
    """,
    )
    outcome, lines = ran(script, minutes(100, 110))
    assert outcome.record.exit_code == 1
    assert outcome.record.open_position == 0
    told = [line for stream, line in lines if stream == "stderr"]
    assert told[0] == "Traceback (most recent call last):"
    assert f'File "{script}", line 4, in <module>' in told[1]  # no frame of ours above it
    assert told[-1] == "RuntimeError: broken"
    assert any(line.startswith("RESULT") for _, line in lines)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM ends a process there at once")
def test_a_script_that_is_stopped_is_flattened(tmp_path: Path) -> None:
    script = written(
        tmp_path,
        """
        import time
        get_next_bar()
        place_order(ACCOUNT_ID, CONTRACT_ID, 0, 1)
        print("ready")
        time.sleep(50)
    """,
    )
    ready = threading.Event()
    plan = Plan(script=script, instrument="NQ", start="2025-01-15", end=None, timeframe="1m")
    run = Run(plan, lambda _, line: ready.set() if line == "ready" else None)
    found: list[Outcome] = []
    running = threading.Thread(target=lambda: found.append(run.run()))
    running.start()
    assert ready.wait(60)
    assert run.progress == (1, 390)
    run.stop()
    running.join(60)
    assert found[0].record.exit_code == 143
    assert found[0].record.open_position == 0


def test_a_running_script_reads_the_speed_that_is_written(tmp_path: Path) -> None:
    script = written(
        tmp_path,
        """
        print("first", read_speed())
        while read_speed() == 9:
            pass
        print("then", STEP_DELAY)
    """,
    )
    lines: list[str] = []

    def hear(_: str, line: str) -> None:
        lines.append(line)
        if line.startswith("first"):
            run.speed_file.write_text("0.5")

    plan = Plan(
        script=script, instrument="NQ", start="2025-01-15", end=None, timeframe="1m", delay=9
    )
    run = Run(plan, hear)
    run.run()
    assert lines[:2] == ["first 9.0", "then 0.5"]


@pytest.mark.parametrize("name", ["sma", "rsi", "breakout"])
def test_the_examples_trade_and_end_flat(name: str) -> None:
    outcome, lines = ran(EXAMPLES / f"playground_{name}.py")
    assert outcome.record.exit_code == 0, lines
    assert outcome.record.bars == 390
    assert outcome.record.total_trades >= 2
    assert outcome.record.open_position == 0
    assert outcome.curve[-1] == pytest.approx(outcome.record.final_balance)


@pytest.mark.parametrize(
    ("more", "words"),
    [({"start": "2025-01-18"}, "no bars"), ({"timeframe": "7m"}, "timeframe"),
     ({"instrument": "NOTHING"}, "no bars")],
)  # fmt: skip
def test_a_replay_that_cannot_begin_runs_nothing(more: Any, words: str, tmp_path: Path) -> None:
    script = written(tmp_path, "print('ran')")
    fields = {"instrument": "NQ", "start": "2025-01-15", "end": None, "timeframe": "1m", **more}
    lines: list[str] = []
    with pytest.raises(ConfigError, match=words):
        Run(Plan(script=script, **fields), lambda _, line: lines.append(line)).run()
    assert lines == []


@pytest.mark.parametrize("text", ["x = (", "#" * 205_000])
def test_a_script_that_is_no_python_or_too_long_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="script="):
        is_whole(written(tmp_path, text))


def test_a_syntax_error_names_the_script_and_the_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"strategy\.py, line 2") as caught:
        is_whole(written(tmp_path, "x = 1\nx = ("))
    assert "<unknown>" not in str(caught.value)


def test_a_missing_script_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.py"):
        is_whole(tmp_path / "nothing.py")


@pytest.mark.parametrize(
    "name",
    ["api_calls", "close_all_positions", "get_account", "get_next_bar", "get_positions",
     "place_order", "read_speed"],
)  # fmt: skip
def test_every_snippet_of_the_page_runs_inside_a_script(
    snippets: Path, tmp_path: Path, name: str
) -> None:
    text = (snippets / f"{name}.py").read_text("utf-8")
    # What the page leaves to the reader: a condition, and a loop around a `break`.
    before = "import time\nsome_risk_condition = True\nget_next_bar()\n"
    before += "place_order(ACCOUNT_ID, CONTRACT_ID, 0, 1)\nfor _ in range(1):\n"
    script = written(tmp_path, "")
    script.write_text(before + textwrap.indent(text, "    ") + "\nprint('[DEBUG] at the end')\n")
    outcome, lines = ran(script)
    assert outcome.record.exit_code == 0, lines
    assert ("stdout", "[DEBUG] at the end") in lines
    ended = name == "api_calls"  # which ends the session itself
    assert [line for stream, line in lines if stream == "stderr" and not ended] == []


def test_the_command_streams_writes_a_record_and_a_page(tmp_path: Path) -> None:
    data = tmp_path / "bars.csv"
    rows = [
        f"2025-01-15T14:{30 + n}:00Z,{100 + n},{102 + n},{99 + n},{101 + n},5" for n in range(9)
    ]
    data.write_text("\n".join(["Datetime,Open,High,Low,Close,Volume", *rows]))
    script = written(
        tmp_path,
        """
        for _ in range(MAX_BARS):
            bar = get_next_bar()
            if bar["t"].endswith("14:30:00Z"):
                place_order(ACCOUNT_ID, CONTRACT_ID, 0, 1)
                print("[TRADE] BUY @", bar["c"], "</script>")
    """,
    )
    done = subprocess.run(
        [sys.executable, "-m", "sim2live.cli", "playground", "run", str(script), "-i", "NQ",
         "--bars", str(data), "--stamp", "start", "--start", "2025-01-15", "--out", str(tmp_path)],
        env={**os.environ, "COLUMNS": "120", "NO_COLOR": "1"}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "[TRADE] BUY @ 101.0" in done.stdout
    assert "Net P&L" in done.stdout
    record = msgspec.json.decode((tmp_path / "playground-strategy.json").read_bytes(), type=Record)
    assert (record.bars, record.net_pnl, record.total_trades) == (9, 160, 2)
    page = (tmp_path / "playground-strategy.html").read_text("utf-8")
    assert "strategy.py" in page
    assert '"equity":[50000.0' in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")


def test_the_command_says_what_is_wrong_in_one_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sim2live.cli", "playground", "run", str(tmp_path / "no.py")],
        env={**os.environ, "COLUMNS": "120"}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_bars_of_a_file_can_be_read_twice() -> None:
    """The command reads a file once for the length of its bars and once for the bars."""
    bars = CsvBars(EXAMPLES / "data" / "sp500_daily.csv")
    assert next(iter(bars)) == next(iter(bars))
