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
import ssl
import threading
from typing import Final

from sim2live.clock import NS, Clock, SystemClock
from sim2live.errors import NotSentError, UnknownOutcomeError
from sim2live.venues.dial import dial
from sim2live.venues.http1 import Answer, AnswerReader, BadAnswerError, Endpoint

__all__ = ["LONGEST", "MAX_IDLE_NS", "Answer", "Transport", "not_sent", "unknown"]

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
        self._context = (ssl_context or ssl.create_default_context()) if self.endpoint.tls else None
        self._pool = pool
        self._closed = False
        self._idle: list[_Link] = []
        self._renew()

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
        while (link := self._take()) is not None:
            link.close()

    def _exchange(self, data: bytes, timeout: float) -> Answer:
        if os.getpid() != self._pid:
            self._renew()
        if self._closed:
            raise not_sent(self.endpoint, OSError("the transport is closed"))
        if not timeout > 0:
            raise not_sent(self.endpoint, TimeoutError())
        deadline = self._now() + int(min(timeout, LONGEST) * NS)
        link, sent = self._start(data, deadline)
        reader = link.reader
        reader.begin()
        try:
            while sent < len(data):
                sent += link.write(data[sent : sent + _CHUNK], self._left(deadline))
            while not reader.feed(link.read(self._left(deadline))):
                pass
        except (OSError, BadAnswerError) as error:
            link.close()
            raise unknown(self.endpoint, error) from error
        except BaseException:
            link.close()  # an interrupt: an answer may still be on its way
            raise
        if reader.reusable:
            self._give_back(link)
        else:
            link.close()
        return reader.answer()

    def _start(self, data: bytes, deadline: int) -> tuple[_Link, int]:
        """Put the first bytes on the wire: of a warm connection, or else of one new one."""
        first = data[:_CHUNK]  # at most one TLS record: a failure leaves none that can be read
        link = self._take()
        if link is not None:
            try:
                return link, link.write(first, self._left(deadline))
            except OSError:
                link.close()  # it had died and took nothing, so a new one may be tried
        try:
            link = _Link(dial(self.endpoint, self._context, lambda: self._left(deadline)))
            try:
                return link, link.write(first, self._left(deadline))
            except OSError:
                link.close()
                raise
        except OSError as error:
            raise not_sent(self.endpoint, error) from error

    def _left(self, deadline: int) -> float:
        left = deadline - self._now()
        if left <= 0:
            raise TimeoutError
        return left / NS

    def _take(self) -> _Link | None:
        while True:
            with self._lock:
                if not self._idle:
                    return None
                link = self._idle.pop()
            if self._now() - link.idle_since < MAX_IDLE_NS and link.is_quiet():
                return link
            link.close()

    def _give_back(self, link: _Link) -> None:
        link.idle_since = self._now()
        with self._lock:
            if not self._closed and len(self._idle) < self._pool:
                self._idle.append(link)
                return
        link.close()

    def _renew(self) -> None:
        """Start afresh: a forked child shares sockets with its parent, and a lock held there."""
        self._pid = os.getpid()
        self._lock = threading.Lock()
        inherited, self._idle = self._idle, []
        for link in inherited:
            link.close()


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


class _Link:
    """One connection. The time left is given to each call, so no call outlives the deadline."""

    __slots__ = ("_sock", "idle_since", "reader")

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.reader = AnswerReader()
        self.idle_since = 0

    def is_quiet(self) -> bool:
        """Whether nothing has come in while idle: neither an end of stream nor surplus."""
        self._sock.settimeout(0)
        try:
            self._sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            pass
        return False

    def write(self, data: bytes, seconds: float) -> int:
        """Write some bytes and say how many; OSError means that this call wrote none."""
        self._sock.settimeout(seconds)
        return self._sock.send(data)

    def read(self, seconds: float) -> bytes:
        self._sock.settimeout(seconds)
        return self._sock.recv(_CHUNK)

    def close(self) -> None:
        # No goodbye of TLS: in a forked child it would end the parent's session.
        self._sock.close()
