"""`sim2live alarm test`: does an alarm reach the people it is meant for?"""

from __future__ import annotations

from typing import Annotated

import typer

from sim2live.cli.verbs import prose


def alarm() -> typer.Typer:
    """The group of verbs about alarms."""
    made = typer.Typer(
        name="alarm",
        help="Look after the channels of alarms.",
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    made.callback()(_group)
    made.command("test", help=prose(_try.__doc__ or ""))(_try)
    return made


def _group() -> None:
    """Keep the group a group while it has one verb."""


def _try(
    only: Annotated[
        str | None, typer.Argument(metavar="NAME", help="One channel; left out: all.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Send a message to each channel under alerts in the settings, and say which took it.

    A channel that took it has not shown it yet: look at the phone.

    [bold]Examples[/bold]

      sim2live alarm test

      sim2live alarm test phone

    [bold]Exit codes[/bold]

      0 all took it, 1 one did not, 2 none is set, or one is written wrongly
    """
    from sim2live.cli import screen
    from sim2live.errors import ConfigError
    from sim2live.gate.messenger import channel
    from sim2live.settings import addresses, load

    alerts = load().alerts
    if not alerts:
        raise ConfigError("alerts: none is set; name one under [alerts] in sim2live.toml")
    if only is not None and only not in alerts:
        raise ConfigError(f"alerts.{only}: is not set; set are: {', '.join(alerts)}")
    chosen = {name: where for name, where in alerts.items() if only in (None, name)}
    took = {}
    for name, address in addresses(chosen).items():
        try:
            body = "Somebody tried whether an alarm reaches you. It does."
            took[name] = bool(channel(name, address).notify(title="sim2live: a test", body=body))
        except ConfigError:
            raise
        except Exception:  # noqa: BLE001 - in any way, and its text may hold a secret
            took[name] = False
    if json:
        screen.machine(took)
    else:
        for name, good in took.items():
            mark = "[green]ok [/green]" if good else "[red]no [/red]"
            text = "took it" if good else "did not take it; is its address right?"
            screen.out().print(f"{mark} [bold]{name:<13}[/bold]{text}")
    raise typer.Exit(0 if all(took.values()) else 1)
