"""The ids of many signals at once.

The same recipe as `sim2live.signals.signal_id`, which a test holds this to. What is equal for
all signals of a column is hashed once; a million ids take about a second.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from sim2live import identity

if TYPE_CHECKING:
    from sim2live.vectorbt.routes import Route

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

LEGS: Final = ("open", "close")
WIDTH: Final = 36

_HEX: Final = np.frombuffer(
    b"".join(b"%02x" % value for value in range(256)), dtype=np.uint16
)
# The places of the 32 digits between the four dashes.
_DIGITS: Final = np.array([*range(8), *range(9, 13), *range(14, 18), *range(19, 23), *range(24, 36)])


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
        _hash(strategy, run, route.workflow, route.name) for route in routes
    ]
    tails, tail = _tails(decided_at, nth, leg)
    digests = bytearray()
    for head, index in zip(column.tolist(), tail.tolist(), strict=True):
        digest = heads[head].copy()
        digest.update(tails[index])
        digests += digest.digest()
    return _as_text(np.frombuffer(digests, dtype=np.uint8).reshape(-1, 20)[:, :16])


def _hash(*texts: str) -> hashlib._Hash:
    digest = identity.begin()
    for text in texts:
        digest.update(identity.part(text))
    return digest


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
    digest = digest.copy()
    digest[:, 6] = digest[:, 6] & 0x0F | 0x50
    digest[:, 8] = digest[:, 8] & 0x3F | 0x80
    text = np.full((len(digest), WIDTH), ord("-"), dtype=np.uint8)
    text[:, _DIGITS] = _HEX[digest].view(np.uint8).reshape(-1, 32)
    return text
