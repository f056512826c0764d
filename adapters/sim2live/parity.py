"""Did two runs do the same?

Decisions and positions after each bar must agree; then the verdict is PARITY. Prices of fills are
drift: itemised beside the verdict, never a difference, because a venue fills at its own price.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from msgspec import Struct

from sim2live.clock import iso
from sim2live.runs import Decision, FillAt, Run

DifferenceKind = Literal[
    "missing", "extra", "late", "early", "resized", "side", "repriced", "holding", "bar"
]


class Difference(Struct, frozen=True, kw_only=True):
    """One thing that the second run did otherwise.

    Attributes:
        kind: ``missing`` or ``extra`` (a decision of one run only), ``late`` or ``early``
            (decided at another bar), ``resized``, ``side``, ``repriced`` (same bar, another
            quantity, side or price), ``holding`` (another position after a bar), ``bar`` (a bar
            that only one run saw).
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
    """

    time: int
    data: str
    size: float
    a: float | None
    b: float | None

    @property
    def cost(self) -> float:
        """Points times units that the second run paid more; 0 where a fill has no partner."""
        if self.a is None or self.b is None:
            return 0.0
        return (self.b - self.a) * self.size


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
    """

    a: str
    b: str
    decisions: int
    bars: int
    fills: int
    differences: tuple[Difference, ...] = ()
    drift: tuple[Drift, ...] = ()

    @property
    def same(self) -> bool:
        """True when decisions and positions agree."""
        return not self.differences

    @property
    def cost(self) -> float:
        """Points times units that the second run paid more for the same fills."""
        return sum(item.cost for item in self.drift)

    def __str__(self) -> str:
        return "PARITY" if self.same else f"DIFFERENT: {len(self.differences)}"

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


def compare(a: Run, b: Run) -> Verdict:
    """Compare two runs of one strategy.

    Args:
        a: The run that counts as right, such as the simulation.
        b: The run to judge.
    """
    differences = [*_decisions(a.decisions, b.decisions), *_holdings(a, b)]
    drift = _drift(a.fills, b.fills)
    return Verdict(
        a=a.name,
        b=b.name,
        decisions=len(a.decisions),
        bars=len({holding.time for holding in a.positions}),
        fills=len(a.fills),
        differences=tuple(sorted(differences, key=lambda d: (d.time, d.data))),
        drift=tuple(sorted(drift, key=lambda d: (d.time, d.data))),
    )


# -- decisions ------------------------------------------------------------------------------------

# Each pass pairs what the passes before left over: first what is equal, then what differs in one
# respect at the same bar, then the same order at another bar.
_Keys = tuple[tuple[DifferenceKind | None, Callable[[Decision], object]], ...]
_PASSES: _Keys = (
    (None, lambda d: (d.time, d.data, d.order_type, d.side, d.qty, d.price)),
    ("repriced", lambda d: (d.time, d.data, d.order_type, d.side, d.qty)),
    ("resized", lambda d: (d.time, d.data, d.order_type, d.side)),
    ("side", lambda d: (d.time, d.data, d.order_type)),
    ("late", lambda d: (d.data, d.order_type, d.side, d.qty)),
)


def _decisions(a: Sequence[Decision], b: Sequence[Decision]) -> list[Difference]:
    left, right = list(a), list(b)
    found: list[Difference] = []
    for kind, key in _PASSES:
        waiting: dict[object, deque[Decision]] = defaultdict(deque)
        for decision in right:
            waiting[key(decision)].append(decision)
        unpaired = []
        for decision in left:
            partners = waiting[key(decision)]
            if not partners:
                unpaired.append(decision)
                continue
            partner = partners.popleft()
            if kind == "late":
                found.append(
                    _difference(
                        "late" if partner.time > decision.time else "early", decision, partner
                    )
                )
            elif kind is not None:
                found.append(_difference(kind, decision, partner))
        left = unpaired
        right = [decision for rest in waiting.values() for decision in rest]
    found += [_difference("missing", decision, None) for decision in left]
    found += [_difference("extra", None, decision) for decision in right]
    return found


