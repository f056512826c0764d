"""Parity is about decisions and positions; prices of fills are drift."""

from __future__ import annotations

import random
from typing import Any

import pytest
from msgspec.structs import replace

from sim2live.parity import compare
from sim2live.runs import Decision, FillAt, Holding, Run

DAY = 86_400_000_000_000


def decision(bar: int, side: str = "BUY", qty: float = 1.0, **more: Any) -> Decision:
    return Decision(time=bar * DAY, data="es", side=side, qty=qty, order_type="Market", **more)


def run(*decisions: Decision, name: str = "run", **more: Any) -> Run:
    return Run(name=name, decisions=list(decisions), **more)


def held(*sizes: float) -> list[Holding]:
    return [Holding(time=i * DAY, data="es", size=size) for i, size in enumerate(sizes)]


def kinds(a: Run, b: Run) -> list[str]:
    return [difference.kind for difference in compare(a, b).differences]


def test_equal_runs_are_in_parity_and_say_so() -> None:
    one = run(decision(1), decision(2, "SELL"), positions=held(0, 1, 0))
    verdict = compare(one, one)
    assert verdict.same
    assert str(verdict) == "PARITY"
    assert verdict.table().startswith("PARITY  (run | run)")
    assert (verdict.decisions, verdict.bars) == (2, 3)


@pytest.mark.parametrize(
    ("other", "kind"),
    [
        ((decision(1), decision(5, "SELL", 2.0)), "resized"),
        ((decision(1), decision(5, "BUY")), "side"),
        ((decision(1), decision(6, "SELL")), "late"),
        ((decision(1), decision(4, "SELL")), "early"),
        ((decision(1),), "missing"),
        ((decision(1), decision(5, "SELL"), decision(7)), "extra"),
        ((decision(1), decision(5, "SELL", price=3.0)), "repriced"),
    ],
)
def test_each_way_to_decide_otherwise_has_its_name(other: tuple[Any, ...], kind: str) -> None:
    assert kinds(run(decision(1), decision(5, "SELL")), run(*other)) == [kind]


def test_the_order_of_equal_decisions_within_a_bar_does_not_matter() -> None:
    several = [decision(1), decision(1, qty=2.0), decision(1, "SELL"), decision(1)]
    mixed = several[:]
    random.Random(4).shuffle(mixed)
    assert compare(run(*several), run(*mixed)).same


def test_a_position_that_differs_for_many_bars_is_one_difference() -> None:
    verdict = compare(run(positions=held(0, 1, 1, 1, 0, -1)), run(positions=held(0, 0, 0, 0, 0, 1)))
    assert [(d.kind, d.a, d.b, d.bars) for d in verdict.differences] == [
        ("holding", "1", "0", 3),
        ("holding", "-1", "1", 1),
    ]
    assert str(verdict) == "DIFFERENT: 2"
    assert "es: holding: 1 | 0, 3 bars" in verdict.table()


def test_a_bar_that_only_one_run_saw_is_a_difference() -> None:
    assert kinds(run(positions=held(0, 0, 0)), run(positions=held(0, 0))) == ["bar"]


def test_other_prices_are_drift_and_no_difference() -> None:
    fills = [
        FillAt(time=DAY, data="es", size=2.0, price=100.0),
        FillAt(time=2 * DAY, data="es", size=-2.0, price=110.0),
    ]
    worse = [replace(fills[0], price=101.0), replace(fills[1], price=108.5)]
    verdict = compare(run(fills=fills), run(fills=worse))
    assert verdict.same
    assert [item.cost for item in verdict.drift] == [2.0, 3.0]
    assert verdict.cost == 5.0
    assert "2 of 2, +5.00 points" in verdict.table()


def test_one_fill_may_meet_several_partial_ones() -> None:
    whole = [FillAt(time=DAY, data="es", size=3.0, price=100.0)]
    parts = [
        FillAt(time=DAY, data="es", size=1.0, price=100.0),
        FillAt(time=2 * DAY, data="es", size=2.0, price=101.0),
    ]
    (item,) = compare(run(fills=whole), run(fills=parts)).drift
    assert (item.size, item.a, item.b, item.cost) == (2.0, 100.0, 101.0, 2.0)


def test_a_fill_without_a_partner_is_shown() -> None:
    (item,) = compare(run(fills=[FillAt(time=DAY, data="es", size=-1.0, price=5.0)]), run()).drift
    assert (item.size, item.a, item.b, item.cost) == (-1.0, 5.0, None, 0.0)


def test_long_tables_are_cut_and_say_how_much_is_left_out() -> None:
    text = compare(run(*(decision(i) for i in range(30))), run()).table(limit=5)
    assert "... and 25 more" in text
