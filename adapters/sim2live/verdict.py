"""What a comparison of two runs found: differences, drift, and the word for both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct

from sim2live.clock import iso

NOISE = 1e-9

DifferenceKind = Literal[
    "missing", "extra", "duplicated", "late", "early", "swapped", "resized", "side", "repriced",
    "contract", "unknown", "held", "holding", "bar", "LEG TIMING",
]  # fmt: skip
#: What a run says of a decision that did not become an order, in the words of gate and frameworks.
REFUSED = frozenset({"HELD", "REJECTED", "NOT_SENT", "MARGIN"})
_MEANINGS: dict[DifferenceKind, str] = {
    "missing": "only the first run decided it",
    "extra": "only the second run decided it",
    "duplicated": "decided again",
    "late": "decided at a later bar",
    "early": "decided at an earlier bar",
    "swapped": "two decisions changed places",
    "resized": "another quantity",
    "side": "the other side",
    "repriced": "another price",
    "contract": "another contract",
    "unknown": "nobody knows whether it was executed",
    "held": "refused in the second run",
    "holding": "another position",
    "bar": "a bar that only one run saw",
}


def meaning(kind: DifferenceKind) -> str:
    """A kind of difference in words."""
    return f"{kind}: {_MEANINGS[kind]}"


class Difference(Struct, frozen=True, kw_only=True):
    """One thing that the second run did otherwise.

    Attributes:
        kind: ``missing`` or ``extra`` (a decision of one run only), ``duplicated`` (an extra one
            that was made already), ``late`` or ``early`` (decided at another bar), ``swapped``
            (two decisions that changed places), ``resized``, ``side``, ``repriced`` (same bar,
            another quantity, side, or price by more than a tick), ``contract`` (sent for another
            instrument), ``unknown`` (nobody knows whether it was executed), ``held`` (refused in
            the second run only), ``holding`` (another position after a bar), ``bar`` (a bar that
            only one run saw), ``LEG TIMING`` (another position since a leg of a native bracket
            was filled: a venue tests legs a bar before the simulator does).
        time: When it began, nanoseconds since 1970-01-01 UTC.
        data: Name of the data.
        a: What the first run did.
        b: What the second run did.
        bars: How many bars in a row it lasted.
    """

    kind: DifferenceKind
    time: int
    data: str
    a: str
    b: str
    bars: int = 1

    def __str__(self) -> str:
        lasting = f", {self.bars} bars" if self.bars > 1 else ""
        return f"{iso(self.time)} {self.data}: {self.kind}: {self.a} | {self.b}{lasting}"


class Drift(Struct, frozen=True, kw_only=True):
    """The same quantity, filled at another price or by one run only.

    Attributes:
        time: When the first of the two was filled, nanoseconds since 1970-01-01 UTC.
        data: Name of the data.
        size: Units, negative for a sale.
        a: Price in the first run, in points; None when it has no such fill.
        b: Price in the second run.
        tick: Size of a tick in points, where the contract is known.
        point_value: Account currency for one point of one unit.
    """

    time: int
    data: str
    size: float
    a: float | None
    b: float | None
    tick: float | None = None
    point_value: float = 1.0

    @property
    def cost(self) -> float:
        """Points times units that the second run paid more; 0 where a fill has no partner."""
        if self.a is None or self.b is None:
            return 0.0
        return (self.b - self.a) * self.size

    @property
    def money(self) -> float:
        """What the second run paid more, in account currency."""
        return self.cost * self.point_value

    @property
    def ticks(self) -> float | None:
        """How far the prices lie apart, never negative; None without a partner or a tick."""
        if self.a is None or self.b is None or not self.tick:
            return None
        return abs(self.b - self.a) / self.tick


class Verdict(Struct, frozen=True, kw_only=True):
    """The outcome of a comparison.

    Attributes:
        a: Name of the first run.
        b: Name of the second run.
        decisions: How many decisions the first run made.
        bars: How many bars it saw.
        fills: How many fills it had.
        differences: What the second run did otherwise, in order of time.
        drift: Fills at other prices, in order of time.
        equity: What both accounts were worth at the end; None where a run does not say.
        most_ticks: How many ticks a fill may drift; None for any number.
    """

    a: str
    b: str
    decisions: int
    bars: int
    fills: int
    differences: tuple[Difference, ...] = ()
    drift: tuple[Drift, ...] = ()
    equity: tuple[float | None, float | None] = (None, None)
    most_ticks: float | None = None

    @property
    def same(self) -> bool:
        """True when decisions and positions agree."""
        return not self.differences

    @property
    def explained(self) -> bool:
        """True when nothing differs but when legs of brackets were filled (``LEG TIMING``)."""
        return all(one.kind == "LEG TIMING" for one in self.differences)

    @property
    def cost(self) -> float:
        """Points times units that the second run paid more for the same fills."""
        return sum(item.cost for item in self.drift)

    @property
    def money(self) -> float:
        """The same in account currency."""
        return sum(item.money for item in self.drift)

    @property
    def drifted(self) -> tuple[Drift, ...]:
        """Fills that drift further than they may; one without a partner always does."""
        if self.most_ticks is None:
            return ()
        most = self.most_ticks * (1 + NOISE)
        return tuple(item for item in self.drift if item.ticks is None or item.ticks > most)

    @property
    def parity(self) -> bool:
        """True when nothing differs and no fill drifts further than it may."""
        return self.same and not self.drifted

    def __str__(self) -> str:
        if not self.same:
            return f"DIFFERENT: {len(self.differences)}"
        return f"DRIFT: {len(self.drifted)}" if self.drifted else "PARITY"

    def table(self, limit: int = 20) -> str:
        """The verdict as plain text for a terminal.

        Args:
            limit: How many differences and how many drifting fills to list.
        """
        lines = [
            f"{self}  ({self.a} | {self.b})",
            f"  decisions compared   {self.decisions}",
            f"  bars compared        {self.bars}",
            f"  fills that drift     {len(self.drift)} of {self.fills}, {self.cost:+.2f} points",
        ]
        lines += _listed("differences", self.differences, limit)
        lines += _listed("drift", [_drift_text(item) for item in self.drift], limit)
        return "\n".join(lines)


def _drift_text(item: Drift) -> str:
    prices = " | ".join("no fill" if p is None else f"{p:g}" for p in (item.a, item.b))
    return f"{iso(item.time)} {item.data}: {item.size:+g} at {prices} ({item.cost:+.2f})"


def _listed(title: str, items: Sequence[Any], limit: int) -> list[str]:
    if not items:
        return []
    lines = [f"{title}:", *(f"  {item}" for item in items[:limit])]
    if len(items) > limit:
        lines.append(f"  ... and {len(items) - limit} more")
    return lines
