"""The gateway as a running server: its socket, its loop, its end."""

from __future__ import annotations

import errno
import ipaddress
import logging
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

from sim2live.clock import Clock, SystemClock
from sim2live.errors import ConfigError
from sim2live.exchange.accounts import Pool
from sim2live.exchange.venue import Exchange
from sim2live.gate.store import MEMORY
from sim2live.gateway.activity import Activity
from sim2live.gateway.app import build_app
from sim2live.gateway.desk import Desk
from sim2live.gateway.inbox import Inbox
from sim2live.gateway.limit import RateLimit
from sim2live.gateway.prices import Quotes
from sim2live.gateway.projectx.build import SecondDoor, SecondDoorOptions
from sim2live.gateway.protocol import Protocol
from sim2live.gateway.shield import MAX_BODY
from sim2live.market.bars import Bar
from sim2live.settings import data_folder
from sim2live.signals import Instrument

_LOG = logging.getLogger("sim2live.gateway")
_BACKLOG = 1_024
_CONNECTIONS = 1_000
#: A strategy on minute bars keeps its connection from one bar to the next.
_KEEP_ALIVE_SECONDS = 90
_STOP_SECONDS = 5
_START_SECONDS = 10.0


class Gateway:
    """A gateway with its socket bound, not yet serving.

    Args:
        host: Address to listen on. Anything but the loopback needs a token.
        port: Port, or 0 for a free one.
        pools: Pools by name; ``python-test`` with one account when left out.
        any_pool: Make a pool of one account for each name that a signal brings.
        journal: File of accepted signals, or ``":memory:"``.
        bars: Bars to play, one a second, for each instrument.
        token: What a bearer must show, or None.
        allow_hosts: More Host headers to answer, as NAME:PORT.
        per_minute: Most signals of a pool in a minute, or None for no limit.
        seed: Of the synthetic walks.
        second: What is chosen about the second door; with a `token` and no keys of its own, the
            token is the API key of every user there.
        clock: Source of time.

    Attributes:
        url: Base address, such as ``http://127.0.0.1:8080``.
        port: The port that was bound.
        desk: What it serves.
        second: The door of the trading APIs.

    Raises:
        ConfigError: The port is in use, or a foreign address has no token.
        JournalError: The journal cannot be opened.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 8080,
        pools: Mapping[str, Pool] | None = None,
        any_pool: bool = False,
        journal: str | Path = MEMORY,
        bars: Mapping[Instrument, Iterable[Bar]] | None = None,
        token: str | None = None,
        allow_hosts: Iterable[str] = (),
        per_minute: int | None = None,
        seed: int = 1,
        second: SecondDoorOptions | None = None,
        clock: Clock | None = None,
    ) -> None:
        clock = SystemClock() if clock is None else clock
        _check(host, token, per_minute)
        exchange = Exchange(pools, any_pool=any_pool)
        self._socket = listen(host, port)
        try:
            inbox = Inbox(journal)
            self.desk = Desk(exchange, inbox, quotes=Quotes(seed), playback=bars, clock=clock)
        except BaseException:
            self._socket.close()
            raise
        self._activity = Activity(self.desk, clock)
        self.port: int = self._socket.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self.port}"
        options = SecondDoorOptions(seed=seed) if second is None else second
        if token is not None and options.keys is None:
            options = msgspec.structs.replace(options, keys={"*": token})
        self.second = SecondDoor(self.desk, clock, options)
        app, fronts = build_app(
            self.desk,
            port=self.port,
            token=token,
            allow_hosts=(*allow_hosts, *_own_name(shown, self.port)),
            limit=None if per_minute is None else RateLimit(per_minute, clock),
            second=self.second,
            activity=self._activity,
            clock=clock,
        )
        self._server = Server(
            uvicorn.Config(
                app,
                http=partial(Protocol, fronts=fronts),  # type: ignore[arg-type]
                loop="auto",
                ws="websockets-sansio",
                ws_max_size=MAX_BODY,
                lifespan="on",
                access_log=False,
                log_config=None,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=_CONNECTIONS,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_STOP_SECONDS,
            ),
            before_end=self._close_streams,
        )

    def _close_streams(self) -> None:
        """End what would otherwise never end by itself, so that nobody waits for it."""
        self._activity.close()
        self.second.news.close()

    def run(self) -> None:
        """Serve in this thread until stopped, or until a signal to end the process."""
        try:
            # uvicorn listens only once its loop runs. What a shell starts in the background ignores
            # SIGINT until somebody listens, so one that comes earlier would be lost.
            with self._server.capture_signals():
                self._server.run(sockets=[self._socket])
        finally:
            self._socket.close()
            self.desk.close()

    def stop(self) -> None:
        """Ask a running gateway to end; safe from any thread."""
        self._server.should_exit = True

    def wait_started(self, seconds: float) -> bool:
        """Wait until requests are answered; False when it has ended or time is up."""
        return self._server.begun.wait(seconds) and self._server.started


@contextmanager
def running_gateway(
    pools: Mapping[str, Pool] | None = None, *, port: int = 0, **options: Any
) -> Iterator[Gateway]:
    """A gateway in a thread of this process, for as long as the block lasts.

    Args:
        pools: As for :class:`Gateway`.
        port: A free one by default.
        **options: As for :class:`Gateway`.

    Yields:
        The gateway, answering requests at its ``url``.

    Raises:
        ConfigError: As for :class:`Gateway`.
        JournalError: As for :class:`Gateway`.
    """
    gateway = Gateway(pools=pools, port=port, **options)
    thread = threading.Thread(target=gateway.run, name="sim2live-gateway", daemon=True)
    thread.start()
    try:
        if not gateway.wait_started(_START_SECONDS):
            raise ConfigError(f"the gateway at {gateway.url} did not start; its log says why")
        yield gateway
    finally:
        gateway.stop()
        thread.join(2 * _STOP_SECONDS)


def default_journal() -> Path:
    """The file that a gateway keeps its accepted signals in, unless told otherwise."""
    return data_folder() / "gateway.sqlite3"


class Server(uvicorn.Server):
    """A server that tells when it has begun, so that nobody has to poll for it."""

    def __init__(self, config: uvicorn.Config, before_end: Callable[[], None]) -> None:
        super().__init__(config)
        self.begun = threading.Event()
        self._before_end = before_end

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve; `begun` is set also where that fails."""
        try:
            await super().serve(sockets)
        finally:
            self.begun.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start; from then on requests are answered."""
        await super().startup(sockets)
        self.begun.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what never ends by itself, then all else."""
        self._before_end()
        await super().shutdown(sockets)


def _check(host: str, token: str | None, per_minute: int | None) -> None:
    if token is not None and not (
        token.isascii() and token.isprintable() and token.strip() == token and token
    ):
        raise ConfigError("token: must be printable ASCII without blanks around it")
    if token is None and not _is_loopback(host):
        raise ConfigError(f"host={host!r}: listening beyond this machine needs a token")
    if per_minute is not None and per_minute < 1:
        raise ConfigError(f"per_minute={per_minute!r}: must be at least 1")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _own_name(shown: str, port: int) -> tuple[str, ...]:
    return () if shown in ("0.0.0.0", "[::]") else (f"{shown}:{port}",)  # noqa: S104 - compared


def listen(host: str, port: int) -> socket.socket:
    """A listening socket that shares its port with nobody."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            # Without it a restart would wait for connections of the last run to be forgotten.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listening.close()
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise ConfigError(
                f"port {port} on {host} is in use, perhaps by EvalItUp or another gateway;"
                " choose one with --port"
            ) from None
        raise ConfigError(f"cannot listen on {host}:{port}: {error}") from None
    return listening
