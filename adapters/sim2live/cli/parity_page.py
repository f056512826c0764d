"""The page of a comparison: one file with everything in it, no script, nothing from outside."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING

from sim2live.cli.screen import moment
from sim2live.verdict import meaning

if TYPE_CHECKING:
    from sim2live.runs import Run
    from sim2live.verdict import Verdict

_MINUS = "\N{MINUS SIGN}"
_MOST = 1_000
_WIDTH, _HEIGHT, _RIGHT, _PAD = 1_080, 240, 80, 14
_BELOW, _TIMES = 22, 6
_POINTS = 1_200
_DAYS = 5 * 86_400_000_000_000

_MEANS = {
    "PARITY": "Both runs made the same decisions and held the same positions after every bar.",
    "DRIFT": "Both runs made the same decisions and held the same positions after every bar, "
    "but fills lie further apart than was allowed.",
    "DIFFERENT": "The second run did not do what the first one did.",
}


def page(verdict: Verdict, a: Run, b: Run) -> str:
    """The whole page as HTML; every text of the runs is escaped.

    Args:
        verdict: What the comparison found.
        a: The run that counts as right.
        b: The run that was judged.
    """
    room = files("sim2live.cli") / "page"
    word = str(verdict).partition(":")[0]
    names = f"{escape(verdict.a)} and {escape(verdict.b)}"
    allowed = (
        "any drift of fills was allowed"
        if verdict.most_ticks is None
        else f"fills might drift by {verdict.most_ticks:g} ticks"
    )
    return Template((room / "parity.html").read_text("utf-8")).substitute(
        title=f"{escape(str(verdict))}: {names}",
        heading=f"{names}, compared",
        verdict=escape(str(verdict)),
        bad="" if verdict.parity else " bad",
        lead=f"{_MEANS[word]} {_span(a)}",
        style=(room / "report.css").read_text("utf-8"),
        tiles=_tiles(verdict),
        differences=_differences(verdict),
        equity=_equity(a, b),
        drift=_drift(verdict),
        footer=f"First run: {escape(verdict.a)}. Second run: {escape(verdict.b)}; {allowed}.",
    )


def _span(run: Run) -> str:
    times = [holding.time for holding in run.positions] or [one.time for one in run.decisions]
    return f"From {moment(times[0])} to {moment(times[-1])} UTC." if times else ""


def _number(value: float, digits: int = 2, *, signed: bool = False) -> str:
    # Adding zero turns what would print as -0.00 into 0.00.
    text = f"{round(value, digits) + 0.0:{'+' if signed else ''},.{digits}f}"
    return text.replace("-", _MINUS)


def _tiles(verdict: Verdict) -> str:
    first, second = verdict.equity
    apart = "" if first is None or second is None else _number(second - first, signed=True)
    tiles = (
        ("Differences", f"{len(verdict.differences):,}", ""),
        ("Decisions compared", f"{verdict.decisions:,}", ""),
        ("Bars compared", f"{verdict.bars:,}", ""),
        ("Fills that drift", f"{len(verdict.drift):,}", f"of {verdict.fills:,}"),
        ("Drift in money", _number(verdict.money, signed=True), ""),
        ("Equity apart by", apart or "not recorded", ""),
    )
    return "".join(
        f'<dl class="tile"><dt>{name}</dt><dd>{value} <small>{note}</small></dd></dl>'
        for name, value, note in tiles
    )


def _differences(verdict: Verdict) -> str:
    if verdict.same:
        return ""
    rows = "".join(
        f'<tr><td>{moment(one.time)}</td><td class="text">{escape(one.data)}</td>'
        f'<td class="text"><span class="kind">{escape(meaning(one.kind))}</span></td>'
        f'<td class="text">{escape(one.a)}</td><td class="text">{escape(one.b)}</td>'
        f"<td>{one.bars:,}</td></tr>"
        for one in verdict.differences[:_MOST]
    )
    heads = "".join(
        f'<th class="text">{name}</th>' for name in ("Data", "What", "First run", "Second run")
    )
    return (
        '<section><div class="head"><h2 class="bad-text">What differs</h2></div>'
        f'<div class="scroll"><table><thead><tr><th>Time, UTC</th>{heads}<th>Bars</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{_more(len(verdict.differences))}</section>"
    )


def _more(count: int) -> str:
    return f'<p class="note">and {count - _MOST:,} more</p>' if count > _MOST else ""


def _drift(verdict: Verdict) -> str:
    if not verdict.drift:
        return '<p class="note">None: every fill has the same price in both runs.</p>'
    beyond = set(verdict.drifted)
    rows = []
    for one in verdict.drift[:_MOST]:
        prices = ("none" if price is None else f"{price:g}" for price in (one.a, one.b))
        ticks = "" if one.ticks is None else f"{one.ticks:,.4g}"
        style = ' class="bad-text"' if one in beyond else ""
        cells = "".join(f"<td>{price}</td>" for price in prices)
        rows.append(
            f'<tr{style}><td>{moment(one.time)}</td><td class="text">{escape(one.data)}</td>'
            f"<td>{_number(one.size, 4, signed=True).rstrip('0').rstrip('.')}</td>{cells}"
            f"<td>{ticks}</td><td>{_number(one.money, signed=True)}</td></tr>"
        )
    return (
        '<div class="scroll"><table><thead><tr><th>Time, UTC</th><th class="text">Data</th>'
        "<th>Size</th><th>First run</th><th>Second run</th><th>Ticks</th><th>Money</th>"
        "</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>{_more(len(verdict.drift))}"
    )


def _equity(a: Run, b: Run) -> str:
    curves = [run.equity for run in (a, b) if len(run.equity) > 1]
    if len(curves) < 2:
        return ""
    times = [time for curve in curves for time, _ in curve]
    values = [value for curve in curves for _, value in curve]
    start, end, low, high = min(times), max(times), min(values), max(values)

    def x(time: int) -> float:
        return (time - start) / max(1, end - start) * (_WIDTH - _RIGHT)

    def y(value: float) -> float:
        return _PAD + (high - value) / ((high - low) or 1.0) * (_HEIGHT - 2 * _PAD)

    drawn = [
        f'<line class="grid" x1="0" x2="{_WIDTH - _RIGHT}" y1="{y(v):.1f}" y2="{y(v):.1f}"/>'
        f'<text class="tick" x="{_WIDTH - _RIGHT + 8}" y="{y(v) + 4:.1f}">{_number(v, 0)}</text>'
        for v in sorted({low, (low + high) / 2, high})
    ]
    drawn += [
        f'<text class="tick" text-anchor="middle" x="{x(at):.1f}" y="{_HEIGHT + 12}">'
        f"{moment(at)[: 10 if end - start > _DAYS else 16]}</text>"
        for at in (start + (end - start) * nth // (_TIMES + 1) for nth in range(1, _TIMES + 1))
    ]
    for curve, style in zip(curves, ("sim", "live"), strict=True):
        some = [*curve[:: max(1, len(curve) // _POINTS)], curve[-1]]
        path = "L".join(f"{x(time):.1f} {y(value):.1f}" for time, value in some)
        drawn.append(f'<path class="series {style}" d="M{path}"/>')
    legend = "".join(
        f'<li><svg viewBox="0 0 18 12" aria-hidden="true"><path class="series {style}"'
        f' d="M1 6h16"/></svg>{escape(run.name)}</li>'
        for run, style in ((a, "sim"), (b, "live"))
    )
    words = f"Equity of both runs, from {_number(low)} to {_number(high)}"
    return (
        f'<section><div class="head"><h2>Equity</h2><ul class="legend">{legend}</ul></div>'
        f'<div class="chart"><svg viewBox="0 0 {_WIDTH} {_HEIGHT + _BELOW}" role="img"'
        f' aria-label="{words}">{"".join(drawn)}</svg></div></section>'
    )
