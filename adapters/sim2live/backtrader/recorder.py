"""What did this run do? An analyzer that keeps it for a comparison."""

from __future__ import annotations

import math
from typing import Any

import backtrader as bt
from backtrader import Order
from msgspec.structs import replace

from sim2live.backtrader.barclock import moment, moment_of
from sim2live.backtrader.instruments import InstrumentMap
from sim2live.runs import Decision, FillAt, Holding, Run

_WITHOUT_PRICE = frozenset({Order.Market, Order.Close, Order.Historical})


class Recorder(bt.Analyzer):
    """Keeps decisions, fills, holdings after each bar and equity, on any broker.

    ``cerebro.addanalyzer(Recorder, name="simulated")``; after the run, ``recorder.run`` is the
    `sim2live.runs.Run`. With several strategies in one cerebro the holdings are those of their
    common broker.

    Args:
        name: What the run is called; by default the strategy's class.

    Attributes:
        run: The record; complete when the run is over.
    """

    params = (("name", ""),)

    def start(self) -> None:
        """Begin with an empty record."""
        strategy = self.strategy
        self.run = Run(
            name=self.p.name or type(strategy).__name__,
            decisions=[],
            positions=[],
            fills=[],
            equity=[],
        )
        self._decisions: dict[int, Decision] = {}
        self._names = InstrumentMap(None, simulated=True)
        self._names.open(strategy.cerebro.datas)

    def notify_order(self, order: Any) -> None:
        """An order's first notice is its decision, a later one says what became of it."""
        self._decide(order)
        for bit in order.executed.iterpending():
            self.run.fills.append(
                FillAt(
                    time=moment_of(order.data, bit.dt),
                    data=self._names.label(order.data),
                    size=float(bit.size),
                    price=float(bit.price),
                )
            )

    def prenext(self) -> None:
        """Bars before the indicators are ready count like any other."""
        self.next()

    def next(self) -> None:
        """Note what is held after the bar."""
        broker, datas = self.strategy.broker, self.strategy.cerebro.datas
        now = moment(datas)
        for data in datas:
            # Asking broker.positions[data] would add an entry, which changes the order in which
            # the broker sums up its value.
            held = broker.positions.get(data)
            size = float(held.size) if held is not None else 0.0
            self.run.positions.append(Holding(time=now, data=self._names.label(data), size=size))
        self.run.equity.append((now, float(broker.getvalue())))

    def stop(self) -> None:
        """The last bar's orders were never announced; they were decided all the same."""
        for order in tuple(getattr(self.strategy.broker, "notifs", ())):
            if order is not None and order.owner is self.strategy:
                self._decide(order)
        self.run.decisions = list(self._decisions.values())

    def get_analysis(self) -> dict[str, Any]:
        """The counts; the record itself is `run`."""
        run = self.run
        return {
            "decisions": len(self._decisions),
            "fills": len(run.fills),
            "bars": len(run.equity),
        }

    def _decide(self, order: Any) -> None:
        status, reason = order.getstatusname(), order.info.get("sim2live", "") or ""
        known = self._decisions.get(order.ref)
        if known is not None:
            self._decisions[order.ref] = replace(known, status=status, reason=reason)
            return
        price = None if order.exectype in _WITHOUT_PRICE else order.created.price
        broker = self.strategy.broker
        self._decisions[order.ref] = Decision(
            time=moment_of(order.data, order.created.dt),
            data=self._names.label(order.data),
            side="BUY" if order.isbuy() else "SELL",
            qty=abs(float(order.size)),
            order_type=order.getordername(),
            instrument=broker.instrument(order.data) if hasattr(broker, "instrument") else None,
            price=float(price) if price is not None and math.isfinite(price) else None,
            status=status,
            reason=reason,
        )
