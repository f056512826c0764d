"""Draws `pictures/architecture.svg`: `python docs/make_architecture.py`.

The floors are those that tests/house/test_layers.py holds against every import.
"""

from __future__ import annotations

from pathlib import Path

FLOORS: list[tuple[str, list[str]]] = [
    ("ground", ["errors", "clock"]),
    ("ground", ["fields", "strictjson"]),
    ("ground", ["identity", "instrument"]),
    ("the words", ["signals", "sizing"]),
    ("the words", ["runs", "verdict"]),
    ("prices and hours", ["market"]),
    ("a simulated venue", ["exchange"]),
    ("where signals go", ["venues"]),
    ("what follows", ["gate"]),
    ("what can be set", ["options"]),
    ("what can be set", ["settings"]),
    ("who decides", ["backtrader", "zipline", "vectorbt"]),
    ("beside it", ["client", "parity", "guard", "relay"]),
    ("the paper gateway", ["gateway"]),
    ("scripts", ["playground"]),
    ("to try things", ["sweep", "testing"]),
    ("the command", ["cli"]),
]
LEFT, TOP, STEP, HIGH, WIDE, GAP = 190, 20, 40, 28, 116, 36
STYLE = """
text { font: 14px ui-sans-serif, system-ui, sans-serif; fill: #1f2937; }
.what { fill: #6b7280; font-size: 12px; text-anchor: end; }
.name { text-anchor: middle; }
rect { fill: #eef2ff; stroke: #6366f1; rx: 6px; }
.way rect { fill: #dcfce7; stroke: #16a34a; }
path { stroke-width: 2; fill: none; }
.order { stroke: #16a34a; marker-end: url(#order); }
.report { stroke: #d97706; marker-end: url(#report); }
.key { font-size: 12px; }
@media (prefers-color-scheme: dark) {
  text { fill: #e5e7eb; } .what { fill: #9ca3af; }
  rect { fill: #312e81; stroke: #818cf8; } .way rect { fill: #14532d; stroke: #4ade80; }
}
"""
ORDER_PATH = {"backtrader", "zipline", "vectorbt", "gate", "venues"}


def draw() -> str:
    """The picture as SVG: the highest floor on top, and the way of an order in green."""
    height = TOP * 2 + STEP * len(FLOORS)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 820 {height}" role="img">',
        "<title>The rooms of sim2live; imports only look up</title>",
        f"<style>{STYLE}</style>",
        f"<defs>{_tip('order', '#16a34a')}{_tip('report', '#d97706')}</defs>",
    ]
    before = ""
    for number, (what, rooms) in enumerate(FLOORS):
        y = TOP + STEP * number
        if what != before:
            parts.append(f'<text class="what" x="{LEFT - 28}" y="{y + 19}">{what}</text>')
        before = what
        parts += [_room(name, LEFT + (WIDE + GAP) * place, y) for place, name in enumerate(rooms)]
    parts += [_arrow("order", "gate", "venues"), _arrow("order", "backtrader", "gate")]
    parts += [_arrow("report", "venues", "gate"), _arrow("report", "gate", "backtrader")]
    parts += _key(("order", "the way of an order"), ("report", "the way of a report back"))
    return "\n".join([*parts, "</svg>\n"])


def _room(name: str, x: int, y: int) -> str:
    kind = "way" if name in ORDER_PATH else "room"
    return (
        f'<g class="{kind}"><rect x="{x}" y="{y}" width="{WIDE}" height="{HIGH}"/>'
        f'<text class="name" x="{x + WIDE // 2}" y="{y + 19}">{name}</text></g>'
    )


def _tip(kind: str, colour: str) -> str:
    return (
        f'<marker id="{kind}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="5" '
        f'markerHeight="5" orient="auto"><path d="M0 0 8 4 0 8z" style="fill: {colour}"/></marker>'
    )


def _arrow(kind: str, start: str, end: str) -> str:
    """From room to room: an order goes up along their left edge, a report down the right one."""
    rows = {name: number for number, (_, rooms) in enumerate(FLOORS) for name in rooms}
    # What arrives and what leaves do not meet in one point.
    leaves, arrives = (
        TOP + STEP * rows[name] + HIGH // 2 + shift
        for name, shift in ((start, 6 if rows[start] < rows[end] else -6), (end, 0))
    )
    edge, bend = (LEFT, LEFT - 12) if kind == "order" else (LEFT + WIDE, LEFT + WIDE + 18)
    near = edge - 1 if kind == "order" else edge + 1
    return f'<path class="{kind}" d="M{edge} {leaves} H{bend} V{arrives} H{near}"/>'


def _key(*lines: tuple[str, str]) -> list[str]:
    """What the arrows mean, where no room stands."""
    drawn, x = [], LEFT + 3 * (WIDE + GAP) - 40
    for number, (kind, words) in enumerate(lines):
        y = TOP + HIGH // 2 + 24 * number
        drawn.append(f'<path class="{kind}" d="M{x} {y} h26"/>')
        drawn.append(f'<text class="key" x="{x + 36}" y="{y + 4}">{words}</text>')
    return drawn


if __name__ == "__main__":
    (Path(__file__).parent / "pictures" / "architecture.svg").write_text(draw(), "utf-8")
