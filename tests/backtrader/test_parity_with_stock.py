"""The mirror is the stock broker: same orders, notices, trades, cash, value and positions."""

from __future__ import annotations

from typing import Any

import pytest
from backtrader import Order
from tests.backtrader.fakes import ScriptedGate
from tests.backtrader.runs import play, stock, stock_log
from tests.backtrader.strategies import CASES, Case

from sim2live.backtrader import MirrorBroker
from sim2live.signals import Instrument

RUNS = [
    pytest.param(case, mode, bracket, id=f"{case}-{mode}-{bracket}")
    for case in CASES
    for mode in case.modes
    for bracket in (("emulated", "native") if mode == "once" else ("emulated",))
]


class FollowedGate(ScriptedGate):
    """After each bar, counts from scratch what the venue should hold: the position, and what
    the market orders that are still open will add."""

    broker: Any = None

    def mark(self, equity: float) -> None:
        super().mark(equity)
        wanted: dict[Any, float] = {d: p.size for d, p in self.broker.positions.items()}
        if not self.broker.p.coo:
            for order in {o.ref: o for o in self.broker.pending}.values():
                if order.exectype == Order.Market and order.active():
                    wanted[order.data] = wanted.get(order.data, 0) + order.executed.remsize
        for data, size in wanted.items():
            assert self.presumed.get(Instrument("SIM", data._name), 0) == int(size), data._name


@pytest.mark.parametrize(("case", "mode", "bracket"), RUNS)
def test_mirror_equals_stock_and_the_venue_follows(case: Case, mode: str, bracket: Any) -> None:
    gate = FollowedGate()
    gate.broker = MirrorBroker(gate, bracket=bracket, **case.broker)
    mirrored = play(case, gate.broker, mode)
    assert repr(mirrored.log) == stock_log(case, "live" if mode == "idle" else mode)
    steps = sum(entry[0] == "cash" for entry in mirrored.log)
    assert len(gate.marks) <= steps, "an idle poll is no bar"


def test_the_corpus_reaches_every_kind_of_order_and_every_end_of_one() -> None:
    seen: set[str] = set()
    for case in CASES:
        seen.update(
            word for entry in stock(case, "once").log if entry[0] == "order" for word in entry[2:4]
        )
    assert seen >= {*Order.ExecTypes, *Order.Status} - {"Created", "Rejected"}
