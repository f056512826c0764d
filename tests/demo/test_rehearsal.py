"""The demo says PARITY when two runs agree, and nothing else does."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from itertools import count
from pathlib import Path
from typing import Any

import backtrader as bt
import pytest
from msgspec.structs import replace

from sim2live.cli.demo import conclude
from sim2live.cli.examples import load_class, locate
from sim2live.cli.pool import Account
from sim2live.cli.rehearsal import MULTIPLIERS, Rehearsal, Seat, rehearse
from sim2live.cli.report import page

BARS = 1_300


def prices(folder: Path, bars: int) -> Path:
    lines = locate("data/sp500_daily.csv").read_text("utf-8").splitlines()
    short = folder / "short.csv"
    short.write_text("\n".join(lines[: bars + 1]) + "\n", "utf-8")
    return short


@pytest.fixture(scope="module")
def agreed(tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    strategy = load_class("ma_cross.py", "MaCross")
    return rehearse(strategy, prices(tmp_path_factory.mktemp("prices"), BARS))


@pytest.fixture(scope="module")
def differing(tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    """A strategy that remembers its first run and omits an entry in its second."""
    starts = count(1)

    class Moody(bt.Strategy):  # type: ignore[misc]
        def __init__(self) -> None:
            self.second = next(starts) == 2

        def next(self) -> None:
            if len(self) % 10 == 3 and not (self.second and len(self) == 53):
                self.buy()
            elif len(self) % 10 == 8:
                self.close()

    return rehearse(Moody, prices(tmp_path_factory.mktemp("prices"), 120))


def test_the_example_is_plain_backtrader_in_under_forty_lines() -> None:
    text = locate("ma_cross.py").read_text("utf-8")
    assert len(text.splitlines()) < 40
    code = text.split('"""')[2]
    assert re.findall(r"^(?:import|from) .*", code, re.MULTILINE) == ["import backtrader as bt"]


def test_both_runs_agree_and_did_enough_to_show_it(agreed: Rehearsal) -> None:
    assert (agreed.headline, agreed.differences, agreed.shortfalls) == ("PARITY", [], [])
    assert agreed.orders >= 100
    assert agreed.exits >= 20
    assert agreed.bars == BARS


def test_each_filled_order_is_one_accepted_signal(agreed: Rehearsal) -> None:
    sent = agreed.signals["sent"]
    # Orders of the last bar are sent and find no bar left to be filled on.
    assert agreed.orders <= sent <= agreed.orders + 2
    assert agreed.signals["accepted"] == sent
    assert agreed.signals["held"] == agreed.signals["unknown"] == 0
    assert len(agreed.latencies) == sent
    assert 0 < agreed.latency_ms(0.5) <= agreed.latency_ms(0.99)


def test_every_account_held_its_multiple_after_every_bar(agreed: Rehearsal) -> None:
    assert [seat.account.multiplier for seat in agreed.seats] == list(MULTIPLIERS)
    assert [seat.agreed for seat in agreed.seats] == [BARS] * 3
    assert [seat.position for seat in agreed.seats] == [agreed.position * m for m in MULTIPLIERS]


def test_the_mirrors_money_is_the_simulators_to_the_cent(agreed: Rehearsal) -> None:
    assert agreed.simulated.equity == agreed.dispatched.equity
    assert agreed.simulated.fills == agreed.dispatched.fills


def test_fills_of_legs_and_of_market_orders_have_partners(agreed: Rehearsal) -> None:
    assert {fill.kind for fill in agreed.fills} >= {"Market", "Stop"}
    assert all(fill.paper is not None for fill in agreed.fills)
    assert any(fill.drift for fill in agreed.fills)


def test_one_order_less_is_a_difference_and_is_named(differing: Rehearsal) -> None:
    assert not differing.passed
    assert re.fullmatch(r"DIFFERENT: \d+", differing.headline)
    entry, close = [d for d in differing.verdict.differences if d.kind == "missing"]
    assert "BUY 1" in entry.a
    assert "SELL 1" in close.a
    assert [d.kind for d in differing.verdict.differences].count("holding") == 1


def test_few_orders_prove_nothing(agreed: Rehearsal) -> None:
    few = replace(agreed, simulated=replace(agreed.simulated, decisions=[]), fills=[])
    assert few.headline == "NOT PROVED"
    assert few.shortfalls == [
        "only 0 orders were filled; 100 are needed",
        "only 0 exits were made; 20 are needed",
    ]


@pytest.mark.parametrize(
    ("state", "sentence"),
    [("held", "1 entries were held back by a rule"), ("sent", "1 signals were sent and not ")],
)
def test_a_signal_that_did_not_get_through_is_no_parity(
    agreed: Rehearsal, state: str, sentence: str
) -> None:
    worse = replace(agreed, signals={**agreed.signals, state: agreed.signals[state] + 1})
    assert not worse.passed
    assert sentence in worse.shortfalls[0]


def test_the_exit_code_and_the_json_follow_the_verdict(
    agreed: Rehearsal, differing: Rehearsal, tmp_path: Path, capfdbinary: Any
) -> None:
    for result, code in ((agreed, 0), (differing, 1)):
        assert conclude(result, tmp_path / "page.html", json=True) == code
        said = json.loads(capfdbinary.readouterr().out)
        assert said["verdict"] == result.headline
        assert said["differences"] == result.differences
        assert Path(said["report"]).read_text("utf-8").startswith("<!doctype html>")


def test_the_terminal_names_verdict_accounts_and_page(
    agreed: Rehearsal, differing: Rehearsal, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert conclude(agreed, tmp_path / "page.html", json=False) == 0
    shown = capsys.readouterr().out
    for text in ("PARITY", "demo-3", "x2", "Order to ack, p99", "page.html"):
        assert text in shown
    assert conclude(differing, tmp_path / "page.html", json=False) == 1
    assert "missing" in capsys.readouterr().out


class Elements(HTMLParser):
    """What a browser would make of a page: its tags, and addresses it would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [str(v) for k, v in attrs if k in ("src", "href", "srcset", "data")]


def test_the_page_loads_nothing_and_holds_every_figure(agreed: Rehearsal) -> None:
    text = page(agreed)
    assert Elements(text).loads == []
    assert "url(" not in text
    assert "@import" not in text
    figures = json.loads(re.search(r'id="figures">(.*?)</script>', text).group(1))  # type: ignore[union-attr]
    assert len(figures["time"]) == len(figures["close"]) == BARS
    assert len(figures["fills"]) == len(agreed.fills)
    assert figures["simulated"] == figures["dispatched"]
    assert figures["pool"][0] == 50_000.0


def test_a_hostile_name_is_text_on_the_page(agreed: Rehearsal) -> None:
    evil = "</script><img src=x onerror=alert(1)>"
    seat = Seat(account=Account(evil, 1, 0.0, 0.0), position=0, expected=0, agreed=0)
    text = page(replace(agreed, strategy=evil, run=evil, seats=[seat], pool_differences=[evil]))
    assert "<img" not in text
    assert Elements(text).tags.count("script") == 2
