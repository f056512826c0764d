"""How many whole contracts stand for many positions at once?

The same rules as `sim2live.sizing`, for arrays: a test holds the two together.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from sim2live.fields import MAX_QTY
from sim2live.sizing import Sizing, SizingError, exact

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_NOISE: Final = 1e-9


def whole(positions: Floats, sizing: Sizing) -> Ints:
    """Whole contracts for each position; equals ``[sizing(p) for p in positions]``.

    Args:
        positions: In the portfolio's own units, of any shape.
        sizing: The rule.

    Raises:
        SizingError: A position is not finite, is too large, or is a fraction where the rule
            takes none.
    """
    positions = np.asarray(positions, dtype=np.float64)
    if not np.isfinite(positions).all():
        raise SizingError("a position of the portfolio is not a finite number")
    if sizing is exact:
        fraction = first_fraction(positions)
        if fraction is not None:
            sizing(float(positions.ravel()[fraction]))  # raises, and says what can be done
        contracts = np.round(positions)
    elif hasattr(sizing, "ratio"):
        scaled = positions * sizing.ratio
        size = np.ceil(np.abs(scaled) - 0.5 - _noise(scaled))
        contracts = np.copysign(np.maximum(size, 0.0), scaled)
    elif hasattr(sizing, "contracts"):
        contracts = np.sign(positions) * sizing.contracts
    else:
        return _one_by_one(positions, sizing)
    contracts = np.where(np.abs(positions) < _NOISE, 0.0, contracts)
    if (np.abs(contracts) > MAX_QTY).any():
        raise SizingError(f"a position of the portfolio is more than {MAX_QTY} contracts")
    return contracts.astype(np.int64)


def first_fraction(positions: Floats) -> int | None:
    """Where the first position stands that is no whole number; None if all are."""
    far = np.abs(positions - np.round(positions)) > _noise(positions)
    return int(np.argmax(far)) if far.any() else None


def _one_by_one(positions: Floats, sizing: Sizing) -> Ints:
    """A rule of the user's own: asked once for each different position."""
    different, place = np.unique(positions, return_inverse=True)
    contracts = np.array([sizing(float(position)) for position in different], dtype=np.int64)
    return contracts[place].reshape(positions.shape)


def _noise(positions: Floats) -> Floats:
    return _NOISE * np.maximum(1.0, np.abs(positions))
