"""The words of SignalR over a websocket, as far as a hub needs them: JSON records, one separator.

See the hub protocol of SignalR
(https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/HubProtocol.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

SEPARATOR = b"\x1e"
INVOCATION, COMPLETION, PING, CLOSE = 1, 3, 6, 7
PING_RECORD = b'{"type":6}\x1e'
HANDSHAKE_OK = b"{}\x1e"
MOST_BUFFERED = 65_536

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Broken(ValueError):  # noqa: N818 - the peer's mistake, told to it
    """What came is not SignalR."""


class Records:
    """Bytes that arrive become records."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """The records that are complete now.

        Raises:
            Broken: They are no JSON objects, or one is too long.
        """
        *whole, self._rest = (self._rest + data).split(SEPARATOR)
        if len(self._rest) > MOST_BUFFERED:
            raise Broken("a record is too long")
        for text in whole:
            try:
                found = _decode(text)
            except (msgspec.MsgspecError, ValueError, RecursionError):
                raise Broken("a record is no JSON") from None
            if not isinstance(found, dict):
                raise Broken("a record is no JSON object")
            yield found


def handshake_error(reason: str) -> bytes:
    """The answer to a handshake that cannot be."""
    return _encode({"error": reason}) + SEPARATOR


def event(target: str, *arguments: Any) -> bytes:
    """A call of the client's handler."""
    return _encode({"type": INVOCATION, "target": target, "arguments": arguments}) + SEPARATOR


def completion(invocation: str, error: str | None = None) -> bytes:
    """The answer to a call that wants one."""
    made: dict[str, Any] = {"type": COMPLETION, "invocationId": invocation}
    if error is None:
        made["result"] = None
    else:
        made["error"] = error
    return _encode(made) + SEPARATOR


def close(reason: str) -> bytes:
    """The last record."""
    return _encode({"type": CLOSE, "error": reason}) + SEPARATOR
