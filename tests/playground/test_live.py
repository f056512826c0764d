"""A script on an account of a ProjectX server; here the server is our own gateway."""

from __future__ import annotations

import json
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sim2live.clock import SystemClock, from_ns
from sim2live.errors import ConfigError, Sim2LiveError
from sim2live.gateway.server import running_gateway
from sim2live.market.contracts import front_month
from sim2live.playground.journal import Journal
from sim2live.playground.live import LivePlan, LiveRun
from sim2live.playground.live_desk import earnings
from sim2live.signals import Instrument, Signal
from sim2live.venues.projectx import ProjectX

TODAY = from_ns(SystemClock().now_ns()).date()
NQ, ES = (Instrument("CME", front_month(root, TODAY)) for root in ("NQ", "ES"))


@pytest.fixture
def venue() -> Iterator[ProjectX]:
    with running_gateway() as gateway:
        made = ProjectX(gateway.url, user_name="me", api_key="key", poll=None)
        yield made
        made.close()


def plan(tmp_path: Path, text: str, **more: Any) -> LivePlan:
    script = tmp_path / "strategy.py"
    script.write_text(textwrap.dedent(text))
    fields = {"account": "python-test-1", "instrument": NQ, "timeframe": "1s", "bars": 5, **more}
    return LivePlan(script=script, journal=tmp_path / "sent.sqlite3", **fields)


def hold(venue: ProjectX, instrument: Instrument, name: str) -> None:
    signal = Signal(
        signal_id=name, workflow_id="python-test-1", instrument=instrument, side="BUY", qty=2
    )
    assert venue.send(signal, timeout=30.0).kind.name == "ACCEPTED"


def account_of(venue: ProjectX) -> dict[str, Any]:
    rows: list[dict[str, Any]] = venue.reads.read("Account/search", {"onlyActiveAccounts": True})[
        "accounts"
    ]
    return rows[0]


def held(venue: ProjectX) -> dict[Instrument, int]:
    found = venue.positions("python-test-1")
    assert found is not None
    return found


def sent(tmp_path: Path) -> list[tuple[str, str | None]]:
    journal = Journal(tmp_path / "sent.sqlite3")
    rows = [(call, outcome) for _, call, outcome in journal.rows()]
    journal.close()
    return rows


def test_a_script_trades_on_live_bars_and_its_contract_ends_flat(
    venue: ProjectX, tmp_path: Path
) -> None:
    hold(venue, ES, "kept")
    lines: list[str] = []
    made = plan(tmp_path, """
        for _ in range(2):
            bar = get_next_bar()
            print(sorted(bar), bar["t"][:4])
            legs = {"sl_ticks": 2000, "tp_ticks": 2000}
            print(place_order(ACCOUNT_ID, CONTRACT_ID, 0, 1, **legs)["success"])
        print(get_positions(ACCOUNT_ID)[0]["size"], len(get_positions(ACCOUNT_ID)))
        print(get_account(ACCOUNT_ID)["name"])
        print(place_order(ACCOUNT_ID, "CON.F.US.EP.Z26", 1, 1)["errorCode"])
    """)  # fmt: skip
    assert LiveRun(made, venue, lambda _, line: lines.append(line)).run() == 0
    bar = f"['c', 'h', 'l', 'o', 't', 'v'] {TODAY.year}"
    assert lines[:4] == [bar, "True", bar, "True"]
    assert lines[4:6] == ["2 1", "python-test-1"]
    assert "403" in lines
    assert held(venue) == {ES: 2}  # another contract is never touched
    number = venue.reads.read("Account/search", {"onlyActiveAccounts": True})["accounts"][0]["id"]
    assert venue.reads.read("Order/searchOpen", {"accountId": number})["orders"] == []
    assert sent(tmp_path)[:2] == [("Order/place", "accepted")] * 2