def _difference(kind: DifferenceKind, a: Decision | None, b: Decision | None) -> Difference:
    first = a or b
    assert first is not None
    return Difference(
        kind=kind,
        time=first.time,
        data=first.data,
        a=_order_text(a),
        b=_order_text(b) + (f" at {iso(b.time)}" if b and kind in ("late", "early") else ""),
    )


def _order_text(decision: Decision | None) -> str:
    if decision is None:
        return "nothing"
    price = "" if decision.price is None else f" at {decision.price:g}"
    reason = f" ({decision.reason})" if decision.reason else ""
    return f"{decision.order_type} {decision.side} {decision.qty:g}{price}{reason}"


# -- positions after each bar ---------------------------------------------------------------------


def _holdings(a: Run, b: Run) -> list[Difference]:
    """Differing positions; one difference for as many bars in a row as it stays the same."""
    left, right = _by_bar(a), _by_bar(b)
    found: list[Difference] = []
    for data in sorted(left.keys() | right.keys()):
        mine, theirs = left.get(data, {}), right.get(data, {})
        running: Difference | None = None
        for time in sorted(mine.keys() | theirs.keys()):
            held, other = mine.get(time), theirs.get(time)
            if held == other:
                running = None
                continue
            kind: DifferenceKind = "bar" if held is None or other is None else "holding"
            now = Difference(kind=kind, time=time, data=data, a=_held(held), b=_held(other))
            if running is not None and (running.kind, running.a, running.b) == (kind, now.a, now.b):
                found.pop()
                now = Difference(
                    kind=kind, time=running.time, data=data, a=now.a, b=now.b,
                    bars=running.bars + 1,
                )  # fmt: skip
            found.append(now)
            running = now
    return found


def _by_bar(run: Run) -> dict[str, dict[int, float]]:
    table: dict[str, dict[int, float]] = defaultdict(dict)
    for holding in run.positions:
        table[holding.data][holding.time] = holding.size
    return table


def _held(size: float | None) -> str:
    return "no such bar" if size is None else f"{size:g}"


# -- prices of fills ------------------------------------------------------------------------------


def _drift(a: Iterable[FillAt], b: Iterable[FillAt]) -> list[Drift]:
    """Pair fills in order, side by side for each data; one fill may meet several partial ones."""
    left, right = _queues(a), _queues(b)
    found: list[Drift] = []
    for key in left.keys() | right.keys():
        mine, theirs = left[key], right[key]
        while mine and theirs:
            time, size, price = mine[0]
            other_time, other_size, other_price = theirs[0]
            shared = min(size, other_size)
            if price != other_price:
                found.append(_one(key, min(time, other_time), shared, price, other_price))
            for queue, rest in ((mine, size - shared), (theirs, other_size - shared)):
                if rest > _NOISE:
                    queue[0] = (queue[0][0], rest, queue[0][2])
                else:
                    queue.popleft()
        found += [_one(key, time, size, price, None) for time, size, price in mine]
        found += [_one(key, time, size, None, price) for time, size, price in theirs]
    return found


_NOISE = 1e-9
_Queue = deque[tuple[int, float, float]]


def _queues(fills: Iterable[FillAt]) -> dict[tuple[str, bool], _Queue]:
    queues: dict[tuple[str, bool], _Queue] = defaultdict(deque)
    for fill in fills:
        queues[fill.data, fill.size > 0].append((fill.time, abs(fill.size), fill.price))
    return queues


def _one(key: tuple[str, bool], time: int, size: float, a: float | None, b: float | None) -> Drift:
    data, bought = key
    return Drift(time=time, data=data, size=size if bought else -size, a=a, b=b)


# -- text -----------------------------------------------------------------------------------------


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
