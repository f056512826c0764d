"""What became of a decision: the one value that every call of the gate answers with."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from sim2live.signals import Signal
from sim2live.venues.outcome import ChildOutcome


class Status(StrEnum):
    """The name of an outcome. Each decision ends under exactly one of them.

    Attributes:
        ACCEPTED: the venue took it, which is not the same as a fill.
        REJECTED: the venue refused it; nothing is working there.
        NOT_SENT: not one byte of it was written; the venue cannot know of it.
        UNKNOWN: it may or may not have been executed; nobody here knows.
        HELD: a rule of the gate refused it; nothing was sent.
        SHADOW: nothing had to be sent (history, a start that waits, or the
            venue is presumed to hold the target already); the simulator goes on.
        PENDING: an exit that could not go yet. It stays owed and is tried again.
    """

    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    NOT_SENT = "NOT_SENT"
    UNKNOWN = "UNKNOWN"
    HELD = "HELD"
    SHADOW = "SHADOW"
    PENDING = "PENDING"


REFUSALS = frozenset({Status.REJECTED, Status.NOT_SENT, Status.HELD})
"""The statuses under which an entry did not happen and the simulator must not move."""


class Receipt(Struct, frozen=True, kw_only=True, gc=False):
    """What became of one decision.

    Attributes:
        status: the name of the outcome; for a flip, that of its opening part.
        granted: the target, in whole contracts, that the simulator may hold from
            now on. It equals the target that was asked for unless an opening part
            was refused; for a refused flip it is what is left after the close.
        reason: a sentence for people; empty when there is nothing to explain.
        signals: what went to the venue, in order (none, one, or CLOSE and OPEN).
        latency_ns: from the first byte written to the answer read; None when
            nothing was exchanged.
        children: one outcome for each account, where the venue tells.
    """

    status: Status
    granted: int
    reason: str = ""
    signals: tuple[Signal, ...] = ()
    latency_ns: int | None = None
    children: tuple[ChildOutcome, ...] = ()

    @property
    def ok(self) -> bool:
        """True when the simulator goes on with the whole of what it asked for."""
        return self.status not in REFUSALS

    def _repr_html_(self) -> str:
        """One line for notebooks; every text is escaped."""
        from html import escape

        ids = ", ".join(escape(signal.signal_id) for signal in self.signals)
        return (
            f"<code><b>{self.status.value}</b> granted={self.granted} "
            f"{escape(self.reason)} <small>{ids}</small></code>"
        )
