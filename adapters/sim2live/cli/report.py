"""The page that a demo leaves behind: one file with everything in it, nothing loaded from outside.

All text is escaped here; the script of the page draws from figures alone.
"""

from __future__ import annotations

from bisect import bisect_left
from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any

import msgspec

from sim2live.clock import NS, iso

if TYPE_CHECKING:
    from sim2live.cli.rehearsal import PairedFill, Rehearsal

_MINUS = "\N{MINUS SIGN}"


def page(result: Rehearsal) -> str:
    """The whole page as HTML.

    Args:
        result: What the two runs did.
    """
    room = files("sim2live.cli") / "page"
    template = Template((room / "report.html").read_text("utf-8"))
    first, last = result.closes[0][0], result.closes[-1][0]
    name, instrument = escape(result.strategy), escape(str(result.instrument))
    return template.substitute(
        title=f"{escape(result.headline)}: {name} on {instrument}",
        heading=f"{name}, simulated and dispatched",
        verdict=escape(result.headline),
        bad="" if result.passed else " bad",
        lead=(
            f"{_meaning(result)} One Backtrader strategy class ran twice over {result.bars:,} "
            f"daily bars of {instrument}, {_day(first)} to {_day(last)}: on Backtrader's own "
            "broker, and through the mirror, the gate and HTTP into a paper gateway."
        ),
        style=(room / "report.css").read_text("utf-8"),
        script="".join((room / name).read_text("utf-8") for name in ("charts.js", "report.js")),
        tiles=_tiles(result),
        differences=_differences(result),
        instrument=instrument,
        account=escape(result.seats[0].account.account),
        accounts=_accounts(result),
        drift=_drift(result),
        fill_count=len(result.fills),
        fills=_fills(result.fills),
        footer=(
            f"Run {escape(result.run)}. The gateway is simulated: no real order was possible. "
            "Accepted is not filled; a real venue fills at its own prices."
        ),
        # A closing tag inside the figures would end their element.
        figures=msgspec.json.encode(_figures(result)).decode().replace("<", "\\u003c"),
    )


def _meaning(result: Rehearsal) -> str:
    if result.differences:
        return "The dispatched run did not do what the simulated run did."
    if result.shortfalls:
        return "Nothing differs, but too little was done to say PARITY."
    return "Same decisions, same positions after each bar, in every account."


def _day(time: int) -> str:
    return iso(time)[:10]


def _number(value: float, digits: int = 2, *, signed: bool = False) -> str:
    # Adding zero turns what would print as -0.00 into 0.00.
    text = f"{round(value, digits) + 0.0:{'+' if signed else ''},.{digits}f}"
    return text.replace("-", _MINUS)


def _tiles(result: Rehearsal) -> str:
    signals = result.signals
    other = signals["rejected"] + signals["not_sent"] + signals["unknown"]
    tiles = (
        ("Orders filled", f"{result.orders:,}", f"{result.exits} exits"),
        ("Signals sent", f"{signals['sent']:,}", ""),
        ("Accepted", f"{signals['accepted']:,}", ""),
        ("Held", f"{signals['held']:,}", ""),
        ("Not accepted", f"{other:,}", ""),
        ("Order to ack, p50", f"{result.latency_ms(0.5):.2f}", "ms"),
        ("Order to ack, p99", f"{result.latency_ms(0.99):.2f}", "ms"),
    )
    return "".join(
        f'<dl class="tile"><dt>{name}</dt><dd>{value} <small>{note}</small></dd></dl>'
        for name, value, note in tiles
    )


def _differences(result: Rehearsal) -> str:
    found = [*result.differences, *result.shortfalls]
    if not found:
        return ""
    items = "".join(f"<li>{escape(text)}</li>" for text in found[:500])
    more = f'<p class="note">and {len(found) - 500:,} more</p>' if len(found) > 500 else ""
    return (
        f'<section><h2 class="bad-text">What differs</h2><ol class="differences">{items}</ol>'
        f"{more}</section>"
    )


def _accounts(result: Rehearsal) -> str:
    return "".join(
        f"<tr><td>{escape(seat.account.account)}</td><td>&times;{seat.account.multiplier}</td>"
        f"<td>{_number(seat.position, 0, signed=True)}</td>"
        f"<td>{_number(seat.expected, 0, signed=True)}</td>"
        f"<td>{seat.agreed:,} of {result.bars:,}</td>"
        f"<td>{_number(seat.account.equity)}</td></tr>"
        for seat in result.seats
    )


def _drift(result: Rehearsal) -> str:
    groups: dict[str, list[float]] = {}
    for fill in result.fills:
        if fill.drift is not None:
            groups.setdefault(f"{fill.kind} {'entry' if fill.entry else 'exit'}", []).append(
                fill.drift * abs(fill.size)
            )
    rows = []
    for name, drifts in sorted(groups.items()):
        ordered = sorted(drifts)
        rows.append(
            f"<tr><td>{escape(name)}</td><td>{len(ordered)}</td>"
            f"<td>{_number(ordered[len(ordered) // 2], signed=True)}</td>"
            f"<td>{_number(ordered[-1], signed=True)}</td>"
            f"<td>{_number(sum(ordered), signed=True)}</td></tr>"
        )
    return "".join(rows)


def _fills(fills: list[PairedFill]) -> str:
    rows = []
    for fill in fills:
        paper = "none" if fill.paper is None else _number(fill.paper)
        drift = "" if fill.drift is None else _number(fill.drift, signed=True)
        rows.append(
            f"<tr><td>{_day(fill.time)}</td><td>{'buy' if fill.size > 0 else 'sell'}</td>"
            f"<td>{abs(fill.size):g}</td>"
            f"<td>{escape(fill.kind)} {'entry' if fill.entry else 'exit'}</td>"
            f"<td>{_number(fill.price)}</td><td>{paper}</td><td>{drift}</td></tr>"
        )
    return "".join(rows)


def _figures(result: Rehearsal) -> dict[str, Any]:
    times = [time for time, _ in result.closes]
    simulated, dispatched = dict(result.simulated.equity), dict(result.dispatched.equity)
    pool = dict(result.pool_equity)
    holdings = {holding.time: holding.size for holding in result.dispatched.positions}
    position = _carried(times, holdings)
    return {
        "time": [time // NS for time in times],
        "close": [round(close, 4) for _, close in result.closes],
        "simulated": _along(times, simulated),
        "dispatched": _along(times, dispatched),
        "pool": _along(times, pool),
        "position": position,
        "held": _stretches(position),
        "fills": [
            {
                "i": min(bisect_left(times, fill.time), len(times) - 1),
                "size": fill.size,
                "entry": fill.entry,
                "price": round(fill.price, 4),
                "paper": fill.paper,
            }
            for fill in result.fills
        ],
    }


def _along(times: list[int], values: dict[int, float]) -> list[float | None]:
    """A value for each bar; None where the run saw no such bar."""
    return [None if time not in values else round(values[time], 2) for time in times]


def _carried(times: list[int], values: dict[int, float]) -> list[float]:
    """A value for each bar; the last known one where a run had nothing to say yet."""
    carried, found = 0.0, []
    for time in times:
        carried = values.get(time, carried)
        found.append(carried)
    return found


def _stretches(position: list[float]) -> list[tuple[int, int, float]]:
    """From bar, to bar, size: as long as a position stays the same and is not flat."""
    found: list[tuple[int, int, float]] = []
    start = 0
    for i in range(1, len(position) + 1):
        if i == len(position) or position[i] != position[start]:
            if position[start]:
                found.append((start, min(i, len(position) - 1), position[start]))
            start = i
    return found
