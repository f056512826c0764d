"""How did a signal come here over a relay? What the relay tells, for people to look at.

It is told by itself, after the answer, so that the signal API stays as EvalItUp has it. It is kept
in memory, for it is only shown.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

_Name = Annotated[str, msgspec.Meta(max_length=64)]
_Time = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class Way(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The steps of a signal before it was handed to this gateway.

    Attributes:
        signal_id: Of the signal.
        host: Name of the strategy's host, at most 64 characters; empty where it is not known.
        left_at: When it left that host, by its clock, UTC epoch nanoseconds; 0 where not known.
        relay: Name of the relay's host, at most 64 characters.
        taken_at: When the relay wrote it down, by the relay's clock, UTC epoch nanoseconds.

    Raises:
        ValueError: A name holds a character that does not print.
    """

    signal_id: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    host: _Name
    left_at: _Time
    relay: _Name
    taken_at: _Time

    def __post_init__(self) -> None:
        for field in ("signal_id", "host", "relay"):
            name = getattr(self, field)
            if not name.isprintable():
                raise ValueError(f"{field}={name!r}: must hold printable characters only")


_DECODER = msgspec.json.Decoder(Way)


def read_way(body: bytes) -> Way:
    """A way from JSON.

    Raises:
        ValueError: It is none; the message names the field.
    """
    try:
        return _DECODER.decode(body)
    except RecursionError:
        raise ValueError("nested too deeply") from None
