"""`sim2live halt`, `resume`, `flatten`, `resolve`, `position`, `acknowledge`: a human's hand.

They work beside a running strategy: its process carries the command out within a second. Where no
process follows the workflow, they change what the journal keeps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sim2live.gate.dispatch import Dispatcher
    from sim2live.gate.ledger import Line
    from sim2live.gate.places import Place

Workflow = Annotated[
    str | None,
    typer.Option(
        "--workflow", "--pool", "-w", help="Name of the pool, where the journal knows several."
    ),
]
VenueName = Annotated[
    str | None,
    typer.Option("--venue", help="Part of the venue's name, where the journal knows several."),
]
JournalPath = Annotated[
    str | None,
    typer.Option("--journal", metavar="PATH", help="The journal; by default that of the settings."),
]
Wait = Annotated[
    float, typer.Option("--wait", help="Seconds to wait for the process that follows the pool.")
]
PATIENCE = 10.0


def halt(
    reason: Annotated[str, typer.Argument(help="Shown wherever the halt is.")] = "",
    stop_all: Annotated[
        bool,
        typer.Option("--all", help="Keep exits back too. What is due stays owed, and is alarmed."),
    ] = False,
    workflow: Workflow = None,
    venue: VenueName = None,
    journal: JournalPath = None,
    wait: Wait = PATIENCE,
) -> None:
    """Exits only, until `resume`.

    [bold]Examples[/bold]

      sim2live halt "the news at two"

      sim2live halt --all --pool scalping-mes

    [bold]Exit codes[/bold]

      0 done, 2 refused, or not understood: nothing was changed
    """
    _do("stop" if stop_all else "halt", reason, workflow, venue, journal, wait)


def resume(
    workflow: Workflow = None,
    venue: VenueName = None,
    journal: JournalPath = None,
    wait: Wait = PATIENCE,
) -> None:
    """Lift a halt. What the strategy opened meanwhile in its simulator waits.

    [bold]Examples[/bold]

      sim2live resume --pool scalping-mes

    [bold]Exit codes[/bold]

      0 done, 2 refused, or not understood: nothing was changed
    """
    _do("resume", "", workflow, venue, journal, wait)


def resolve(
    signal_id: Annotated[str, typer.Argument(help="Id of a signal whose outcome is unknown.")],
    outcome: Annotated[str, typer.Argument(metavar="accepted|not-sent", help="What you saw.")],
    workflow: Workflow = None,
    venue: VenueName = None,
    journal: JournalPath = None,
    wait: Wait = PATIENCE,
) -> None:
    """Say what became of a signal of unknown outcome, after a look at the venue.

    [bold]Examples[/bold]

      sim2live resolve 5df0c9b3-d305-50c0-a7b5-103b21847cbe not-sent

    [bold]Exit codes[/bold]

      0 done, 2 refused, or not understood: nothing was changed
    """
    _do("resolve", f"{signal_id} {outcome}", workflow, venue, journal, wait)


def position(
    what: Annotated[
        list[str] | None,
        typer.Argument(metavar="[MESZ6=+1]...", help="What the venue holds. Left out: show it."),
    ] = None,
    workflow: Workflow = None,
    venue: VenueName = None,
    journal: JournalPath = None,
    wait: Wait = PATIENCE,
    json: Annotated[bool, typer.Option("--json", help="Show it as one line of JSON.")] = False,
) -> None:
    """Show what is presumed, or say what the venue holds after a look at it.

    [bold]Examples[/bold]

      sim2live position

      sim2live position MESZ6=+1

      sim2live position CME:MNQZ6=0 CME:MESZ6=-2

    [bold]Exit codes[/bold]

      0 done, 2 refused, or not understood: nothing was changed
    """
    if what:
        _do("position", ",".join(what), workflow, venue, journal, wait)
    else:
        _show(workflow, venue, journal, json=json)


def acknowledge(
    about: Annotated[
        str, typer.Argument(help="Beginning of what the alarms are about; left out: all.")
    ] = "",
    workflow: Workflow = None,
    venue: VenueName = None,
    journal: JournalPath = None,
    wait: Wait = PATIENCE,
) -> None:
    """Somebody knows: the alarms of the running process are not repeated.

    [bold]Examples[/bold]

      sim2live acknowledge

      sim2live acknowledge "scalping-mes CME:MESZ6"

    [bold]Exit codes[/bold]

      0 done, 2 refused, or not understood: nothing was changed
    """
    _do("acknowledge", about, workflow, venue, journal, wait)


def flatten(
    workflow: Workflow = None,
    venue: VenueName = None,
    journal: JournalPath = None,
    wait: Wait = PATIENCE,
    target: Annotated[
        str | None,
        typer.Option(help="The venue, where no process follows the pool; else not needed."),
    ] = None,
) -> None:
    """Bring everything to zero and halt it.

    Beside a running strategy its process does it. Where none runs, this command opens the venue
    itself, closes what is presumed, and leaves it halted.

    [bold]Examples[/bold]

      sim2live flatten

      sim2live flatten --pool scalping-mes --target http://127.0.0.1:8080

    [bold]Exit codes[/bold]

      0 flat, 1 something is still presumed to be held, 2 wrong input
    """
    from sim2live.cli import screen
    from sim2live.clock import SystemClock
    from sim2live.gate.places import ask, holder_of

    path, place = _place(workflow, venue, journal)
    if holder_of(path, place):
        _tell(ask(path, place, "flatten", "", SystemClock(), wait=wait))
    mine = take_place(path, place, target, strategy="flatten")
    try:
        mine.flatten()
        report = mine.standing()
    finally:
        mine.close()
    screen.out().print(report.text(), markup=False, soft_wrap=True)
    raise typer.Exit(0 if all(line.presumed == "0" for line in report.lines) else 1)


def take_place(path: str, place: Place, target: str | None, *, strategy: str) -> Dispatcher:
    """Follow a place from here, in order to close what it holds.

    Raises:
        ConfigError: The target is another venue than the journal means.
    """
    from msgspec.structs import replace

    from sim2live.clock import SystemClock
    from sim2live.errors import ConfigError
    from sim2live.settings import connect, load, open_venue

    chosen = load()
    # Looked at before the journal learns of it: a wrong venue leaves nothing there.
    there = open_venue(target or chosen.target, token=None, clock=SystemClock(), settings=chosen)
    if there.fingerprint != place.venue:
        there.close()
        raise ConfigError(
            f"target: that venue is {there.fingerprint}, the journal means {place.venue}; "
            "give its address with --target"
        )
    # Nothing is opened, so nobody has to confirm an entry.
    chosen = replace(chosen, rules=replace(chosen.rules, preflight=False))
    return connect(there, workflow=place.workflow, strategy=strategy, journal=path, settings=chosen)


def _place(workflow: str | None, venue: str | None, journal: str | None) -> tuple[str, Place]:
    from sim2live.gate.places import find
    from sim2live.settings import data_folder, load

    chosen = load()
    path = journal or chosen.journal or str(data_folder() / "journal.sqlite3")
    return path, find(path, workflow=workflow or chosen.workflow, venue=venue)


def _do(
    verb: str,
    argument: str,
    workflow: str | None,
    venue: str | None,
    journal: str | None,
    wait: float,
) -> None:
    from sim2live.clock import SystemClock
    from sim2live.gate.places import ask

    path, place = _place(workflow, venue, journal)
    _tell(ask(path, place, verb, argument, SystemClock(), wait=wait))


def _tell(answer: str) -> None:
    from sim2live.cli import screen

    refused = answer.startswith("refused:")
    console = screen.err() if refused else screen.out()
    console.print(answer, markup=False, soft_wrap=True)
    raise typer.Exit(2 if refused else 0)


def _show(workflow: str | None, venue: str | None, journal: str | None, *, json: bool) -> None:
    from rich.table import Table

    from sim2live.cli import screen
    from sim2live.clock import SystemClock
    from sim2live.gate.journal import open_journal

    path, place = _place(workflow, venue, journal)
    kept = open_journal(path, place.venue, SystemClock())
    try:
        lines = kept.lines(place.workflow)
        unknown = list(kept.rows(states=("UNKNOWN", "SENDING"), workflow=place.workflow))
    finally:
        kept.close()
    if json:
        screen.machine(
            {
                "venue": place.venue,
                "workflow": place.workflow,
                "instruments": [
                    {
                        "instrument": str(instrument),
                        "low": line.presumed.low,
                        "high": line.presumed.high,
                        "source": line.presumed.source,
                        "state": line.state,
                        "why": _why(line),
                    }
                    for (_, instrument), line in sorted(lines.items(), key=str)
                ],
                "unknown": [row.id for row in unknown],
            }
        )
        return
    table = Table(title=str(place), title_justify="left")
    for column in ("Instrument", "Presumed", "From", "State", "Why"):
        table.add_column(column)
    for (_, instrument), line in sorted(lines.items(), key=str):
        presumed = line.presumed
        table.add_row(
            str(instrument), str(presumed), presumed.source, line.state, ", ".join(_why(line))
        )
    console = screen.out()
    console.print(table)
    for row in unknown:
        console.print(
            f"unknown  {row.id}  {row.instrument} {row.signed:+d}  {row.reason}", soft_wrap=True
        )


def _why(line: Line) -> list[str]:
    return [*filter(None, [line.halted]), *line.reasons, *["WAITING"] * bool(line.waiting)]
