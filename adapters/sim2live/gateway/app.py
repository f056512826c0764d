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

from sim2live.clock import Clock, SystemClock
from sim2live.errors import JournalError
from sim2live.gateway.activity import Activity, is_page
from sim2live.gateway.answers import App, Receive, Refused, Scope, Send, encode
from sim2live.gateway.desk import Desk
from sim2live.gateway.limit import RateLimit
from sim2live.gateway.projectx.build import SecondDoor
from sim2live.gateway.projectx.envelope import refusal_in_envelope
from sim2live.gateway.reading import routes
from sim2live.gateway.shield import Front, Shield, hosts
from sim2live.gateway.signal_door import SignalDoor

_LOG = logging.getLogger("sim2live.gateway")
TICK_SECONDS = 1.0


def build_app(
    desk: Desk,
    *,
    port: int,
    token: str | None = None,
    allow_hosts: Iterable[str] = (),
    limit: RateLimit | None = None,
    second: SecondDoor | None = None,
    activity: Activity | None = None,
    clock: Clock | None = None,
) -> tuple[App, tuple[Front, ...]]:
    """The gateway as an ASGI application, and the doors that need none.

    Args:
        desk: What it serves.
        port: Where it will listen; part of the Host headers that it answers.
        token: What a bearer must show, or None.
        allow_hosts: More Host headers to answer, as NAME:PORT.
        limit: Most signals of a pool in a minute, or None.
        second: The door of the trading APIs, or None where there is none.
        activity: What the Activity page shows, for whoever has to end its streams.
        clock: Source of time.
    """
    clock = SystemClock() if clock is None else clock
    activity = Activity(desk, clock) if activity is None else activity
    door = SignalDoor(desk, activity.chronicle, clock, limit)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(_tick(desk, activity))]
        if second is not None:
            tasks.append(asyncio.create_task(second.run()))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()

    router = Starlette(
        routes=[*activity.routes(), *routes(desk)],
        lifespan=lifespan,
        exception_handlers={Refused: _refused, HTTPException: _failed, Exception: _broken},
    )
    router.router.redirect_slashes = False

    names = hosts(port, allow_hosts)
    shield = Shield(names, token)
    # The second door has tokens of its own, given out for a key.
    open_shield = Shield(names, tell=refusal_in_envelope)
    rest = shield.around(router)
    # The page is fixed text that asks for the token itself: a browser sends none with an address.
    page = Shield(names).around(router)
    other = rest if second is None else open_shield.around(second)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = "" if scope["type"] == "lifespan" else scope["path"]
        one = page if is_page(path) else other if SecondDoor.owns(path) else rest
        await one(scope, receive, send)

    fronts = [Front(SignalDoor.owns, shield, door)]
    if second is not None:
        fronts.append(Front(SecondDoor.answers, open_shield, second.door))
    return app, tuple(fronts)


async def _tick(desk: Desk, activity: Activity) -> None:
    while True:
        await asyncio.sleep(TICK_SECONDS)
        try:
            desk.tick()
            activity.observer.money()  # the equity curve has a point even when nobody looks on
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
