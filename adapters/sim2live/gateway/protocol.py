"""What does the gateway's server do beyond uvicorn's?

It bounds how long and how large a request may be: a sender of endless headers, or one who never
ends what they began, would hold memory or a connection for ever. It adds to each answer what
browsers have to know. And it sends the head of an answer together with its body, which uvicorn
writes apart: two system calls, and a client that is woken twice.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD = 32_768
HEAD_SECONDS = 10.0
BODY_SECONDS = 10.0
_ALWAYS = (
    b"x-content-type-options: nosniff\r\nx-frame-options: DENY\r\n"
    b"referrer-policy: no-referrer\r\ncross-origin-resource-policy: same-origin\r\n"
    b"cache-control: no-store\r\n"
)
_POLICY = b"content-security-policy: default-src 'none'; frame-ancestors 'none'\r\n"
_GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"
_LATE = b'{"error":"The body did not come in time"}'
_TOO_LATE = (
    b"HTTP/1.1 408 Request Timeout\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (len(_LATE), _LATE)
)


class Answering:
    """A transport that completes the head of an answer and sends it with the first of its body.

    Args:
        transport: Where it goes.
    """

    __slots__ = ("_head", "_new", "bare", "is_closing")

    def __init__(self, transport: asyncio.Transport) -> None:
        self.bare = transport
        self.is_closing = transport.is_closing
        self._new = True
        self._head = b""

    def write(self, data: bytes) -> None:
        """Send it, or keep it where it is the head of an answer."""
        if self._head:
            self.bare.write(self._head + data)
            self._head = b""
        elif self._new and data != _GO_ON:
            self._new = False
            self._head = _for_browsers(data)
        else:
            self.bare.write(data)

    def end(self) -> None:
        """An answer is complete; the next begins with a head."""
        if self._head:
            self.write(b"")
        self._new = True

    def close(self) -> None:
        """Send what was written, then close."""
        self.end()
        self.bare.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.bare, name)


def _for_browsers(head: bytes) -> bytes:
    """A head with what browsers have to know; what a page says about itself stands."""
    line, _, rest = head.partition(b"\r\n")
    policy = b"" if b"\r\ncontent-security-policy:" in head else _POLICY
    return b"%b\r\n%b%b%b" % (line, _ALWAYS, policy, rest)


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's httptools protocol with bounds, and with answers in one piece."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = True
        self._in_body = False
        self._head_bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the time within which the first head must have come."""
        super().connection_made(Answering(transport))  # type: ignore[arg-type]
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._stop_timer()
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
        """Its records go one by one, as they always did."""
        self.transport = self.transport.bare  # type: ignore[attr-defined]
        super().handle_websocket_upgrade()

    def on_message_begin(self) -> None:
        """A head begins."""
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A head is complete."""
        self._in_head, self._in_body = False, True
        self._stop_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """A body is complete."""
        self._in_body = False
        self._stop_timer()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """An answer is complete, also where it has no body."""
        self.transport.end()  # type: ignore[attr-defined]
        super().on_response_complete()

    def _wait_for_head(self) -> None:
        self._timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _give_up(self) -> None:
        if self.pipeline:  # it waits for another request's answer, and is not read meanwhile
            self._timer = self.loop.call_later(BODY_SECONDS, self._give_up)
            return
        if not self.cycle.response_started:
            self.transport.write(_TOO_LATE)
        self.transport.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
