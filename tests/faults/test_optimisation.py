"""An optimisation runs a strategy many times; none of the runs may reach a venue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import backtrader as bt
import pytest
from tests.agreed import agreed
from tests.backtrader.fakes import Rows, walk

import sim2live
from sim2live.backtrader import MirrorBroker
from sim2live.errors import ConfigError
from sim2live.gate.dispatch import Dispatcher
from sim2live.testing import ChaosGateway


class Sized(bt.Strategy):
    """In, more, out: each third bar begins anew."""

    params = (("size", 1),)
    filled = 0

    def next(self) -> None:
        self.order_target_size(target=self.p.size * (len(self) % 3))

    def notify_order(self, order: Any) -> None:
        self.filled += order.status == order.Completed


def optimise(dispatcher: Dispatcher, *sizes: int) -> list[int]:
    """How many orders were filled in the run of each size."""
    broker = MirrorBroker(dispatcher, instruments={"one": "CME:MESZ6"}, cash=100_000.0)
    cerebro = bt.Cerebro(stdstats=False, maxcpus=1, optreturn=False)
    cerebro.setbroker(broker)
    cerebro.adddata(Rows(rows=walk(1, 40)), name="one")
    cerebro.optstrategy(Sized, size=sizes)
    return [run.filled for (run,) in cerebro.run()]


def test_fault_60_an_optimisation_is_refused_on_a_real_venue(tmp_path: Path) -> None:
    with ChaosGateway() as gateway, sim2live.connect(
        gateway.url, workflow="pool", strategy="sized", journal=tmp_path / "journal.sqlite3",
        settings=agreed(),
    ) as dispatcher:  # fmt: skip
        assert not dispatcher.venue.simulated
        with pytest.raises(ConfigError, match="an optimisation would send real orders"):
            optimise(dispatcher, 1, 2)
        assert not gateway.executions
        assert not dispatcher.gate.journal.counts()


def test_fault_60_on_a_simulated_venue_an_optimisation_is_plain_simulation() -> None:
    with sim2live.connect("record", workflow="pool", strategy="sized") as dispatcher:
        filled = optimise(dispatcher, 1, 2)
        assert all(filled)
        assert not dispatcher.venue.signals
        assert not dispatcher.gate.journal.counts()
