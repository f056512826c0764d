"""One HTTP exchange for asyncio, with the same three outcomes as the blocking transport.

asyncio does not say how many bytes it has handed to the system, so this transport is the
more careful one: once a request has been given to asyncio, all but a whole answer is unknown.
It stands on asyncio's protocols, one layer below its streams, because a stream does not tell
whether something has come in on an idle connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import cast

from sim2live.clock import Clock, SystemClock
from sim2live.venues.dial import watch
from sim2live.venues.http1 import Answer, AnswerReader, BadAnswerError, Endpoint
from sim2live.venues.transport import LONGEST, MAX_IDLE_NS, not_sent, unknown

__all__ = ["AsyncTransport"]


class AsyncTransport:
    """Exchanges with one server, from the tasks of one event loop.

    Args:
        base_url: Where the server is; see :class:`Endpoint`.
        token: Bearer token, or None.
        pool: How many idle connections are kept.
        clock: Tells how long a connection has been idle.
        ssl_context: For https; the default context verifies the server's certificate.

    Raises:
        ConfigError: The URL or the token breaks a rule.
    """

    def __init__(
        self,
        base_url: str,
        *,
        token: str | None = None,
        pool: int = 8,
        clock: Clock | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self.endpoint = Endpoint(base_url, token=token)
        self._now = (clock or SystemClock()).monotonic_ns
        self._context = (ssl_context or ssl.create_default_context()) if self.endpoint.tls else None
        self._pool = pool
        self._idle: list[_AsyncLink] = []
        self._closed = False

    def __repr__(self) -> str:
        return f"AsyncTransport({self.endpoint.url!r})"

    async def post(self, path: str, body: bytes, *, timeout: float) -> Answer:
        """POST JSON once.

        Args:
            path: Below the base URL, percent-encoded, starting with a slash.
            body: The JSON, encoded.
            timeout: Seconds for everything, connecting included.

        Returns:
            The whole answer, whatever its status.

        Raises:
            NotSentError: Nothing was written.
            UnknownOutcomeError: Something may have been written and no whole answer came back.
        """
        return await self._exchange(self.endpoint.post(path, body), timeout)

    async def close(self) -> None:
        """Close the idle connections; an exchange under way ends as it would have."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()
        await asyncio.sleep(0)  # asyncio lets go of a socket in its next round

    async def _exchange(self, data: bytes, seconds: float) -> Answer:
        if self._closed:
            raise not_sent(self.endpoint, OSError("the transport is closed"))
        if not seconds > 0:
            raise not_sent(self.endpoint, TimeoutError())
        link: _AsyncLink | None = None
        try:
            async with asyncio.timeout(min(seconds, LONGEST)):
                link = self._take() or await self._connect()
                return await link.exchange(data)
        except (OSError, BadAnswerError) as error:
            failure = not_sent if link is None else unknown
            raise failure(self.endpoint, error) from error
        finally:
            if link is not None:
                self._give_back(link)

    async def _connect(self) -> _AsyncLink:
        _, link = await asyncio.get_running_loop().create_connection(
            _AsyncLink, self.endpoint.host, self.endpoint.port, ssl=self._context
        )
        return link

    def _take(self) -> _AsyncLink | None:
        while self._idle:
            link = self._idle.pop()
            if self._now() - link.idle_since < MAX_IDLE_NS and link.is_quiet():
                return link
            link.close()
        return None

    def _give_back(self, link: _AsyncLink) -> None:
        if link.is_reusable() and not self._closed and len(self._idle) < self._pool:
            link.idle_since = self._now()
            self._idle.append(link)
        else:
            link.close()


class _AsyncLink(asyncio.Protocol):
    """One connection with at most one request in flight."""

    def __init__(self) -> None:
        self.reader = AnswerReader()
        self.idle_since = 0
        self._loop = asyncio.get_running_loop()
        self._answered: asyncio.Future[Answer] = self._loop.create_future()
        self._answered.cancel()  # nothing is being waited for
        self._spoilt = False

    async def exchange(self, data: bytes) -> Answer:
        """Write one request and wait for its whole answer."""
        self._answered = self._loop.create_future()
        self._transport.write(data)
        return await self._answered

    def is_reusable(self) -> bool:
        """Whether the last answer leaves the connection in order."""
        return self.reader.reusable and not self._spoilt

    def is_quiet(self) -> bool:
        """Whether nothing has come in while idle: neither an end of stream nor surplus."""
        if self._spoilt or self._loop is not asyncio.get_running_loop():
            return False
        return not self._has_input(0)

    def close(self) -> None:
        """Drop the connection at once."""
        self._spoilt = True
        with contextlib.suppress(RuntimeError):  # its event loop may be closed already
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        # What the system holds and asyncio has not looked at yet.
        self._has_input = watch(transport.get_extra_info("socket"))

    def data_received(self, data: bytes) -> None:
        if self._answered.done():
            self._spoilt = True
            return
        try:
            if (answer := self.reader.feed(data)) is not None:
                self._answered.set_result(answer)
        except BadAnswerError as error:
            self._answered.set_exception(error)

    def eof_received(self) -> None:
        # asyncio does not tell a ragged end of TLS from a clean one, so under TLS an answer
        # has to state its length.
        if self._transport.get_extra_info("ssl_object") is None:
            self.data_received(b"")

    def connection_lost(self, exc: Exception | None) -> None:
        self._spoilt = True
        if not self._answered.done():
            self._answered.set_exception(exc or ConnectionResetError("the stream ended"))
