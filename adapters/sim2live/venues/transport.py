"""Did the bytes go? One HTTP exchange over a warm socket, with three outcomes.

A call returns an :class:`Answer`, or raises :class:`NotSentError` (not one byte of the
request was written) or :class:`UnknownOutcomeError` (some were, and no whole answer came
back). General HTTP libraries cannot tell the last two apart, and time each read alone, so
a server that trickles never lets go. Here one monotonic deadline spans connecting, writing
and reading.

Redirects are not followed, proxies and the environment are ignored, and a connection never
carries two requests at a time.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Final

from sim2live.clock import NS, Clock, SystemClock
from sim2live.errors import NotSentError, UnknownOutcomeError
from sim2live.venues.dial import dial, watch
from sim2live.venues.http1 import Answer, AnswerReader, BadAnswerError, Endpoint

if TYPE_CHECKING:
    import ssl

__all__ = ["LONGEST", "MAX_IDLE_NS", "Answer", "Transport", "not_sent", "unknown"]

_MS: Final = 1_000_000  # nanoseconds
_CHUNK: Final = 16 * 1024  # also the largest TLS record
#: No exchange takes longer than a day, whatever timeout is asked for.
LONGEST: Final = 86_400.0
#: Servers drop idle connections, common ones after 5 s. A request that crosses such a
#: goodbye has an unknown outcome, so a connection is retired before that can happen.
MAX_IDLE_NS: Final = 4 * NS


class Transport:
    """Exchanges with one server; safe to share between threads, and after a fork.

    Args:
        base_url: Where the server is; see :class:`Endpoint`.
        token: Bearer token, or None.
        pool: How many idle connections are kept.
        clock: Its monotonic time bounds the exchanges.
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
        self._context: ssl.SSLContext | None = None
        self._not_yet: tuple[type[OSError], ...] = (BlockingIOError,)
        if self.endpoint.tls:
            import ssl  # only here: on plain http nobody waits for it to load

            self._context = ssl_context or ssl.create_default_context()
            self._not_yet = (BlockingIOError, ssl.SSLWantReadError)
        self._pool = pool
        self._closed = False
        self._pid = os.getpid()
        self._idle: list[_Link] = []

    def __repr__(self) -> str:
        return f"Transport({self.endpoint.url!r})"

    def post(self, path: str, body: bytes, *, timeout: float) -> Answer:
        """POST JSON once.

        Args:
            path: Below the base URL, percent-encoded, starting with a slash.
            body: The JSON, encoded.
            timeout: Seconds for everything, connecting and one reconnect included.

        Returns:
            The whole answer, whatever its status.

        Raises:
            NotSentError: Nothing was written.
            UnknownOutcomeError: Something was written and no whole answer came back.
        """
        return self._exchange(self.endpoint.post(path, body), timeout)

    def get(self, path: str, *, timeout: float) -> Answer:
        """GET once; arguments, result and errors as in :meth:`post`."""
        return self._exchange(self.endpoint.get(path), timeout)

    def close(self) -> None:
        """Close the idle connections; an exchange under way ends as it would have."""
        self._closed = True
        while self._idle:
            self._idle.pop().sock.close()

    # The way of an order. Kept short on purpose: each call in it is part of the latency.

    def _exchange(self, data: bytes, timeout: float) -> Answer:
        if os.getpid() != self._pid:
            self._forget_parent()
        if self._closed:
            raise not_sent(self.endpoint, OSError("the transport is closed"))
        if not timeout > 0:
            raise not_sent(self.endpoint, TimeoutError())
        now = self._now
        started = now()
        deadline = started + int((timeout if timeout < LONGEST else LONGEST) * NS)
        link = self._take(started)
        sent = 0 if link is None else _first_write(link.sock, data)
        if link is None or not sent:
            link, sent = self._start_anew(data, deadline)
        try:
            if sent < len(data):
                link.sock.settimeout(self._left(deadline))
                link.sock.sendall(data[sent:])
                link.sock.setblocking(False)
            answer = None
            while answer is None:
                left = deadline - now()
                if left <= 0 or not link.has_input(left / _MS):
                    raise TimeoutError
                try:
                    answer = link.reader.feed(link.receive(_CHUNK))
                except self._not_yet:  # a part of a TLS record, or a message of TLS itself
                    continue
        except (OSError, BadAnswerError) as error:
            link.sock.close()
            raise unknown(self.endpoint, error) from error
        except BaseException:
            link.sock.close()  # an interrupt: an answer may still be on its way
            raise
        self._keep(link, started)
        return answer

    def _keep(self, link: _Link, used: int) -> None:
        link.used = used
        if link.reader.reusable and len(self._idle) < self._pool:
            self._idle.append(link)
            if self._closed:  # by another thread, meanwhile
                self.close()
        else:
            link.sock.close()

    def _take(self, now: int) -> _Link | None:
        """The connection used last, if it is in order. Popping a list is atomic: no lock."""
        while self._idle:
            try:
                link = self._idle.pop()
            except IndexError:
                return None  # another thread was faster
            if now - link.used < MAX_IDLE_NS and not link.has_input(0):
                return link
            link.sock.close()
        return None

    def _start_anew(self, data: bytes, deadline: int) -> tuple[_Link, int]:
        """Connect once, and put the first bytes on the wire."""
        try:
            sock = dial(self.endpoint, self._context, lambda: self._left(deadline))
        except OSError as error:
            raise not_sent(self.endpoint, error) from error
        sent = _first_write(sock, data)
        if not sent:
            raise not_sent(self.endpoint, OSError("the connection died before the first byte"))
        return _Link(sock), sent

    def _left(self, deadline: int) -> float:
        left = deadline - self._now()
        if left <= 0:
            raise TimeoutError
        return left / NS

    def _forget_parent(self) -> None:
        """In a forked child: these sockets are the parent's, so drop our handles of them."""
        self._pid = os.getpid()
        inherited, self._idle = self._idle, []
        for link in inherited:
            link.sock.close()


class _Link:
    """One connection with at most one request in flight. Its socket never blocks."""

    __slots__ = ("has_input", "reader", "receive", "sock", "used")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.reader = AnswerReader()
        self.has_input = watch(sock)
        self.receive = sock.recv
        self.used = 0


def _first_write(sock: socket.socket, data: bytes) -> int:
    """Write at most one TLS record, of which a failure leaves nothing that can be read.

    Returns:
        How many bytes were written; 0 when the connection took none, and is closed now.
    """
    try:
        return sock.send(data[:_CHUNK])
    except OSError:  # also where it would block: a connection without room at the start is dead
        sock.close()
        return 0


def not_sent(endpoint: Endpoint, cause: BaseException) -> NotSentError:
    """The error for a failure before the first byte of the request."""
    late = isinstance(cause, TimeoutError)
    what = "the deadline came before a connection" if late else str(cause)
    return NotSentError(f"Not sent to {endpoint.url}: {what}", timed_out=late)


def unknown(endpoint: Endpoint, cause: BaseException) -> UnknownOutcomeError:
    """The error for a failure after the first byte of the request."""
    late = isinstance(cause, TimeoutError)
    what = "the deadline came before a whole answer" if late else str(cause)
    return UnknownOutcomeError(f"Unknown outcome at {endpoint.url}: {what}", timed_out=late)
