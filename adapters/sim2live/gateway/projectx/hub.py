"""One connection to a hub: its handshake, its subscriptions, and what is pushed to it.

Nothing that happened before a subscription is told. Whoever reconnects subscribes again and
reads the rest by REST, as with the live service.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from sim2live.gateway.answers import Receive, Scope, Send
from sim2live.gateway.projectx import signalr
from sim2live.gateway.projectx.tokens import Tokens

#: Kinds of subscription, each with what it is for; an empty argument is for the whole kind.
Topic = tuple[str, Any]
Call = Callable[..., Topic]

PING_SECONDS = 15.0
_POLICY, _NORMAL = 1008, 1000
_MOST_WAITING = 10_000


class Connection:
    """One client of a hub.

    Args:
        calls: Names of subscriptions, each with what makes a topic of its arguments.

    Attributes:
        topics: What it wants to hear.
    """

    def __init__(self, calls: Mapping[str, Call]) -> None:
        self.topics: set[Topic] = set()
        self._calls = calls
        self._out: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._records = signalr.Records()
        self._greeted = False

    def push(self, record: bytes) -> None:
        """Send a record; a client that does not read is cut off."""
        waiting = self._out.qsize()
        if waiting < _MOST_WAITING:
            self._out.put_nowait(record)
        elif waiting == _MOST_WAITING:
            self.topics.clear()
            self._out.put_nowait(None)

    def hear(self, data: bytes) -> None:
        """Act on what the client sent.

        Raises:
            Broken: It is not SignalR.
        """
        for record in self._records.feed(data):
            if self._greeted:
                self._act(record)
            else:
                self._greet(record)

    async def write(self, send: Send) -> None:
        """Send what is pushed, and a ping now and then, until there is no more."""
        while True:
            try:
                async with asyncio.timeout(PING_SECONDS):
                    record = await self._out.get()
            except TimeoutError:
                record = signalr.PING_RECORD
            if record is None:
                await send({"type": "websocket.close", "code": _NORMAL})
                return
            await send({"type": "websocket.send", "text": record.decode()})

    def end(self, last: bytes = b"") -> None:
        """Say a last thing and close."""
        if last:
            self.push(last)
        self._out.put_nowait(None)

    def _greet(self, record: dict[str, Any]) -> None:
        if record.get("protocol") != "json" or record.get("version") != 1:
            self.end(signalr.handshake_error("only the protocol json, version 1, is spoken here"))
            return
        self._greeted = True
        self.push(signalr.HANDSHAKE_OK)

    def _act(self, record: dict[str, Any]) -> None:
        kind = record.get("type")
        if kind == signalr.CLOSE:
            self.end()
        if kind != signalr.INVOCATION:
            return
        error = self._subscribe(record.get("target"), record.get("arguments"))
        invocation = record.get("invocationId")
        if isinstance(invocation, str):
            self.push(signalr.completion(invocation, error))

    def _subscribe(self, target: Any, arguments: Any) -> str | None:
        name = target if isinstance(target, str) else ""
        leaving = name.startswith("Unsubscribe")
        call = self._calls.get(f"S{name.removeprefix('Uns')}" if leaving else name)
        if call is None or not isinstance(arguments, list):
            return f"Unknown method {name[:64]}"
        try:
            topic = call(*arguments)
        except (TypeError, ValueError):
            return f"Wrong arguments for {name[:64]}"
        if leaving:
            self.topics.discard(topic)
        else:
            self.topics.add(topic)
        return None


async def serve(
    scope: Scope,
    receive: Receive,
    send: Send,
    *,
    tokens: Tokens,
    connections: set[Connection],
    calls: Mapping[str, Call],
) -> None:
    """Talk to one client until it leaves.

    Args:
        scope: The websocket, not accepted yet.
        receive: From the client.
        send: To the client.
        tokens: Who may come in; the token stands in the query or in a header.
        connections: Those that hear events.
        calls: Names of subscriptions.
    """
    await receive()  # websocket.connect
    if tokens.user(_token(scope)) is None:
        await send({"type": "websocket.close", "code": _POLICY})
        return
    await send({"type": "websocket.accept"})
    connection = Connection(calls)
    connections.add(connection)
    writing = asyncio.create_task(connection.write(send))
    try:
        while (message := await receive())["type"] == "websocket.receive":
            text = message.get("text")
            connection.hear(text.encode() if text is not None else message.get("bytes") or b"")
    except signalr.Broken as error:
        connection.end(signalr.close(str(error)))
        await writing
    finally:
        connections.discard(connection)
        writing.cancel()


def _token(scope: Scope) -> str:
    query: dict[str, list[str]] = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    if "access_token" in query:
        return query["access_token"][0]
    header: bytes = next((v for name, v in scope["headers"] if name == b"authorization"), b"")
    scheme, _, token = header.partition(b" ")
    return token.decode("latin-1") if scheme.lower() == b"bearer" else ""
