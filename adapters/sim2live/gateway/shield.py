"""One guard around everything that the gateway serves.

A server on the loopback can be reached by every web page that its user opens. So a request is
let through only when it names this server exactly (against DNS rebinding), comes from no foreign
page (against forged requests), carries JSON, is small, and has the token where there is one.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from typing import NamedTuple

from sim2live.gateway.answers import (
    CLOSE,
    App,
    Door,
    Message,
    Receive,
    Refused,
    Reply,
    Scope,
    Send,
    answer,
    refusal,
)

MAX_BODY = 65_536
#: A body over the limit is read this far, so that its sender hears why, before it is cut off.
DRAIN = 16 * MAX_BODY
Tell = Callable[[Refused], Reply]
_READS = frozenset({"GET", "HEAD"})
_JSON = b"application/json"
_SCHEMES = (b"http://", b"https://")


def hosts(port: int, allow: Iterable[str] = ()) -> frozenset[bytes]:
    """The Host headers that name this server.

    Args:
        port: Where it listens.
        allow: More of them, as NAME:PORT, for a tunnel or a reverse proxy.
    """
    names = [f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}", *allow]
    return frozenset(
        name.lower().encode("idna" if not name.isascii() else "ascii") for name in names
    )


class Shield:
    """Who may come in?

    Args:
        hosts: Exact Host headers to answer, lower case, see :func:`hosts`.
        token: What a bearer must show, or None when nobody has to, or somebody else asks.
        tell: How a refusal is told.

    Attributes:
        tell: As given.
    """

    def __init__(
        self, hosts: frozenset[bytes], token: str | None = None, *, tell: Tell = refusal
    ) -> None:
        self.tell = tell
        self._hosts = hosts
        self._origins = frozenset(scheme + host for host in hosts for scheme in _SCHEMES)
        self._bearer = None if token is None else b"Bearer " + token.encode()

    def check(self, method: str, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Let the head of a request through.

        Args:
            method: Such as ``POST``.
            headers: Names in small letters, and values.

        Raises:
            Refused: It is not, or the body that it announces is not.
        """
        host = origin = bearer = None
        kind = length = coding = b""
        for name, value in headers:
            if name == b"host":
                if host is not None:
                    raise Refused(403, "Host: must stand there once")
                host = value.lower()
            elif name == b"origin":
                if origin is not None:
                    raise Refused(403, "Origin: must stand there once at most")
                origin = value.lower()
            elif name == b"authorization":
                bearer = value if bearer is None else b""
            elif name == b"content-type":
                kind = value
            elif name == b"content-length":
                length = value
            elif name == b"transfer-encoding":
                coding = value
        if host not in self._hosts:
            raise Refused(403, "Host: is not a name of this gateway; see --allow-host")
        if origin is not None and origin not in self._origins:
            raise Refused(403, "Origin: another site may not use this gateway")
        if self._bearer is not None and not hmac.compare_digest(bearer or b"", self._bearer):
            raise Refused(401, "Token missing or wrong", ((b"www-authenticate", b"Bearer"),))
        # A request without a body has no kind: it asks by its path alone.
        if kind != _JSON and method not in _READS and (kind or coding or length not in (b"", b"0")):
            _check_kind(kind)
        if len(length) > 9 or (length.isdigit() and int(length) > DRAIN):
            raise too_large()

    def around(self, app: App) -> App:
        """An ASGI application that lets only through what may come in."""

        async def shielded(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "websocket":
                await self._open(app, scope, receive, send)
                return
            if scope["type"] == "http":
                try:
                    self.check(scope["method"], scope["headers"])
                    if scope["method"] not in _READS:
                        receive = _replay(await _read(receive), receive)
                except Refused as refused:
                    await answer(send, self.tell(refused))
                    return
            await app(scope, receive, send)

        return shielded

    async def _open(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a websocket through, or close it unanswered."""
        try:
            self.check("GET", scope["headers"])
        except Refused:
            await send({"type": "websocket.close", "code": 1008})
        else:
            await app(scope, receive, send)


class Front(NamedTuple):
    """A door that answers whole requests, without an ASGI application, and who stands before it.

    Attributes:
        owns: Whether a path is this door's.
        shield: Asked first.
        door: Answers.
    """

    owns: Callable[[bytes], bool]
    shield: Shield
    door: Door


def too_large() -> Refused:
    """The refusal of a body over the limit."""
    return Refused(413, f"The body must be at most {MAX_BODY} bytes", CLOSE)


def _check_kind(kind: bytes) -> None:
    essence, _, parameters = kind.lower().partition(b";")
    if essence.strip() != _JSON:
        raise Refused(415, "Content-Type: must be application/json")
    charset = parameters.replace(b" ", b"").replace(b'"', b"")
    if charset.startswith(b"charset=") and charset != b"charset=utf-8":
        raise Refused(415, "Content-Type: charset must be utf-8")


async def _read(receive: Receive) -> bytes:
    """The whole body, while it is small; the server bounds its time."""
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "The request ended before its body", CLOSE)
        part, more = message.get("body", b""), message.get("more_body", False)
        size += len(part)
        if size <= MAX_BODY:
            parts.append(part)
        elif size > DRAIN:
            raise too_large()
    if size > MAX_BODY:
        raise too_large()
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A channel that gives the body that was read already, and then what comes after it."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
