"""`sim2live activity`: what is decided and sent, as it happens."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from sim2live.cli.kept import STYLES, JournalFile

if TYPE_CHECKING:
    from rich.text import Text

    from sim2live.gate.archive import Archive, Entry

_LOOK_SECONDS = 0.5
_MOST_OPEN = 500


def activity(
    last: Annotated[int, typer.Option("--last", "-n", min=0, help="Rows to begin with.")] = 20,
    follow: Annotated[
        bool, typer.Option("--follow/--no-follow", "-f/-F", help="Go on as rows are written.")
    ] = True,
    workflow: Annotated[
        str | None, typer.Option("--workflow", "--pool", "-w", help="Only this pool.")
    ] = None,
    venue: Annotated[
        str | None, typer.Option(help="Only venues whose name holds this text.")
    ] = None,
    journal: JournalFile = None,
    json: Annotated[bool, typer.Option("--json", help="Print a line of JSON for each.")] = False,
) -> None:
    """Follow a journal: a line for each signal, and another when its outcome is known.

    Times are exchange time. Ctrl-C ends it. The gateway has a page of its own for what it takes.

    [bold]Examples[/bold]

      sim2live activity

      sim2live activity --pool scalping-mes --no-follow -n 100

      sim2live activity --json | jq 'select(.state == "UNKNOWN")'

    [bold]Exit codes[/bold]

      0 done, 2 no such journal
    """
    from sim2live.cli.kept import open_archive

    archive = open_archive(journal)
    with suppress(KeyboardInterrupt):
        try:
            _follow(archive, last, workflow, venue, json, follow)
        finally:
            archive.close()


def _follow(
    archive: Archive, last: int, workflow: str | None, venue: str | None, json: bool, on: bool
) -> None:
    from sim2live.clock import SystemClock

    clock = SystemClock()
    first = archive.entries(last=max(1, last), workflow=workflow, venue=venue)
    at = first[-1].number if first else 0
    _print(first[-last:] if last else [], json)
    waiting = {one.number: one.row.state for one in first if _open(one)}
    while on:
        clock.sleep(_LOOK_SECONDS)
        news = archive.entries(after=at, workflow=workflow, venue=venue)
        again = [
            one
            for one in archive.changed(list(waiting)[-_MOST_OPEN:])
            if waiting.get(one.number) != one.row.state
        ]
        _print(again + news, json)
        at = news[-1].number if news else at
        for one in again + news:
            waiting.pop(one.number, None)
            if _open(one):
                waiting[one.number] = one.row.state


def _open(entry: Entry) -> bool:
    return entry.row.state in ("SENDING", "UNKNOWN")


def _print(entries: list[Entry], json: bool) -> None:
    from sim2live.cli import screen
    from sim2live.cli.kept import facts

    console = screen.out()
    for entry in entries:
        if json:
            screen.machine(facts(entry))
        else:
            console.print(_line(entry), soft_wrap=True)


def _line(entry: Entry) -> Text:
    from rich.text import Text

    from sim2live.cli.kept import exchange_time, order_text

    row = entry.row
    speed = "" if row.latency is None else f"  {row.latency / 1_000_000:.2f} ms"
    return Text.assemble(
        (exchange_time(row.created_at, row.instrument.exchange)[:23], "dim"),
        "  ",
        (f"{row.state:<8}", STYLES[row.state]),
        f"  {row.workflow}  {row.strategy}  {order_text(row.signal)}",
        (speed, "dim"),
        (f"  {row.id[:8]}", "dim"),
        (f"  {row.reason}" if row.reason else "", "yellow"),
    )
