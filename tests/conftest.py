"""What every test may rely on: loopback only, a clock that stands still, prerequisites by name."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest

from sim2live.clock import ManualClock


def _is_local(address: Any) -> bool:
    if not isinstance(address, tuple):
        return True  # a Unix socket's path
    host = str(address[0])
    if host in ("localhost", ""):
        return True
    try:
        return ipaddress.ip_address(host.split("%", maxsplit=1)[0]).is_loopback
    except ValueError:
        return False  # a name: it would have to be looked up first


def pytest_configure() -> None:
    """Ctrl-C means something to the tests' processes, also where a shell had them ignore it.

    A shell does so for what it starts in the background, and every child inherits it.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def loopback_only() -> Iterator[None]:
    """Connecting to anything but this machine fails the test that tries it."""
    patch = pytest.MonkeyPatch()
    for name in ("connect", "connect_ex"):
        original = getattr(socket.socket, name)

        def guarded(
            self: socket.socket, address: Any, _original: Callable[..., Any] = original
        ) -> Any:
            if not _is_local(address):
                pytest.fail(f"a test connects to {address!r}; only loopback is allowed")
            return _original(self, address)

        patch.setattr(socket.socket, name, guarded)
    yield
    patch.undo()


@pytest.fixture
def manual_clock() -> ManualClock:
    """A clock at 2026-01-05 15:00 UTC (a Monday, CME open) that moves only when told."""
    return ManualClock(start_ns=1_767_625_200_000_000_000)


@pytest.fixture
def free_port() -> int:
    """A loopback port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def required() -> Callable[[bool, str], None]:
    """`required(present, "what is missing")`: a named skip here, a failure where `CI` is set."""

    def check(present: bool, what: str) -> None:
        if present:
            return
        refuse(what)

    def refuse(what: str) -> NoReturn:
        if os.environ.get("CI"):
            pytest.fail(f"CI must have it: {what}")
        pytest.skip(what)

    return check
