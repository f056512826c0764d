"""The ids of many signals at once.

The same recipe as `sim2live.signals.signal_id`, which a test holds this to. What is equal for
all signals of a column is hashed once; a million ids take a fraction of a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
from numba import njit

from sim2live import identity
from sim2live.vectorbt.sha1 import digests

if TYPE_CHECKING:
    from sim2live.vectorbt.routes import Route

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

LEGS: Final = ("open", "close")
WIDTH: Final = 36

_DIGITS: Final = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
# The places of the 32 digits between the four dashes.
_PLACES: Final = np.array(
    [*range(8), *range(9, 13), *range(14, 18), *range(19, 23), *range(24, 36)]
)


def bulk_ids(
    routes: Sequence[Route],
    *,
    strategy: str,
    run: str,
    column: Ints,
    decided_at: Ints,
    nth: Ints,
    leg: Ints,
) -> Bytes:
    """One id for each row.

    Args:
        routes: Of the columns; a route's name is the `data` of the recipe.
        strategy: Name of the strategy.
        run: Name of the run.
        column: Position in `routes`, for each row.
        decided_at: Moment of the decision, integer nanoseconds UTC, for each row.
        nth: Number of the order at that moment, for each row.
        leg: 0 for ``open``, 1 for ``close``, for each row.

    Returns:
        ASCII text, shape (rows, 36).
    """
    heads = [
        identity.begin() + b"".join(map(identity.part, (strategy, run, route.workflow, route.name)))
        for route in routes
    ]
    tails, tail = _tails(decided_at, nth, leg)
    return _as_text(digests(heads, tails, column, tail))


def _tails(decided_at: Ints, nth: Ints, leg: Ints) -> tuple[list[bytes], Ints]:
    """The last three fields of the recipe, made once for all columns that share them."""
    times, time = np.unique(decided_at, return_inverse=True)
    calls = int(nth.max(initial=0)) + 1
    key = (time * calls + nth) * len(LEGS) + leg
    keys, tail = np.unique(key, return_inverse=True)
    when = [identity.part(str(value)) for value in times.tolist()]
    count = [identity.part(str(value)) for value in range(calls)]
    legs = [identity.part(value) for value in LEGS]
    tails = [
        when[value // (calls * len(LEGS))]
        + count[value // len(LEGS) % calls]
        + legs[value % len(LEGS)]
        for value in keys.tolist()
    ]
    return tails, tail.astype(np.int64)


def _as_text(digest: Bytes) -> Bytes:
    """UUIDs of version 5 as text, from the first 16 bytes of each hash."""
    text = np.full((len(digest), WIDTH), ord("-"), dtype=np.uint8)
    _write(digest, _PLACES, _DIGITS, text)
    return text


@njit(cache=True)
def _write(digest: Any, places: Any, digits: Any, text: Any) -> None:
    for row in range(len(digest)):
        for byte in range(16):
            value = digest[row, byte]
            if byte == 6:
                value = (value & 0x0F) | 0x50  # the version
            elif byte == 8:
                value = (value & 0x3F) | 0x80  # the variant
            text[row, places[2 * byte]] = digits[value >> 4]
            text[row, places[2 * byte + 1]] = digits[value & 0x0F]
