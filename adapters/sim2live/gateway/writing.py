"""How does an answer go out? In one piece, and with what browsers have to know about it.

uvicorn writes the head of an answer apart from its body: two system calls, and a client that is
woken twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from sim2live.gateway.answers import Refused, Reply, refusal

GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"
_LINES = {one.value: f"HTTP/1.1 {one.value} {one.phrase}\r\n".encode() for one in HTTPStatus}
_ALWAYS = (
    b"x-content-type-options: nosniff\r\nx-frame-options: DENY\r\n"
    b"referrer-policy: no-referrer\r\ncross-origin-resource-policy: same-origin\r\n"
    b"cache-control: no-store\r\n"
)
_POLICY = b"content-security-policy: default-src 'none'; frame-ancestors 'none'\r\n"
_JSON = _ALWAYS + _POLICY + b"content-type: application/json\r\n"


class Answering:
    """A transport that completes the head of an answer and sends it with the first of its body.

    Args:
        transport: Where it goes.

    Attributes:
        bare: As given.
    """

    __slots__ = ("_head", "_new", "bare", "is_closing")

    def __init__(self, transport: asyncio.Transport) -> None:
        self.bare: Any = transport
        self.is_closing = transport.is_closing
        self._new = True
        self._head = b""

    def write(self, data: bytes) -> None:
        """Send it, or keep it where it is the head of an answer."""
        if self._head:
            self.bare.write(self._head + data)
            self._head = b""
        elif self._new and data != GO_ON:
            self._new = False
            self._head = _for_browsers(data)
        else:
            self.bare.write(data)

    def end(self) -> None:
        """An answer is complete; the next begins with a head."""
        if self._head:
            self.write(b"")
        self._new = True

    def refuse(self, refused: Refused) -> None:
        """Say why the connection ends, where no answer has begun."""
        if self._new:
            self.bare.write(whole(refusal(refused), (), "", False))
        self.close()

    def close(self) -> None:
        """Send what was written, then close."""
        self.end()
        self.bare.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.bare, name)


def whole(
    reply: Reply, more: Iterable[tuple[bytes, bytes]], method: str, keep_alive: bool
) -> bytes:
    """An answer as it goes out.

    Args:
        reply: The answer.
        more: Headers of the server.
        method: Of the request; HEAD gets no body.
        keep_alive: Whether the connection lasts.
    """
    lines = b"".join([b"%b: %b\r\n" % one for one in (*more, *reply.headers)])
    if not keep_alive and b"connection: close" not in lines:
        lines += b"connection: close\r\n"
    body = b"" if method == "HEAD" else reply.body
    length = len(reply.body)
    line = _LINES[reply.status]
    return b"%b%b%bcontent-length: %d\r\n\r\n%b" % (line, _JSON, lines, length, body)


def _for_browsers(head: bytes) -> bytes:
    """A head with what browsers have to know; what a page says about itself stands."""
    line, _, rest = head.partition(b"\r\n")
    policy = b"" if b"\r\ncontent-security-policy:" in head else _POLICY
    return b"%b\r\n%b%b%b" % (line, _ALWAYS, policy, rest)
