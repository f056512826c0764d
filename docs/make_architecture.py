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
LEFT, TOP, STEP, HIGH, WIDE = 170, 20, 40, 28, 120
STYLE = """
text { font: 14px ui-sans-serif, system-ui, sans-serif; fill: #1f2937; }
.what { fill: #6b7280; font-size: 12px; text-anchor: end; }
.name { text-anchor: middle; }
rect { fill: #eef2ff; stroke: #6366f1; rx: 6px; }
.way rect { fill: #dcfce7; stroke: #16a34a; }
path { stroke: #16a34a; stroke-width: 2; fill: none; marker-end: url(#tip); }
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
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {height}" role="img">',
        "<title>The rooms of sim2live; imports only look up</title>",
        f"<style>{STYLE}</style>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" '
        'markerHeight="6" orient="auto"><path d="M0 0 8 4 0 8z" fill="#16a34a"/></marker></defs>',
    ]
    before = ""
    for number, (what, rooms) in enumerate(FLOORS):
        y = TOP + STEP * number
        if what != before:
            parts.append(f'<text class="what" x="{LEFT - 16}" y="{y + 19}">{what}</text>')
        before = what
        parts += [_room(name, LEFT + (WIDE + 12) * place, y) for place, name in enumerate(rooms)]
    parts += [_arrow("gate", "venues"), _arrow("backtrader", "gate")]
    return "\n".join([*parts, "</svg>\n"])


def _room(name: str, x: int, y: int) -> str:
    kind = "way" if name in ORDER_PATH else "room"
    return (
        f'<g class="{kind}"><rect x="{x}" y="{y}" width="{WIDE}" height="{HIGH}"/>'
        f'<text class="name" x="{x + WIDE // 2}" y="{y + 19}">{name}</text></g>'
    )


def _arrow(start: str, end: str) -> str:
    """From a room up to the one that an order reaches next, along their left edge."""
    rows = {name: number for number, (_, rooms) in enumerate(FLOORS) for name in rooms}
    below = TOP + STEP * rows[start] + HIGH // 2
    above = TOP + STEP * rows[end] + HIGH // 2
    bend = LEFT - 12
    return f'<path d="M{LEFT} {below} H{bend} V{above} H{LEFT - 1}"/>'


if __name__ == "__main__":
    (Path(__file__).parent / "pictures" / "architecture.svg").write_text(draw(), "utf-8")
