"""Draws `pictures/two-hosts.svg`: `python docs/make_two_hosts.py`."""

from __future__ import annotations

from pathlib import Path

STYLE = """
text { font: 14px ui-sans-serif, system-ui, sans-serif; fill: #1f2937; text-anchor: middle; }
.host { fill: none; stroke: #9ca3af; stroke-dasharray: 5 4; rx: 10px; }
.small { fill: #6b7280; font-size: 12px; }
rect { fill: #eef2ff; stroke: #6366f1; rx: 6px; }
.kept rect { fill: #fef3c7; stroke: #d97706; }
path { stroke: #16a34a; stroke-width: 2; fill: none; marker-end: url(#go); }
.back { stroke: #6366f1; stroke-dasharray: 4 3; marker-end: url(#back); }
@media (prefers-color-scheme: dark) {
  text { fill: #e5e7eb; } .small { fill: #9ca3af; }
  rect { fill: #312e81; stroke: #818cf8; } .kept rect { fill: #78350f; stroke: #fbbf24; }
}
"""
HOSTS = (("a strategy host", 10, 250), ("anywhere", 280, 190), ("the dispatch host", 490, 300))
BOXES = (
    ("strategy", "framework and gate", 30, 60, 100, "room"),
    ("nats://", "the venue it sees", 150, 60, 90, "room"),
    ("journal", "what it wants", 30, 140, 100, "kept"),
    ("signals", "work queue", 300, 60, 150, "room"),
    ("news", "receipts, reports", 300, 140, 150, "room"),
    ("relay", "holds the lease", 510, 60, 120, "room"),
    ("standby", "waits", 510, 210, 120, "room"),
    ("journal", "every id, once", 510, 140, 120, "kept"),
    ("the venue", "127.0.0.1:8080", 660, 60, 110, "room"),
)
WAYS = (
    ("M240 78 H298", ""), ("M450 78 H508", ""), ("M630 78 H658", ""), ("M570 102 V138", ""),
    ("M80 102 V138", ""), ("M510 95 H480 V160 H452", "back"), ("M300 160 H195 V104", "back"),
)  # fmt: skip


def draw() -> str:
    """The picture as SVG: signals in green, receipts on their way back."""
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 270" role="img">',
        "<title>A signal's way over two hosts: strategy, broker, relay, venue</title>",
        f"<style>{STYLE}</style><defs>",
    ]
    parts += [
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" '
        f'orient="auto"><path d="M0 0 8 4 0 8z" style="stroke:none;fill:{colour}"/></marker>'
        for name, colour in (("go", "#16a34a"), ("back", "#6366f1"))
    ]
    parts.append("</defs>")
    for name, x, wide in HOSTS:
        parts.append(f'<rect class="host" x="{x}" y="36" width="{wide}" height="226"/>')
        parts.append(f'<text class="small" x="{x + wide // 2}" y="26">{name}</text>')
    for name, what, x, y, wide, kind in BOXES:
        middle = x + wide // 2
        parts.append(
            f'<g class="{kind}"><rect x="{x}" y="{y}" width="{wide}" height="42"/>'
            f'<text x="{middle}" y="{y + 18}">{name}</text>'
            f'<text class="small" x="{middle}" y="{y + 34}">{what}</text></g>'
        )
    parts += [f'<path class="{kind or "way"}" d="{way}"/>' for way, kind in WAYS]
    return "\n".join([*parts, "</svg>\n"])


if __name__ == "__main__":
    (Path(__file__).parent / "pictures" / "two-hosts.svg").write_text(draw(), "utf-8")
