"""`sim2live doctor`: is everything in place, and what does the venue do?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sim2live.options import Settings
    from sim2live.venues.base import Venue

Finding = tuple[bool, str, str]


def doctor(
    probe: Annotated[
        bool,
        typer.Option(
            "--probe", help="Send harmless pairs to a simulation pool and ask what was seen."
        ),
    ] = False,
    preflight: Annotated[
        bool,
        typer.Option("--preflight", help="Show what a first live order meets, and confirm it."),
    ] = False,
    instrument: Annotated[
        str | None,
        typer.Option(
            "--instrument", "-i", metavar="CME:MESZ6", help="What to look at, or to probe with."
        ),
    ] = None,
    workflow: Annotated[
        str | None, typer.Option("--workflow", "--pool", "-w", help="The pool; by default as set.")
    ] = None,
    strategy: Annotated[
        str | None, typer.Option(help="Name of the strategy to confirm; by default as set.")
    ] = None,
    target: Annotated[str | None, typer.Option(help="The venue; by default as set.")] = None,
    venue: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="For --preflight: a venue that only your own code can make."
        ),
    ] = None,
    journal: Annotated[
        str | None, typer.Option(metavar="PATH", help="The journal; by default as set.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Check Python, packages, clock, ports, settings, journal, venue, instrument and calendar.

    Each thing that is not well names its exact mend. --preflight shows the page to read before a
    first live order, and keeps the confirmation: until then a strategy opens nothing on a venue
    that is not simulated. --probe finds out what the venue does.

    A probe sends at most eight market orders of one or two contracts, asks what the pool's account
    shows, and keeps the answers as the venue's profile. Only then are exits of unknown outcome
    repeated. Use a pool of simulation accounts that nobody else trades.

    [bold]Examples[/bold]

      sim2live doctor

      sim2live doctor --preflight --pool scalping-mes --strategy breakout -i CME:MESZ6

    [bold]Exit codes[/bold]

      0 all is well, 1 something is not, 2 wrong input
    """
    from sim2live.settings import load

    chosen = load()
    if probe:
        _probe(chosen, target, workflow, instrument, journal)
        return
    if preflight:
        from sim2live.cli import preflight as page

        page.preflight(
            chosen,
            target=target,
            fingerprint=venue,
            workflow=workflow,
            strategy=strategy,
            instrument=instrument,
            journal=journal,
        )
        return
    from sim2live.cli import screen

    console = screen.out()
    findings = list(_findings(chosen, target, journal, instrument))
    if json:
        screen.machine([{"ok": good, "what": name, "found": text} for good, name, text in findings])
        raise typer.Exit(0 if all(good for good, _, _ in findings) else 1)
    for good, name, text in findings:
        mark = "[green]ok [/green]" if good else "[red]no [/red]"
        console.print(f"{mark} [bold]{name:<13}[/bold]", end="")
        console.print(text, markup=False, soft_wrap=True)
    raise typer.Exit(0 if all(good for good, _, _ in findings) else 1)


def _findings(
    chosen: Settings, target: str | None, journal: str | None, instrument: str | None
) -> Iterator[Finding]:
    from sim2live.cli import checks
    from sim2live.clock import SystemClock
    from sim2live.errors import Sim2LiveError
    from sim2live.settings import open_venue

    name = target or chosen.target or "paper"
    yield from checks.machine()
    yield checks.clock()
    yield checks.port()
    yield from checks.instruments(chosen, instrument, SystemClock().now_ns())
    yield True, "settings", f"mode {chosen.mode}, target {name}, start {chosen.start}"
    yield from _journal(chosen, journal)
    try:
        venue = open_venue(name, token=None, clock=SystemClock())
    except Sim2LiveError as error:
        yield False, "venue", str(error)
        return
    try:
        there = venue.probe(timeout=2.0)
        answers = "answers" if there else "no answer"
        yield there, "venue", f"{venue.fingerprint}: {checks.kind(venue)}, {answers}"
        profile = venue.profile
        yield (
            True,
            "profile",
            (
                f"dedupe {profile.dedupe}, close is reduce-only {profile.close_is_reduce_only}, "
                f"close cancels legs {profile.close_cancels_legs}"
            ),
        )
        if not venue.simulated:
            yield from _confirmed(chosen, venue, journal)
    finally:
        venue.close()


