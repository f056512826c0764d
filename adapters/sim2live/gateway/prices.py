"""What does a market cost that nobody has sent bars for? A synthetic walk, labelled as such.

The nominal prices are round figures of the kind that examples use. They say nothing about any
market; they only let an order of the tutorial fill at a price that looks familiar.
"""

from __future__ import annotations

import random
from typing import Literal

import msgspec

from sim2live.clock import NS
from sim2live.market.contracts import contract
from sim2live.signals import Instrument

NOMINAL = {
    "ES": 5070.0, "MES": 5070.0,
    "NQ": 21500.0, "MNQ": 21500.0,
    "YM": 39000.0, "MYM": 39000.0,
    "RTY": 2050.0, "M2K": 2050.0,
    "EMD": 2900.0,
    "CL": 75.0, "MCL": 75.0, "QM": 75.0,
    "NG": 3.0, "QG": 3.0,
    "GC": 2400.0, "MGC": 2400.0,
    "SI": 28.0, "SIL": 28.0,
    "HG": 4.2,
    "6A": 0.66, "6B": 1.27, "6C": 0.73, "6E": 1.08, "6J": 0.0066, "E7": 1.08, "M6E": 1.08,
    "ZB": 118.0, "ZN": 110.0, "ZF": 107.0, "ZT": 102.0,
}  # fmt: skip

#: A gateway that slept for a day need not walk each second of it.
_MOST_STEPS = 3_600
_PULL = 0.0005


class Walk:
    """A price that takes one step of a tick, or none, each second, and drifts back to its start.

    Args:
        nominal: Where it starts.
        tick: Size of a step.
        seed: The same seed walks the same way.
        now_ns: The present, UTC epoch nanoseconds.
    """

    def __init__(self, nominal: float, tick: float, seed: str, now_ns: int) -> None:
        self._nominal, self._tick = nominal, tick
        self._steps = 0
        self._second = now_ns // NS
        self._draw = random.Random(seed)  # noqa: S311 - a price, not a secret

    def at(self, now_ns: int) -> float:
        """The price at a moment; time that goes back does not move it."""
        second = now_ns // NS
        for _ in range(min(second - self._second, _MOST_STEPS)):
            up = 0.5 - self._steps * _PULL
            self._steps += self._draw.choice((0, 1, 1)) * (1 if self._draw.random() < up else -1)
        self._second = max(second, self._second)
        return round(self._nominal + self._steps * self._tick, 10)


class Quotes:
    """The synthetic walks of a gateway.

    Args:
        seed: Changes all walks.
    """

    def __init__(self, seed: int = 1) -> None:
        self._seed = seed
        self._walks: dict[Instrument, Walk | None] = {}

    def resume(self, instrument: Instrument, price: float, now_ns: int) -> None:
        """Go on from a price that was quoted before a restart."""
        found = contract(instrument)
        if found is not None:
            self._start(instrument, price, float(found.tick_size), now_ns)

    def stop(self, instrument: Instrument) -> None:
        """Bars have come for it: its walk ends."""
        self._walks[instrument] = None

    def price(self, instrument: Instrument, now_ns: int) -> float | None:
        """The walk's price, or None where bars rule or nothing is known of the root."""
        if instrument not in self._walks:
            found = contract(instrument)
            nominal = None if found is None else NOMINAL.get(found.root)
            if found is None or nominal is None:
                self._walks[instrument] = None
            else:
                self._start(instrument, nominal, float(found.tick_size), now_ns)
        walk = self._walks[instrument]
        return None if walk is None else walk.at(now_ns)

    def walking(self) -> list[Instrument]:
        """Instruments that have a walk."""
        return [instrument for instrument, walk in self._walks.items() if walk is not None]

    def _start(self, instrument: Instrument, price: float, tick: float, now_ns: int) -> None:
        self._walks[instrument] = Walk(price, tick, f"{self._seed}:{instrument}", now_ns)


class PriceRow(msgspec.Struct, frozen=True):
    """A last price, and where it comes from.

    Attributes:
        instrument: What trades.
        price: Its last price.
        source: ``bars`` that somebody sent or a file held, or a ``synthetic`` walk that has
            nothing to do with any market.
    """

    instrument: Instrument
    price: float
    source: Literal["bars", "synthetic"]
