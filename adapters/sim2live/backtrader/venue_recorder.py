"""What did the venue hold while this run was followed? An analyzer beside `Recorder`.

Beside it stands what it should have held, so that a comparison shows whether it followed:
``sim2live.parity.compare(recorder.wanted, recorder.run)``.
"""

from __future__ import annotations

from typing import Any

import backtrader as bt

from sim2live.backtrader.barclock import moment
from sim2live.errors import ConfigError
from sim2live.gate.resting import STOP_LOSS, TAKE_PROFIT
from sim2live.runs import FillAt, Holding, Run


class VenueRecorder(bt.Analyzer):
    """Keeps what a venue that can report held after each bar, and what it filled.

    Args:
        name: What the run is called; by default the venue's name.

    Attributes:
        run: What the venue did; complete when the run is over.
        wanted: What it should have held: the strategy's position, market orders that are on
            their way included, since the venue has those already.

    Raises:
        ConfigError: At the start: the broker is no `MirrorBroker` or `VenueBroker`, or its
            venue cannot say what it holds.
    """

    params = (("name", ""),)

    def start(self) -> None:
        """Begin with an empty record."""
        dispatcher = getattr(self.strategy.broker, "dispatcher", None)
        if dispatcher is None or dispatcher.held() is None:
            raise ConfigError("VenueRecorder needs a broker whose venue says what it holds")
        self._dispatcher = dispatcher
        self.run = Run(name=self.p.name or dispatcher.venue.name)
        self.wanted = Run(name="wanted")

    def prenext(self) -> None:
        """Bars before the indicators are ready count like any other."""
        self.next()

    def next(self) -> None:
        """Note what the venue holds after the bar."""
        broker, datas = self.strategy.broker, self.strategy.cerebro.datas
        held, now = self._dispatcher.held() or {}, moment(datas)
        for data in datas:
            label, instrument = broker.label(data), broker.instrument(data)
            wanted = int(broker.target(data))
            for run, size in ((self.run, held.get(instrument, 0)), (self.wanted, wanted)):
                run.positions.append(Holding(time=now, data=label, size=float(size)))

    def stop(self) -> None:
        """Add the fills, each with the leg of a bracket that it was."""
        self._dispatcher.reports()
        broker = self.strategy.broker
        labels: dict[Any, str] = {}
        for data in self.strategy.cerebro.datas:
            labels.setdefault(broker.instrument(data), broker.label(data))
        self.run.fills = [
            FillAt(
                time=report.time,
                data=labels[report.instrument],
                size=float(report.signed_qty),
                price=report.price,
                leg=_leg(report.name),
            )
            for report in self._dispatcher.gate.journal.told.all()
            if report.kind == "fill" and report.price is not None and report.instrument in labels
        ]

    def get_analysis(self) -> dict[str, Any]:
        """The counts; the record itself is `run`."""
        return {"bars": len(self.run.positions), "fills": len(self.run.fills)}


def _leg(name: str) -> str:
    last = name.rpartition("/")[2]
    return last if last in (STOP_LOSS, TAKE_PROFIT) else ""
