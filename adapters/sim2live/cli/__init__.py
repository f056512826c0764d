"""The command line. `main` is what the installed command runs."""

from __future__ import annotations

from sim2live.cli.command import main

__all__ = ["main"]
