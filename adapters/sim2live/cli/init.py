"""`sim2live init`: a settings file to begin with, each key explained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

TEXT = """\
# Settings of sim2live. Arguments in the code come before this file, and variables of the
# environment (SIM2LIVE_ and the key in capitals, such as SIM2LIVE_MODE) stand between the two.
# Secrets do not belong here: SIM2LIVE_TOKEN, SIM2LIVE_API_KEY are read from the environment.

# "sim": the framework's own broker. "paper": the mirror on a paper venue. "live": on the target.
mode = "paper"

# "paper" (in this process), "record" (signals are kept, nothing is sent), the address of a signal
# API, nats://host:4222 (a relay's server), or projectx:topstepx. An address counts as REAL money
# unless it proves to be the paper gateway of this project.
target = "{target}"

# The pool that signals go to; its exact name.
workflow = "{workflow}"

# Name of the strategy instance and of the run. The same run goes on after a restart.
# strategy = "breakout"
# run = "2026-01"

# Where decisions and outcomes are kept; by default in the per-user data folder.
# journal = "journal.sqlite3"

# Seconds for one exchange in the strategy's thread.
timeout = 1.0

# Version of the signals; "1.1" (action, order_id) is experimental.
# schema_version = "1.0"

# A first start with a position from history: "wait" until the target is flat or turns, "adopt",
# "send_difference" or "refuse".
start = "wait"

# Seconds of trading during which a closed bar may still be acted on, on a real venue; and seconds
# after the next open that a daily bar stays good.
# max_age = 120.0
# daily_grace = 3600.0

# Whether bars bear the time of their end or of their start, and how many seconds long they are.
# stamp = "end"
# interval = 300.0

# What a human saw at the venue after an unclean end.
# confirm = "MESZ6=+1"

# What to do where the venue holds something else than is presumed: "refuse", "adopt", "flatten".
# drift = "refuse"

# When to go to zero, and when entries end, in a zone's time.
# flatten_at = "15:55 America/New_York"
# no_entries_after = "15:30 America/New_York"

# Seconds of trading without a bar before an alarm, while something is held.
# feed_timeout = 300.0

# While this file exists, every workflow is halted.
# kill_switch = "STOP"

# The login at a ProjectX firm; its key is in SIM2LIVE_API_KEY.
# user_name = "me@example.com"

# Certificates to trust at a tls:// target. Its token is in SIM2LIVE_NATS_TOKEN.
# nats_ca = "ca.pem"

# Limits for entries. An exit is never refused.
[rules]
max_quantity = 5
max_position = 5
# max_total = 10
# max_signals_per_minute = 30
# windows = ["09:30-15:55 America/New_York"]
# session = true
# daily_loss = 500.0
# trailing_drawdown = 1500.0
# last_trade_days = 2
# A venue that is not simulated takes no entry of a strategy that nobody has confirmed with
# sim2live doctor --preflight. false leaves that question out.
# preflight = true

# Where alarms go: addresses of the package apprise. {{NAME}} is a variable of the environment.
[alerts]
# phone = "tgram://{{TELEGRAM_TOKEN}}/{{TELEGRAM_CHAT}}"

# Workflow -> accounts at a ProjectX firm.
[accounts]
# scalping-mes = ["PRACTICE-1"]

# Exchange -> a calendar of the package exchange_calendars.
[calendars]
# EUREX = "XEUR"
"""


def init(
    path: Annotated[Path, typer.Argument(help="File to write.")] = Path("sim2live.toml"),
    target: Annotated[str, typer.Option(help="Venue to write into it.")] = "paper",
    workflow: Annotated[
        str, typer.Option("--workflow", "--pool", "-w", help="Pool to write into it.")
    ] = "python-test",
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write a settings file with every key explained; it asks for no key and no account.

    [bold]Examples[/bold]

      sim2live init

      sim2live init --target http://127.0.0.1:8080 --pool scalping-mes

    [bold]Exit codes[/bold]

      0 written, 2 the file is there already, or a value is wrong
    """
    from sim2live.cli import screen
    from sim2live.errors import ConfigError

    if path.exists() and not force:
        raise ConfigError(f"file={str(path)!r}: is there already; --force replaces it")
    for name, value in (("target", target), ("workflow", workflow)):
        if not value or not value.isprintable() or any(mark in value for mark in "\"'\\"):
            raise ConfigError(f"{name}={value[:80]!r}: must be printable, without quotes")
    try:
        path.write_text(TEXT.format(target=target, workflow=workflow), "utf-8")
    except OSError as error:
        raise ConfigError(f"file={str(path)!r}: {error.strerror or error}") from None
    console = screen.out()
    console.print(f"Written to {path}.", markup=False, soft_wrap=True)
    console.print("Next: sim2live doctor checks it, sim2live gateway starts a paper venue.")
