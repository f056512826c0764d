"""A small real server that speaks the signal API, or whatever a test wants instead."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

Answer = Callable[[dict[str, Any]], bytes | None]


def http(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


def accept(signal: dict[str, Any]) -> bytes:
    answer = {"status": "accepted", "signal_id": signal["signal_id"]}
    return http(200, json.dumps(answer).encode())


class SignalServer:
    """Answers each signal with `answer(signal)`; None closes the connection without a word."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.paths: list[str] = []
        self.heads: list[str] = []
        self.signals: list[dict[str, Any]] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(sock)
            self._threads.append(threading.Thread(target=self._serve, args=(sock,), daemon=True))
            self._threads[-1].start()

    def _serve(self, sock: socket.socket) -> None:
        with sock, sock.makefile("rb") as lines:
            while True:
                try:
                    head: list[str] = []
                    while (line := lines.readline()) != b"\r\n":
                        if not line:
                            return
                        head.append(line.decode().strip())
                    fields = dict(line.split(": ", 1) for line in head[1:])
                    signal = json.loads(lines.read(int(fields["Content-Length"])))
                    self.paths.append(head[0].split(" ")[1])
                    self.heads.append("\n".join(head))
                    self.signals.append(signal)
                    answer = self.answer(signal)
                    if answer is None:
                        return
                    sock.sendall(answer)
                except OSError:
                    return

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._open:
            with contextlib.suppress(OSError):  # it has gone already
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(60)


@pytest.fixture
def serve() -> Iterator[Callable[..., SignalServer]]:
    """`serve(answer)` starts a server; without an argument it accepts every signal."""
    servers: list[SignalServer] = []

    def start(answer: Answer = accept) -> SignalServer:
        servers.append(SignalServer(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def reply() -> Callable[[int, bytes], Answer]:
    """`reply(status, body)`: the same answer to every signal."""
    return lambda status, body: lambda _signal: http(status, body)
