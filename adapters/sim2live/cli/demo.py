"""`sim2live demo`: one strategy, simulated and then dispatched, and whether the two agree."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sim2live.cli.rehearsal import Rehearsal

_STRATEGY, _CLASS, _PRICES = "ma_cross.py", "MaCross", "data/sp500_daily.csv"


def demo(
    report: Annotated[
        Path, typer.Option(metavar="FILE", help="Where to leave the page with the charts.")
    ] = Path("sim2live-demo.html"),
    show: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print the result as one line of JSON.")
    ] = False,
) -> None:
    """Run one strategy twice, simulated and dispatched over HTTP, and compare.

    A plain Backtrader strategy trades fourteen years of the S&P 500: first on Backtrader's own
    broker, then through the mirror into a paper gateway that is started for it, with three
    accounts that trade once, once and twice its size. After every bar the position of every
    account is asked for and compared.

    Nothing leaves this machine and no real order is possible.

    [bold]Examples[/bold]

      sim2live demo --open

      sim2live demo --json | jq .verdict

    [bold]Exit codes[/bold]

      0 PARITY, 1 a difference, or too little done to prove anything, 2 it could not run
    """
    from sim2live.errors import ConfigError

    if not report.parent.is_dir():
        raise ConfigError(f"report={str(report)!r}: no such folder; name another with --report")
    code = conclude(_rehearse(quiet=json), report, json=json)
    if show:
        typer.launch(str(report.resolve()))
    raise typer.Exit(code)


def conclude(result: Rehearsal, report: Path, *, json: bool) -> int:
    """Leave the page, say what came out, and return the exit code.

    Args:
        result: What the two runs did.
        report: Where the page goes.
        json: One line for machines instead of tables.

    Raises:
        ConfigError: The page cannot be written there.
    """
    from rich.markup import escape

    from sim2live.cli import screen

    path = _write(result, report)
    if json:
        screen.machine(_facts(result, path))
    else:
        console = screen.out()
        console.print(summary(result))
        # Never broken over two lines: somebody wants to copy it.
        console.print(f"[dim]Charts[/]  [cyan]{escape(str(path))}[/]", soft_wrap=True)
    return 0 if result.passed else 1


def _rehearse(*, quiet: bool) -> Rehearsal:
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    from sim2live.cli import screen
    from sim2live.cli.examples import load_class, locate
    from sim2live.errors import MissingExtraError

    for package, extra in (("backtrader", "backtrader"), ("starlette", "gateway")):
        _need(package, extra, MissingExtraError)
    from sim2live.cli.rehearsal import rehearse

    prices = locate(_PRICES)
    total = sum(1 for line in prices.read_text("utf-8").splitlines() if line) - 1
    columns = (
        TextColumn("{task.description:<44}"),
        BarColumn(bar_width=30),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=screen.err(), disable=quiet) as bars:
        tasks = {
            "simulated": bars.add_task("Simulated, Backtrader's own broker", total=total),
            "dispatched": bars.add_task(
                "Dispatched, mirror and gateway over HTTP", total=total, start=False
            ),
        }

        def progress(stage: str, bar: int) -> None:
            if bar == 1:
                bars.start_task(tasks[stage])
            if bar % 50 == 0 or bar == total:
                bars.update(tasks[stage], completed=bar)

        return rehearse(load_class(_STRATEGY, _CLASS), prices, progress)


def _need(package: str, extra: str, error: type[Exception]) -> None:
    from importlib.util import find_spec

    if find_spec(package) is None:
        raise error(package, extra)


def _write(result: Rehearsal, path: Path) -> Path:
    from sim2live.cli.report import page
    from sim2live.errors import ConfigError

    try:
        path.write_text(page(result), encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"report={str(path)!r}: {error.strerror}; name another file with --report"
        ) from None
    return path.resolve()


def _facts(result: Rehearsal, path: Path) -> dict[str, object]:
    return {
        "verdict": result.headline,
        "passed": result.passed,
        "bars": result.bars,
        "decisions": len(result.simulated.decisions),
        "orders": result.orders,
        "exits": result.exits,
        "signals": result.signals,
        "order_to_ack_ms": {"p50": result.latency_ms(0.5), "p99": result.latency_ms(0.99)},
        "position": result.position,
        "accounts": result.seats,
        "differences": result.differences,
        "shortfalls": result.shortfalls,
        "seconds": result.seconds,
        "report": str(path),
    }


def summary(result: Rehearsal) -> RenderableType:
    """The result for the terminal."""
    from rich.console import Group
    from rich.panel import Panel
    from rich.text import Text

    color = "green" if result.passed else "red"
    said = Text.assemble((result.headline, f"bold {color}"), f"   {_meaning(result)}")
    for line in [*result.differences[:12], *result.shortfalls]:
        said.append(f"\n  {line}", style="red")
    if len(result.differences) > 12:
        said.append(f"\n  ... and {len(result.differences) - 12} more, on the page", style="red")
    verdict = Panel(said, border_style=color, expand=False)
    return Group("", _orders(result), "", _accounts(result), verdict)


def _meaning(result: Rehearsal) -> str:
    if result.differences:
        return "The dispatched run did not do what the simulated run did."
    if result.shortfalls:
        return "Nothing differs, but this is too little to say PARITY."
    return "Same decisions, same positions after each bar, in every account."


def _orders(result: Rehearsal) -> RenderableType:
    from rich.table import Table

    signals = result.signals
    drifts = sorted(fill.drift for fill in result.fills if fill.drift is not None)
    table = Table(box=None, padding=(0, 1), show_header=False)
    table.add_column(style="dim")
    table.add_column(justify="right")
    table.add_column(style="dim")
    for name, value, note in (
        ("Bars", f"{result.bars:,}", ""),
        ("Orders simulated", f"{result.orders:,}", f"filled, {result.exits} of them exits"),
        ("Signals sent", f"{signals['sent']:,}", ""),
        ("  accepted", f"{signals['accepted']:,}", ""),
        ("  rejected", f"{signals['rejected']:,}", ""),
        ("  not sent, unknown", f"{signals['not_sent'] + signals['unknown']:,}", ""),
        ("  held by a rule", f"{signals['held']:,}", ""),
        ("Order to ack, p50", f"{result.latency_ms(0.5):.2f} ms", "journal on disk included"),
        ("Order to ack, p99", f"{result.latency_ms(0.99):.2f} ms", ""),
        ("Fill drift, median", f"{_middle(drifts):+.2f}", "points; drift is no difference"),
        ("Time", f"{sum(result.seconds):.1f} s", ""),
    ):
        table.add_row(name, value, note)
    return table


def _middle(values: list[float]) -> float:
    return values[len(values) // 2] if values else 0.0


def _accounts(result: Rehearsal) -> RenderableType:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    table.add_column("Who")
    for name in ("Size", "Position", "Bars agreed", "Equity"):
        table.add_column(name, justify="right")
    _, equity = result.dispatched.equity[-1]
    table.add_row(
        result.strategy, "1", f"{result.position:+g}", f"{result.bars:,}", f"{equity:,.2f}",
        style="bold",
    )  # fmt: skip
    for seat in result.seats:
        agreed = seat.agreed == result.bars
        table.add_row(
            seat.account.account,
            f"x{seat.account.multiplier}",
            f"{seat.position:+d}",
            f"{seat.agreed:,}",
            f"{seat.account.equity:,.2f}",
            style="" if agreed else "red",
        )
    return table
