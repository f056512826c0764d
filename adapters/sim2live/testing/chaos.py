"""A signal API on loopback that fails as told, byte by byte.

It is written on raw sockets because a web server would not do what has to be shown here: close
in the middle of an answer, never answer, or send too much.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections import deque
from types import TracebackType
from typing import Any

import msgspec

from sim2live.errors import SignalError
from sim2live.exchange.execution import Behaviour
from sim2live.signals import Instrument, Signal, decode
from sim2live.testing.account import Account
from sim2live.testing.faults import FAULTS, Fault

ACCEPT = Fault()
PATIENCE = 30.0
"""Seconds after which a connection that says nothing is given up."""


class ChaosGateway:
    """A server of the signal API with scripted faults and an honest account.

    Use it as a context manager, or call `close`.

    Args:
        behaviour: knobs of the account: ``dedupe``, ``close_is_reduce_only`` and
            ``close_cancels_legs``.
        default: what happens to signals that the script says nothing of; a fault or the
            name of one in `FAULTS`.
        port: where to listen on 127.0.0.1; 0 takes a free one.

    Attributes:
        account: what really happened.
        received: every signal that arrived whole, in order.
        port: where it listens.
        url: the address to connect to.
    """

    def __init__(
        self,
        *,
        behaviour: Behaviour | None = None,
        default: Fault | str = ACCEPT,
        port: int = 0,
    ) -> None:
        self.account = Account(behaviour)
        self.received: list[Signal] = []
        self._default = _fault(default)
        self._script: deque[Fault] = deque()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._awake = threading.Event()
        self._awake.set()
        self._threads: list[threading.Thread] = []
        self._open: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self.port = port
        self.up()
        self.url = f"http://127.0.0.1:{self.port}"

    # -- what the test says ----------------------------------------------------------------

    def script(self, *faults: Fault | str) -> None:
        """Say what happens to the next signals, one fault for each; then the default holds."""
        with self._lock:
            self._script.extend(_fault(fault) for fault in faults)

    def always(self, fault: Fault | str) -> None:
        """Say what happens to every signal that the script says nothing of."""
        self._default = _fault(fault)

    def down(self) -> None:
        """Refuse connections, and drop those that exist, until `up`."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self._drop_all()

    def up(self) -> None:
        """Listen, again on the same port."""
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port))
            self.port = self._listener.getsockname()[1]
            self._start(self._accept, self._listener)

    def freeze(self) -> None:
        """Take connections and bytes, and answer nothing, until `thaw`."""
        self._awake.clear()

    def thaw(self) -> None:
        """Answer again, also what arrived while it was frozen."""
        self._awake.set()

    @property
    def executions(self) -> dict[str, int]:
        """How often each signal id was executed."""
        return dict(self.account.counts)

    def held(self, workflow: str, instrument: Instrument) -> int:
        """Whole contracts that the account really holds."""
        return self.account.held(workflow, instrument)

    def close(self) -> None:
        """Stop, and let every connection go."""
        self._stop.set()
        self._awake.set()
        self.down()
        for thread in self._threads:
            thread.join(5.0)

    def __enter__(self) -> ChaosGateway:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<ChaosGateway {self.url}>"

    # -- connections -----------------------------------------------------------------------

    def _start(self, work: Any, *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        # Only living threads are kept: a long run opens many connections.
        self._threads = [old for old in self._threads if old.is_alive()] + [thread]
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.add(sock)
            self._start(self._serve, sock)

    def _drop_all(self) -> None:
        with self._lock:
            doomed, self._open = self._open, set()
        for sock in doomed:
            # The thread that reads it sees the end and closes it.
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _serve(self, sock: socket.socket) -> None:
        sock.settimeout(PATIENCE)
        # A client that gives up is part of the play.
        with sock, contextlib.suppress(OSError):
            pending = b""
            keep = True
            while keep and not self._stop.is_set():
                request = _read(sock, pending)
                if request is None:
                    break
                head, body, pending = request
                self._awake.wait()
                if head.startswith(b"POST"):
                    keep = self._signal(sock, body)
                else:
                    sock.sendall(_answer(200, {"service": "chaos"}))
        with self._lock:
            self._open.discard(sock)

    def _signal(self, sock: socket.socket, body: bytes) -> bool:
        """Play one signal; returns whether the connection goes on."""
        try:
            signal = decode(body)
        except SignalError as error:
            sock.sendall(_answer(400, {"error": str(error)}))
            return True
        with self._lock:
            self.received.append(signal)
            fault = self._script.popleft() if self._script else self._default
        refusal = self.account.execute(signal) if fault.executes else ""
        if fault.delay and self._stop.wait(fault.delay):
            return False
        return self._play(sock, fault, _text_of(fault, signal, refusal))

    def _play(self, sock: socket.socket, fault: Fault, answer: bytes) -> bool:
        match fault.way:
            case "drop":
                return False
            case "reset":
                # Lingering for no time makes the close a reset.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
            case "silent":
                self._stop.wait(PATIENCE)
                return False
            case "trickle":
                for byte in answer:
                    sock.sendall(bytes([byte]))
                    if self._stop.wait(fault.pace):
                        return False
                return True
            case "truncate":
                sock.sendall(answer[:-5])
                return False
            case "surplus":
                sock.sendall(answer + b"HTTP/1.1 200 OK\r\n\r\nmore than was asked for")
                return True
        sock.sendall(answer)
        return True


def _fault(fault: Fault | str) -> Fault:
    return FAULTS[fault] if isinstance(fault, str) else fault


def _text_of(fault: Fault, signal: Signal, refusal: str) -> bytes:
    if refusal:
        return _answer(422, {"error": refusal})
    if fault.status != 200:
        return _answer(fault.status, {"error": f"scripted {fault.status}"}, fault.headers)
    told = "another-signal" if fault.way == "wrong_id" else signal.signal_id
    return _answer(200, {"status": "accepted", "signal_id": told}, fault.headers)


def _answer(status: int, content: object, headers: tuple[tuple[str, str], ...] = ()) -> bytes:
    body = msgspec.json.encode(content)
    lines = [f"HTTP/1.1 {status} Scripted", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers]
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def _read(sock: socket.socket, data: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Head and body of one request and what came behind it; None at the end of the stream."""
    while b"\r\n\r\n" not in data:
        more = sock.recv(65_536)
        if not more:
            return None
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    while len(rest) < length:
        more = sock.recv(65_536)
        if not more:
            return None
        rest += more
    return head, rest[:length], rest[length:]
