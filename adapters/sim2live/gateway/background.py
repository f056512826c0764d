"""Serve a door on the loopback, in a thread, for as long as a block lasts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import uvicorn

from sim2live.errors import ConfigError
from sim2live.gateway.answers import Receive, Refused, Scope, Send, answer, refusal
from sim2live.gateway.protocol import Protocol
from sim2live.gateway.server import Server, listen
from sim2live.gateway.shield import Front

_START_SECONDS, _STOP_SECONDS = 10.0, 5


@contextmanager
def serving(front_on: Callable[[int], Front]) -> Iterator[str]:
    """Serve on a free port.

    Args:
        front_on: Makes the door, given the port.

    Yields:
        Its address, such as ``http://127.0.0.1:41000``.

    Raises:
        ConfigError: It did not start.
    """
    socket = listen("127.0.0.1", 0)
    port: int = socket.getsockname()[1]
    config = uvicorn.Config(
        _nothing,
        http=partial(Protocol, fronts=(front_on(port),)),  # type: ignore[arg-type]
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    server = Server(config, before_end=lambda: None)
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [socket]}, name="sim2live-proxy", daemon=True
    )
    thread.start()
    try:
        if not (server.begun.wait(_START_SECONDS) and server.started):
            raise ConfigError(f"nothing could be served on port {port}; the log says why")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(2 * _STOP_SECONDS)
        socket.close()


async def _nothing(_: Scope, __: Receive, send: Send) -> None:
    await answer(send, refusal(Refused(404, "There is nothing here")))
