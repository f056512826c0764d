"""`sim2live export`: what is kept, in a form that other programs read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim2live.cli.kept import JournalFile
from sim2live.cli.portfolio import portfolio
from sim2live.cli.verbs import add

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sim2live.gate.archive import Entry


def export() -> typer.Typer:
    """The verb with what it can export."""
    made = typer.Typer(
        name="export", help="Write what is kept for other programs.", no_args_is_help=True
    )
    made.callback()(_callback)
    add(made, journal, metrics, portfolio)
    return made


def _callback() -> None:
    """Write what is kept for other programs."""


def journal(
    csv: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="Comma-separated values; - is the screen."),
    ] = None,
    jsonl: Annotated[
        Path | None, typer.Option("--jsonl", metavar="FILE", help="A line of JSON for each row.")
    ] = None,
    workflow: Annotated[
        str | None, typer.Option("--workflow", "--pool", "-w", help="Only this pool.")
    ] = None,
    venue: Annotated[
        str | None, typer.Option(help="Only venues whose name holds this text.")
    ] = None,
    kept: JournalFile = None,
) -> None:
    """Write the audit trail: a row for each signal that was decided, refused ones included.

    Times of the CSV are exchange time with their distance from UTC (Chicago for CME, CBOT, NYMEX
    and COMEX; UTC for any other name), those of the JSON lines are UTC. A cell that a spreadsheet
    would take for a formula begins with an apostrophe.

    [bold]Examples[/bold]

      sim2live export journal --csv audit.csv

      sim2live export journal --csv - --pool scalping-mes | head

    [bold]Exit codes[/bold]

      0 written, 2 wrong input
    """
    import sys

    from sim2live.cli import screen
    from sim2live.cli.kept import open_archive
    from sim2live.errors import ConfigError

    target = csv or jsonl
    if target is None or (csv is not None and jsonl is not None):
        raise ConfigError("name one of --csv FILE and --jsonl FILE")
    archive = open_archive(kept)
    try:
        entries = archive.entries(workflow=workflow, venue=venue)
    finally:
        archive.close()
    text = _csv(entries) if csv is not None else _jsonl(entries)
    if str(target) == "-":
        sys.stdout.write(text)
        return
    try:
        target.write_text(text, "utf-8", newline="")
    except OSError as error:
        raise ConfigError(f"file={str(target)!r}: {error.strerror or error}") from None
    screen.out().print(f"{len(entries):,} rows written to {target}", markup=False, soft_wrap=True)


def metrics(
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="File to replace; left out: the screen."),
    ] = None,
    kept: JournalFile = None,
) -> None:
    """Write a journal's figures as Prometheus reads them: signals, latency, states, what is owed.

    With --out the file is replaced in one step, as the textfile collector of node_exporter wants
    it. The gateway serves figures of its own at /metrics.

    [bold]Examples[/bold]

      sim2live export metrics

      sim2live export metrics -o textfile/sim2live.prom

    [bold]Exit codes[/bold]

      0 written, 2 wrong input
    """
    import sys

    from sim2live.clock import SystemClock
    from sim2live.errors import ConfigError
    from sim2live.gate.metrics import exposition
    from sim2live.settings import data_folder, load

    path = kept or load().journal or str(data_folder() / "journal.sqlite3")
    text = exposition(path, SystemClock())
    if out is None:
        sys.stdout.write(text)
        return
    draft = out.with_name(f"{out.name}.new")
    try:
        draft.write_text(text, "utf-8", newline="\n")
        draft.replace(out)
    except OSError as error:
        raise ConfigError(f"file={str(out)!r}: {error.strerror or error}") from None


def _csv(entries: Iterable[Entry]) -> str:
    import csv
    import io

    from sim2live.cli.kept import exchange_time, facts, zone_of

    out = io.StringIO(newline="")
    writer = None
    for entry in entries:
        row, values = entry.row, facts(entry)
        exchange = row.instrument.exchange
        for name, ns in (
            ("decided_at", row.decided_at),
            ("written_at", row.created_at),
            ("answered_at", row.answered_at),
        ):
            values[name] = "" if ns is None else exchange_time(ns, exchange)
        values["time_zone"] = zone_of(exchange)
        if writer is None:
            writer = csv.writer(out)
            writer.writerow(values)
        writer.writerow(map(_cell, values.values()))
    return out.getvalue()


def _cell(value: object) -> object:
    # Ids and reasons may come from elsewhere; a spreadsheet must not run them.
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return "" if value is None else value


def _jsonl(entries: Iterable[Entry]) -> str:
    import msgspec

    from sim2live.cli.kept import facts

    return "".join(msgspec.json.encode(facts(entry)).decode() + "\n" for entry in entries)
