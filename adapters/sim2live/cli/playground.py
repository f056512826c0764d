"""`sim2live playground`: a script of the Algo Playground, on a replay or on a real account."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim2live.cli.verbs import add

if TYPE_CHECKING:
    from rich.console import Console

    from sim2live.market.bars import CsvBars
    from sim2live.playground.record import Record
    from sim2live.playground.run import Outcome, Run

_STYLES = {
    "[INFO]": "cyan",
    "[TRADE]": "bold green",
    "[ERROR]": "bold red",
    "[DEBUG]": "dim",
    "RESULT": "bold",
}
_STAMPS = ("end", "start")


def playground() -> typer.Typer:
    """The group of verbs about the Playground."""
    made = typer.Typer(
        name="playground",
        help="Run scripts of the Algo Playground here.",
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    made.callback()(_group)
    add(made, run, live)
    return made


def _group() -> None:
    pass


def run(
    script: Annotated[
        Path, typer.Argument(help="A whole script of five sections, or the strategy logic alone.")
    ],
    instrument: Annotated[
        str, typer.Option("--instrument", "-i", help="Root such as NQ, or a contract.")
    ] = "NQ",
    bars: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="CSV with the bars. Left out: a seeded synthetic day."),
    ] = None,
    start: Annotated[str, typer.Option(metavar="DATE", help="First day, UTC.")] = "2025-01-15",
    end: Annotated[
        str | None, typer.Option(metavar="DATE", help="Last day, UTC. Left out: the first.")
    ] = None,
    timeframe: Annotated[str, typer.Option(help="1s, 5s, 1m, 5m, 15m, 30m, 1h, 4h or 1D.")] = "1m",
    speed: Annotated[
        float | None,
        typer.Option(min=0.001, help="Bars a second. Left out: as fast as it goes."),
    ] = None,
    stamp: Annotated[
        str, typer.Option(help="Whether times in the file say when a bar ends or starts.")
    ] = "end",
    seed: Annotated[int, typer.Option(help="Of the synthetic days.")] = 1,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where record and page go. Left out: here."),
    ] = None,
) -> None:
    r"""Run a script against a replay on a private paper gateway.

    The script gets its account, its bars and its fills from a simulator of its own; no real
    order is possible. The speed can be changed while it runs: write seconds between bars into
    the file that is named at the start.

    [bold]Examples[/bold]

      sim2live playground run examples/playground_sma.py --instrument NQ --start 2025-01-15

      sim2live playground run mine.py -i NQ --bars nq.csv --start 2025-01-15 --end 2025-01-17

    [bold]Exit codes[/bold]

      0 the script ended well, 1 it failed, 2 wrong input
    """
    from sim2live.cli import screen
    from sim2live.errors import MissingExtraError

    try:
        from sim2live.playground.run import Plan, Run
    except ModuleNotFoundError as error:
        if error.name in ("starlette", "uvicorn"):
            raise MissingExtraError(error.name, "gateway") from error
        raise
    plan = Plan(
        script=script,
        instrument=instrument,
        start=start,
        end=end,
        timeframe=timeframe,
        bars=None if bars is None else _bars(bars, stamp),
        delay=0.0 if speed is None else 1 / speed,
        seed=seed,
    )
    console = screen.out()
    made = Run(plan, lambda _, line: _show(console, line))
    if speed is not None:
        console.print(f"Speed    seconds between bars stand in {made.speed_file}", style="dim")
    outcome = _watched(made, console)
    written = _write(outcome, script.stem, Path() if out is None else out)
    _tell(console, outcome.record, written)
    if outcome.record.exit_code:
        raise typer.Exit(1)


def live(
    script: Annotated[
        Path, typer.Argument(help="A whole script of five sections, or the strategy logic alone.")
    ],
    account: Annotated[str, typer.Option(help="Name or number of the account.")],
    instrument: Annotated[str, typer.Option("--instrument", "-i", help="Such as CME:NQZ6.")],
    user: Annotated[str, typer.Option(help="Login at the platform.")],
    firm: Annotated[str, typer.Option(help="topstepx, another firm, or an address.")] = "topstepx",
    key_env: Annotated[
        str, typer.Option(metavar="NAME", help="Variable that holds the API key.")
    ] = "SIM2LIVE_API_KEY",
    timeframe: Annotated[str, typer.Option(help="1s, 5s, 1m, 5m, 15m, 30m, 1h, 4h or 1D.")] = "1m",
    bars: Annotated[int, typer.Option(min=1, help="Bars until the script has seen enough.")] = 390,
    journal: Annotated[Path, typer.Option(metavar="PATH", help="File of what was sent.")] = Path(
        "playground-live.sqlite3"
    ),
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Run a script on a real account. Its orders are real.

    The script sees one contract of one account through a proxy that writes each order down before
    it goes. The start is refused where the contract is not flat. When the script ends, fails or
    is stopped, everything of that contract is cancelled and closed; other contracts are never
    touched.

    [bold]Example[/bold]

      sim2live playground live mine.py --account PRACTICE-1 -i CME:NQZ6 --user me@example.com

    [bold]Exit codes[/bold]

      0 the script ended well, 1 it failed or nothing was agreed to, 2 wrong input
    """
    import signal

    from sim2live.cli import screen
    from sim2live.playground.live import LivePlan, LiveRun
    from sim2live.settings import secret
    from sim2live.signals import Instrument
    from sim2live.venues.projectx import ProjectX

    plan = LivePlan(
        script=script,
        account=account,
        instrument=Instrument.parse(instrument),
        timeframe=timeframe,
        bars=bars,
        journal=journal,
    )
    console = screen.out()
    venue = ProjectX(firm, user_name=user, api_key=secret(key_env) or "", poll=None)
    try:
        made = LiveRun(plan, venue, lambda _, line: _show(console, line))
        paper = venue.prove_paper(5.0)
        if not (yes or paper):
            typer.confirm(
                f"Trade {instrument} in account {account} at {firm} for real?", abort=True
            )
        # Both ways of stopping us stop the script; the guard then flattens and we end.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: made.stop())
        code = made.run()
    finally:
        venue.close()
    console.print(f"\nFlat. What was sent stands in {journal}.")
    if code:
        raise typer.Exit(1)


