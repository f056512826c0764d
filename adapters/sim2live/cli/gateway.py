"""`sim2live gateway`: a paper gateway that speaks EvalItUp's signal API."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Group

    from sim2live.gateway.server import Gateway
    from sim2live.market.bars import CsvBars
    from sim2live.signals import Instrument


def gateway(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.", min=0, max=65535)] = 8080,
    pools: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Pools and accounts, .toml or .json. Left out: python-test with one account.",
        ),
    ] = None,
    any_pool: Annotated[
        bool, typer.Option("--any-pool", help="Make a pool for each name that comes in.")
    ] = False,
    bars: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[INSTRUMENT=]FILE",
            help="Prices from a CSV file, a bar a second; "
            "can be given again. sp500_daily.csv alone is SIM:SP500.",
        ),
    ] = None,
    journal: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="File of accepted signals, or :memory:. Left out: in the per-user data folder.",
        ),
    ] = None,
    token_env: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Variable that holds the token which callers must show."),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME:PORT",
            help="Another Host header to answer, for a tunnel or "
            "a reverse proxy; can be given again.",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(metavar="N", help="Most signals of a pool in a minute. Left out: no limit."),
    ] = None,
    replay: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SYMBOL=FILE",
            help="Bars for replay sessions of the TopStep simulator's API, such as NQ=nq.csv; "
            "can be given again. Left out: synthetic days.",
        ),
    ] = None,
    live_limits: Annotated[
        bool, typer.Option("--live-limits", help="Hold the ProjectX API to its rate limits.")
    ] = False,
) -> None:
    r"""Start a paper gateway: simulated accounts behind EvalItUp's signal API.

    No real order is possible here. Stop it with Ctrl-C; accepted signals are kept, and the next
    start goes on from them.

    [bold]Examples[/bold]

      sim2live gateway

      sim2live gateway --port 8090 --any-pool

      sim2live gateway --pools pools.toml --bars SIM:SP500=examples/data/sp500_daily.csv

      SECRET=... sim2live gateway --host 0.0.0.0 --token-env SECRET

    [bold]Exit codes[/bold]

      0 it was stopped, 2 wrong input, or the port is taken

    [bold]A pools file[/bold]

      \[pools.scalping-mes]

      accounts = [{ name = "alice" }, { name = "bob", multiplier = 2, balance = 100000 }]
    """
    from sim2live.cli import screen

    made, kept = _make(
        host=host,
        port=port,
        pools=pools,
        any_pool=any_pool,
        bars=bars or [],
        journal=journal,
        token_env=token_env,
        allow_hosts=allow_host or [],
        per_minute=limit,
        replay=replay or [],
        live_limits=live_limits,
    )
    _log_to_screen()
    console = screen.out()
    console.print(_banner(made, kept, any_pool=any_pool, token_env=token_env, bars=bars or []))
    with suppress(KeyboardInterrupt):
        # Lines that are meant to be copied are never broken.
        console.print(_first_signal(made, token_env), style="cyan", markup=False, soft_wrap=True)
        console.print("\nCtrl-C stops it.", style="dim")
        made.run()
    console.print(
        "\nStopped. Every accepted signal is kept." if kept != ":memory:" else "\nStopped."
    )


def _make(
    *,
    pools: Path | None,
    bars: list[str],
    journal: str | None,
    token_env: str | None,
    replay: list[str],
    live_limits: bool,
    **rest: Any,
) -> tuple[Gateway, str]:
    from sim2live.errors import MissingExtraError
    from sim2live.settings import secret

    try:
        from sim2live.gateway.pools import load_pools
        from sim2live.gateway.projectx.build import SecondDoorOptions
        from sim2live.gateway.server import Gateway, default_journal
    except ModuleNotFoundError as error:
        if error.name in ("starlette", "uvicorn"):
            raise MissingExtraError(error.name, "gateway") from error
        raise
    kept = str(default_journal()) if journal is None else journal
    if kept != ":memory:":
        Path(kept).parent.mkdir(parents=True, exist_ok=True)
    made = Gateway(
        pools=None if pools is None else load_pools(pools),
        bars=_bars(bars),
        journal=kept,
        token=None if token_env is None else secret(token_env),
        second=SecondDoorOptions(replay=_replays(replay), limited=live_limits),
        **rest,
    )
    return made, kept


def _bars(given: list[str]) -> Mapping[Instrument, CsvBars]:
    from sim2live.market.bars import CsvBars
    from sim2live.signals import Instrument

    found: dict[Instrument, CsvBars] = {}
    for text in given:
        name, equals, file = text.partition("=")
        if equals:
            found[Instrument.parse(name)] = CsvBars(file)
        else:
            found[Instrument("SIM", Path(text).stem.split("_")[0].upper())] = CsvBars(text)
    return found


def _replays(given: list[str]) -> Mapping[str, CsvBars]:
    from sim2live.errors import ConfigError
    from sim2live.market.bars import CsvBars

    found: dict[str, CsvBars] = {}
    for text in given:
        symbol, equals, file = text.partition("=")
        if not (symbol and equals):
            raise ConfigError(f"replay={text[:80]!r}: must be SYMBOL=FILE, such as NQ=nq.csv")
        found[symbol] = CsvBars(file)
    return found


def _log_to_screen() -> None:
    import logging

    from rich.logging import RichHandler

    from sim2live.cli import screen

    logging.basicConfig(
        level=logging.WARNING,
        format="%(message)s",
        handlers=[RichHandler(console=screen.err(), show_path=False, markup=False)],
    )


def _banner(
    made: Gateway, kept: str, *, any_pool: bool, token_env: str | None, bars: list[str]
) -> Group:
    """What a person needs to send the first signal."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from sim2live import __version__

    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim")
    facts.add_column()
    facts.add_row("Listening", Text(made.url, style="bold cyan"))
    facts.add_row("Activity", Text(f"{made.url}/ in a browser", style="cyan"))
    for row in _pool_rows(made, any_pool):
        facts.add_row(*row)
    facts.add_row("Prices", ", ".join(bars) if bars else "a synthetic walk, until bars are pushed")
    facts.add_row("Kept in", Text(kept, overflow="fold"))
    facts.add_row("Token", f"asked for (${token_env})" if token_env else "none")
    return Group(
        Text.assemble(
            ("\nsim2live gateway ", "bold"),
            (__version__, "dim"),
            ("   PAPER: no real order is possible here\n", "green"),
        ),
        facts,
        Text("\nA first signal, from another terminal:\n", style="dim"),
    )


