"""What does the gate hear of each bar?"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sim2live.backtrader.barclock import moment_of
from sim2live.backtrader.instruments import InstrumentMap
from sim2live.errors import ConfigError, DataError
from sim2live.market.bars import Bar

if TYPE_CHECKING:
    from sim2live.gate.dispatch import Dispatcher

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
        self._instruments: dict[int, Any] = {}
        self._complained: set[int] = set()
        taken = set()
        for data in sorted(datas, key=lambda d: (d._timeframe, d._compression)):
            try:
                instrument = instruments.of(data)
            except ConfigError:
                continue  # only looked at, never traded
            if instrument not in taken:
                taken.add(instrument)
                self._instruments[id(data)] = instrument

    def push(self, datas: Iterable[Any]) -> None:
        """Hand over the current bar of each of these datas; one without prices is skipped."""
        for data in datas:
            instrument = self._instruments.get(id(data))
            if instrument is None:
                continue
            try:
                bar = _bar(data)
            except DataError as error:
                if id(data) not in self._complained:
                    self._complained.add(id(data))
                    _log.warning("%s: a bar is not handed on: %s", instrument, error)
                continue
            if bar is not None:
                self._dispatcher.on_bar(instrument, bar)


def _bar(data: Any) -> Bar | None:
    """The prices that matching is about to see; in a replay these are of the last tick."""
    prices: list[float] = []
    for name in ("open", "high", "low", "close"):
        tick = getattr(data, f"tick_{name}", None)
        price = tick if tick is not None else getattr(data.lines, name)[0]
        if math.isnan(price):  # a hole in the data
            return None
        prices.append(price)
    opened, high, low, close = prices
    volume = data.lines.volume[0]
    return Bar(moment_of(data), opened, high, low, close, volume if volume > 0 else 0.0)
