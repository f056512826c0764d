"""What an answer of the gateway looks like on the wire: JSON, whatever happened."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple

import msgspec

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = tuple[tuple[bytes, bytes], ...]

#: After such an answer the connection ends.
CLOSE: Headers = ((b"connection", b"close"),)
_JSON = (b"content-type", b"application/json")
encode = msgspec.json.Encoder().encode


class Request(NamedTuple):
    """A request that has come whole.

    Attributes:
        method: Such as ``POST``.
        path: As sent, without its query.
        headers: Names in small letters, and values.
        body: Its bytes, bounded by the shield.
    """

    method: str
    path: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes = b""


class Reply(NamedTuple):
    """An answer that goes whole.

    Attributes:
        status: HTTP status.
        body: Encoded JSON.
        headers: More headers.
    """

    status: int
    body: bytes
    headers: Headers = ()


#: Hands an answer on, at once or later, once.
Then = Callable[[Reply], None]
#: Takes a whole request.
Door = Callable[[Request, Then], None]


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """An answer other than 200.

    Args:
        status: HTTP status.
        error: A sentence for the sender.
        headers: More headers.
    """

    def __init__(self, status: int, error: str, headers: Headers = ()) -> None:
        super().__init__(error)
        self.status, self.error, self.headers = status, error, headers


def refusal(refused: Refused) -> Reply:
    """How a refusal is told: ``{"error": sentence}``."""
    return Reply(refused.status, encode({"error": refused.error}), refused.headers)


async def answer(send: Send, reply: Reply) -> None:
    """Send a whole answer through an ASGI channel."""
    headers = [_JSON, (b"content-length", str(len(reply.body)).encode()), *reply.headers]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
