"""What does the gate hear when a bar comes, and which bars can wait?

Most bars of a backtest find nothing to match, nothing to send and nothing owed. The gate only has
to record them, and may do so many at a time: nobody looks at the record before the next decision.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from backtrader.linebuffer import LineBuffer

from sim2live.backtrader.barclock import Watch
from sim2live.backtrader.instruments import InstrumentMap
from sim2live.backtrader.prices import Prices

if TYPE_CHECKING:
    from sim2live.gate.dispatch import Dispatcher

_TOGETHER: Final = 256


class Quiet:
    """The bars of one run, on their way to the gate.

    Args:
        dispatcher: The handle on the gate.
        instruments: What each data stands for.
        datas: ``cerebro.datas``, complete.

    Attributes:
        lasts: True while bars are kept back.
        moved: The datas that changed since the last call, in their order.
    """

    def __init__(
        self, dispatcher: Dispatcher, instruments: InstrumentMap, datas: list[Any]
    ) -> None:
        self._dispatcher = dispatcher
        self._prices = Prices(dispatcher, instruments, datas)
        self._watch = Watch(datas)
        # A data that forgets its past cannot be asked for it later.
        self._possible = self._watch.plain and all(
            line.mode == LineBuffer.UnBounded for data in datas for line in data.lines
        )
        self._weighs = dispatcher.weighs
        self._tell = dispatcher.mark
        self._equity = math.nan
        self._kept = 0
        self.lasts = False
        self.moved = self._watch.moved

    def passed(self, broker: Any) -> None:
        """A bar that was kept back is over."""
        self._kept += 1
        if self._kept >= _TOGETHER or (self._weighs and broker._value != self._equity):
            self.end(broker)
            self.begin(broker)
        elif broker._value != self._equity:
            self._equity = broker._value
            self._tell(self._equity)

    def end(self, broker: Any) -> None:
        """Hand on what was kept back: something is about to happen, or somebody looks."""
        self.lasts = False
        if self._kept:
            self._kept = 0
            self._prices.catch_up(self._watch.lengths)
            if self._weighs:  # with the equity of the bar that a decision is made on
                self._mark(broker)

    def speak(self, moved: list[Any]) -> None:
        """Hand on the current bar of each of these datas, before the simulator matches it."""
        self._prices.push(moved)

    def begin(self, broker: Any) -> None:
        """A bar is over. The next ones can wait if nothing is under way, here or at the gate."""
        self._mark(broker)
        gate = self._dispatcher
        self.lasts = (
            self._possible
            and not (broker.pending or broker.submitted or broker._toactivate or broker._userhist)
            # A rule about losses looks at each bar of a position.
            and not (self._weighs and any(held.size for held in broker.positions.values()))
            and all(gate.calm(instrument) for instrument in self._prices.instruments)
        )

    def _mark(self, broker: Any) -> None:
        self._equity = broker._value
        self._tell(self._equity)
