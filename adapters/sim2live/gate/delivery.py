"""What has to go out, and what happens next after each outcome. Pure tables.

`legs` turns a difference into at most two orders. `next_step` is table 3 of the law of
delivery: an entry is sent at most once, an exit is owed until it went, and where nobody knows,
nothing is sent again unless the venue has been proved to make that harmless.
"""

from __future__ import annotations

from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from sim2live.gate.ledger import Presumed, sign
from sim2live.venues.base import Venue
from sim2live.venues.outcome import Kind, Outcome

MAX_RESENDS = 3
"""How often an entry of unknown outcome may be repeated where the venue deduplicates."""


class Leg(Struct, frozen=True, gc=False):
    """One order of a difference.

    Attributes:
        closing: True for the part that reduces what is held, False for the part that opens.
        signed: whole contracts, positive to buy.
    """

    closing: bool
    signed: int


def legs(presumed: Presumed, wanted: int) -> tuple[Leg, ...]:
    """The orders that bring the venue from what is presumed to what is wanted.

    A flip is CLOSE then OPEN. While the position is an interval only the sure part of a
    reduction goes, and nothing opens (rules 2 and 5 of following).
    """
    held = presumed.sure
    keep = wanted if sign(wanted) == sign(held) else 0
    closing = keep - held if abs(keep) < abs(held) else 0
    opening = wanted - (held + closing) if presumed.known else 0
    if not closing:
        return (Leg(closing=False, signed=opening),) if opening else ()
    first = Leg(closing=True, signed=closing)
    return (first, Leg(closing=False, signed=opening)) if opening else (first,)


def growth(before: int, after: int) -> int:
    """The opening part of a change of target: what an order adds beyond what was wanted."""
    if sign(before) != sign(after):
        return after
    return after - before if abs(after) > abs(before) else 0


def covers(presumed: Presumed, before: int, after: int) -> bool:
    """Whether a growing target finds at the venue what it would otherwise close and open again.

    So it is where a restart wants anew what its predecessor has left there.
    """
    held = presumed.low
    return presumed.known and sign(held) == sign(after) and abs(before) < abs(held) <= abs(after)


def excess(presumed: Presumed, wanted: int) -> int:
    """Contracts that may still have to go once an unknown outcome is settled (signed)."""
    far = presumed.high if presumed.high > -presumed.low else presumed.low
    if sign(far) != sign(wanted):
        return far
    return far - wanted if abs(far) > abs(wanted) else 0


def worst(outcome: Outcome) -> Outcome:
    """The outcome of a pool whose accounts did not all fare alike: nobody can say one number."""
    kinds = {child.kind for child in outcome.children}
    if kinds <= {outcome.kind}:
        return outcome
    told = ", ".join(
        f"{child.account} {child.kind.value}" + (f" ({child.reason})" if child.reason else "")
        for child in outcome.children
    )
    return replace(outcome, kind=Kind.UNKNOWN, reason=f"the accounts disagree: {told}")


class Step(Enum):
    """What the gate does after an outcome."""

    BOOK = "the venue took it: book it"
    REFUSE = "an entry that did not happen: the framework's order is rejected"
    OWE = "an exit that did not go: it is owed and tried again"
    READ = "ask the venue what became of it"
    RESEND = "the same id and the same bytes once more: proved harmless"
    LEAVE = "never again: the position becomes an interval, exits only, alarm"
    HALT = "not again by itself: halted, loud alarm, a human decides"


def next_step(
    kind: Kind,
    *,
    closing: bool,
    venue: Venue,
    sends: int,
    whole: bool,
    read_failed: bool = False,
) -> Step:
    """Table 3: what happens next.

    Args:
        kind: the outcome of the exchange.
        closing: True for an exit, False for an entry.
        venue: its abilities and its proved profile decide the column.
        sends: how often these bytes have been written already.
        whole: True for an exit of all that is held. Only such a one may be repeated where all
            that is proved is that a close never opens: a second partial close would close more.
        read_failed: True when the venue was asked and could not tell.
    """
    if kind is Kind.ACCEPTED:
        return Step.BOOK
    if kind in (Kind.NOT_SENT, Kind.REJECTED):
        return Step.OWE if closing else Step.REFUSE
    if venue.can_report and not read_failed:
        return Step.READ
    profile = venue.profile
    if profile.dedupe == "yes" and (closing or sends <= MAX_RESENDS):
        return Step.RESEND
    if closing and whole and profile.close_is_reduce_only == "yes":
        return Step.RESEND
    return Step.HALT if closing else Step.LEAVE
