"""Which bars moved the market lately?"""

from __future__ import annotations

from collections import deque

from sim2live.market.bars import Bar
from sim2live.signals import Instrument

#: As many as the largest question for bars may ask for.
MOST_BARS = 20_000


class Seen:
    """The latest bars of each instrument, oldest first."""

    def __init__(self) -> None:
        self._bars: dict[Instrument, deque[Bar]] = {}

    def add(self, instrument: Instrument, bar: Bar) -> None:
        """One more; one of the same time replaces the last, an earlier one begins anew."""
        bars = self._bars.setdefault(instrument, deque(maxlen=MOST_BARS))
        if bars and bar.time == bars[-1].time:
            bars.pop()
        elif bars and bar.time < bars[-1].time:
            bars.clear()
        bars.append(bar)

    def forget(self, instrument: Instrument) -> None:
        """Another time begins."""
        self._bars.pop(instrument, None)

    def bars(self, instrument: Instrument) -> list[Bar]:
        """All that are kept."""
        return list(self._bars.get(instrument, ()))

    def latest(self, instrument: Instrument) -> int | None:
        """Time of the last bar, or None before the first."""
        bars = self._bars.get(instrument)
        return bars[-1].time if bars else None
