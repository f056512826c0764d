"""Bars that wait are the bars that were delivered, and none waits for a decision."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import backtrader as bt
import pytest

import sim2live
from sim2live.backtrader import MirrorBroker
from sim2live.backtrader.barclock import moment_of, moments_of
from sim2live.signals import Instrument
from sim2live.venues.record import Record

ONE = Instrument("SIM", "one")
BARS = 600


class Rows(bt.feeds.DataBase):
    params = (("count", BARS), ("hole", 100), ("broken", 200))

    def start(self) -> None:
        super().start()
        self._n = 0

    def _load(self) -> bool:
        n, lines = self._n, self.lines
        if n >= self.p.count:
            return False
        price = float("nan") if n == self.p.hole else 100.0 + n % 7
        lines.datetime[0] = bt.date2num(dt.datetime(2024, 3, 5) + dt.timedelta(minutes=n))
        lines.open[0] = lines.close[0] = price
        lines.high[0], lines.low[0] = price + 1, price - 1
        if n == self.p.broken:
            lines.high[0] = price - 5
        lines.volume[0] = n - 3.0
        lines.openinterest[0] = 0.0
        self._n += 1
        return True


class Buys(bt.Strategy):
    params = (("at", (300, 450)), ("dies", 0))

    def next(self) -> None:
        if len(self) in self.p.at:
            self.buy(size=1)
        if len(self) == self.p.dies:
            raise RuntimeError("killed")


class Careful(Record):
    """Keeps what the journal held of the bars when a signal came."""

    takes_bars = False

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []
        self.journal: Any = None

    def send(self, signal: Any, *, timeout: float) -> Any:
        self.seen.append(len(list(self.journal.bars.recorded("quiet", ONE))))
        return super().send(signal, timeout=timeout)


class Impatient(Careful):
    takes_bars = True


def run(venue: Careful, *, live: bool = False, dies: int = 0, **options: Any) -> list[Any]:
    """Play the rows; the recorded bars."""
    dispatcher = sim2live.connect(venue, workflow="w", strategy="s", run="quiet")
    venue.journal = dispatcher.gate.journal
    cerebro = bt.Cerebro(stdstats=False, live=live, **options)
    cerebro.adddata(Rows(timeframe=bt.TimeFrame.Minutes), name="one")
    cerebro.addstrategy(Buys, dies=dies)
    cerebro.setbroker(MirrorBroker(dispatcher))
    try:
        cerebro.run()
    except RuntimeError:
        assert dies
    found = list(venue.journal.bars.recorded("quiet", ONE))
    dispatcher.close()
    return found


@pytest.mark.parametrize("options", [{}, {"live": True}, {"runonce": False}, {"exactbars": 1}])
def test_bars_that_waited_are_recorded_as_those_that_did_not(options: dict[str, Any]) -> None:
    patient, impatient = run(Careful(), **options), run(Impatient(), **options)
    assert patient == impatient
    assert len(patient) == BARS - 2  # a hole and a broken bar are left out


def test_a_decision_finds_the_bars_before_it_recorded() -> None:
    venue = Careful()
    run(venue)
    assert venue.seen == [298, 448]


def test_what_a_death_loses_no_decision_has_seen() -> None:
    assert len(run(Careful(), dies=500)) >= 448


@pytest.mark.parametrize("timeframe", [bt.TimeFrame.Minutes, bt.TimeFrame.Days])
def test_many_moments_are_the_moments_one_by_one(timeframe: int) -> None:
    data = SimpleNamespace(_timeframe=timeframe, _tz=None, _tzinput=None)
    nums = [730_000.0 + n / 1440 + n * 1e-7 for n in range(3000)]
    assert moments_of(data, nums) == [moment_of(data, num) for num in nums]
