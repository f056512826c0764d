"""What an answer of the gateway looks like on the wire: JSON, whatever happened."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = tuple[tuple[bytes, bytes], ...]

_JSON = (b"content-type", b"application/json")
encode = msgspec.json.Encoder().encode


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


async def answer(send: Send, status: int, body: bytes, headers: Headers = ()) -> None:
    """Send a whole JSON answer.

    Args:
        send: The ASGI channel.
        status: HTTP status.
        body: Encoded JSON.
        headers: More headers.
    """
    length = (b"content-length", str(len(body)).encode())
    await send(
        {"type": "http.response.start", "status": status, "headers": [_JSON, length, *headers]}
    )
    await send({"type": "http.response.body", "body": body})


async def refuse(send: Send, refused: Refused) -> None:
    """Send a refusal: ``{"error": sentence}``."""
    body = encode({"error": refused.error})
    await answer(send, refused.status, body, refused.headers)


async def whole_body(receive: Receive) -> bytes:
    """All bytes of a request; the shield has bounded them already."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)
