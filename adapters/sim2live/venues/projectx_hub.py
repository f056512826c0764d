"""How does news come at once? The SignalR hubs of a ProjectX server, through `pysignalr`.

A hub tells nothing of what happened while nobody listened. So each connection, the first one
and every later one, subscribes anew and then has the accounts read by REST.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from sim2live.clock import Clock
from sim2live.errors import DeliveryError, MissingExtraError
from sim2live.venues.projectx_dialect import hub_url
from sim2live.venues.projectx_session import Deadline, Session

if TYPE_CHECKING:
    import asyncio

__all__ = ["Call", "Hub"]

Call = tuple[str, list[Any]]
"""A method of the hub and its arguments, such as ``("SubscribeTrades", [77])``."""

_LOGIN_SECONDS: Final = 5.0
_OPEN_SECONDS: Final = 10.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_CLOSING_SECONDS: Final = 3.0

_log = logging.getLogger("sim2live.venues")


class Hub:
    """One hub, listened to in a thread until closed.

    Args:
        session: Gives the token and the address.
        name: ``user`` or ``market``.
        calls: What to subscribe to, asked at each connection.
        on_event: Called in the hub's thread with an event's name and arguments; it is quick.
        on_open: Called in the hub's thread when a connection has subscribed.
        clock: For the login's deadline.

    Attributes:
        opened: How many connections have subscribed.

    Raises:
        MissingExtraError: The package `pysignalr` is absent.
    """

    def __init__(
        self,
        session: Session,
        name: str,
        *,
        calls: Callable[[], Sequence[Call]],
        on_event: Callable[[str, list[Any]], None],
        on_open: Callable[[], None],
        clock: Clock,
    ) -> None:
        try:
            import pysignalr  # noqa: F401 - only whether it is there
        except ImportError as error:
            raise MissingExtraError("pysignalr", "projectx") from error
        self._session = session
        self._name = name
        self._calls = calls
        self._on_event = on_event
        self._on_open = on_open
        self._clock = clock
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None
        self._lost: asyncio.Event | None = None
        self._began = threading.Event()
        self._closed = False
        self._refused = ""
        self.opened = 0
        self._thread = threading.Thread(
            target=self._listen, name=f"sim2live-hub-{name}", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Listen no more; closing twice does no harm."""
        self._closed = True
        self._began.wait(1.0)
        loop, ended = self._loop, self._ended
        if loop is not None and ended is not None and not loop.is_closed():
            loop.call_soon_threadsafe(ended.set)
        if self._thread is not threading.current_thread():
            self._thread.join(5.0)

    # -- in the hub's thread -------------------------------------------------------------------
    def _listen(self) -> None:
        import asyncio

        asyncio.run(self._run())

    async def _run(self) -> None:
        import asyncio

        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        self._began.set()
        pause = _FIRST_PAUSE
        while not self._closed:
            before = self.opened
            await self._connection(self._ended)
            pause = _FIRST_PAUSE if self.opened > before else min(2 * pause, _LONGEST_PAUSE)
            if not self._closed:
                await _first(self._ended.wait(), seconds=pause)

    async def _connection(self, ended: asyncio.Event) -> None:
        """One connection, from its login to its end. A token is good for one connection."""
        import asyncio

        from pysignalr.protocol.json import JSONProtocol
        from pysignalr.transport.websocket import WebsocketTransport

        try:
            token = await asyncio.to_thread(self._token)
        except DeliveryError as error:
            _log.warning("hub %s: no session: %s", self._name, error)
            return
        lost, opening = asyncio.Event(), asyncio.Event()
        self._lost = lost
        transport = WebsocketTransport(
            url=hub_url(self._session.url, self._name, token),
            protocol=JSONProtocol(),
            callback=self._message,
            skip_negotiation=True,
            connection_timeout=int(_OPEN_SECONDS),
        )

        async def opened() -> None:
            from pysignalr.messages import InvocationMessage

            for method, arguments in self._calls():
                await transport.send(InvocationMessage(None, method, arguments, {}))
            self.opened += 1
            opening.set()
            self._on_open()

        async def closed() -> None:
            lost.set()

        transport.on_open(opened)
        transport.on_close(closed)
        running = asyncio.ensure_future(transport.run())
        try:
            await _first(running, opening.wait(), lost.wait(), ended.wait(), seconds=_OPEN_SECONDS)
            if opening.is_set():
                await _first(running, lost.wait(), ended.wait(), seconds=None)
        finally:
            failure = await _end(running)
        if failure:
            _log.warning("hub %s: %s", self._name, failure)
        if lost.is_set() and not opening.is_set():
            # A network that is down is waited for in there; a server that refuses ends it.
            self._refused = token

    def _token(self) -> str:
        deadline = Deadline(self._clock, _LOGIN_SECONDS)
        if self._refused:
            refused, self._refused = self._refused, ""
            return self._session.renew(refused, deadline)
        return self._session.ready(deadline)

    async def _message(self, message: Any) -> None:
        from pysignalr.messages import CloseMessage, CompletionMessage, InvocationMessage

        if isinstance(message, InvocationMessage):
            self._on_event(message.target, list(message.arguments))
        elif isinstance(message, CompletionMessage) and message.error:
            _log.warning("hub %s: %s", self._name, self._session.hide(str(message.error)))
        elif isinstance(message, CloseMessage) and self._lost is not None:
            self._lost.set()


async def _end(running: asyncio.Future[None]) -> str:
    """End the library's run; returns the name of what it failed with, or an empty text.

    The name only: the text may hold the address, and with it the token.
    """
    import asyncio

    others = asyncio.all_tasks()
    running.cancel()
    await asyncio.wait([running])
    try:
        failure = running.exception()
    except asyncio.CancelledError:
        failure = None
    name = type(failure).__name__ if failure is not None else ""
    # Its websocket says goodbye in a task that begins when nothing refers to its frames any more;
    # the end of our loop would cut that off, and leave the socket open.
    del failure
    await asyncio.sleep(0)
    if goodbye := asyncio.all_tasks() - others:
        await asyncio.wait(goodbye, timeout=_CLOSING_SECONDS)
    return name


async def _first(*waiting: Any, seconds: float | None) -> None:
    """Wait for the first of several, or for the time; those that were made here are cancelled."""
    import asyncio

    given = [item for item in waiting if isinstance(item, asyncio.Future)]
    made = [asyncio.ensure_future(item) for item in waiting if item not in given]
    await asyncio.wait([*given, *made], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in made:
        task.cancel()
    await asyncio.gather(*made, return_exceptions=True)
