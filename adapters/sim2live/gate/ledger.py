"""What the venue is presumed to hold, and in which state each instrument is. Pure.

EvalItUp answers "accepted" and nothing more, so a position at the venue is never known there,
only presumed: an interval whose ends differ while an outcome is unknown. Every change names
its source. The rules are numbers 2 to 4 of the gate in the design's page on following.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from sim2live.gate.resting import Resting, leftover

Source = Literal["SENT", "PRESUMED", "READ", "HUMAN"]
StartPolicy = Literal["wait", "adopt", "send_difference", "refuse"]
DriftPolicy = Literal["refuse", "adopt", "flatten"]

WAITING = "WAITING"
UNKNOWN = "UNKNOWN"
OWED = "OWED"
LEGS = "LEGS"
DRIFT = "DRIFT"
UNCONFIRMED = "UNCONFIRMED"

Wish = tuple[str, str, int, int, int]
"""Strategy, data, whole contracts wanted (negative = short); time and number of that call."""


def sign(quantity: int) -> int:
    """-1, 0 or +1."""
    return (quantity > 0) - (quantity < 0)


class Presumed(Struct, frozen=True, gc=False):
    """Signed whole contracts that the venue holds, as far as anybody here can say.

    Attributes:
        low: the lowest position that is possible (negative = short).
        high: the highest one; equal to ``low`` when nothing is unknown.
        source: where the last change came from.
    """

    low: int = 0
    high: int = 0
    source: Source = "SENT"

    @property
    def known(self) -> bool:
        """True when both ends agree."""
        return self.low == self.high

    @property
    def sure(self) -> int:
        """The end nearest zero: what is held for certain (0 if the interval touches zero)."""
        if self.low > 0:
            return self.low
        return min(self.high, 0)

    def holds(self, position: int) -> bool:
        """True when exactly this is held for certain."""
        return self.known and self.low == position

    def moved(self, signed: int, source: Source = "SENT") -> Presumed:
        """Both ends moved: ``signed`` contracts were taken by the venue."""
        return Presumed(self.low + signed, self.high + signed, source)

    def maybe(self, signed: int) -> Presumed:
        """One end moved: ``signed`` contracts may have been taken."""
        return Presumed(self.low + min(signed, 0), self.high + max(signed, 0), self.source)

    def settled(self, signed: int, *, executed: bool, source: Source = "READ") -> Presumed:
        """The inverse of ``maybe``: an unknown ``signed`` turned out to be executed or not."""
        bare = Presumed(self.low - min(signed, 0), self.high - max(signed, 0), source)
        return bare.moved(signed, source) if executed else bare

    def emptied_by(self, signed: int) -> bool:
        """True when ``signed`` contracts close all of a known position, no more and no less."""
        return self.known and self.low == -signed

    def __str__(self) -> str:
        if self.known:
            return f"{self.low:+d}" if self.low else "0"
        return f"between {self.low:+d} and {self.high:+d}"


class Line(Struct, frozen=True, gc=False):
    """One line of the ledger: an instrument of a workflow.

    Attributes:
        presumed: what the venue is presumed to hold.
        reasons: why only exits may go now; each lifts itself. Sorted, no doubles.
        waiting: sign of the target that the venue does not follow yet (0 = none).
        halted: the reason of a halt, which only ``resume`` lifts; empty otherwise.
        flat: True after ``flatten``: the venue holds nothing until the target turns.
        fixes: how many signals without a framework call were drawn so far.
        resting: orders and bracket legs that rest at the venue.
        wishes: what each strategy wanted when the line was written; a book that is open keeps
            them itself, and its line has none.
    """

    presumed: Presumed = Presumed()
    reasons: tuple[str, ...] = ()
    waiting: int = 0
    halted: str = ""
    flat: bool = False
    fixes: int = 0
    resting: tuple[Resting, ...] = ()
    wishes: tuple[Wish, ...] = ()

    @property
    def state(self) -> Literal["ACTIVE", "REDUCING", "HALTED"]:
        """The state by its name."""
        if self.halted:
            return "HALTED"
        return "REDUCING" if self.reasons or self.waiting or self.flat else "ACTIVE"

    @property
    def blocked(self) -> str:
        """Why an entry cannot go now, as a sentence; empty when it can (or only waits)."""
        if self.halted:
            return f"halted: {self.halted}; `sim2live resume` lifts it"
        if self.reasons:
            return f"exits only while {', '.join(self.reasons)} ({self.presumed} presumed)"
        return ""

    def because(self, reason: str) -> Line:
        """The same line with one more reason."""
        if reason in self.reasons:
            return self
        return replace(self, reasons=tuple(sorted({*self.reasons, reason})))

    def without(self, reason: str) -> Line:
        """The same line with one reason less."""
        if reason not in self.reasons:
            return self
        return replace(self, reasons=tuple(r for r in self.reasons if r != reason))

    def tidied(self) -> Line:
        """The same line, on exits only exactly as long as something rests that should not."""
        return self.because(LEGS) if leftover(self.resting) else self.without(LEGS)

    def unprotected(self) -> Line:
        """The same line once no leg rests at the venue any more."""
        left = tuple(one for one in self.resting if not one.legs and not one.ending)
        return replace(self, resting=left).without(LEGS)

    def looked_at(self) -> Line:
        """The same line once a human has looked: what should not rest is gone.

        The legs of a position that is held rest on.
        """
        if self.presumed.holds(0):
            return self.unprotected()
        left = tuple(one for one in self.resting if not one.ending)
        return replace(self, resting=left).without(LEGS)

    def wants(self, target: int) -> int:
        """The position that the venue should hold for this target (rule 4, WAITING).

        While the line waits, the venue keeps at most what it surely holds on the
        target's own side; nothing is opened until the target is flat or turns.
        """
        if self.flat:
            return 0
        if self.resting:
            # What the venue has filled of a resting order, the simulator is about to book.
            target += sum(one.done for one in self.resting)
        if not self.waiting:
            return target
        sure = self.presumed.sure
        if sign(sure) != sign(target):
            return 0
        return sign(target) * min(abs(target), abs(sure))

    def turned(self, before: int, after: int) -> Line:
        """Waiting ends when the target is flat, changes its side or is held; flattened the same.

        It also ends where the target *was* flat: an exit that found the instrument busy has
        moved the target while nobody could write this line.
        """
        if self.waiting:
            stays = sign(before) == self.waiting == sign(after)
            if not stays or self.presumed.holds(after):
                return replace(self, waiting=0, flat=False)
        if self.flat and sign(after) != sign(before):
            return replace(self, flat=False)
        return self

    def started(self, target: int, policy: StartPolicy, *, first: bool) -> Line:
        """The line as it stands when the first live moment comes.

        Reductions are never held back. What would open waits, unless the policy of a first
        start says otherwise: a position that the strategy took in its history was taken at
        prices that are gone.
        """
        sure = self.presumed.sure
        if target == 0 or (sign(target) == sign(sure) and abs(target) <= abs(sure)):
            return self
        if first and policy == "adopt":
            return replace(self, presumed=Presumed(target, target, "HUMAN"))
        if first and policy == "send_difference":
            return self
        if first and policy == "refuse":
            text = f"the strategy starts at {target:+d}, the venue at {self.presumed}"
            return replace(self, halted=text)
        return replace(self, waiting=sign(target))
