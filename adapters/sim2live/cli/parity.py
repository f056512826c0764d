"""`sim2live parity`: did two recorded runs decide the same?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from sim2live.runs import Run
    from sim2live.verdict import Verdict


def parity(
    a: Annotated[Path, typer.Argument(help="The run that counts as right.", show_default=False)],
    b: Annotated[Path, typer.Argument(help="The run to judge.", show_default=False)],
    drift: Annotated[
        str,
        typer.Option(
            metavar="TICKS", help="How many ticks a fill may drift; `any` for as many as it likes."
        ),
    ] = "0",
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page with everything in it.")
    ] = None,
    limit: Annotated[int, typer.Option(help="Most rows of a table.", min=1)] = 20,
    json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Compare two recorded runs decision by decision, and position by position.

    A run is what a Recorder wrote with `run.write(path)`: one strategy in simulation and the same
    one dispatched, or a live run and its rerun over the bars as they were delivered. Within a bar
    the order of decisions does not matter; a price within a tick is the same price.

    [bold]PARITY[/bold] nothing differs; [bold]DRIFT[/bold] the same decisions and positions,
    filled at other prices than --drift allows; [bold]DIFFERENT[/bold] what differs is listed.

    [bold]Examples[/bold]

      sim2live parity simulated.jsonl dispatched.jsonl

      sim2live parity simulated.jsonl live.jsonl --drift 4 --html parity.html

      sim2live parity live.jsonl rerun.jsonl --json | jq .verdict

    [bold]Exit codes[/bold]

      0 PARITY, 1 DRIFT or DIFFERENT, 2 wrong input
    """
    from sim2live.cli import screen
    from sim2live.parity import compare

    first, second = _run(a), _run(b)
    verdict = compare(first, second, most_ticks=_ticks(drift))
    if html is not None:
        from sim2live.cli.parity_page import page

        html.write_text(page(verdict, first, second), "utf-8")
    if json:
        screen.machine(facts(verdict))
    else:
        _show(verdict, limit)
        if html is not None:
            screen.out().print(f"\nWritten to {html}", style="dim", markup=False, soft_wrap=True)
    raise typer.Exit(0 if verdict.parity else 1)


def _run(path: Path) -> Run:
    from sim2live.errors import ConfigError
    from sim2live.runs import Run

    try:
        return Run.read(path)
    except OSError as error:
        raise ConfigError(f"run={str(path)!r}: {error.strerror or error}") from None


def _ticks(text: str) -> float | None:
    from sim2live.errors import ConfigError

    if text == "any":
        return None
    try:
        ticks = float(text)
    except ValueError:
        ticks = -1.0
    if not 0 <= ticks < float("inf"):
        raise ConfigError(f"drift={text[:40]!r}: must be a number of ticks, 0 or more, or 'any'")
    return ticks


def facts(verdict: Verdict) -> dict[str, object]:
    """The verdict as a machine reads it; times are RFC 3339."""
    from sim2live.clock import iso

    return {
        "verdict": str(verdict).partition(":")[0],
        "a": verdict.a,
        "b": verdict.b,
        "decisions": verdict.decisions,
        "bars": verdict.bars,
        "fills": verdict.fills,
        "differences": [
            {
                "time": iso(one.time),
                "data": one.data,
                "kind": one.kind,
                "a": one.a,
                "b": one.b,
                "bars": one.bars,
            }
            for one in verdict.differences
        ],
        "drift": {
            "fills": len(verdict.drift),
            "beyond": len(verdict.drifted),
            "points": verdict.cost,
            "money": verdict.money,
            "each": [
                {
                    "time": iso(one.time),
                    "data": one.data,
                    "size": one.size,
                    "a": one.a,
                    "b": one.b,
                    "ticks": one.ticks,
                    "money": one.money,
                }
                for one in verdict.drift
            ],
        },
        "equity": {"a": verdict.equity[0], "b": verdict.equity[1]},
    }


def _show(verdict: Verdict, limit: int) -> None:
    from rich.text import Text

    from sim2live.cli import screen

    console = screen.out()
    word = str(verdict).partition(":")[0]
    style = {"PARITY": "bold green", "DRIFT": "bold yellow"}.get(word, "bold red")
    console.print(Text.assemble((str(verdict), style), f"  {verdict.a} | {verdict.b}"))
    console.print(_summary(verdict))
    for title, table, left in (_differences(verdict, limit), _drift(verdict, limit)):
        if table.row_count:
            console.print(f"\n[bold]{title}[/bold]")
            console.print(table)
            if left > 0:
                console.print(f"and {left:,} more", style="dim")


def _summary(verdict: Verdict) -> Table:
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column(justify="right")
    grid.add_column(style="dim")
    grid.add_row("Decisions compared", f"{verdict.decisions:,}", "")
    grid.add_row("Bars compared", f"{verdict.bars:,}", "")
    grid.add_row("Differences", f"{len(verdict.differences):,}", "")
    grid.add_row(
        "Fills that drift",
        f"{len(verdict.drift):,}",
        f"of {verdict.fills:,}: {verdict.cost:+,.2f} points, {verdict.money:+,.2f} in money",
    )
    first, second = verdict.equity
    if first is not None and second is not None:
        grid.add_row("Equity", f"{first:,.2f}", f"| {second:,.2f}  ({second - first:+,.2f})")
    return grid


def _differences(verdict: Verdict, limit: int) -> tuple[str, Table, int]:
    from sim2live.cli.screen import moment
    from sim2live.verdict import meaning

    table = _table("Time, UTC", "Data", "What", "First run", "Second run", "Bars")
    for one in verdict.differences[:limit]:
        words = map(_safe, (one.data, meaning(one.kind), one.a, one.b))
        table.add_row(moment(one.time), *words, str(one.bars))
    return "What differs", table, len(verdict.differences) - limit


def _drift(verdict: Verdict, limit: int) -> tuple[str, Table, int]:
    from sim2live.cli.screen import moment

    table = _table("Time, UTC", "Data", "Size", "First run", "Second run", "Ticks", "Money")
    for one in verdict.drift[:limit]:
        prices = ("no fill" if price is None else f"{price:g}" for price in (one.a, one.b))
        ticks = "" if one.ticks is None else f"{one.ticks:g}"
        table.add_row(
            moment(one.time),
            _safe(one.data),
            f"{one.size:+g}",
            *prices,
            ticks,
            f"{one.money:+,.2f}",
        )
    return "Fills at other prices (a positive amount is worse)", table, len(verdict.drift) - limit


def _table(*names: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in names:
        right = name in ("Bars", "Size", "Ticks", "Money")
        table.add_column(
            name,
            justify="right" if right else "left",
            overflow="fold",
            no_wrap=name.startswith("Time"),
        )
    return table


def _safe(text: str) -> str:
    from rich.markup import escape

    return escape(text)
