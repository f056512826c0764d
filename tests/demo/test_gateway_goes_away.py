"""The gateway dies mid-run: entries are rejected, exits stay owed until it is back."""

from __future__ import annotations

import contextlib
from pathlib import Path

import backtrader as bt
import pytest

from sim2live import connect
from sim2live.backtrader import MirrorBroker
from sim2live.clock import ManualClock
from sim2live.exchange.accounts import Pool
from sim2live.gateway.server import Gateway, running_gateway
from sim2live.settings import Settings
from sim2live.signals import Instrument

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "examples" / "data" / "sp500_daily.csv"
SP500 = Instrument("SIM", "SP500")
DIES, RETURNS, END = 20, 33, 45


class InAndOut(bt.Strategy):
    """Enters on every 4th bar, leaves two bars later."""

    outside: Outside

    def __init__(self) -> None:
        self.rejected: list[int] = []

    def next(self) -> None:
        bar = len(self)
        self.outside.at(bar, self.position.size)
        if bar == END:
            self.env.runstop()
        elif bar % 4 == 0 and not self.position:
            self.buy()
        elif bar % 4 == 2 and self.position:
            self.close()

    def notify_order(self, order: bt.Order) -> None:
        if order.status == order.Rejected:
            self.rejected.append(len(self))
            # Nobody listens, or an exit that could not go must go first.
            assert any(word in order.info.sim2live for word in ("Connection refused", "OWED"))


class Outside:
    """What happens around the strategy: the gateway's life, and what is seen of it."""

    def __init__(self, journal: Path) -> None:
        self.journal = journal
        self.life = contextlib.ExitStack()
        self.gateway = self.start(0)
        self.port = self.gateway.port
        self.mirror: dict[int, float] = {}
        self.venue: dict[int, int] = {}

    def start(self, port: int) -> Gateway:
        pools = {"pool": Pool.of("pool")}
        return self.life.enter_context(running_gateway(pools, port=port, journal=self.journal))

    def at(self, bar: int, size: float) -> None:
        self.mirror[bar] = size
        if bar == DIES:
            self.life.close()
        if bar == RETURNS:
            self.gateway = self.start(self.port)
        if not DIES <= bar < RETURNS:
            held = self.gateway.desk.exchange.unit_positions("pool") or {}
            self.venue[bar] = held.get(SP500, 0)


@pytest.mark.parametrize("dies", [20, 22])
def test_entries_are_rejected_and_exits_owed_while_the_gateway_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies: int
) -> None:
    # It dies just before an entry is decided (20), or just before an exit is (22).
    monkeypatch.setattr(f"{__name__}.DIES", dies)
    outside = Outside(tmp_path / "gateway.sqlite3")
    dispatcher = connect(
        outside.gateway.url,
        workflow="pool",
        strategy="in-and-out",
        run="one",
        journal=tmp_path / "journal.sqlite3",
        clock=ManualClock(),
        settings=Settings(),
    )
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(
        bt.feeds.GenericCSVData(
            dataname=str(DATA), dtformat="%Y-%m-%d", openinterest=-1, name="SP500"
        )
    )
    cerebro.setbroker(MirrorBroker(dispatcher, instruments={"SP500": SP500}))
    cerebro.addstrategy(type("Run", (InAndOut,), {"outside": outside}))
    try:
        (strategy,) = cerebro.run()
        line = dispatcher.gate.book("pool", SP500).line
    finally:
        dispatcher.close()
        outside.life.close()
    away = [bar for bar in range(dies, RETURNS) if bar % 4 == 0]
    assert strategy.rejected == [bar + 1 for bar in away]
    # Before, the venue follows at the bar of the decision; after, it has caught up within a bar.
    last = max(bar for bar in outside.venue if bar < dies)
    assert outside.venue[last] == (1 if dies == 22 else 0)
    assert outside.venue[RETURNS + 2] == 0, "the owed exit went, the refused entries did not"
    assert outside.venue[END - 1] == outside.mirror[END - 1]
    assert line.state == "ACTIVE"
    assert line.presumed.known
