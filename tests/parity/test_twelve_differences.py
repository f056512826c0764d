"""Twelve ways in which live can differ from its test, each planted alone, each found by name."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from sim2live.parity import compare
from sim2live.runs import Decision, FillAt, Holding, Run
from sim2live.signals import Instrument

BAR = 300_000_000_000
MES, MNQ = Instrument("CME", "MESZ6"), Instrument("CME", "MNQZ6")


def run() -> Run:
    """Twenty bars: in, a stop order at a price, out, the other way, out."""
    decisions = [
        decision(2, "BUY", 2),
        decision(5, "SELL", 2, order_type="Stop", price=5061.25),
        decision(9, "SELL", 2),
        decision(12, "SELL", 1),
        decision(16, "BUY", 1),
    ]
    sizes = [0.0] * 3 + [2.0] * 7 + [0.0] * 3 + [-1.0] * 4 + [0.0] * 3
    return Run(
        name="run",
        decisions=decisions,
        positions=[Holding(time=i * BAR, data="es", size=size) for i, size in enumerate(sizes)],
        fills=[
            fill(3, 2.0, 5070.25),
            fill(10, -2.0, 5075.0),
            fill(13, -1.0, 5072.5),
            fill(17, 1.0, 5071.0),
        ],
        equity=[(i * BAR, 50_000.0 + i) for i in range(20)],
    )


def decision(
    bar: int, side: str, qty: float, order_type: str = "Market", price: float | None = None
) -> Decision:
    return Decision(
        time=bar * BAR, data="es", side=side, qty=qty, order_type=order_type, price=price,
        instrument=MES, status="ACCEPTED",
    )  # fmt: skip


def fill(bar: int, size: float, price: float) -> FillAt:
    return FillAt(time=bar * BAR, data="es", size=size, price=price)


def changed(at: int, **fields: object) -> Callable[[Run], None]:
    def change(live: Run) -> None:
        live.decisions[at] = replace(live.decisions[at], **fields)

    return change


def missing(live: Run) -> None:
    del live.decisions[2]


def extra(live: Run) -> None:
    live.decisions.insert(2, decision(7, "BUY", 1))


def duplicated(live: Run) -> None:
    live.decisions.insert(1, live.decisions[0])


def swapped(live: Run) -> None:
    first, second = live.decisions[2], live.decisions[4]
    live.decisions[2] = replace(second, time=first.time)
    live.decisions[4] = replace(first, time=second.time)


def drifted(live: Run) -> None:
    live.fills[1] = replace(live.fills[1], price=5073.5)


TWELVE: dict[str, tuple[Callable[[Run], None], str]] = {
    "missing": (missing, "missing"),
    "extra": (extra, "extra"),
    "late by a bar": (changed(2, time=10 * BAR), "late"),
    "other size": (changed(0, qty=3.0), "resized"),
    "other side": (changed(3, side="BUY"), "side"),
    "other price beyond a tick": (changed(1, price=5060.5), "repriced"),
    "duplicated": (duplicated, "duplicated"),
    "unknown": (changed(2, status="UNKNOWN"), "unknown"),
    "held": (changed(3, status="HELD", reason="max_position"), "held"),
    "other contract": (changed(0, instrument=MNQ), "contract"),
    "swapped order": (swapped, "swapped"),
}


@pytest.mark.parametrize("name", TWELVE)
def test_a_planted_difference_is_found_by_its_name_and_alone(name: str) -> None:
    plant, kind = TWELVE[name]
    live = run()
    plant(live)
    verdict = compare(run(), live, most_ticks=0)
    assert [difference.kind for difference in verdict.differences] == [kind]
    assert not verdict.same
    assert not verdict.parity
    assert str(verdict) == "DIFFERENT: 1"


def test_the_twelfth_is_a_fill_that_drifted() -> None:
    live = run()
    drifted(live)
    verdict = compare(run(), live, most_ticks=4)
    (item,) = verdict.drifted
    assert (item.ticks, item.cost, item.money) == (6.0, 3.0, 15.0)  # 2 contracts, 5 a point
    assert verdict.same
    assert not verdict.parity
    assert str(verdict) == "DRIFT: 1"
    assert str(compare(run(), live, most_ticks=6)) == "PARITY"
    assert str(compare(run(), live)) == "PARITY"


def test_two_equal_runs_are_in_parity() -> None:
    verdict = compare(run(), run(), most_ticks=0)
    assert verdict.parity
    assert str(verdict) == "PARITY"
    assert verdict.equity == (50_019.0, 50_019.0)


@pytest.mark.parametrize("by", [0.25, -0.25])
def test_a_price_within_a_tick_is_the_same_price(by: float) -> None:
    live = run()
    changed(1, price=5061.25 + by)(live)
    assert compare(run(), live).parity
    changed(1, price=5061.25 + 1.01 * by)(live)
    assert [d.kind for d in compare(run(), live).differences] == ["repriced"]


def test_a_tick_of_tolerance_needs_a_contract_that_is_known() -> None:
    bare = [replace(one, instrument=None) for one in run().decisions]
    mine, theirs = run(), run()
    mine.decisions, theirs.decisions = bare[:], bare[:]
    changed(1, price=5061.26)(theirs)
    assert [d.kind for d in compare(mine, theirs).differences] == ["repriced"]


def test_a_simulations_own_name_for_an_instrument_is_no_other_contract() -> None:
    mine = run()
    mine.decisions = [replace(d, instrument=Instrument("SIM", "es")) for d in mine.decisions]
    assert compare(mine, run()).parity


def test_a_refusal_in_both_runs_is_no_difference() -> None:
    mine, theirs = run(), run()
    changed(3, status="Margin")(mine)
    changed(3, status="REJECTED")(theirs)
    assert compare(mine, theirs).parity


def test_a_fill_of_one_run_only_drifts_however_many_ticks_are_allowed() -> None:
    live = run()
    del live.fills[3]
    assert str(compare(run(), live, most_ticks=1_000_000)) == "DRIFT: 1"
