"""What does the gateway's server do beyond uvicorn's?

It bounds how long and how large a request may be: a sender of endless headers, or one who never
ends what they began, would hold memory or a connection for ever. It adds to each answer what
browsers have to know. And requests of a few doors, the ones where a microsecond counts, are
answered whole: without a task, a channel and an application for each.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from functools import partial
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sim2live.gateway.answers import CLOSE, Refused, Reply, Request, encode
from sim2live.gateway.shield import DRAIN, MAX_BODY, Front, too_large
from sim2live.gateway.writing import GO_ON, Answering, whole

_LOG = logging.getLogger("sim2live.gateway")
MAX_HEAD = 32_768
HEAD_SECONDS = 10.0
BODY_SECONDS = 10.0
_FAILED = Reply(500, encode({"error": "The gateway failed; its log says why"}), CLOSE)


class Turn:
    """A request of a door, in the place that uvicorn keeps for a request and its answer."""

    __slots__ = (
        "answered", "disconnected", "front", "keep_alive", "message_event", "more_body", "parts",
        "request", "size", "waits",
    )  # fmt: skip

    def __init__(self, front: Front, request: Request, keep_alive: bool, waits: bool) -> None:
        self.front, self.request, self.keep_alive = front, request, keep_alive
        self.waits = waits  # behind an answer that is not complete
        self.more_body = True
        self.parts: list[bytes] = []
        self.size = 0
        self.answered = self.disconnected = False
        self.message_event = self

    @property
    def response_complete(self) -> bool:
        """Whether it was answered."""
        return self.answered

    def set(self) -> None:
        """Nobody waits for an event: what comes is looked at when it comes."""


class Protocol(HttpToolsProtocol):
    """uvicorn's httptools protocol with bounds and doors.

    Args:
        fronts: Doors that answer whole requests; all other requests go to the application.
        *args: As for uvicorn's.
        **kwargs: As for uvicorn's.
    """

    transport: Answering  # type: ignore[assignment]
    cycle: Any

    def __init__(self, *args: Any, fronts: Iterable[Front] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._fronts = fronts
        self._in_head = True
        self._in_body = False
        self._head_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._resting_since = 0.0

    # -- a connection ------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the time within which the first head must have come."""
        super().connection_made(Answering(transport))  # type: ignore[arg-type]
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers."""
        self._stop_timer()
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, then see whether a request is still unfinished, and how large its head is."""
        self._head_bytes += len(data)
        super().data_received(data)
        if not self._in_head:
            self._head_bytes = 0
            if self._in_body and self._timer is None:
                self._timer = self.loop.call_later(BODY_SECONDS, self._give_up)
        elif self._head_bytes > MAX_HEAD and not self.transport.is_closing():
            self.send_400_response("The head of the request is too large.")
        elif self._timer is None:
            self._wait_for_head()

    def handle_websocket_upgrade(self) -> None:
        """From here on another protocol writes."""
        self.transport = self.transport.bare
        super().handle_websocket_upgrade()

    # -- the parts of a request --------------------------------------------------------------
    def on_message_begin(self) -> None:
        """A head begins."""
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A head is complete."""
        self._in_head, self._in_body = False, True
        self._stop_timer()
        path = httptools.parse_url(self.url).path
        front = self._front(path)
        if front is None:
            super().on_headers_complete()
            return
        request = Request(self.parser.get_method().decode("ascii"), path, self.headers)
        waits = self.cycle is not None and not self.cycle.response_complete
        keeps = self.parser.get_http_version() != "1.0" and self.parser.should_keep_alive()
        self.cycle = turn = Turn(front, request, keeps, waits)
        if waits:
            self.flow.pause_reading()
            self.pipeline.appendleft((turn, self.app))  # type: ignore[arg-type]
        else:
            self._begin(turn)

    def on_body(self, body: bytes) -> None:
        """A part of a body."""
        turn = self.cycle
        if not isinstance(turn, Turn):
            super().on_body(body)
        elif not turn.answered:
            turn.size += len(body)
            if turn.size <= MAX_BODY:
                turn.parts.append(body)
            elif turn.size > DRAIN and not turn.waits:
                self._reply(turn, turn.front.shield.tell(too_large()))

    def on_message_complete(self) -> None:
        """A body is complete."""
        self._in_body = False
        self._stop_timer()
        turn = self.cycle
        if not isinstance(turn, Turn):
            super().on_message_complete()
        else:
            turn.more_body = False
            if not turn.waits and not turn.answered:
                self._take(turn)

    def on_response_complete(self) -> None:
        """An answer is complete, also where it has no body."""
        self.transport.end()
        super().on_response_complete()

    # -- doors -------------------------------------------------------------------------------
    def _front(self, path: bytes) -> Front | None:
        """The door of a path; None where uvicorn has to do something else with the request."""
        if self.parser.should_upgrade() and self._should_upgrade():
            return None
        most = self.limit_concurrency
        if most is not None and len(self.connections) >= most:
            return None
        for front in self._fronts:
            if front.owns(path):
                return front
        return None

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        if not isinstance(cycle, Turn):
            super()._start_asgi_task(cycle, app)
            return
        cycle.waits = False
        # Not at once: each of a thousand that wait would begin inside the one before it.
        self.loop.call_soon(self._begin, cycle)

    def _begin(self, turn: Turn) -> None:
        if self.transport.is_closing():
            return
        try:
            turn.front.shield.check(turn.request.method, turn.request.headers)
        except Refused as refused:
            self._reply(turn, turn.front.shield.tell(refused))
            return
        if not turn.more_body:
            self._take(turn)
        elif self.expect_100_continue:
            self.transport.write(GO_ON)

    def _take(self, turn: Turn) -> None:
        try:
            if turn.size > MAX_BODY:
                raise too_large()
            method, path, headers, _ = turn.request
            body = turn.parts[0] if len(turn.parts) == 1 else b"".join(turn.parts)
            turn.front.door(Request(method, path, headers, body), partial(self._reply, turn))
        except Refused as refused:
            self._reply(turn, turn.front.shield.tell(refused))
        except Exception:  # noqa: BLE001 - whatever it is, it must not end the connection unsaid
            _LOG.exception("a door failed")
            if not turn.answered:
                self._reply(turn, _FAILED)

    def _reply(self, turn: Turn, reply: Reply) -> None:
        turn.answered = True
        if turn.disconnected or self.transport.is_closing():
            return
        turn.keep_alive = turn.keep_alive and CLOSE[0] not in reply.headers
        date = self.server_state.default_headers
        self.transport.bare.write(whole(reply, date, turn.request.method, turn.keep_alive))
        if not turn.keep_alive:
            self.transport.close()
        elif self.pipeline:
            self.on_response_complete()
        else:
            self._rest()

    def _rest(self) -> None:
        """Nothing more is asked for now. uvicorn begins and ends a timer with each request."""
        self.server_state.total_requests += 1
        self._resting_since = self.loop.time()
        if self._idle is None:
            self._idle = self.loop.call_later(self.timeout_keep_alive, self._end_if_idle)

    def _end_if_idle(self) -> None:
        self._idle = None
        turn, spent = self.cycle, self.loop.time() - self._resting_since
        if self._in_head or not (isinstance(turn, Turn) and turn.answered):
            return  # something is under way; after an application's answer uvicorn has a timer
        if spent < self.timeout_keep_alive:
            left = self.timeout_keep_alive - spent
            self._idle = self.loop.call_later(left, self._end_if_idle)
        else:
            self.transport.close()

    # -- time --------------------------------------------------------------------------------
    def _wait_for_head(self) -> None:
        self._timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _give_up(self) -> None:
        """The body did not come."""
        late = Refused(408, "The body did not come in time", CLOSE)
        turn = self.cycle
        if self.pipeline:  # it waits for another request's answer, and is not read meanwhile
            self._timer = self.loop.call_later(BODY_SECONDS, self._give_up)
        elif isinstance(turn, Turn) and not turn.answered:
            self._reply(turn, turn.front.shield.tell(late))
        elif turn is None or turn.response_complete:
            self.transport.close()
        else:
            self.transport.refuse(late)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
