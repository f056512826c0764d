"""How the parts of the second door make one ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from msgspec import Struct

from sim2live.clock import Clock
from sim2live.gateway.answers import Receive, Scope, Send
from sim2live.gateway.desk import Desk
from sim2live.gateway.limit import RateLimit
from sim2live.gateway.projectx.dialect import ProjectX, TestMax
from sim2live.gateway.projectx.door import Door
from sim2live.gateway.projectx.doors import projectx, testmax
from sim2live.gateway.projectx.replay import Replays
from sim2live.gateway.projectx.sim import Sim
from sim2live.gateway.projectx.sources import Sources
from sim2live.gateway.projectx.tokens import Tokens
from sim2live.market.bars import Bar

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
        replays: The sessions over past bars.
    """

    def __init__(self, desk: Desk, clock: Clock, options: SecondDoorOptions) -> None:
        self.sim = Sim(desk)
        self.tokens = Tokens(options.keys, clock)
        self.replays = Replays(self.sim, Sources(options.replay, options.seed), clock)
        limits = (_limit(_BARS, clock), _limit(_ELSE, clock)) if options.limited else None
        past = self.replays.past
        self._projectx = Door(
            ProjectX(), projectx(self.sim, self.tokens, past), PROJECTX, self.tokens, limits
        )
        self._testmax = Door(
            TestMax(),
            testmax(self.sim, self.tokens, past, self.replays),
            TESTMAX,
            self.tokens,
            limits,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        door = self._testmax if scope["raw_path"].startswith(TESTMAX) else self._projectx
        await door(scope, receive, send)

    async def play(self) -> None:
        """Deliver the bars of sessions that play by themselves, for ever."""
        while True:
            playing = self.replays.playing
            await asyncio.sleep(_PLAYING_SECONDS if playing else _IDLE_SECONDS)
            self.replays.catch_up()


def _limit(rule: tuple[int, float], clock: Clock) -> RateLimit:
    most, seconds = rule
    return RateLimit(most, clock, seconds)
