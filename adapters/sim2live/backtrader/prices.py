"""What does the gate hear of each bar?"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from sim2live.backtrader.barclock import moment_of
from sim2live.backtrader.instruments import InstrumentMap
from sim2live.errors import ConfigError, DataError
from sim2live.market.bars import Bar
from sim2live.signals import Instrument

if TYPE_CHECKING:
    from sim2live.gate.dispatch import Dispatcher

_PRICES: Final = ("open", "high", "low", "close")
_log = logging.getLogger("sim2live.backtrader")


class Prices:
    """Hands each new bar to the gate, before the simulator matches it.

    Of several datas on one instrument only the finest speaks: a day that was put together from
    minutes is no news.

    Args:
        dispatcher: The handle on the gate.
        instruments: What each data stands for.
        datas: ``cerebro.datas``.
    """

    def __init__(
        self, dispatcher: Dispatcher, instruments: InstrumentMap, datas: Iterable[Any]
    ) -> None:
        self._dispatcher = dispatcher
        self._known: dict[int, tuple[Instrument, tuple[Any, ...]]] = {}
        self._complained: set[int] = set()
        taken = set()
        for data in sorted(datas, key=lambda d: (d._timeframe, d._compression)):
            try:
                instrument = instruments.of(data)
            except ConfigError:
                continue  # only looked at, never traded
            if instrument not in taken:
                taken.add(instrument)
                lines = tuple(getattr(data.lines, name) for name in (*_PRICES, "volume"))
                self._known[id(data)] = (instrument, lines)

    def push(self, datas: Iterable[Any]) -> None:
        """Hand over the current bar of each of these datas; one without prices is skipped."""
        for data in datas:
            known = self._known.get(id(data))
            if known is None:
                continue
            instrument, lines = known
            try:
                bar = _bar(data, lines)
            except DataError as error:
                if id(data) not in self._complained:
                    self._complained.add(id(data))
                    _log.warning("%s: a bar is not handed on: %s", instrument, error)
                continue
            if bar is not None:
                self._dispatcher.on_bar(instrument, bar)


def _bar(data: Any, lines: tuple[Any, ...]) -> Bar | None:
    """The prices that matching is about to see; in a replay these are of the last tick."""
    opened, high, low, close = (line[0] for line in lines[:4])
    if data.replaying and getattr(data, "tick_close", None) is not None:
        opened, high, low, close = (getattr(data, f"tick_{name}") for name in _PRICES)
    if math.isnan(opened + high + low + close):  # a hole in the data
        return None
    volume = lines[4][0]
    return Bar(moment_of(data), opened, high, low, close, volume if volume > 0 else 0.0)
