"""How many whole contracts stand for a position of the simulation?

Positions are rounded, never orders: rounding each order would let the two sides drift apart,
rounding the position cannot. Halves go toward zero, so rounding never takes more risk than the
strategy did.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Final

from sim2live.errors import ConfigError, SizingError
from sim2live.fields import MAX_QTY

__all__ = ["Sizing", "SizingError", "direction", "exact", "of", "target", "toward_zero"]

_NOISE: Final = 1e-9
_MOST_NOISE: Final = 1e-3


class Sizing(ABC):
    """Turns a position of the simulation into whole contracts; a pure function with a name.

    Attributes:
        name: How it reads in a journal or a message, such as ``target(0.1)``.
    """

    name: str

    def __call__(self, position: float) -> int:
        """Whole contracts for `position`, negative when short.

        Args:
            position: Size in the simulation, in its own units; negative when short. Anything
                nearer to zero than 1e-9 is flat.

        Raises:
            SizingError: Not finite, more than 2147483647 contracts, or (`exact` only) a
                fraction.
        """
        if not math.isfinite(position):
            raise SizingError(f"position={position!r}: must be a finite number")
        contracts = 0 if abs(position) < _NOISE else self._whole(position)
        if abs(contracts) > MAX_QTY:
            raise SizingError(f"position={position!r}: is more than {MAX_QTY} contracts")
        return contracts

    @abstractmethod
    def _whole(self, position: float) -> int:
        """The rule itself, for a finite position that is not flat."""

    def __repr__(self) -> str:
        return self.name


class _Exact(Sizing):
    name = "exact"

    def _whole(self, position: float) -> int:
        nearest = round(position)
        if abs(position - nearest) > _noise(position):
            raise SizingError(
                f"position={position!r}: is no whole number of contracts; let the strategy trade "
                "whole sizes, or choose sizing target(ratio) or direction(n)"
            )
        return nearest


class _Target(Sizing):
    def __init__(self, ratio: float) -> None:
        self.ratio = ratio
        self.name = f"target({ratio:g})"

    def _whole(self, position: float) -> int:
        return _halves_to_zero(position * self.ratio)


class _Direction(Sizing):
    def __init__(self, contracts: int) -> None:
        self.contracts = contracts
        self.name = f"direction({contracts})"

    def _whole(self, position: float) -> int:
        return self.contracts if position > 0 else -self.contracts


exact: Final[Sizing] = _Exact()
"""One unit of the simulation is one contract; a fraction is refused."""


def target(ratio: float) -> Sizing:
    """`ratio` contracts for each unit of the simulation, rounded, halves toward zero.

    Args:
        ratio: Contracts per unit, such as 0.01 for one contract per 100 shares; above zero.

    Raises:
        ConfigError: Not a finite number above zero.
    """
    if isinstance(ratio, bool) or not isinstance(ratio, (int, float)):
        raise ConfigError(f"ratio={ratio!r}: must be a number")
    if not (math.isfinite(ratio) and ratio > 0):
        raise ConfigError(f"ratio={ratio!r}: must be a finite number above zero")
    return _Target(float(ratio))


def direction(n: int) -> Sizing:
    """`n` contracts long or short, whatever the size: only the sign of the position counts.

    Args:
        n: Contracts, 1 or more.

    Raises:
        ConfigError: Not a whole number from 1 to 2147483647.
    """
    if type(n) is not int or not 0 < n <= MAX_QTY:
        raise ConfigError(f"n={n!r}: must be a whole number from 1 to {MAX_QTY}")
    return _Direction(n)


def of(value: str | Sizing) -> Sizing:
    """The sizing that a setting means: ``"exact"``, or a `Sizing` itself.

    Raises:
        ConfigError: Anything else.
    """
    if isinstance(value, Sizing):
        return value
    if value == "exact":
        return exact
    raise ConfigError(f"sizing={value!r}: must be 'exact', target(ratio) or direction(n)")


def toward_zero(position: float) -> int:
    """The whole contracts inside `position`; 2.7 is 2 and -2.7 is -2.

    For a simulated venue, where the simulation may keep a fraction that no contract has.

    Raises:
        SizingError: Not finite, or more than 2147483647 contracts.
    """
    return _TOWARD_ZERO(position)


class _TowardZero(Sizing):
    name = "toward_zero"

    def _whole(self, position: float) -> int:
        nearest = round(position)
        return nearest if abs(position - nearest) <= _noise(position) else math.trunc(position)


_TOWARD_ZERO: Final = _TowardZero()


def _noise(position: float) -> float:
    """How far a float may be off by its own arithmetic; always far below half a contract."""
    return min(_NOISE * max(1.0, abs(position)), _MOST_NOISE)


def _halves_to_zero(value: float) -> int:
    # 35 * 0.1 is 3.5000000000000004: what noise lifts over the half still counts as the half.
    size = math.ceil(abs(value) - 0.5 - _noise(value))
    return max(0, size) if value > 0 else -max(0, size)
