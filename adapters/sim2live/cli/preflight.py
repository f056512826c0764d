"""The page that is read before a first live order: where it goes, what stands, what protects it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from sim2live.gate.ledger import Line
    from sim2live.options import Settings
    from sim2live.signals import Instrument
    from sim2live.venues.base import Venue

_LIMITS = ("max_quantity", "max_position", "max_total", "daily_loss", "trailing_drawdown")


def preflight(
    chosen: Settings,
    *,
    target: str | None,
    fingerprint: str | None,
    workflow: str | None,
    strategy: str | None,
    instrument: str | None,
    journal: str | None,
) -> None:
    """Show the page, ask for the pool's name, and keep the answer in the journal.

    A simulated venue needs no answer, and is not asked for one.

    Args:
        chosen: The settings.
        target: The venue, or None for that of the settings.
        fingerprint: Of a venue that only the strategy's own code can make, instead of a target.
        workflow: The pool, or None for that of the settings.
        strategy: Name of the strategy instance, or None for that of the settings.
        instrument: Such as ``CME:MESZ6``.
        journal: The journal, or None for that of the settings.

    Raises:
        ConfigError: Something is not named, or the answer was not the pool's name.
    """
    from sim2live.clock import SystemClock, iso
    from sim2live.errors import ConfigError
    from sim2live.gate.journal import open_journal
    from sim2live.gate.places import Away
    from sim2live.gate.preflight import confirm, confirmed
    from sim2live.settings import DEFAULT_STRATEGY, data_folder, open_venue
    from sim2live.signals import Instrument

    pool = workflow or chosen.workflow
    if pool is None or instrument is None:
        raise ConfigError("a preflight needs --workflow and --instrument")
    name = strategy or chosen.strategy or DEFAULT_STRATEGY
    traded, clock = Instrument.parse(instrument), SystemClock()
    venue: Venue = (
        Away(fingerprint)
        if fingerprint
        else open_venue(target or chosen.target, token=None, clock=clock)
    )
    path = journal or chosen.journal or str(data_folder() / "journal.sqlite3")
    kept = open_journal(path, venue.fingerprint, clock)
    try:
        line = kept.lines(pool).get((pool, traded))
        before = confirmed(kept.facts, pool, name)
        _page(chosen, venue, pool, name, traded, line, before)
        if venue.simulated:
            typer.echo("This venue is simulated: nothing needs to be confirmed.")
            return
        typed = typer.prompt("Type the pool's name to confirm", default="", show_default=False)
        if typed != pool:
            raise ConfigError("that is not the pool's name; nothing was confirmed")
        confirm(kept.facts, pool, name, f"{traded} {iso(clock.now_ns())}")
    finally:
        kept.close()
        venue.close()
    typer.echo(f"Confirmed: {name} may open positions in {pool} at {venue.fingerprint}.")


def _page(
    chosen: Settings,
    venue: Venue,
    pool: str,
    strategy: str,
    traded: Instrument,
    line: Line | None,
    before: str | None,
) -> None:
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    from sim2live.cli import screen
    from sim2live.cli.checks import kind

    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim", no_wrap=True)
    rows.add_column(overflow="fold")
    rows.add_row("Venue", Text(f"{venue.fingerprint}{_there(venue)}"))
    real = Text(kind(venue), style="bold green" if venue.simulated else "bold red")
    rows.add_row("Money", real)
    rows.add_row("Pool", Text(pool))
    rows.add_row("Strategy", Text(strategy))
    rows.add_row("Contract", Text(_contract(traded)))
    rows.add_row("Mirror", "the strategy rebuilds it from history when it starts")
    rows.add_row("Presumed", Text("0: nothing was ever sent" if line is None else presumed(line)))
    rows.add_row("At the venue", Text(_held(venue, pool, traded)))
    rows.add_row("Limits", Text(_limits(chosen)))
    rows.add_row("Goes flat", Text(chosen.flatten_at or "never by the clock (flatten_at)"))
    rows.add_row("A first start", Text(f"{chosen.start!r} with a position from history"))
    rows.add_row("Stops", Text(_stops(venue)))
    rows.add_row("Alarms", Text(", ".join(chosen.alerts) or "to the log only (alerts)"))
    rows.add_row("Confirmed", Text(before or "never before"))
    screen.out().print(Panel(rows, title="Before the first live order", title_align="left"))


def _there(venue: Venue) -> str:
    if venue.name == "away":
        return " (only the strategy's own code reaches it)"
    return "" if venue.probe(timeout=2.0) else " (does not answer)"


def _contract(traded: Instrument) -> str:
    from sim2live.market.contracts import contract

    found = contract(traded)
    if found is None:
        return f"{traded}: unknown here, so its tick and value are not checked"
    until = "" if found.last_trade_date is None else f", until {found.last_trade_date}"
    return f"{traded}: {found.description}, tick {found.tick_size} = {found.tick_value}{until}"


def presumed(line: Line) -> str:
    """What is presumed of an instrument, its state, and why no entry can go now."""
    waits = "entries wait until the target is flat or turns" * bool(line.waiting)
    why = line.blocked or waits
    return f"{line.presumed} {line.state}{f' ({why})' if why else ''}"


def _held(venue: Venue, pool: str, traded: Instrument) -> str:
    held = venue.positions(pool)
    if held is None:
        return "it cannot tell: look for yourself"
    return f"{held.get(traded, 0):+d}"


def _limits(chosen: Settings) -> str:
    given = {name: getattr(chosen.rules, name) for name in _LIMITS}
    some = [f"{name} {value:g}" for name, value in given.items() if value is not None]
    return ", ".join(some) or "the built-in ones of a real venue only ([rules])"


def _stops(venue: Venue) -> str:
    if venue.can_cancel:
        return "brackets rest at the venue; native resting orders are possible there"
    return (
        "a bracket rests at the venue; every other stop, limit and trailing order lives in this "
        "process only, and dies with it (`sim2live guard --flatten` watches)"
    )
