"""Draws `pictures/order-cost.svg` from `order-cost.json`: `python docs/make_cost.py`.

The figures are those of `make cost`, taken on one machine; the page speaks of their ratios.
"""

from __future__ import annotations

import json
from pathlib import Path

HERE = Path(__file__).parent
PARTS = {
    "network": ("the network and the other side", "#94a3b8"),
    "transport": ("the message: made, checked, sent, its answer read", "#60a5fa"),
    "gate": ("the decision: rules, ledger, identity", "#34d399"),
    "disk": ("the disk: written before it is sent", "#fbbf24"),
    "requests": ("requests.post, and nothing is remembered", "#cbd5e1"),
}
BARS = (
    ("requests.post", ("requests",)),
    ("sim2live, journal in memory", ("network", "transport", "gate")),
    ("sim2live, journal on disk", ("network", "transport", "gate", "disk")),
)
LEFT, WIDE, HIGH, STEP = 210, 560, 30, 48
STYLE = """
text { font: 14px ui-sans-serif, system-ui, sans-serif; fill: #1f2937; }
.bar { text-anchor: end; }
.key { font-size: 13px; }
@media (prefers-color-scheme: dark) { text { fill: #e5e7eb; } }
"""


def read() -> dict[str, float]:
    """Microseconds of each part."""
    parts: dict[str, float] = json.loads((HERE / "order-cost.json").read_text("utf-8"))
    return parts


def draw(parts: dict[str, float]) -> str:
    """The picture as SVG: three bars on one scale, and what their colours mean."""
    longest = max(sum(parts[name] for name in names) for _, names in BARS)
    bottom = 20 + STEP * len(BARS)
    height = bottom + 24 * len(PARTS) + 10
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 {height}" role="img">',
        "<title>What one order costs, and where its time goes</title>",
        f"<style>{STYLE}</style>",
    ]
    for number, (title, names) in enumerate(BARS):
        y, x = 14 + STEP * number, float(LEFT)
        drawn.append(f'<text class="bar" x="{LEFT - 12}" y="{y + 20}">{title}</text>')
        for name in names:
            width = WIDE * parts[name] / longest
            drawn.append(
                f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{HIGH}" '
                f'fill="{PARTS[name][1]}"/>'
            )
            x += width
    for number, (words, colour) in enumerate(PARTS.values()):
        y = bottom + 24 * number
        drawn.append(f'<rect x="{LEFT}" y="{y}" width="16" height="16" fill="{colour}"/>')
        drawn.append(f'<text class="key" x="{LEFT + 26}" y="{y + 13}">{words}</text>')
    return "\n".join([*drawn, "</svg>\n"])


def sentences(parts: dict[str, float]) -> str:
    """The same in words; ratios hold on another machine better than microseconds."""
    memory = parts["network"] + parts["transport"] + parts["gate"]
    disk = memory + parts["disk"]
    bare = parts["requests"]
    return "\n".join(
        [
            f"* A decision with its journal in memory takes {_times(memory / bare)} the time of a "
            "bare `requests.post` of the same signal.",
            f"* With its journal on disk it takes {_times(disk / bare)} that time; "
            f"{parts['disk'] / disk:.0%} of it is the wait for the disk.",
            f"* Of what is not disk, {parts['network'] / memory:.0%} is the network and the other "
            f"side, {parts['transport'] / memory:.0%} the message and "
            f"{parts['gate'] / memory:.0%} the decision.",
        ]
    )


def _times(ratio: float) -> str:
    return f"{ratio:.2f} times" if ratio < 10 else f"{ratio:.0f} times"


if __name__ == "__main__":
    (HERE / "pictures" / "order-cost.svg").write_text(draw(read()), "utf-8")
