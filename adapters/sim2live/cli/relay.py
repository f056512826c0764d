"""`sim2live relay`: hands on what strategies on other hosts have sent to a NATS server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sim2live.relay.relay import Relay


def relay(
    source: Annotated[
        str,
        typer.Option("--from", metavar="ADDRESS", help="The server: nats://host:4222, or tls://."),
    ] = "nats://127.0.0.1:4222",
    to: Annotated[
        str, typer.Option("--to", metavar="TARGET", help="The venue beside this relay.")
    ] = "http://127.0.0.1:8080",
    journal: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Remembers every signal that passed. Left out: in the per-user data folder.",
        ),
    ] = None,
    life: Annotated[
        float, typer.Option(help="Seconds that an entry may wait at the server; exits may always.")
    ] = 30.0,
    timeout: Annotated[float, typer.Option(help="Seconds of one exchange with the venue.")] = 1.0,
    lease: Annotated[
        float, typer.Option(help="Seconds after which a relay that is silent is replaced.")
    ] = 5.0,
    new_journal: Annotated[
        bool,
        typer.Option(
            "--new-journal",
            help="The old journal is lost. First stop the strategies, look at the venue, and "
            "`resolve` what is unknown there.",
        ),
    ] = False,
) -> None:
    """Take signals from a NATS server and hand them to the venue on this host.

    Start it twice for safety: the second one waits, and takes over when the first one dies. Both
    use one journal. A server that asks for a token or an nkey finds it in SIM2LIVE_NATS_TOKEN or
    SIM2LIVE_NATS_NKEY; the venue's token is SIM2LIVE_TOKEN.

    [bold]Examples[/bold]

      sim2live relay --from nats://127.0.0.1:4222 --to http://127.0.0.1:8080

      SIM2LIVE_NATS_TOKEN=... sim2live relay --from tls://nats.example:4222/desk2

    [bold]Exit codes[/bold]

      0 stopped by Ctrl-C or SIGTERM, 2 wrong input, or another journal was at work here
    """
    from sim2live.cli import screen
    from sim2live.cli.guard import until_signalled

    made = _make(source, to, journal, life=life, timeout=timeout, lease=lease)
    console = screen.out()
    try:
        if new_journal:
            made.lease.forget_others()
        console.print(_banner(made, source, to), markup=False, soft_wrap=True)
        with until_signalled() as stop:
            made.run(stop, lambda text: console.print(text, markup=False, soft_wrap=True))
    finally:
        made.close()
    console.print("Stopped. What is not done waits at the server, and in the journal.")


def _make(
    source: str, to: str, journal: str | None, *, life: float, timeout: float, lease: float
) -> Relay:
    import platform

    from sim2live.clock import SystemClock
    from sim2live.gate.journal import open_journal
    from sim2live.gate.probe import stored
    from sim2live.relay.relay import Relay
    from sim2live.settings import alarms_of, data_folder, load, nats_secrets, open_venue
    from sim2live.venues.nats import open_broker
    from sim2live.venues.nats_address import NatsAddress
    from sim2live.venues.relay_words import Subjects

    settings, clock = load(), SystemClock()
    address = NatsAddress(source, **nats_secrets(), ca=settings.nats_ca)
    subjects = Subjects(address.desk)
    broker = open_broker(address, subjects)
    venue = open_venue(to, token=None, clock=clock, settings=settings)
    kept = open_journal(journal or str(data_folder() / "relay.sqlite3"), venue.fingerprint, clock)
    venue.profile = stored(kept.facts) or venue.profile
    return Relay(
        broker,
        subjects,
        venue,
        kept,
        clock=clock,
        alarms=alarms_of(settings, clock),
        host=platform.node() or "relay",
        lease=lease,
        life=life,
        timeout=timeout,
    )


def _banner(made: Relay, source: str, to: str) -> str:
    kind = "PAPER: no real order is possible" if made.simulated else "REAL: orders move money"
    return (
        f"sim2live relay\n  from  {source}\n  to    {to}  ({kind})\n  kept  {made.journal_path}\n"
        "Ctrl-C stops it."
    )
