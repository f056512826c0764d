"""`sim2live export portfolio`: the signals of a vectorbt backtest, as files, from the shell."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sim2live.sizing import Sizing


class Stops(enum.StrEnum):
    """What becomes of stops."""

    orders = "orders"
    bracket = "bracket"


def portfolio(
    script: Annotated[
        Path, typer.Argument(help="A Python file that makes the portfolio. It is run.")
    ],
    name: Annotated[
        str, typer.Option(help="What the file calls it: a portfolio, or what `capture` returned.")
    ] = "portfolio",
    instrument: Annotated[
        list[str] | None,
        typer.Option(
            "--instrument",
            "-i",
            metavar="[COLUMN=]CME:M6EZ6",
            help="What a column stands for; without COLUMN, all of them. Can be given again.",
        ),
    ] = None,
    workflow: Annotated[
        str,
        typer.Option("--workflow", "--pool", "-w", help="The pool; {column} stands for its name."),
    ] = "{column}",
    sizing: Annotated[
        str, typer.Option(metavar="WORD", help="exact, target:RATIO or direction:CONTRACTS.")
    ] = "exact",
    stops: Annotated[
        Stops, typer.Option(help="Every stop as an order, or with its entry as a bracket.")
    ] = Stops.orders,
    run: Annotated[str, typer.Option(help="Name of the run; part of every id.")] = "",
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a CSV.")] = None,
    jsonl: Annotated[Path | None, typer.Option(metavar="FILE", help="Write JSON lines.")] = None,
    parquet: Annotated[Path | None, typer.Option(metavar="FILE", help="Write Parquet.")] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print the plan's figures as one line of JSON.")
    ] = False,
) -> None:
    """Show what the signals of a vectorbt portfolio would be, and write them to files.

    Nothing is sent. Beside each file stands its provenance: price, fees and size as simulated.

    [bold]Examples[/bold]

      sim2live export portfolio cross.py -i CME:M6EZ6 --sizing target:0.01

      sim2live export portfolio cross.py -i EURUSD=CME:M6EZ6 --jsonl signals.jsonl

    [bold]Exit codes[/bold]

      0 shown or written, 2 wrong input
    """
    from sim2live.cli import screen
    from sim2live.vectorbt import SignalExporter

    exporter = SignalExporter(
        _made(script, name),
        instruments=_instruments(instrument or []),
        workflow=workflow,
        sizing=_sizing(sizing),
        stops=stops.value,
        run=run,
    )
    plan = {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in exporter.plan().summary.items()
    }
    written = [
        write(file)
        for file, write in (
            (csv, exporter.to_csv),
            (jsonl, exporter.to_jsonl),
            (parquet, exporter.to_parquet),
        )
        if file is not None
    ]
    if json:
        named = {name.replace(" ", "_"): value for name, value in plan.items()}
        screen.machine({**named, "written": [str(file) for file in written]})
        return
    console = screen.out()
    for name, value in plan.items():
        console.print(f"{name.capitalize():<16}{value}", markup=False, soft_wrap=True)
    for file in written:
        console.print(f"Written to {file}", markup=False, soft_wrap=True)


def _made(script: Path, name: str) -> Any:
    """What the file makes under a name; a function without arguments is called for it."""
    import runpy
    import sys

    from sim2live.errors import ConfigError

    if not script.is_file():
        raise ConfigError(f"script={str(script)!r}: there is no such file")
    sys.path.insert(0, str(script.resolve().parent))
    try:
        found = runpy.run_path(str(script)).get(name)
    finally:
        sys.path.pop(0)
    if found is None:
        raise ConfigError(f"name={name!r}: {script} makes nothing of this name")
    return found() if callable(found) and not hasattr(found, "orders") else found


def _instruments(given: list[str]) -> Any:
    from sim2live.errors import ConfigError
    from sim2live.signals import Instrument

    by_column: dict[str, Instrument] = {}
    for text in given:
        column, equals, instrument = text.rpartition("=")
        by_column[column if equals else ""] = Instrument.parse(instrument)
    if not by_column:
        return None
    if "" not in by_column:
        return by_column
    if len(by_column) > 1:
        raise ConfigError("instrument: one for all columns, or COLUMN=... for each")
    return lambda _: by_column[""]


def _sizing(word: str) -> str | Sizing:
    from sim2live import sizing
    from sim2live.errors import ConfigError

    kind, colon, number = word.partition(":")
    if not colon:
        return word
    try:
        if kind == "target":
            return sizing.target(float(number))
        if kind == "direction":
            return sizing.direction(int(number))
    except ValueError as error:
        raise ConfigError(f"sizing={word!r}: {error}") from None
    raise ConfigError(f"sizing={word!r}: must be exact, target:RATIO or direction:CONTRACTS")
