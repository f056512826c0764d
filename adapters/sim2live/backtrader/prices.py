"""What does the gate hear of each bar?"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from sim2live.backtrader.barclock import moment_of, moments_of
from sim2live.backtrader.instruments import InstrumentMap
from sim2live.errors import ConfigError, DataError
from sim2live.market.bars import Bar
from sim2live.market.stretch import sound
from sim2live.signals import Instrument

if TYPE_CHECKING:
    from sim2live.gate.dispatch import Dispatcher

_PRICES: Final = ("open", "high", "low", "close")
_LINES: Final = (*_PRICES, "volume")
_ROUNDING: Final = 1e-12
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
        self._known: dict[int, tuple[Any, Instrument, tuple[Any, ...]]] = {}
        self._handed: dict[int, int] = {}
        self._complained: set[int] = set()
        taken = set()
        for data in sorted(datas, key=lambda d: (d._timeframe, d._compression)):
            if not all(hasattr(data.lines, name) for name in _LINES):
                continue  # bids and asks, or an indicator's file: no bars
            try:
                instrument = instruments.of(data)
            except ConfigError:
                continue  # only looked at, never traded
            if instrument not in taken:
                taken.add(instrument)
                lines = tuple(getattr(data.lines, name) for name in _LINES)
                self._known[id(data)] = (data, instrument, lines)
                self._handed[id(data)] = len(data)

    @property
    def instruments(self) -> list[Instrument]:
        """Whose bars are handed over."""
        return [instrument for _, instrument, _ in self._known.values()]

    def push(self, datas: Iterable[Any]) -> None:
        """Hand over the current bar of each of these datas; one without prices is skipped."""
        for data in datas:
            known = self._known.get(id(data))
            if known is None:
                continue
            _, instrument, lines = known
            self._handed[id(data)] = len(data)
            try:
                bar = _bar(data, lines)
            except DataError as error:
                self._complain(data, instrument, error)
                continue
            if bar is not None:
                self._dispatcher.on_bar(instrument, bar)

    def catch_up(self, lengths: Mapping[int, int]) -> None:
        """Hand over, many at a time, the bars since the last one that was handed over.

        Args:
            lengths: How many bars each data had delivered, by the data's ``id``. Of a data
                that has moved on meanwhile the newest bar waits for its own turn.
        """
        for key, (data, instrument, lines) in self._known.items():
            first, last = self._handed[key], lengths[key]
            if last <= first:
                continue
            self._handed[key] = last
            opens, highs, lows, closes, volumes = (line.array[first:last] for line in lines)
            times = moments_of(data, data.lines.datetime.array[first:last])
            sizes = [volume if volume > 0 else 0.0 for volume in volumes]
            rows = sound(times, opens, highs, lows, closes, sizes)
            if len(rows) < len(times):
                for i, price in enumerate(zip(opens, highs, lows, closes, strict=True)):
                    highs[i], lows[i] = _reach(*price)
                rows = sound(times, opens, highs, lows, closes, sizes)
            if len(rows) < len(times):
                columns = (times, opens, highs, lows, closes, sizes)
                self._look(data, instrument, zip(*columns, strict=True))
            self._dispatcher.on_bars(instrument, rows)

    def _look(self, data: Any, instrument: Instrument, rows: Iterable[tuple[Any, ...]]) -> None:
        """Say once why a bar is left out; a hole in the data is no fault."""
        for row in rows:
            if not math.isnan(sum(row[1:5])):
                try:
                    Bar(*row)
                except DataError as error:
                    self._complain(data, instrument, error)

    def _complain(self, data: Any, instrument: Instrument, error: DataError) -> None:
        if id(data) not in self._complained:
            self._complained.add(id(data))
            _log.warning("%s: a bar is not handed on: %s", instrument, error)


def _bar(data: Any, lines: tuple[Any, ...]) -> Bar | None:
    """The prices that matching is about to see; in a replay these are of the last tick."""
    opened, high, low, close = (line[0] for line in lines[:4])
    if data.replaying and getattr(data, "tick_close", None) is not None:
        opened, high, low, close = (getattr(data, f"tick_{name}") for name in _PRICES)
    if math.isnan(opened + high + low + close):  # a hole in the data
        return None
    high, low = _reach(opened, high, low, close)
    volume = lines[4][0]
    return Bar(moment_of(data), opened, high, low, close, volume if volume > 0 else 0.0)


def _reach(opened: float, high: float, low: float, close: float) -> tuple[float, float]:
    """High and low, widened by a rounding.

    A feed that adjusts for dividends multiplies the four prices one by one, and a close that was
    the high comes out a last digit above it.
    """
    top, bottom = max(opened, close), min(opened, close)
    if high < top <= high + abs(high) * _ROUNDING:
        high = top
    if low > bottom >= low - abs(low) * _ROUNDING:
        low = bottom
    return high, low
