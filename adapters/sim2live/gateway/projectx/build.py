"""How the parts of the second door make one ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from msgspec import Struct

from sim2live.clock import Clock
from sim2live.gateway.answers import (
    Receive,
    Refused,
    Reply,
    Request,
    Scope,
    Send,
    Then,
    answer,
    encode,
)
from sim2live.gateway.desk import Desk
from sim2live.gateway.limit import RateLimit
from sim2live.gateway.projectx.dialect import ProjectX, TestMax
from sim2live.gateway.projectx.door import Door
from sim2live.gateway.projectx.doors import projectx, testmax
from sim2live.gateway.projectx.envelope import refusal_in_envelope
from sim2live.gateway.projectx.news import News
from sim2live.gateway.projectx.openapi import describe
from sim2live.gateway.projectx.replay import Replays
from sim2live.gateway.projectx.sim import Sim
from sim2live.gateway.projectx.sources import Sources
from sim2live.gateway.projectx.tokens import Tokens
from sim2live.market.bars import Bar

DESCRIPTION = "/openapi.json"
PROJECTX, TESTMAX = b"/api/", b"/api/topstep-sim/"
_BARS, _ELSE = (50, 30.0), (200, 60.0)
_PLAYING_SECONDS, _IDLE_SECONDS = 0.01, 0.1


class SecondDoorOptions(Struct, frozen=True):
    """What can be chosen about the second door.

    Attributes:
        keys: API keys by user name, ``*`` for any name; None lets everybody in.
        replay: Bars for Replay, by symbol such as ``NQ``; all else is synthetic.
        limited: Whether the rate limits of the live service hold: 50 questions for bars in 30
            seconds and 200 of all others in 60.
        seed: Of the synthetic bars.
    """

    keys: dict[str, str] | None = None
    replay: Mapping[str, Iterable[Bar]] = {}
    limited: bool = False
    seed: int = 1


class SecondDoor:
    """Both dialects on one desk.

    Args:
        desk: Where orders go.
        clock: Source of time.
        options: What was chosen.

    Attributes:
        sim: The venue as this door sees it.
        tokens: Who may come in.
        replays: The sessions over past bars.
        news: The hubs.
    """

    def __init__(self, desk: Desk, clock: Clock, options: SecondDoorOptions) -> None:
        self.sim = Sim(desk)
        self.tokens = Tokens(options.keys, clock)
        self.replays = Replays(self.sim, Sources(options.replay, options.seed), clock)
        limits = (_limit(_BARS, clock), _limit(_ELSE, clock)) if options.limited else None
        past = self.replays.past
        live = projectx(self.sim, self.tokens, past)
        simulated = testmax(self.sim, self.tokens, past, self.replays)
        self._projectx = Door(ProjectX(), live, PROJECTX, self.tokens, limits)
        self._testmax = Door(TestMax(), simulated, TESTMAX, self.tokens, limits)
        self._description = encode(describe({"/api/": live, "/api/topstep-sim/": simulated}))
        self.news = News(self.sim, self.tokens)

    def door(self, request: Request, then: Then) -> None:
        """Answer one request to an endpoint."""
        if request.path.startswith(TESTMAX):
            self._testmax(request, then)
        else:
            self._projectx(request, then)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one websocket, or say what there is besides the endpoints."""
        if scope["type"] == "websocket":
            await self.news(scope, receive, send)
        elif scope["path"] == DESCRIPTION:
            await answer(send, Reply(200, self._description))
        elif scope["path"].startswith("/hubs/"):
            told = Refused(400, "A hub is reached by a websocket; there is nothing to negotiate")
            await answer(send, refusal_in_envelope(told))
        else:
            told = Refused(404, "There is no such endpoint")
            await answer(send, refusal_in_envelope(told))

    async def run(self) -> None:
        """What goes on beside the requests, for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.play())
            tasks.create_task(self.news.run())

    @staticmethod
    def owns(path: str) -> bool:
        """Whether a path is the second door's."""
        return path == DESCRIPTION or path.startswith(("/api/", "/hubs/"))

    @staticmethod
    def answers(path: bytes) -> bool:
        """Whether a path is one for an endpoint."""
        return path.startswith(PROJECTX)

    async def play(self) -> None:
        """Deliver the bars of sessions that play by themselves, for ever."""
        while True:
            playing = self.replays.playing
            await asyncio.sleep(_PLAYING_SECONDS if playing else _IDLE_SECONDS)
            self.replays.catch_up()


def _limit(rule: tuple[int, float], clock: Clock) -> RateLimit:
    most, seconds = rule
    return RateLimit(most, clock, seconds)
