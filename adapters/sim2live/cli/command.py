"""The command line: one file for each verb, loaded when it is called.

Exit codes are the same everywhere: 0 done, 1 the answer is no (a difference, a rejection),
2 the input is wrong and nothing was done, 3 not sent, 4 the outcome is unknown.
"""

from __future__ import annotations

import sys

import typer

from sim2live.cli.activity import activity
from sim2live.cli.alarm import alarm
from sim2live.cli.demo import demo
from sim2live.cli.doctor import doctor
from sim2live.cli.explain import explain
from sim2live.cli.export import export
from sim2live.cli.gateway import gateway
from sim2live.cli.guard import guard
from sim2live.cli.init import init
from sim2live.cli.parity import parity
from sim2live.cli.playground import playground
from sim2live.cli.relay import relay
from sim2live.cli.send import send
from sim2live.cli.steer import acknowledge, flatten, halt, position, resolve, resume
from sim2live.cli.sweep import sweep
from sim2live.cli.verbs import add

_ABOUT = """The strategy that ran in simulation drives real orders.

Start here:

  sim2live demo           one strategy, simulated and dispatched, compared

  sim2live gateway        a paper gateway on http://127.0.0.1:8080

  sim2live send --help    one signal from the shell

  sim2live init           settings of your own, each one explained

Exit codes: 0 done, 1 the answer is no, 2 wrong input and nothing was done.
"""


def app() -> typer.Typer:
    """The command with all its verbs."""
    made = typer.Typer(
        name="sim2live",
        help=_ABOUT,
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    made.callback()(_main)
    add(
        made,
        init,
        demo,
        gateway,
        send,
        doctor,
        activity,
        explain,
        parity,
        position,
        halt,
        resume,
        flatten,
        resolve,
        acknowledge,
        guard,
        relay,
        sweep,
    )
    made.add_typer(alarm())
    made.add_typer(export())
    made.add_typer(playground())
    return made


def main() -> None:
    """Run the command of this process's arguments."""
    from sim2live.errors import Sim2LiveError

    try:
        app()()
    except Sim2LiveError as error:
        from sim2live.cli.screen import complain

        complain(error)
        sys.exit(2)
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        sys.stderr.close()
        sys.exit(1)


def _version(wanted: bool) -> None:
    if wanted:
        from sim2live import __version__

        typer.echo(f"sim2live {__version__}")
        raise typer.Exit


def _main(
    version: bool = typer.Option(
        False, "--version", help="Show the version.", callback=_version, is_eager=True
    ),
) -> None:
    pass
