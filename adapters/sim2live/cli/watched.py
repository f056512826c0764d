"""A record of a run that somebody looks on at: once a bar, before the strategy decides."""

from __future__ import annotations

from typing import Any

from sim2live.backtrader.recorder import Recorder


class Watched(Recorder):
    """A recorder that calls after each bar's matching, before the strategy sees the bar.

    At that moment nothing is on its way: whatever was sent on the bar before is filled at the
    gateway and in the simulator alike.

    Args:
        call: Called with the strategy.

    Attributes:
        kinds: The type of the order behind each fill of the run, in the same order.
    """

    params: Any = (("call", None),)

    def start(self) -> None:
        """Begin with an empty record."""
        super().start()
        self.kinds: list[str] = []

    def notify_order(self, order: Any) -> None:
        """Note of which type the order was that has just been filled."""
        super().notify_order(order)
        fresh = len(self.run.fills) - len(self.kinds)
        self.kinds.extend([order.getordername()] * fresh)

    def notify_cashvalue(self, cash: float, value: float) -> None:  # noqa: ARG002 - Backtrader's
        """Backtrader says this once for each bar, first thing."""
        self.p.call(self.strategy)
