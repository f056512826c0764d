"""A connection that comes to nothing is closed, whatever the server had got to.

The servers here speak just enough of NATS to be connected to, and then fall silent: a real one
does so when its machine stops, or its disk.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator

import pytest

from sim2live.errors import NotSentError, UnknownOutcomeError
from sim2live.venues import nats_broker
from sim2live.venues.nats_address import NatsAddress
from sim2live.venues.nats_broker import NatsBroker
from sim2live.venues.relay_words import Subjects

INFO = (
    b'INFO {"server_id":"S","version":"2.10.0","proto":1,"headers":true,"max_payload":1048576,'
    b'"jetstream":true}\r\n'
)
WAIT = 20.0
"""Seconds; what is awaited takes milliseconds."""
RESET = struct.pack("ii", 1, 0)
"""A socket that lingers for no time at all is closed with a reset."""


class Silent:
    """A server that says who it is, answers `pongs` pings on each connection, and no request.

    It begins to speak when it is told to.
    """

    def __init__(self, pongs: int) -> None:
        self._pongs = pongs
        self.speak = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"nats://127.0.0.1:{self._listening.getsockname()[1]}"
        self.left = threading.Semaphore(0)
        """Released when a client has gone."""
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(WAIT)
        with connection:
            self.speak.wait(WAIT)
            connection.sendall(INFO)
            left = self._pongs
            try:
                while heard := connection.recv(65_536):
                    if b"PING\r\n" in heard and left:
                        left -= 1
                        connection.sendall(b"PONG\r\n")
            except TimeoutError:
                return
            except ConnectionResetError:
                pass
        self.left.release()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


class Refusing(Silent):
    """One that says once why it refuses us, and from then on hangs up before a word."""

    def __init__(self) -> None:
        self._words = iter([b"-ERR 'Authorization Violation'\r\n"])
        super().__init__(pongs=0)

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(WAIT)
        with connection:
            if words := next(self._words, b""):
                connection.sendall(INFO)
                heard = b""
                while not heard.endswith(b"PING\r\n"):
                    heard += connection.recv(65_536)
                connection.sendall(words)
                connection.recv(65_536)  # until the client has gone
            else:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


@pytest.fixture
def silent() -> Iterator[Callable[[int], Silent]]:
    made: list[Silent] = []

    def make(pongs: int) -> Silent:
        made.append(Silent(pongs))
        return made[-1]

    yield make
    for server in made:
        server.close()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little with the server, much with this machine."""
    monkeypatch.setattr(nats_broker, "STEP", 0.3)
    monkeypatch.setattr(nats_broker, "GRACE", WAIT)


@pytest.mark.parametrize("pongs", [0, 1], ids=["before it is ready", "before it is subscribed"])
def test_a_connection_that_fell_silent_is_closed(
    silent: Callable[[int], Silent], pongs: int
) -> None:
    server = silent(pongs)
    broker = NatsBroker(NatsAddress(server.address), Subjects("desk"))
    try:
        # A subscription to stored news needs answers of the server; none comes.
        broker.watch("news", lambda _: None, stored=True)
        server.speak.set()
        with pytest.raises(NotSentError):
            broker.put("signals", b"{}", id_="one", headers={}, timeout=0.2)
        assert server.left.acquire(timeout=WAIT)
    finally:
        broker.close()


@pytest.fixture
def connected(silent: Callable[[int], Silent]) -> Iterator[tuple[NatsBroker, Silent]]:
    """A line to a server that answers every ping, as one does whose disk stands still."""
    server = silent(1_000)
    server.speak.set()
    broker = NatsBroker(NatsAddress(server.address), Subjects("desk"))
    try:
        broker._do(broker._connected(WAIT), WAIT)
        yield broker, server
    finally:
        broker.close()


def test_what_was_written_and_not_answered_is_unknown(
    connected: tuple[NatsBroker, Silent],
) -> None:
    broker, server = connected
    with pytest.raises(UnknownOutcomeError, match=f"no answer from {server.address} within 0.2 s"):
        broker.put("signals", b"{}", id_="one", headers={}, timeout=0.2)


def test_a_connection_that_stays_deaf_is_closed(connected: tuple[NatsBroker, Silent]) -> None:
    broker, server = connected
    broker.watch("news", lambda _: None, stored=True)
    assert server.left.acquire(timeout=WAIT)


def test_the_reason_of_a_refusal_outlives_the_hanging_up() -> None:
    server = Refusing()
    broker = NatsBroker(NatsAddress(server.address), Subjects("desk"))
    try:
        for number in ("one", "two"):
            with pytest.raises(NotSentError, match="Authorization Violation"):
                broker.put("signals", b"{}", id_=number, headers={}, timeout=WAIT)
    finally:
        broker.close()
        server.close()
