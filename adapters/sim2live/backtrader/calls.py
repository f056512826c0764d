"""Which call of the framework is it?

The id of a signal contains a number, so that two calls of one strategy for one data at one moment
are two signals. It must be the same after a restart, whatever was held or refused.
"""

from __future__ import annotations

from typing import Final

_STRATEGY: Final = 1 << 32
_FILL: Final = 1 << 31


class Calls:
    """Counts from 0 at each moment, for each strategy and data by itself.

    Orders and fills of resting orders count apart, and so do strategies: one never shifts the
    numbers of another. Strategy ``s`` of a cerebro uses ``s * 2**32`` upward, and fills the upper
    half of that range; the calls of the first strategy are simply 0, 1, 2.
    """

    def __init__(self) -> None:
        self._last: dict[tuple[int, str], tuple[int, int]] = {}

    def order(self, strategy: int, data: str, when: int) -> int:
        """Number of the next order of `strategy` for `data` at `when`."""
        return self._next(strategy * _STRATEGY, data, when)

    def fill(self, strategy: int, data: str, when: int) -> int:
        """Number of the next fill of a resting order of `strategy` for `data` at `when`."""
        return self._next(strategy * _STRATEGY + _FILL, data, when)

    def _next(self, first: int, data: str, when: int) -> int:
        last, number = self._last.get((first, data), (-1, 0))
        number = number + 1 if last == when else first
        self._last[first, data] = (when, number)
        return number
