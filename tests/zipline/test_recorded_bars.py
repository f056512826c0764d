"""Which bars of a mirrored backtest does the journal keep?"""

from __future__ import annotations

from typing import Any

import pytest
from zipline.api import order

from sim2live.signals import Instrument

FIELDS = ["open", "high", "low", "close", "volume"]


@pytest.mark.parametrize(
    ("kind", "name", "again"),
    [
        # The clock of us_futures leaves the night out; the Friday of the equities closes early.
        ("minute futures", "ESM24", 0),
        ("minute futures, all day", "ESM24", 700),
        ("minute equities", "AAA", 50),
    ],
)
def test_each_bar_from_the_first_order_on_is_kept_as_the_algorithm_saw_it(
    kind: str, name: str, again: int, backtest: Any, mirrored: Any
) -> None:
    blotter, watch = mirrored()
    seen: list[tuple[float, ...]] = []

    def handle_data(context: Any, data: Any) -> None:
        finder = context.asset_finder
        look = finder.lookup_future_symbol if "futures" in kind else _equity(finder)
        asset = context.asset = getattr(context, "asset", None) or look(name)
        now = data.current(asset, FIELDS)
        if now["close"] == now["close"]:
            seen.append((context.datetime.value, *now.astype(float)))
        if len(seen) == 1 or (again and len(seen) % again == 0):
            order(asset, 1)

    backtest(kind, blotter=blotter, on_bar=watch, handle_data=handle_data)
    gate, run = blotter.dispatcher.gate, blotter.dispatcher.run
    kept = gate.journal.bars.recorded(run, Instrument("SIM", name))
    assert [(b.time, b.open, b.high, b.low, b.close, b.volume) for b in kept] == seen
    assert len(seen) > 1000


def test_the_bars_after_an_exit_are_kept_when_the_run_ends_without_another_order(
    backtest: Any, mirrored: Any
) -> None:
    blotter, watch = mirrored()
    times: list[int] = []

    def handle_data(context: Any, data: Any) -> None:
        asset = context.asset = getattr(context, "asset", None) or _equity(context.asset_finder)(
            "AAA"
        )
        times.append(context.datetime.value)
        if len(times) in (1, 11):
            order(asset, 5 if len(times) == 1 else -5)

    backtest("minute equities", blotter=blotter, on_bar=watch, handle_data=handle_data)
    gate, run = blotter.dispatcher.gate, blotter.dispatcher.run
    kept = gate.journal.bars.recorded(run, Instrument("SIM", "AAA"))
    # The exit of the eleventh bar is filled at the twelfth and booked before the thirteenth.
    assert [bar.time for bar in kept] == times[:13]


def _equity(finder: Any) -> Any:
    return lambda name: finder.lookup_symbol(name, as_of_date=None)