def _bars(path: Path, stamp: str) -> CsvBars:
    from sim2live.clock import NS
    from sim2live.errors import ConfigError
    from sim2live.gateway.projectx.table import Table
    from sim2live.market.bars import CsvBars

    if stamp not in _STAMPS:
        raise ConfigError(f"stamp={stamp!r}: must be end or start")
    ends = CsvBars(path)
    if stamp == "end":
        return ends
    interval = Table(ends).interval()
    if interval is None:
        raise ConfigError(f"bars={str(path)!r}: needs two bars to tell how long one is")
    return CsvBars(path, stamp="start", interval=interval / NS)


def _show(console: Console, line: str) -> None:
    from rich.text import Text

    text = Text(line)
    for prefix, style in _STYLES.items():
        if line.startswith(prefix):
            text.stylize(style, 0, len(prefix))
    console.print(text, soft_wrap=True)


def _watched(made: Run, console: Console) -> Outcome:
    """Run it, with a line of progress where a person looks on."""
    if not console.is_terminal:
        return made.run()
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    done = threading.Event()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("Bars", total=None)

        def look() -> None:
            while not done.wait(0.1):
                at, total = made.progress
                progress.update(task, completed=at, total=total or None)

        looking = threading.Thread(target=look, daemon=True)
        looking.start()
        try:
            return made.run()
        finally:
            done.set()
            looking.join()


def _write(outcome: Outcome, name: str, folder: Path) -> tuple[Path, Path]:
    import msgspec

    from sim2live.cli.playground_page import page

    folder.mkdir(parents=True, exist_ok=True)
    record, shown = folder / f"playground-{name}.json", folder / f"playground-{name}.html"
    text = msgspec.json.format(msgspec.json.encode(outcome.record), indent=2)
    record.write_bytes(text + b"\n")
    shown.write_text(page(outcome), "utf-8")
    return record, shown


def _tell(console: Console, record: Record, written: tuple[Path, Path]) -> None:
    from rich.table import Table

    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim")
    facts.add_column()
    facts.add_row("Bars", f"{record.bars:,} of {record.total_bars:,}")
    facts.add_row("Final balance", f"{record.final_balance:,.2f}")
    facts.add_row("Net P&L", f"{record.net_pnl:+,.2f}")
    facts.add_row("Trades", f"{record.total_trades:,}")
    facts.add_row("Win rate", f"{record.win_rate:.1f} %")
    if record.open_position:
        facts.add_row("Still open", f"{record.open_position:+d} contracts; not in the balance")
    if record.exit_code:
        facts.add_row("Script", f"failed with exit code {record.exit_code}")
    facts.add_row("Record", str(written[0]))
    facts.add_row("Page", str(written[1]))
    console.print()
    console.print(facts)
