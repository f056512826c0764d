"""`sim2live guard`: a second process that alarms or flattens when the first one dies."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from sim2live.cli.steer import JournalPath, VenueName, Workflow

if TYPE_CHECKING:
    from sim2live.gate.dispatch import Dispatcher

EVERY = 1.0


def guard(
    flatten: Annotated[
        bool,
        typer.Option("--flatten", help="Bring everything to zero when the process is dead."),
    ] = False,
    takeover: Annotated[
        bool,
        typer.Option(
            "--takeover", help="With --flatten: end a process that is frozen, then flatten."
        ),
    ] = False,
    stale: Annotated[
        float, typer.Option(help="Seconds without a heartbeat before a process counts as gone.")
    ] = 15.0,
    once: Annotated[bool, typer.Option("--once", help="Look once and say what is seen.")] = False,
    target: Annotated[
        str | None, typer.Option(help="The venue to flatten at; by default that of the settings.")
    ] = None,
    workflow: Workflow = None,
    venue: VenueName = None,
    journal: JournalPath = None,
) -> None:
    """Look after a running strategy from a second process.

    Without an option it only alarms. A frozen process may wake and go on trading, so it is left
    alone unless --takeover is given. Alarms go where those of the settings go.

    [bold]Examples[/bold]

      sim2live guard --pool scalping-mes

      sim2live guard --pool scalping-mes --flatten --takeover

    [bold]Exit codes[/bold]

      0 all is well or it was stopped, 1 something is held and nobody looks after it, 2 wrong input
    """
    from sim2live.cli import screen
    from sim2live.cli.steer import _place, take_place
    from sim2live.clock import SystemClock
    from sim2live.errors import ConfigError
    from sim2live.gate.journal import open_journal
    from sim2live.guard import Guard, Verdict
    from sim2live.settings import alarms_of, load

    if takeover and not flatten:
        raise ConfigError("--takeover ends a process only in order to flatten: give --flatten too")
    path, place = _place(workflow, venue, journal)

    def take_over() -> Dispatcher:
        return take_place(path, place, target, strategy="guard")

    clock = SystemClock()
    alarms = alarms_of(load(), clock)
    kept = open_journal(path, place.venue, clock)
    watch = Guard(
        kept,
        place.venue,
        place.workflow,
        clock=clock,
        alarms=alarms,
        take_over=take_over if flatten else None,
        takeover=takeover,
        stale=stale,
    )
    console = screen.out()
    last, verdict = "", Verdict.IDLE
    try:
        with until_signalled() as stop:
            while True:
                sighting = watch.look()
                verdict = sighting.verdict
                if sighting.text != last:
                    last = sighting.text
                    console.print(f"{verdict:<11}{last}", markup=False, soft_wrap=True)
                if once or clock.wait(stop, EVERY):
                    break
    finally:
        watch.close()
        kept.close()
        alarms.close()
    wrong = verdict in (Verdict.DEAD, Verdict.FROZEN, Verdict.FLATTENING)
    raise typer.Exit(1 if once and wrong else 0)


@contextmanager
def until_signalled() -> Iterator[threading.Event]:
    """An event that SIGTERM and Ctrl-C set; the handlers of before come back afterwards."""
    stop = threading.Event()
    before = {}
    for number in (signal.SIGTERM, signal.SIGINT):
        before[number] = signal.signal(number, lambda *_: stop.set())
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
