"""Did two runs do the same?

Decisions and positions after each bar must agree; then the verdict is PARITY. Prices of fills are
drift: itemised beside the verdict, never a difference, because a venue fills at its own price. Who
wants to hear of it says how many ticks are too many; then the verdict is DRIFT.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence

from sim2live.clock import iso
from sim2live.market.contracts import contract
from sim2live.runs import Decision, FillAt, Run
from sim2live.verdict import NOISE, REFUSED, Difference, DifferenceKind, Drift, Verdict

__all__ = ["Difference", "Drift", "Verdict", "compare"]


def compare(a: Run, b: Run, *, most_ticks: float | None = None) -> Verdict:
    """Compare two runs of one strategy.

    Within a bar the order of decisions does not matter.

    Args:
        a: The run that counts as right, such as the simulation.
        b: The run to judge.
        most_ticks: How many ticks a fill may drift; None for any number.
    """
    scales = _scales(a.decisions, b.decisions)
    differences = [*_decisions(a.decisions, b.decisions, scales), *_holdings(a, b)]
    drift = _drift(a.fills, b.fills, scales)
    return Verdict(
        a=a.name,
        b=b.name,
        decisions=len(a.decisions),
        bars=len({holding.time for holding in a.positions}),
        fills=len(a.fills),
        differences=tuple(sorted(differences, key=lambda d: (d.time, d.data))),
        drift=tuple(sorted(drift, key=lambda d: (d.time, d.data))),
        equity=(_last(a), _last(b)),
        most_ticks=most_ticks,
    )


def _last(run: Run) -> float | None:
    return run.equity[-1][1] if run.equity else None


#: Tick in points and value of a point, by name of the data.
_Scales = dict[str, tuple[float, float]]


def _scales(*runs: Sequence[Decision]) -> _Scales:
    found: _Scales = {}
    for decisions in runs:
        for decision in decisions:
            if decision.data not in found and decision.instrument is not None:
                known = contract(decision.instrument)
                if known is not None:
                    found[decision.data] = float(known.tick_size), known.point_value
    return found


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


_Pair = tuple[DifferenceKind, Decision, Decision]


def _decisions(a: Sequence[Decision], b: Sequence[Decision], scales: _Scales) -> list[Difference]:
    left, right = list(a), list(b)
    pairs: list[_Pair] = []
    for name, key in _PASSES:
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
            kind = name
            if kind == "repriced" and _within_a_tick(decision, partner, scales):
                kind = None
            if kind == "late" and partner.time < decision.time:
                kind = "early"
            if kind is None:
                kind = _otherwise(decision, partner)
            if kind is not None:
                pairs.append((kind, decision, partner))
        left = unpaired
        right = [decision for rest in waiting.values() for decision in rest]
    exact = _PASSES[0][1]
    made = {exact(decision) for decision in a}
    found = [_difference(kind, mine, theirs) for kind, mine, theirs in _swapped(pairs)]
    found += [_difference("missing", decision, None) for decision in left]
    found += [
        _difference("duplicated" if exact(decision) in made else "extra", None, decision)
        for decision in right
    ]
    return found


def _within_a_tick(a: Decision, b: Decision, scales: _Scales) -> bool:
    if a.price is None or b.price is None or a.data not in scales:
        return False
    return abs(a.price - b.price) <= scales[a.data][0] * (1 + NOISE)


def _otherwise(a: Decision, b: Decision) -> DifferenceKind | None:
    """What became of the same decision, where that is not the same."""
    if a.instrument != b.instrument and all(
        # A simulation may name its data as it likes, for nothing was sent.
        one.instrument is not None and one.instrument.exchange != "SIM"
        for one in (a, b)
    ):
        return "contract"
    if b.status.upper() == "UNKNOWN" != a.status.upper():
        return "unknown"
    if b.status.upper() in REFUSED and a.status.upper() not in REFUSED:
        return "held"
    return None


def _swapped(pairs: list[_Pair]) -> list[_Pair]:
    """Two decisions that only changed places are one difference, not two."""
    found: list[_Pair] = []
    waiting: dict[object, int] = {}
    for kind, a, b in pairs:
        if kind not in ("side", "resized", "repriced"):
            found.append((kind, a, b))
            continue
        mirrored = waiting.pop((a.data, _content(b), _content(a)), None)
        if mirrored is not None and found[mirrored][1].time != a.time:
            _, first, other = found[mirrored]
            found[mirrored] = ("swapped", first, other)
            continue
        waiting[a.data, _content(a), _content(b)] = len(found)
        found.append((kind, a, b))
    return found


def _content(decision: Decision) -> object:
    return decision.order_type, decision.side, decision.qty, decision.price


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
    said = ", ".join(text for text in (decision.status, decision.reason) if text)
    name = "" if decision.instrument is None else f" {decision.instrument}"
    after = f" ({said})" if said else ""
    return f"{decision.order_type} {decision.side} {decision.qty:g}{name}{price}{after}"


# -- positions after each bar ---------------------------------------------------------------------


def _holdings(a: Run, b: Run) -> list[Difference]:
    """Differing positions; one difference for as many bars in a row as it stays the same."""
    left, right = _by_bar(a), _by_bar(b)
    legs = {(fill.data, fill.time) for fill in b.fills if fill.leg}
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
            since = running is not None and running.kind == "LEG TIMING"
            if kind == "holding" and (since or (data, time) in legs):
                kind = "LEG TIMING"
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


def _drift(a: Iterable[FillAt], b: Iterable[FillAt], scales: _Scales) -> list[Drift]:
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
                found.append(_one(key, scales, min(time, other_time), shared, price, other_price))
            for queue, rest in ((mine, size - shared), (theirs, other_size - shared)):
                if rest > NOISE:
                    queue[0] = (queue[0][0], rest, queue[0][2])
                else:
                    queue.popleft()
        found += [_one(key, scales, time, size, price, None) for time, size, price in mine]
        found += [_one(key, scales, time, size, None, price) for time, size, price in theirs]
    return found


_Queue = deque[tuple[int, float, float]]


def _queues(fills: Iterable[FillAt]) -> dict[tuple[str, bool], _Queue]:
    queues: dict[tuple[str, bool], _Queue] = defaultdict(deque)
    for fill in fills:
        queues[fill.data, fill.size > 0].append((fill.time, abs(fill.size), fill.price))
    return queues


def _one(
    key: tuple[str, bool],
    scales: _Scales,
    time: int,
    size: float,
    a: float | None,
    b: float | None,
) -> Drift:
    data, bought = key
    tick, value = scales.get(data, (None, 1.0))
    signed = size if bought else -size
    return Drift(time=time, data=data, size=signed, a=a, b=b, tick=tick, point_value=value)
