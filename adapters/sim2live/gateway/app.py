"""How the parts of the gateway make one ASGI application."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from sim2live.errors import JournalError
from sim2live.gateway.answers import App, Receive, Refused, Scope, Send, encode
from sim2live.gateway.desk import Desk
from sim2live.gateway.limit import RateLimit
from sim2live.gateway.reading import routes
from sim2live.gateway.shield import Shield, hosts
from sim2live.gateway.signal_door import PREFIX, SignalDoor

_LOG = logging.getLogger("sim2live.gateway")
TICK_SECONDS = 1.0


def build_app(
    desk: Desk,
    *,
    port: int,
    token: str | None = None,
    allow_hosts: Iterable[str] = (),
    limit: RateLimit | None = None,
) -> App:
    """The gateway as an ASGI application.

    Args:
        desk: What it serves.
        port: Where it will listen; part of the Host headers that it answers.
        token: What a bearer must show, or None.
        allow_hosts: More Host headers to answer, as NAME:PORT.
        limit: Most signals of a pool in a minute, or None.
    """
    door = SignalDoor(desk, limit)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        ticking = asyncio.create_task(_tick(desk))
        try:
            yield
        finally:
            ticking.cancel()

    router = Starlette(
        routes=routes(desk),
        lifespan=lifespan,
        exception_handlers={Refused: _refused, HTTPException: _failed, Exception: _broken},
    )
    router.router.redirect_slashes = False

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _is_signal(scope["raw_path"]):
            await door(scope, receive, send)
        else:
            await router(scope, receive, send)

    return Shield(app, hosts(port, allow_hosts), token)


def _is_signal(raw_path: bytes) -> bool:
    return raw_path.startswith(PREFIX) and len(raw_path) > len(PREFIX)


async def _tick(desk: Desk) -> None:
    while True:
        await asyncio.sleep(TICK_SECONDS)
        try:
            desk.tick()
        except JournalError as error:
            _LOG.error("a price could not be stored: %s", error)


def _error(status: int, error: str, headers: dict[str, str] | None = None) -> Response:
    body = encode({"error": error})
    return Response(body, status_code=status, media_type="application/json", headers=headers)


def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return _error(error.status, error.error)


def _failed(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentence = HTTPStatus(error.status_code).phrase
    return _error(error.status_code, sentence, dict(error.headers or {}))


def _broken(_: Request, __: Exception) -> Response:
    return _error(500, "The gateway failed; its log says why")