def _pool_rows(made: Gateway, any_pool: bool) -> list[tuple[str, str]]:
    exchange = made.desk.exchange
    rows = []
    for number, pool in enumerate(exchange.pools):
        members = ", ".join(
            f"{row.account} x{row.multiplier} ({row.balance:,.0f})"
            for row in exchange.accounts(pool)
        )
        rows.append(("" if number else "Pools", f"{pool}: {members}"))
    if any_pool:
        rows.append(("" if rows else "Pools", "any other name is made when it comes in"))
    return rows


def _first_signal(made: Gateway, token_env: str | None) -> str:
    from sim2live.cli import screen
    from sim2live.clock import SystemClock, from_ns
    from sim2live.market.contracts import front_month

    symbol = front_month("MES", from_ns(SystemClock().now_ns()).date())
    pool = next(iter(made.desk.exchange.pools), "python-test")
    bearer = f' -H "Authorization: Bearer ${token_env}"' if token_env else ""
    send = f"{screen.own_name()} send --url {made.url} --pool {pool} -i CME:{symbol}"
    send += " --side BUY --qty 1"
    if token_env:
        send += f" --token-env {token_env}"
    body = (
        f'{{"schema_version":"1.0","signal_id":"first","workflow_id":"{pool}",'
        f'"instrument":{{"exchange":"CME","symbol":"{symbol}"}},"side":"BUY","qty":1}}'
    )
    return (
        f"  {send}\n\n"
        f"  curl {made.url}/signal/{pool} -H 'Content-Type: application/json'{bearer} \\\n"
        f"    -d '{body}'\n"
        f"  curl {made.url}/positions{bearer}"
    )
