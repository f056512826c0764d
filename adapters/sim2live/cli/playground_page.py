"""The page that a Playground run leaves behind: candles, trades and equity, in one file."""

from __future__ import annotations

from bisect import bisect_left
from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any

import msgspec

from sim2live.clock import NS, iso

if TYPE_CHECKING:
    from sim2live.playground.record import Record
    from sim2live.playground.run import Outcome

_MINUS = "\N{MINUS SIGN}"
#: The page stays quick to draw; the record holds all.
_MOST_ROWS = 2_000


def page(outcome: Outcome) -> str:
    """The whole page as HTML.

    Args:
        outcome: What a run came to.
    """
    record = outcome.record
    room = files("sim2live.cli") / "page"
    template = Template((room / "playground.html").read_text("utf-8"))
    good = record.exit_code == 0
    return template.substitute(
        title=f"{escape(record.script)} on {escape(record.instrument)}",
        heading=escape(record.script),
        verdict="FINISHED" if good else f"EXIT CODE {record.exit_code}",
        bad="" if good else " bad",
        lead=(
            f"{record.bars:,} of {record.total_bars:,} bars of {escape(record.timeframe)}, "
            f"{escape(record.contract)}, {escape(record.start)} to {escape(record.end)}. "
            "Simulated account, no fees."
        ),
        style=(room / "report.css").read_text("utf-8"),
        script="".join((room / name).read_text("utf-8") for name in ("charts.js", "playground.js")),
        tiles=_tiles(record),
        instrument=escape(record.contract),
        fill_count=len(record.fills),
        fills=_fills(record),
        # A closing tag inside the figures would end their element.
        figures=msgspec.json.encode(_figures(outcome)).decode().replace("<", "\\u003c"),
    )


def _number(value: float, digits: int = 2, *, signed: bool = False) -> str:
    text = f"{round(value, digits) + 0.0:{'+' if signed else ''},.{digits}f}"
    return text.replace("-", _MINUS)


def _tiles(record: Record) -> str:
    tiles = (
        ("Final balance", _number(record.final_balance)),
        ("Net P&amp;L", _number(record.net_pnl, signed=True)),
        ("Trades", f"{record.total_trades:,}"),
        ("Win rate", f"{record.win_rate:.1f} %"),
        ("Worst drawdown", _number(record.worst_drawdown)),
        ("Still open", _number(record.open_position, 0, signed=bool(record.open_position))),
    )
    return "".join(
        f'<dl class="tile"><dt>{name}</dt><dd>{value}</dd></dl>' for name, value in tiles
    )


def _fills(record: Record) -> str:
    rows, held = [], 0
    for fill in record.fills[:_MOST_ROWS]:
        held += fill.size
        profit = "" if fill.profit is None else _number(fill.profit, signed=True)
        rows.append(
            f"<tr><td>{iso(fill.time)[:19].replace('T', ' ')}</td>"
            f"<td>{'buy' if fill.size > 0 else 'sell'}</td><td>{abs(fill.size)}</td>"
            f"<td>{_number(fill.price)}</td><td>{_number(held, 0, signed=True)}</td>"
            f"<td>{profit}</td></tr>"
        )
    return "".join(rows)


def _figures(outcome: Outcome) -> dict[str, Any]:
    bars = outcome.bars
    times = [bar.time for bar in bars]
    return {
        "time": [time // NS for time in times],
        "open": [bar.open for bar in bars],
        "high": [bar.high for bar in bars],
        "low": [bar.low for bar in bars],
        "close": [bar.close for bar in bars],
        "equity": [round(value, 2) for value in outcome.curve],
        "fills": [
            {
                "i": min(bisect_left(times, fill.time), len(times) - 1),
                "size": fill.size,
                "price": fill.price,
                "profit": fill.profit,
            }
            for fill in outcome.record.fills
            if times
        ],
    }