def test_the_result_is_what_the_venue_says_of_the_fills(venue: ProjectX, tmp_path: Path) -> None:
    lines: list[str] = []
    made = plan(tmp_path, """
        for side, size in ((0, 1), (1, 2), (0, 1)):
            assert place_order(ACCOUNT_ID, CONTRACT_ID, side, size)["success"]
            get_next_bar()
    """)  # fmt: skip
    balance = account_of(venue)["balance"]
    assert LiveRun(made, venue, lambda _, line: lines.append(line)).run() == 0
    told = json.loads(lines[-1].removeprefix("RESULT "))
    assert told["finalBalance"] == account_of(venue)["balance"]
    assert told["netPnl"] == pytest.approx(told["finalBalance"] - balance)
    assert told["totalTrades"] == 4  # open, close and open, close


def test_earnings_are_counted_from_flat_and_less_fees() -> None:
    def fill(number: int, side: int, size: int, profit: float | None) -> dict[str, Any]:
        time = f"2026-01-05T15:00:0{number}Z"
        return {"id": number, "creationTimestamp": time, "side": side, "size": size,
                "profitAndLoss": profit, "fees": 1.4}  # fmt: skip

    fills = [fill(1, 0, 1, None), fill(2, 1, 2, 50.0), fill(3, 0, 1, -20.0)]
    assert earnings(fills[::-1]) == (pytest.approx(30.0 - 3 * 1.4), 4, 50.0)
    assert earnings([]) == (0.0, 0, 0.0)


def test_an_exception_flattens(venue: ProjectX, tmp_path: Path) -> None:
    made = plan(
        tmp_path,
        """
        place_order(ACCOUNT_ID, CONTRACT_ID, 1, 3)
        place_order(ACCOUNT_ID, CONTRACT_ID, 0, 1, order_type=1, limit_price=100.0)
        raise RuntimeError
    """,
    )
    assert LiveRun(made, venue, lambda *_: None).run() == 1
    assert held(venue) == {}


@pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM ends a process there at once")
def test_sigterm_flattens(venue: ProjectX, tmp_path: Path) -> None:
    made = plan(tmp_path, """
        import time
        place_order(ACCOUNT_ID, CONTRACT_ID, 0, 1)
        print("ready")
        time.sleep(50)
    """)  # fmt: skip
    ready = threading.Event()
    run = LiveRun(made, venue, lambda _, line: ready.set() if line == "ready" else None)
    codes: list[int] = []
    running = threading.Thread(target=lambda: codes.append(run.run()))
    running.start()
    assert ready.wait(60)
    run.stop()
    running.join(30)
    assert codes == [143]
    assert held(venue) == {}


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_script_that_is_killed_is_flattened_all_the_same(venue: ProjectX, tmp_path: Path) -> None:
    made = plan(
        tmp_path,
        """
        import os, signal
        place_order(ACCOUNT_ID, CONTRACT_ID, 0, 1)
        os.kill(os.getpid(), signal.SIGKILL)
    """,
    )
    assert LiveRun(made, venue, lambda *_: None).run() == -9
    assert held(venue) == {}


def test_a_start_that_is_not_flat_is_refused(venue: ProjectX, tmp_path: Path) -> None:
    hold(venue, NQ, "there")
    lines: list[str] = []
    with pytest.raises(ConfigError, match="not flat"):
        LiveRun(plan(tmp_path, "print(1)"), venue, lambda _, line: lines.append(line)).run()
    assert lines == []
    assert held(venue) == {NQ: 2}


def test_an_unknown_account_or_timeframe_runs_nothing(venue: ProjectX, tmp_path: Path) -> None:
    with pytest.raises(Sim2LiveError, match="nobody"):
        LiveRun(plan(tmp_path, "", account="nobody"), venue, lambda *_: None).run()
    with pytest.raises(ConfigError, match="timeframe"):
        LiveRun(plan(tmp_path, "", timeframe="7m"), venue, lambda *_: None)
