"""`sim2live send`: one signal from the shell, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sim2live.signals import Signal
    from sim2live.venues.evalitup import EvalItUp
    from sim2live.venues.outcome import Outcome

_URL = "http://127.0.0.1:8080"
_ORDER, _PROTECT, _LIFE, _WAY = "Order", "Bracket", "Schema 1.1 (experimental)", "Delivery"


def send(
    instrument: Annotated[
        str,
        typer.Option(
            "--instrument",
            "-i",
            help="What to trade, as EXCHANGE:SYMBOL.",
            metavar="CME:MESZ6",
            rich_help_panel=_ORDER,
        ),
    ],
    side: Annotated[
        str,
        typer.Option(
            help="BUY or SELL; LONG and SHORT mean the same.",
            metavar="BUY|SELL",
            rich_help_panel=_ORDER,
        ),
    ],
    qty: Annotated[int, typer.Option(help="Whole contracts, 1 or more.", rich_help_panel=_ORDER)],
    workflow: Annotated[
        str,
        typer.Option(
            "--workflow", "--pool", "-w", help="Exact name of the pool.", rich_help_panel=_ORDER
        ),
    ] = "python-test",
    order_type: Annotated[
        str,
        typer.Option(
            "--order-type",
            "--type",
            metavar="MARKET|LIMIT|STOP|STOP_LIMIT",
            help="Kind of order.",
            rich_help_panel=_ORDER,
        ),
    ] = "MARKET",
    limit_price: Annotated[
        float | None, typer.Option(help="For LIMIT and STOP_LIMIT.", rich_help_panel=_ORDER)
    ] = None,
    trigger_price: Annotated[
        float | None, typer.Option(help="For STOP and STOP_LIMIT.", rich_help_panel=_ORDER)
    ] = None,
    open_close: Annotated[
        str | None,
        typer.Option(
            metavar="OPEN|CLOSE", help="Left out: the venue nets.", rich_help_panel=_ORDER
        ),
    ] = None,
    take_profit: Annotated[
        float | None,
        typer.Option(
            "--take-profit", "--tp", help="Price of the profit leg.", rich_help_panel=_PROTECT
        ),
    ] = None,
    stop_loss: Annotated[
        float | None,
        typer.Option(
            "--stop-loss", "--sl", help="Price of the loss leg.", rich_help_panel=_PROTECT
        ),
    ] = None,
    signal_id: Annotated[
        str | None,
        typer.Option(
            help="Unique id. Left out: a random one is drawn and shown.", rich_help_panel=_WAY
        ),
    ] = None,
    url: Annotated[
        str, typer.Option(help="Where the signal API listens.", rich_help_panel=_WAY)
    ] = _URL,
    token_env: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            rich_help_panel=_WAY,
            help="Variable that holds the bearer token; by default "
            "SIM2LIVE_TOKEN, where it is set.",
        ),
    ] = None,
    timeout: Annotated[
        float, typer.Option(help="Seconds for the whole exchange.", rich_help_panel=_WAY)
    ] = 5.0,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes",
            "-y",
            help="Do not ask before a server that is not paper.",
            rich_help_panel=_WAY,
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print the message, send nothing.", rich_help_panel=_WAY),
    ] = False,
    json: Annotated[
        bool,
        typer.Option("--json", help="Print the outcome as one line of JSON.", rich_help_panel=_WAY),
    ] = False,
    schema_version: Annotated[str, typer.Option(help="1.0 or 1.1.", rich_help_panel=_LIFE)] = "1.0",
    action: Annotated[
        str | None,
        typer.Option(
            metavar="NEW|MODIFY|CANCEL", help="What to do with an order.", rich_help_panel=_LIFE
        ),
    ] = None,
    order_id: Annotated[
        str | None, typer.Option(help="Your name of the order.", rich_help_panel=_LIFE)
    ] = None,
    parent_order_id: Annotated[
        str | None, typer.Option(help="Order that this one protects.", rich_help_panel=_LIFE)
    ] = None,
) -> None:
    """Send one signal, once, and say what became of it.

    [bold]Accepted is not filled.[/bold] It means that the server took the signal. A contract
    that is mistyped or has expired gets a warning, and is sent as it is written.

    [bold]Examples[/bold]

      sim2live send -i CME:MESZ6 --side BUY --qty 1

      sim2live send -i CME:MESZ6 --side BUY --qty 1 --tp 5100 --sl 5050

      sim2live send -i CME:MNQZ6 --side SELL --qty 2 --type LIMIT --limit-price 21550 --json

    [bold]Exit codes[/bold]

      0 accepted, 1 rejected, 2 wrong input (nothing sent), 3 not sent, 4 nobody knows
    """
    from sim2live.cli import screen

    signal = _signal(
        signal_id=signal_id,
        workflow_id=workflow,
        instrument=instrument,
        side=side,
        qty=qty,
        order_type=order_type,
        limit_price=limit_price,
        trigger_price=trigger_price,
        take_profit=take_profit,
        stop_loss=stop_loss,
        open_close=open_close,
        schema_version=schema_version,
        action=action,
        order_id=order_id,
        parent_order_id=parent_order_id,
    )
    doubt = _doubt(signal)
    if doubt:
        screen.warn(f"{doubt}; it is sent as written, the venue decides")
    if dry_run:
        screen.machine(signal)
        return
    venue = _venue(url, token_env)
    try:
        paper = venue.prove_paper(timeout)
        if not (yes or json or paper):
            _confirm(venue, signal, timeout)
        outcome = venue.send(signal, timeout=timeout)
    finally:
        venue.close()
    if json:
        screen.machine({"signal_id": signal.signal_id, "paper": paper, "outcome": outcome})
    else:
        _tell(signal, outcome, paper, url)
    raise typer.Exit(_CODES[outcome.kind.value])


_CODES = {"ACCEPTED": 0, "REJECTED": 1, "NOT_SENT": 3, "UNKNOWN": 4}


def _signal(
    *,
    signal_id: str | None,
    instrument: str,
    take_profit: float | None,
    stop_loss: float | None,
    **fields: Any,
) -> Signal:
    from sim2live.signals import Bracket, Instrument, Signal, StopLoss, TakeProfit

    bracket = None
    if take_profit is not None or stop_loss is not None:
        bracket = Bracket(
            take_profit=None if take_profit is None else TakeProfit(take_profit),
            stop_loss=None if stop_loss is None else StopLoss(stop_loss),
        )
    return Signal(
        signal_id=_random_id() if signal_id is None else signal_id,
        instrument=Instrument.parse(instrument),
        bracket=bracket,
        **fields,
    )


def _doubt(signal: Signal) -> str | None:
    """What is wrong with the contract, as far as anybody here can tell."""
    from sim2live.clock import SystemClock
    from sim2live.market.contracts import suggest
    from sim2live.market.sessions import Timetable

    sessions = Timetable().sessions_for(signal.instrument)
    return suggest(signal.instrument, on=sessions.session_of(SystemClock().now_ns()))


def _random_id() -> str:
    """A person at a shell makes no decision that could be derived again."""
    import os
    import uuid

    return str(uuid.UUID(bytes=os.urandom(16), version=4))


def _venue(url: str, token_env: str | None) -> EvalItUp:
    from sim2live.settings import secret
    from sim2live.venues.evalitup import EvalItUp

    return EvalItUp(url, token=secret(token_env))


def _confirm(venue: EvalItUp, signal: Signal, timeout: float) -> None:
    """Ask a person, where one sits at the keyboard and somebody listens at the address."""
    import sys

    if not sys.stdin.isatty() or not venue.probe(timeout=timeout):
        return
    typer.confirm(
        f"The server is not the paper gateway: {signal.side} {signal.qty} {signal.instrument} "
        f"in {signal.workflow_id} may move REAL money. Send it?",
        abort=True,
        err=True,
    )


def _tell(signal: Signal, outcome: Outcome, paper: bool, url: str) -> None:
    from rich.text import Text

    from sim2live.cli import screen

    word, style, meaning = _WORDS[outcome.kind.value]
    where = "paper" if paper else "not proved to be paper"
    console = screen.out()
    text = Text.assemble(
        (f"{word:<9}", f"bold {style}"),
        f"{signal.side} {signal.qty} {signal.instrument} {signal.order_type} ",
        (f"pool {signal.workflow_id}, {url} ({where})", "dim"),
    )
    console.print(text, soft_wrap=True)
    console.print(Text(f"{'':9}{outcome.reason or meaning}"), soft_wrap=True)
    if outcome.reason and outcome.kind.value != "ACCEPTED":
        console.print(Text(f"{'':9}{meaning}"), soft_wrap=True)
    if paper and outcome.kind.value == "ACCEPTED":
        console.print(Text(f"{'':9}The Activity page shows it: {url.rstrip('/')}/"), soft_wrap=True)
    console.print(Text(f"{'':9}signal_id {signal.signal_id}", style="dim"), soft_wrap=True)
    if outcome.kind.value == "NOT_SENT" and url == _URL:
        console.print(Text(f"{'':9}Is a gateway running? Start one with: sim2live gateway"))


_WORDS = {
    "ACCEPTED": ("accepted", "green", "The server took it. Whether it is filled, only the venue "
                                      "can say."),
    "REJECTED": ("rejected", "red", "Nothing is working. Mend what is named and send again."),
    "NOT_SENT": ("not sent", "yellow", "Not one byte reached the server. Sending again is safe."),
    "UNKNOWN": ("unknown", "bold red", "It may have been executed. Look at the venue before you "
                                       "send another."),
}  # fmt: skip
