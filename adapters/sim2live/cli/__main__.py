"""`python -m sim2live.cli` is the command, also where it is not installed."""

from __future__ import annotations

from sim2live.cli.command import main

main()
