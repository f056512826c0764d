"""A script in a process of its own: its header, its output line by line, and its end."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from sim2live.errors import ConfigError

#: The platform takes no longer script.
MOST_BYTES = 200 * 1024
_LAST_SECONDS = 10.0
_OWN_HEADER = frozenset({"api", "get_next_bar"})

Hear = Callable[[str, str], None]
"""Called with ``stdout`` or ``stderr`` and a line, from another thread."""


def is_whole(script: Path) -> bool:
    """Whether a script brings its own header, or is the strategy logic alone.

    Args:
        script: The file.

    Raises:
        ConfigError: It cannot be read, is too long, or is no Python.
    """
    try:
        text = script.read_bytes()
    except OSError as error:
        raise ConfigError(f"script={str(script)!r}: {error.strerror or error}") from None
    if len(text) > MOST_BYTES:
        raise ConfigError(f"script={str(script)!r}: must be at most {MOST_BYTES} bytes")
    try:
        tree = ast.parse(text, filename=script.name)
    except (SyntaxError, ValueError) as error:
        raise ConfigError(f"script={str(script)!r}: {error}") from None
    defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return defined >= _OWN_HEADER


class Script:
    """One script, run once.

    Args:
        path: The file.
        hear: What is called with each line of output.

    Raises:
        ConfigError: As of :func:`is_whole`.
    """

    def __init__(self, path: Path, hear: Hear) -> None:
        self._path = path
        self._hear = hear
        self._whole = is_whole(path)
        self._process: subprocess.Popen[str] | None = None

    def stop(self) -> None:
        """Ask it to end; safe from any thread."""
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGTERM)

    def execute(self, environment: Mapping[str, str]) -> int:
        """Run it to its end.

        Args:
            environment: What is set besides the variables of this process.

        Returns:
            Its exit code; below zero where a signal ended it.
        """
        command = [sys.executable, "-u"]
        command += [] if self._whole else ["-m", "sim2live.playground"]
        process = self._process = subprocess.Popen(  # noqa: S603 - the user's own script
            [*command, str(self._path)],
            env=_with_package({**os.environ, "PYTHONIOENCODING": "utf-8", **environment}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        readers = [
            threading.Thread(target=self._read, args=(name, stream), daemon=True)
            for name, stream in (("stdout", process.stdout), ("stderr", process.stderr))
            if stream is not None
        ]
        try:
            for reader in readers:
                reader.start()
            for reader in readers:
                reader.join()
            return process.wait()
        finally:
            if process.poll() is None:  # we are being stopped ourselves
                process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_LAST_SECONDS)
                process.kill()
                process.wait()

    def _read(self, name: str, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                self._hear(name, line.rstrip("\n"))


def _with_package(environment: dict[str, str]) -> dict[str, str]:
    """This very package, also where it is not installed."""
    here = str(Path(__file__).parents[2])
    known = environment.get("PYTHONPATH")
    return {**environment, "PYTHONPATH": here if not known else os.pathsep.join((here, known))}
