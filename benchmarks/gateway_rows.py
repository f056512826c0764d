"""What does the gateway cost beside the smallest server that could answer at all?

One connection is measured in `rows`; here are 64 connections at once, and a pool of a hundred
accounts beside a pool of one. Beside the gateway stands bare uvicorn with an application that
says the same words and does nothing: what a web server costs before it has read a signal. Where
the process is pinned, server and client share a core. CPU is that of all threads of the server.
"""

from __future__ import annotations

import select
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any

import bounds
from gate_rows import line

CONNECTIONS = 64
SIGNALS = 6_000
TURNS = 10
_SIGNAL = (
    b'{"schema_version":"1.0","signal_id":"%020d","workflow_id":"python-test",'
    b'"instrument":{"exchange":"CME","symbol":"MESZ6"},"side":"%s","qty":2,"order_type":"LIMIT",'
    b'"limit_price":5070.25,"bracket":{"take_profit":{"limit_price":%s},'
    b'"stop_loss":{"trigger_price":%s}}}'
)
_numbers = count()


def request() -> bytes:
    """One more bracket signal with an id of its own; buys and sells in turns."""
    number = next(_numbers)
    rest = (b"SELL", b"5060.0", b"5090.0") if number % 2 else (b"BUY", b"5090.0", b"5060.0")
    body = _SIGNAL % (number, *rest)
    head = b"POST /signal/python-test HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
    more = b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
    return head + more % (len(body), body)


def gateway(folder: Path, accounts: int) -> AbstractContextManager[tuple[int, int]]:
    """A gateway, accepting durably."""
    return _process("serve", str(folder / "gateway.sqlite3"), str(accounts))


@contextmanager
def _process(*arguments: str) -> Iterator[tuple[int, int]]:
    """A server in a process of its own. Yields its port and process id."""
    command = [sys.executable, __file__, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline()), process.pid
        finally:
            process.kill()


@contextmanager
def one_connection(folder: Path) -> Iterator[bounds.Operation]:
    """One new signal and its answer, again and again."""
    with gateway(folder, 1) as (port, _), socket.create_connection(("127.0.0.1", port)) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def operation() -> None:
            link.sendall(request() % port)
            answer = b""
            while not answer.endswith(b"}"):  # head and body may come apart
                part = link.recv(65_536)
                assert part, "the gateway has closed the connection"
                answer += part
            assert answer.startswith(b"HTTP/1.1 200"), answer

        yield operation


def cpu_us(pid: int) -> float:
    """CPU microseconds of all threads of a process so far."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((one / "schedstat").read_text().split()[0]) for one in threads) / 1000


def load(port: int, signals: int) -> float:
    """Seconds for so many signals on all connections, one in flight on each."""
    poll = select.poll()
    links = {}
    for _ in range(CONNECTIONS):
        link = socket.create_connection(("127.0.0.1", port))
        links[link.fileno()] = link
        poll.register(link, select.POLLIN)
    began, sent, done = perf_counter(), 0, 0
    for link in links.values():
        link.sendall(request() % port)
        sent += 1
    while done < sent:
        for number, _ in poll.poll():
            answer = links[number].recv(65_536)
            assert answer.startswith((b"HTTP/1.1 200", b'{"status":"accepted"')), answer
            if not answer.endswith(b"}"):
                continue  # the body comes apart from its head
            done += 1
            if sent < signals:
                links[number].sendall(request() % port)
                sent += 1
    taken = perf_counter() - began
    for link in links.values():
        link.close()
    return taken


def one_load(port: int) -> float:
    """Microseconds for each signal."""
    load(port, SIGNALS // 10)
    return load(port, SIGNALS) * 1e6 / SIGNALS


def in_turns(folder: Path, *accounts: int) -> list[float]:
    """CPU microseconds of a signal in pools of so many accounts.

    They differ by less than the machine's speed wanders, so all run at once and take turns.
    """
    with ExitStack() as running:
        servers = []
        for number in accounts:
            own = folder / str(number)
            own.mkdir()
            servers.append(running.enter_context(gateway(own, number)))
        for port, _ in servers:
            load(port, SIGNALS // 10)
        before = [cpu_us(pid) for _, pid in servers]
        for _ in range(TURNS):
            for port, _ in servers:
                load(port, SIGNALS // TURNS)
        after = [cpu_us(pid) for _, pid in servers]
    return [(late - early) / SIGNALS for early, late in zip(before, after, strict=True)]


def measure(rounds: int) -> list[dict[str, object]]:
    """The rows of the table."""
    many: list[tuple[float, float]] = []
    bare: list[tuple[float, float]] = []
    crowds: list[tuple[float, float]] = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(dir=Path(__file__).parent) as place:
            folder = Path(place)
            with bounds.server() as port:
                bound = one_load(port)
            with _process("bare") as (port, _):
                bare.append((one_load(port), bound))
            with gateway(folder, 10) as (port, _):
                many.append((one_load(port), bound))
            alone, crowd = in_turns(folder, 1, 100)
            crowds.append((crowd, alone))
    added = [(crowd - alone, 10.0) for crowd, alone in crowds]
    return [
        line("gateway, 64 connections, 10 accounts", "smallest server", "at most 8.3", many),
        line("bare uvicorn that only says accepted", "smallest server", "", bare),
        line("gateway, CPU added by 99 accounts", "10 us", "at most 1", added),
        line("gateway, CPU of a signal, 100 and 1", "one account", "", crowds),
    ]


def _serve(journal: str, accounts: int) -> None:
    from sim2live.exchange.accounts import AccountSpec, Pool
    from sim2live.gateway.server import Gateway

    pool = Pool(tuple(AccountSpec(f"a{number}") for number in range(accounts)))
    made = Gateway(port=0, pools={"python-test": pool}, journal=journal)
    print(made.port, flush=True)
    made.run()


def _bare() -> None:
    import uvicorn

    body = b'{"status":"accepted","signal_id":"%020d"}' % 0
    kind = (b"content-type", b"application/json")
    head = [kind, (b"content-length", str(len(body)).encode())]

    async def hello(_: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": body})

    listening = socket.create_server(("127.0.0.1", 0), backlog=1_024)
    print(listening.getsockname()[1], flush=True)
    config = uvicorn.Config(hello, http="httptools", ws="none", lifespan="off", log_config=None)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        _serve(sys.argv[2], int(sys.argv[3]))
    elif sys.argv[1:2] == ["bare"]:
        _bare()
    else:
        for each in measure(1):
            print(each)
