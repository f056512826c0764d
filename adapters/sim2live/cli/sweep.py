"""`sim2live sweep`: one backtest for each point of a grid, and which did best."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from sim2live.sweep.results import Sweep

_WHERE, _ASKED, _KEPT = "Where it runs", "What is shown", "What is kept"
_SHOWN = 10


class Call(enum.StrEnum):
    """How a function of vectorbt gets its parameters."""

    point = "point"
    chunk = "chunk"


def sweep(
    script: Annotated[
        Path, typer.Argument(metavar="FILE", help="Your Python file. It is imported, not run.")
    ],
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="The strategy or the function in it.", show_default=False
        ),
    ],
    grid: Annotated[
        list[str],
        typer.Option(
            "--grid",
            "-g",
            metavar="NAME=VALUES",
            help="Values of one parameter: 5,10,20 or FIRST:LAST:STEP, the last one included. "
            "Once for each parameter.",
        ),
    ],
    call: Annotated[
        Call | None,
        typer.Option(
            help="A function gets one value for each parameter, or lists (vectorbt only).",
            show_default="point",
        ),
    ] = None,
    on: Annotated[
        str,
        typer.Option(metavar="local|ray|ray://HOST:PORT", help="Where.", rich_help_panel=_WHERE),
    ] = "local",
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, help="How many at most; by default one for each core.", rich_help_panel=_WHERE
        ),
    ] = None,
    by: Annotated[
        str,
        typer.Option(
            metavar="MEASURE",
            help="What the best are chosen by: total_return, max_drawdown or trades; sharpe_ratio "
            "(vectorbt), value (Backtrader).",
            rich_help_panel=_ASKED,
        ),
    ] = "total_return",
    smallest: Annotated[
        bool, typer.Option("--smallest", help="Less is better.", rich_help_panel=_ASKED)
    ] = False,
    best: Annotated[
        int, typer.Option(min=1, help="How many rows to show.", rich_help_panel=_ASKED)
    ] = 5,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Run the best again with the future cut off: do they look ahead?",
            rich_help_panel=_ASKED,
        ),
    ] = False,
    rows: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keep finished points here; the same command then goes on after a kill.",
            rich_help_panel=_KEPT,
        ),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write every row as CSV.", rich_help_panel=_KEPT),
    ] = None,
    json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print the best and all failures as one line of JSON.",
            rich_help_panel=_ASKED,
        ),
    ] = False,
) -> None:
    """Run one backtest for each point of a grid, on every core or on a Ray cluster.

    NAME is a class of Backtrader strategies; the file then also has simulation(), which makes a
    cerebro with datas, cash and commissions. Or it is a function that makes a vectorbt portfolio
    from data and parameters; the file then also has load(), which returns that data. Both may be
    imported from elsewhere. With ray, run it in the file's folder, and have the file importable on
    every other node.

    A point that raises is listed with its parameters, and the sweep goes on.

    [bold]Examples[/bold]

      sim2live sweep ma.py MaCross --grid fast=5,10,20 --grid slow=30:120:30

      sim2live sweep cross.py cross -g fast=4:20:4 -g slow=30:80:10 --call chunk --check

      sim2live sweep ma.py MaCross -g fast=5:50:5 --rows rows.jsonl --csv all.csv --best 10

    [bold]Exit codes[/bold]

      0 all measured, 1 a point failed or one of the best looks ahead, 2 wrong input
    """
    from sim2live.cli import screen
    from sim2live.cli.sweep_file import Swept, importable
    from sim2live.cli.sweep_grid import grid_of
    from sim2live.errors import ConfigError

    points = grid_of(grid)
    for file in (rows, csv):
        if file is not None and not file.parent.is_dir():
            raise ConfigError(f"{file}: there is no folder {file.parent}")
    console = screen.out()
    with importable(script):
        swept = Swept(script, name)
        if by not in swept.measures:
            raise ConfigError(f"by={by!r}: must be one of {', '.join(swept.measures)}")
        found = swept.run(
            points,
            call=None if call is None else call.value,
            on=on,
            workers=workers,
            keep=rows,
            progress=console.is_terminal and not json,
        )
        if csv is not None:
            found.frame.to_csv(csv, index=False)
        top: Any = found.frame
        if len(top):
            chosen: dict[str, Any] = {"by": by, "largest": not smallest}
            top = found.check(best, **chosen) if check else found.best(best, **chosen)
    failures = found.failures
    if json:
        told = {"measured": len(found.frame), "failed": len(failures), "by": by}
        tables = {"best": top.to_dict("records"), "failures": failures.to_dict("records")}
        screen.machine({**told, **tables})
    else:
        _show(console, found, top, by)
        for file in (rows, csv):
            if file is not None:
                console.print(f"Written to {file}", style="dim", markup=False, soft_wrap=True)
    looks_ahead = "ok" in top and not top["ok"].all()
    raise typer.Exit(1 if len(failures) or looks_ahead else 0)


def _show(console: Console, found: Sweep, top: Any, by: str) -> None:
    from rich.table import Table
    from rich.text import Text

    failures = found.failures
    console.print(
        f"Rows measured: {len(found.frame):,}, points failed: {len(failures):,}", style="bold"
    )
    if len(top):
        console.print(f"\nThe best {len(top)} by {by}")
        table = Table(box=None, pad_edge=False, header_style="dim")
        for name in top.columns:
            table.add_column(Text(name), justify="right", overflow="fold")
        for row in top.to_dict("records"):
            table.add_row(*(Text(_cell(value)) for value in row.values()))
        console.print(table)
    if len(failures):
        console.print("\nWhat failed", style="bold red")
        for point in failures.head(_SHOWN).to_dict("records"):
            error = point.pop("error")
            where = " ".join(f"{name}={value}" for name, value in point.items())
            console.print(Text.assemble((where, "bold"), f"  {error}"), soft_wrap=True)
        if len(failures) > _SHOWN:
            console.print(f"and {len(failures) - _SHOWN:,} more; --json names all", style="dim")


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.6g}"
    return str(value)
