"""Datas that published scripts use and that are no plain bars."""

from __future__ import annotations

from typing import Any

import backtrader as bt
import pytest
from tests.backtrader.fakes import Rows, ScriptedGate, walk
from tests.backtrader.strategies import Spied

from sim2live.backtrader import MirrorBroker
from sim2live.signals import Instrument


class Quotes(Rows):
    """Bids and asks in place of open, high, low and close."""

    lines = ("bid", "ask", "datetime")
    linesoverride = True

    def _load(self) -> bool | None:
        if self._next_row >= len(self.p.rows):
            return False
        when, bid, ask, *_ = self.p.rows[self._next_row]
        self._next_row += 1
        self.lines.datetime[0] = bt.date2num(when)
        self.lines.bid[0], self.lines.ask[0] = bid, ask
        return True


class Quoted(Spied):
    def decide(self) -> None:
        if len(self) % 4 == 0:
            self.order_target_size(target=0 if self.position else 2)


def run(broker: Any, *datas: Any, live: bool = False) -> Any:
    cerebro = bt.Cerebro(stdstats=False, live=live)
    cerebro.setbroker(broker)
    for i, data in enumerate(datas):
        cerebro.adddata(data, name=f"d{i}")
    cerebro.addstrategy(Quoted)
    return cerebro.run()[0]


@pytest.mark.parametrize("live", [False, True])
def test_a_data_of_bids_and_asks_is_looked_at_and_no_bar(live: bool) -> None:
    def datas() -> list[Any]:
        return [Rows(rows=walk(3, 20)), Quotes(rows=walk(4, 20))]

    gate = ScriptedGate()
    mirrored = run(MirrorBroker(gate), *datas(), live=live)
    assert mirrored.log == run(bt.brokers.BackBroker(), *datas(), live=live).log
    assert {instrument for instrument, _ in gate.bars} == {Instrument("SIM", "d0")}


@pytest.mark.parametrize("live", [False, True])
def test_a_close_that_is_a_rounding_above_the_high_is_a_bar(live: bool) -> None:
    rows = [
        (when, opened, closed - 2e-15 * 100, low - 1, closed, volume)
        for when, opened, high, low, closed, volume in walk(3, 20)
        if closed > opened
    ]
    gate = ScriptedGate()
    run(MirrorBroker(gate), Rows(rows=rows), live=live)
    assert any(row[2] < row[4] for row in rows)
    assert [bar.high for _, bar in gate.bars] == [row[4] for row in rows]


def test_a_close_that_is_more_than_that_above_the_high_is_none(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rows = walk(3, 20)
    when, opened, _, low, closed, volume = rows[7]
    rows[7] = (when, opened, closed - 0.01, low - 1, closed, volume)
    gate = ScriptedGate()
    run(MirrorBroker(gate), Rows(rows=rows))
    assert len(gate.bars) == 19
    assert "must lie from low" in caplog.text
