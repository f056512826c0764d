"""Which id does a signal get?

The same decision of the same strategy in the same run always gets the same id, however often
the process restarts. A venue that remembers ids can therefore never execute it twice, and our
own journal finds it again. The recipe is frozen: another recipe is another major version.
"""

from __future__ import annotations

import hashlib
import uuid
from typing import Final, Literal, get_args

from sim2live.errors import SignalError

Leg = Literal["open", "close", "fix", "rest", "cancel", "modify"]
SCHEME: Final = "sim2live/1"
_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, SCHEME).bytes


def signal_id(
    *, strategy: str, run: str, workflow: str, data: str, decided_at: int, nth: int, leg: Leg
) -> str:
    """The id of one signal: a UUIDv5 (RFC 9562) over everything that makes it that signal.

    Each field goes in with its length before it, so that no two different lists of fields
    read the same.

    Args:
        strategy: Name of the strategy instance.
        run: Name of the run; a fresh run gets fresh ids.
        workflow: Name of the pool.
        data: Name of the data the decision was about.
        decided_at: Moment of the decision, nanoseconds since 1970-01-01 UTC.
        nth: Which call of the framework it is, for that data at that moment, from 0; a
            journalled counter for signals without a call.
        leg: ``open`` or ``close`` for the parts of an order, ``fix`` for a correction, ``rest``,
            ``modify`` and ``cancel`` for resting orders.

    Returns:
        36 characters of lower-case hexadecimal and dashes.

    Raises:
        SignalError: A field has another type, or `leg` is not one of the words.
    """
    naming = Naming(strategy=strategy, run=run, workflow=workflow, data=data)
    return naming.id(decided_at, nth, leg)


class Naming:
    """What the ids of one strategy, run, pool and data share, prepared once.

    Args:
        strategy: As for `signal_id`.
        run: As for `signal_id`.
        workflow: As for `signal_id`.
        data: As for `signal_id`.

    Raises:
        SignalError: One of them is no text.
    """

    __slots__ = ("_shared",)

    def __init__(self, *, strategy: str, run: str, workflow: str, data: str) -> None:
        texts = {"strategy": strategy, "run": run, "workflow": workflow, "data": data}
        for name, text in texts.items():
            if not isinstance(text, str):
                raise SignalError(name, text, "must be text")
        self._shared = _BEGIN + b"".join(map(part, texts.values()))

    def id(self, decided_at: int, nth: int, leg: Leg) -> str:
        """The id of one signal; arguments, result and errors as for `signal_id`."""
        if type(decided_at) is not int:
            raise SignalError("decided_at", decided_at, "must be a whole number")
        if type(nth) is not int:
            raise SignalError("nth", nth, "must be a whole number")
        last = _LEGS.get(leg)
        if last is None:
            raise SignalError("leg", leg, f"must be one of {', '.join(get_args(Leg))}")
        parts = self._shared + part(str(decided_at)) + part(str(nth)) + last
        text = hashlib.sha1(parts, usedforsecurity=False).hexdigest()
        # What `uuid.UUID(bytes=..., version=5)` makes of it, without its checks.
        variant = _VARIANTS[text[16]]
        return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"


def begin() -> bytes:
    """What every id hashes first; then come the parts.

    With `part`, for who makes a million ids and hashes what they share only once.
    """
    return _BEGIN


def part(text: str) -> bytes:
    """One field of the recipe as it goes into the hash: its length, then itself."""
    # Names come from frameworks and files; even one that is no valid Unicode has an id.
    raw = text.encode("utf-8", "surrogatepass")
    return len(raw).to_bytes(4, "big") + raw


_BEGIN: Final = _NAMESPACE + part(SCHEME)
_LEGS: Final = {leg: part(leg) for leg in get_args(Leg)}
_VARIANTS: Final = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
