"""What the machine itself allows: a bare socket, a bare commit, a bare write.

A figure of ours means something only beside the bound taken in the same round. For latency both
ends share one core: across two cores a loopback exchange flips between two speeds with the
wake-up of the second core.
"""

from __future__ import annotations

import os
import re
import select
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Operation = Callable[[], object]

_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_ID = re.compile(rb'"signal_id": *"([^"]*)"')


def pin(core: int = 0) -> bool:
    """Keep this process, and those that it starts, on one core; False where that is not offered."""
    if not hasattr(os, "sched_setaffinity"):
        return False
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {allowed[min(core, len(allowed) - 1)]})
    return True


@contextmanager
def server() -> Iterator[int]:
    """The smallest server that answers a signal: one thread, one send. Yields its port."""
    command = [sys.executable, __file__, "serve"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def ping(port: int, body: bytes) -> Iterator[Operation]:
    """One request in bytes made beforehand, one answer, no parsing: the network's own price.

    The bytes are those that our own transport sends for this body.
    """
    head = (
        f"POST /signal/python-test HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: sim2live\r\n"
        "Accept: application/json\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    request = head.encode() + body
    with socket.create_connection(("127.0.0.1", port)) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def operation() -> None:
            link.sendall(request)
            link.recv(4096)

        yield operation


@contextmanager
def commit(folder: Path, payload: bytes) -> Iterator[Operation]:
    """One row in one durable transaction: SQLite, WAL, synchronous=FULL."""
    database = sqlite3.connect(folder / "bound.sqlite", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE kept (payload BLOB)")

    def operation() -> None:
        database.execute("BEGIN IMMEDIATE")
        database.execute("INSERT INTO kept VALUES (?)", (payload,))
        database.execute("COMMIT")

    try:
        yield operation
    finally:
        database.close()


@contextmanager
def write(folder: Path, payload: bytes) -> Iterator[Operation]:
    """The same bytes appended to a file and flushed to the disk."""
    sync = getattr(os, "fdatasync", os.fsync)
    with (folder / "bound.bin").open("ab", buffering=0) as file:

        def operation() -> None:
            file.write(payload)
            sync(file.fileno())

        yield operation


def _serve() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)
    poll = select.poll() if not hasattr(select, "epoll") else select.epoll()
    links: dict[int, tuple[socket.socket, bytearray]] = {}
    readable = select.EPOLLIN if hasattr(select, "epoll") else select.POLLIN
    poll.register(listening.fileno(), readable)
    while True:
        for number, _ in poll.poll():
            if number == listening.fileno():
                link, _address = listening.accept()
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                links[link.fileno()] = (link, bytearray())
                poll.register(link.fileno(), readable)
                continue
            link, buffer = links[number]
            try:
                data = link.recv(65536)
            except OSError:
                data = b""
            if not data:
                poll.unregister(number)
                link.close()
                del links[number]
                continue
            buffer += data
            if answer := _answer(buffer):
                link.sendall(answer)
                buffer.clear()


def _answer(request: bytearray) -> bytes:
    """The answer to a whole request, empty while it is not whole. One request at a time."""
    end = request.find(_HEAD_END)
    if end < 0:
        return b""
    length = _LENGTH.search(request, 0, end)
    if len(request) < end + len(_HEAD_END) + (int(length[1]) if length else 0):
        return b""
    named = _ID.search(request, end)
    body = b'{"status":"accepted","signal_id":"%s"}' % (named[1] if named else b"")
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


if __name__ == "__main__" and sys.argv[1:] == ["serve"]:
    _serve()
