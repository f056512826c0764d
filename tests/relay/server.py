"""A real nats-server with a store folder of its own, started and stopped by a test."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

PROGRAM = shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin:/sbin")


def needs_server() -> str:
    """The program; where it is missing a test fails in CI, and is skipped with advice elsewhere."""
    if PROGRAM is not None:
        return PROGRAM
    text = "nats-server is missing: run `make nats-server` as root (Debian: apt-get install it)"
    if os.environ.get("CI") == "true":
        pytest.fail(text)
    pytest.skip(text)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class NatsServer:
    """One server process; it can be killed, frozen, and started again on what it has stored.

    Args:
        folder: holds its store.
        lines: more lines for its configuration.
        host: where it listens.
        prefix: words before the command, such as those that enter a network namespace.
    """

    def __init__(
        self, folder: Path, *lines: str, host: str = "127.0.0.1", prefix: tuple[str, ...] = ()
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.host = host
        self.target = f"nats://{host}:{self.port}"
        self._prefix = prefix
        folder.mkdir(parents=True, exist_ok=True)
        store = folder / "store"
        self._config = folder / "server.conf"
        self._config.write_text(
            f"host: {host}\nport: {self.port}\n"
            f'jetstream {{ store_dir: "{store}", max_mem: 16M, max_file: 256M }}\n'
            + "\n".join(lines)
        )
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        assert self.process is None
        command = [*self._prefix, needs_server(), "-c", str(self._config)]
        self.process = subprocess.Popen(
            [*command, "-l", str(self.folder / "log")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 60
        while not self._ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError((self.folder / "log").read_text("utf-8"))
            time.sleep(0.02)

    def _ready(self) -> bool:
        log = self.folder / "log"
        return (
            log.exists()
            and "Server is ready"
            in log.read_text("utf-8", "replace").rpartition("Starting nats-server")[2]
        )

    def kill(self) -> None:
        """The end without a word: SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, number: int) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(number)
            self.process.wait(60)
            self.process = None

    def freeze(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def keep_copy(self) -> None:
        """What a power cut may bring back: the store as it is now. Only while it is stopped."""
        shutil.rmtree(self.folder / "copy", ignore_errors=True)
        shutil.copytree(self.folder / "store", self.folder / "copy")

    def go_back(self) -> None:
        """Lose everything that was stored since the copy."""
        shutil.rmtree(self.folder / "store")
        shutil.copytree(self.folder / "copy", self.folder / "store")