def _confirmed(chosen: Settings, venue: Venue, journal: str | None) -> Iterator[Finding]:
    """Whether entries of the strategy that the settings name would go."""
    from pathlib import Path

    from sim2live.clock import SystemClock
    from sim2live.gate.journal import open_journal
    from sim2live.gate.preflight import confirmed
    from sim2live.settings import DEFAULT_STRATEGY, data_folder

    if chosen.rules.preflight is False:
        yield True, "preflight", "switched off ([rules] preflight = false)"
        return
    path = journal or chosen.journal or str(data_folder() / "journal.sqlite3")
    name, found = chosen.strategy or DEFAULT_STRATEGY, None
    if chosen.workflow and Path(path).exists():
        kept = open_journal(path, venue.fingerprint, SystemClock())
        found = confirmed(kept.facts, chosen.workflow, name)
        kept.close()
    mend = "not confirmed, so nothing is opened here; run: sim2live doctor --preflight"
    yield found is not None, "preflight", f"{name}: {found or mend}"


def _journal(chosen: Settings, journal: str | None) -> Iterator[Finding]:
    from pathlib import Path

    from sim2live.cli.preflight import presumed
    from sim2live.clock import SystemClock
    from sim2live.errors import Sim2LiveError
    from sim2live.gate.journal import open_journal
    from sim2live.gate.places import places
    from sim2live.settings import data_folder

    path = journal or chosen.journal or str(data_folder() / "journal.sqlite3")
    if not Path(path).exists():
        yield True, "journal", f"{path}: none yet"
        return
    try:
        for place in places(path):
            kept = open_journal(path, place.venue, SystemClock())
            lines = kept.lines(place.workflow)
            kept.close()
            held = ", ".join(
                f"{instrument} {presumed(line)}" for (_, instrument), line in lines.items()
            )
            calm = all(line.state == "ACTIVE" for line in lines.values())
            yield calm, "workflow", f"{place}: {held or 'nothing held'}"
        yield True, "journal", path
    except Sim2LiveError as error:
        yield False, "journal", str(error)


def _probe(
    chosen: Settings,
    target: str | None,
    workflow: str | None,
    instrument: str | None,
    journal: str | None,
) -> None:
    from sim2live.cli import screen
    from sim2live.clock import SystemClock, iso
    from sim2live.errors import ConfigError
    from sim2live.gate.journal import open_journal
    from sim2live.gate.lock import ProcessLock
    from sim2live.gate.probe import Probe, keep
    from sim2live.settings import data_folder, open_venue
    from sim2live.signals import Instrument

    pool = workflow or chosen.workflow
    if pool is None or instrument is None:
        raise ConfigError("a probe needs --workflow and --instrument")
    traded = Instrument.parse(instrument)
    clock = SystemClock()
    path = journal or chosen.journal or str(data_folder() / "journal.sqlite3")
    venue = open_venue(target or chosen.target, token=None, clock=clock)
    kept = open_journal(path, venue.fingerprint, clock)
    lock = ProcessLock(path, venue.fingerprint)
    try:
        lock.take(pool)
        _agree(pool, venue)
        now = clock.now_ns()
        made = Probe(venue, pool, traded, _asker(), run=f"probe {iso(now)}", now=now)
        profile = made.profile()
        keep(kept.facts, profile)
    finally:
        lock.release()
        kept.close()
        venue.close()
    screen.out().print(
        f"kept for {venue.fingerprint}: dedupe {profile.dedupe}, close is reduce-only "
        f"{profile.close_is_reduce_only}, close cancels legs {profile.close_cancels_legs}",
        markup=False,
        soft_wrap=True,
    )


def _agree(pool: str, venue: Venue) -> None:
    from sim2live.errors import ConfigError

    typed = typer.prompt(
        f"This sends up to eight market orders to {pool!r} at {venue.fingerprint}.\n"
        "Every account of the pool must be a simulation account, and flat.\n"
        "Type the pool's name to go on",
        default="",
        show_default=False,
    )
    if typed != pool:
        raise ConfigError("that is not the pool's name; nothing was sent")


def _asker() -> Callable[[str], int | None]:
    def ask(question: str) -> int | None:
        while True:
            text = typer.prompt(f"{question} (a number, or ? if you cannot tell)").strip()
            if text == "?":
                return None
            try:
                return round(float(text))
            except (ValueError, OverflowError):
                typer.echo("A number, please, such as 0, 1 or -1.")

    return ask
