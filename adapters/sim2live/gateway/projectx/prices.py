"""Which prices does an order of the second door need, and do they lie on ticks?"""

from __future__ import annotations

import math
from decimal import Decimal

from sim2live.gateway.projectx.dialect import LIMIT, STOP, STOP_LIMIT, TRAILING
from sim2live.gateway.projectx.envelope import Failure

_REJECTED = 2
_MOST_PRICE = 1e12


class Prices:
    """The three prices of a request; each may be missing.

    Args:
        limit: Worst price of a limit.
        stop: Where a stop wakes up.
        trail: Where a trailing stop stands at first.
    """

    __slots__ = ("limit", "stop", "trail")

    def __init__(self, limit: float | None, stop: float | None, trail: float | None) -> None:
        self.limit, self.stop, self.trail = limit, stop, trail

    def check(self, kind: int) -> None:
        """Those that the order type takes are there, and no others.

        Raises:
            Failure: They are not.
        """
        for field, value, wanted in (
            ("limitPrice", self.limit, kind in (LIMIT, STOP_LIMIT)),
            ("stopPrice", self.stop, kind in (STOP, STOP_LIMIT)),
            ("trailPrice", self.trail, kind == TRAILING),
        ):
            if wanted and value is None:
                raise Failure(_REJECTED, f"{field}: is needed by order type {kind}")
            if value is not None and not wanted:
                raise Failure(_REJECTED, f"{field}={value}: does not belong to order type {kind}")
            if value is not None and not (math.isfinite(value) and abs(value) < _MOST_PRICE):
                raise Failure(_REJECTED, f"{field}={value}: must be a price")

    def check_ticks(self, tick: float, code: int) -> None:
        """All of them are multiples of the tick.

        Raises:
            Failure: One is not.
        """
        step = Decimal(repr(tick))
        for field in self.__slots__:
            value = getattr(self, field)
            if value is None:
                continue
            if not (math.isfinite(value) and abs(value) < _MOST_PRICE):
                raise Failure(code, f"{field}Price={value}: must be a price")
            if Decimal(repr(value)) % step:
                raise Failure(code, f"{field}Price={value}: must be a multiple of {tick}")


def whole_ticks(distance: float, tick: float) -> int:
    """A distance in ticks, to the nearest."""
    return round(distance / tick)
