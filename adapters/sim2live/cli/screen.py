"""How does the command speak? Tables for people, JSON for machines, faults in two lines."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from sim2live.errors import ConfigError, JournalError, MissingExtraError, SignalError, Sim2LiveError

_NEXT = {
    SignalError: "Nothing was sent. `sim2live send --help` shows every field.",
    MissingExtraError: "Then run the same command again.",
    JournalError: "Name another file with --journal, or end the process that holds this one.",
    ConfigError: "Nothing was done. `--help` shows what can be given.",
}


def out() -> Console:
    """Where results go."""
    return Console(highlight=False)


def err() -> Console:
    """Where faults and progress go, so that results can be piped."""
    return Console(stderr=True, highlight=False)


def own_name() -> str:
    """What a person types to run this command: its path where the shell would not find it."""
    if shutil.which("sim2live") is None and Path(sys.argv[0]).name == "sim2live":
        return sys.argv[0]
    return "sim2live"


def moment(ns: int) -> str:
    """A moment of UTC as people read it; seconds only where there are any."""
    from sim2live.clock import iso

    return iso(ns).removesuffix("Z").replace("T", " ").removesuffix(":00")


def machine(value: Any) -> None:
    """Print a value as one line of JSON."""
    sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
    sys.stdout.flush()


def warn(sentence: str) -> None:
    """Say what looks wrong, where it does not stop us."""
    err().print(Text.assemble(("Warning  ", "bold yellow"), sentence), soft_wrap=True)


def complain(error: Sim2LiveError) -> None:
    """Say what is wrong and what to do next; a user's mistake needs no traceback."""
    console = err()
    # Not broken by us: a sentence may hold a path, and terminals wrap by themselves.
    console.print(Text.assemble(("Error  ", "bold red"), str(error)), soft_wrap=True)
    for kind, advice in _NEXT.items():
        if isinstance(error, kind):
            console.print(Text(f"       {advice}", style="dim"))
            return
