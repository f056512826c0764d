"""`sim2live explain`: one order's story, from the bar to the outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sim2live.cli.kept import MEANINGS, STYLES, JournalFile

if TYPE_CHECKING:
    from sim2live.gate.archive import Archive, Entry

_LEGS = {
    "open": "opens or enlarges a position",
    "close": "closes or reduces a position",
    "fix": "brings the venue back to what the strategy holds; no order of the framework stands "
    "behind it",
    "rest": "rests at the venue",
    "cancel": "takes a resting order off the market",
    "modify": "moves a resting order",
}


def explain(
    signal_id: Annotated[
        str, typer.Argument(help="The signal's id, or how it begins.", show_default=False)
    ],
    journal: JournalFile = None,
    json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Tell what a strategy saw, what it asked for, what was sent, and what became of it.

    [bold]Examples[/bold]

      sim2live explain 1f0c9a2e-5b7d-5d0e-9c1a-3d2f6f1c7e11

      sim2live explain 1f0c --journal run.sqlite3 --json

    [bold]Exit codes[/bold]

      0 told, 2 no such signal, or several
    """
    from sim2live.cli import screen
    from sim2live.cli.kept import facts, open_archive

    archive = open_archive(journal)
    try:
        entry = _one(archive, signal_id)
        if json:
            told = archive.reports(entry.venue, entry.row.id)
            bar = archive.bar(
                entry.venue, entry.row.run, entry.row.instrument, entry.row.decided_at
            )
            screen.machine({**facts(entry), "bar": bar, "reports": told})
        else:
            _tell(archive, entry)
    finally:
        archive.close()


def _one(archive: Archive, text: str) -> Entry:
    from sim2live.errors import ConfigError, shorten

    found = archive.find(text)
    if len(found) == 1:
        return found[0]
    if not found:
        raise ConfigError(f"signal_id={shorten(text)}: the journal holds no such signal")
    some = ", ".join(f"{one.row.id} at {one.venue}" for one in found[:5])
    raise ConfigError(f"signal_id={shorten(text)}: {len(found)} signals are meant: {some}")


def _tell(archive: Archive, entry: Entry) -> None:
    from rich.table import Table
    from rich.text import Text

    from sim2live.cli import screen
    from sim2live.cli.kept import exchange_time, order_text

    row, signal = entry.row, entry.row.signal
    exchange = row.instrument.exchange
    console = screen.out()
    console.print(Text.assemble((row.state, STYLES[row.state]), f"  {order_text(signal)}"))
    story = Table.grid(padding=(0, 2))
    story.add_column(style="dim", no_wrap=True)
    story.add_column(style="dim", no_wrap=True)
    story.add_column(overflow="fold")

    def add(time: int | None, name: str, text: str) -> None:
        story.add_row("" if time is None else exchange_time(time, exchange), name, Text(text))

    bar = archive.bar(entry.venue, row.run, row.instrument, row.decided_at)
    if bar is not None:
        prices = f"open {bar.open:g}, high {bar.high:g}, low {bar.low:g}, close {bar.close:g}"
        add(bar.time, "bar", f"{prices}, volume {bar.volume:g}")
    run = f", run {row.run}" if row.run else ""
    nth = "no call of its own" if row.nth < 0 else f"call {row.nth + 1} of that bar"
    if row.strategy:
        add(row.decided_at, "decided", f"{row.strategy}{run}, on {row.data}, {nth}")
    elif row.decided_at:  # the journal of a relay
        add(row.decided_at, "left", "the strategy host, by that host's clock")
    add(None, "meant", _LEGS.get(row.leg, row.leg))
    add(row.created_at, "written", f"to the journal, for {row.workflow} at {entry.venue}")
    times = {0: "never", 1: "once"}.get(row.sends, f"{row.sends} times, the same bytes each time")
    add(None, "sent", times)
    speed = "" if row.latency is None else f" after {row.latency / 1_000_000:.2f} ms"
    add(row.answered_at, "outcome", f"{row.state}{speed}{': ' + row.reason if row.reason else ''}")
    for report in archive.reports(entry.venue, row.id):
        price = "" if report.price is None else f" at {report.price:g}"
        why = f": {report.reason}" if report.reason else ""
        size = f" {report.signed_qty:+d}" if report.signed_qty else ""
        add(report.time, "told", f"{report.account} {report.kind}{size}{price}{why}")
    console.print(story)
    console.print(Text(f"\n{MEANINGS[row.state]}"))
    console.print(Text(f"signal_id {row.id}", style="dim"), soft_wrap=True)
