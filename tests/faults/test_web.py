"""The gateway against web pages and broken clients: rows 31, 32, 34, 35 and 36."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.faults.conftest import ONE, Desk
from tests.gateway.conftest import Client, a_signal

from sim2live.clock import NS, ManualClock
from sim2live.gate.receipt import Status
from sim2live.gateway import shield
from sim2live.gateway.server import running_gateway
from sim2live.settings import connect
from sim2live.venues.outcome import Kind, Outcome
from sim2live.venues.record import Record

Make = Callable[..., Desk]


@pytest.fixture
def client() -> Iterator[Client]:
    with running_gateway() as gateway:
        made = Client(gateway.port)
        yield made
        made.close()


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def post(client: Client, body: bytes, *lines: str, length: bool = True) -> int:
    head = ["POST /signal/python-test HTTP/1.1", *lines]
    if not any(line.startswith("Host") for line in lines):
        head.append(f"Host: 127.0.0.1:{client.port}")
    if not any(line.startswith("Content-Type") for line in lines):
        head.append("Content-Type: application/json")
    if length:
        head.append(f"Content-Length: {len(body)}")
    return status_of(client.raw("\r\n".join([*head, "", ""]).encode() + body))


GOOD = json.dumps(a_signal()).encode()


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_fault_31_a_page_cannot_post_without_asking_first(client: Client, kind: str) -> None:
    """These three kinds need no preflight; an order must not be one of them."""
    assert post(client, GOOD, f"Content-Type: {kind}") == 415
    assert post(client, GOOD, "Origin: http://evil.com") == 403
    preflight = client.raw(
        f"OPTIONS /signal/python-test HTTP/1.1\r\nHost: 127.0.0.1:{client.port}\r\n"
        "Origin: http://evil.com\r\nAccess-Control-Request-Method: POST\r\n\r\n".encode()
    )
    assert b"access-control-allow-origin" not in preflight.lower()


@pytest.mark.parametrize(
    "host",
    ["evil.com", "evil.com:PORT", "127.0.0.1.evil.com:PORT", "localhost.evil:PORT", "",
     "127.0.0.1", "127.0.0.1:PORT\r\nHost: evil.com"],
)  # fmt: skip
def test_fault_32_a_name_that_was_rebound_to_this_machine(client: Client, host: str) -> None:
    assert post(client, GOOD, f"Host: {host}".replace("PORT", str(client.port))) in (400, 403)
    assert client.signal()[0] == 200


def test_fault_34_a_wrong_token_is_compared_in_constant_time_and_told_the_same() -> None:
    assert "compare_digest" in inspect.getsource(shield)
    with running_gateway(token="right-token") as gateway:
        client = Client(gateway.port)
        answers = {
            client.raw(
                f"GET /health HTTP/1.1\r\nHost: 127.0.0.1:{client.port}\r\n{line}"
                "Connection: close\r\n\r\n".encode()
            ).split(b"\r\n\r\n", 1)[1]
            for line in (
                "",
                "Authorization: Bearer wrong\r\n",
                "Authorization: Bearer right-toke\r\n",
                "Authorization: Basic cmlnaHQtdG9rZW4=\r\n",
                "Authorization: Bearer r\xe9\r\n",
            )
        }
        assert len(answers) == 1
        assert b"401" in client.raw(
            f"GET /health HTTP/1.1\r\nHost: 127.0.0.1:{client.port}\r\n\r\n".encode()
        )
        client.close()


DEEP = b'{"a":' * 100_000
MANY = b"{" + b",".join(b'"k%d":1' % n for n in range(4_000)) + b"}"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (GOOD[:-1] + b',"qty":5}', 400),
        (DEEP[:60_000], 400),
        (DEEP, 413),
        (MANY, 400),
        (b"\xff\xfe" + GOOD, 400),
        (b"\xef\xbb\xbf" + GOOD, 400),
        (GOOD.replace(b"MESU6", b"M\xff"), 400),
        (b"", 400),
        (b" " * 70_000, 413),
    ],
    ids=["twice", "deep", "deeper", "many", "utf16", "bom", "latin", "empty", "large"],
)
def test_fault_35_a_body_made_to_break_parsers(client: Client, body: bytes, status: int) -> None:
    assert post(client, body) == status
    assert client.signal()[0] == 200, "the gateway is still well"


def test_fault_35_a_body_without_a_length_and_one_in_chunks(client: Client) -> None:
    assert post(client, b"", length=False) in (400, 411)
    chunk = b"%x\r\n%b\r\n" % (40_000, b" " * 40_000)
    answer = post(client, chunk * 3 + b"0\r\n\r\n", "Transfer-Encoding: chunked", length=False)
    assert answer == 413


def test_fault_36_a_burst_is_bounded_and_the_exit_goes_first() -> None:
    """There is no queue of entries to overflow: what cannot go now is refused, an exit is owed."""
    tried: list[Any] = []
    answers = [Outcome(Kind.ACCEPTED), Outcome(Kind.NOT_SENT, "nobody there", timed_out=True)]

    def answer(signal: Any) -> Outcome:
        tried.append(signal)
        return answers.pop(0) if answers else Outcome(Kind.ACCEPTED)

    with connect(Record(answer=answer), journal=":memory:", clock=ManualClock()) as dispatcher:

        def want(target: int, nth: int, data: str = "mes") -> Any:
            return dispatcher.follow(ONE, target, data=data, nth=nth, decided_at=NS)

        want(2, 0)
        assert want(0, 1).status is Status.PENDING
        for nth in range(2, 10_002):
            assert want(1, nth).status is Status.HELD
        assert len(tried) == 2, "none of the burst was tried"
        gate = dispatcher.gate
        assert sum(book.owed is not None for book in gate.books.values()) == 1
        assert len(gate.alarms.raised) <= 1_000
        gate.work()
        assert [signal.open_close for signal in tried] == ["OPEN", "CLOSE", "CLOSE"]
        assert not any(book.owed for book in gate.books.values())
