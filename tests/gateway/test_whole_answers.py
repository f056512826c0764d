"""Requests of the doors are answered without an application: HTTP is kept all the same."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from sim2live.gateway import protocol, server
from sim2live.gateway.desk import Desk

JSON = "Content-Type: application/json"
BROKEN = "the cable is cut"


def post(port: int, path: str, body: bytes, *lines: str, version: str = "1.1") -> bytes:
    head = [f"POST {path} HTTP/{version}", f"Host: 127.0.0.1:{port}", JSON, *lines]
    if not any(line.startswith("Transfer-Encoding") for line in lines):
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*head, "", ""]).encode() + body


def signal_request(port: int, made: dict[str, Any], *lines: str, **more: Any) -> bytes:
    return post(port, "/signal/python-test", json.dumps(made).encode(), *lines, **more)


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as link:
        yield link


def answers(link: socket.socket, count: int) -> list[tuple[int, dict[str, str], bytes]]:
    """So many answers, in the order in which they come."""
    data, found = b"", []
    while len(found) < count:
        head, end, rest = data.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        fields = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines[1:])}
        if not end or len(rest) < int(fields["content-length"]):
            part = link.recv(65_536)
            assert part, (data, found)
            data += part
            continue
        length = int(fields["content-length"])
        found.append((int(lines[0].split()[1]), fields, rest[:length]))
        data = rest[length:]
    assert not data
    return found


def test_an_answer_comes_in_one_piece_with_its_date(client: Any, signal: Any) -> None:
    with connected(client.port) as link:
        link.sendall(signal_request(client.port, signal("s1")))
        head, _, body = link.recv(65_536).decode().partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 200 OK\r\n")
    assert json.loads(body) == {"status": "accepted", "signal_id": "s1"}
    assert " GMT\r\n" in head
    assert "\r\nx-content-type-options: nosniff\r\n" in head
    assert "connection" not in head.lower()


def test_requests_sent_together_are_answered_in_their_order(client: Any, signal: Any) -> None:
    port = client.port
    ping = f"GET /api/Status/ping HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    health = ping.replace(b"/api/Status/ping", b"/health")
    wrong = post(port, "/signal/nobody", b"{}")
    sent = [
        health,
        signal_request(port, signal("a")),
        wrong,
        ping,
        signal_request(port, signal("b")),
        health,
    ]
    with connected(port) as link:
        link.sendall(b"".join(sent))
        found = answers(link, len(sent))
    assert [status for status, _, _ in found] == [200, 200, 404, 200, 200, 200]
    assert json.loads(found[1][2])["signal_id"] == "a"
    assert json.loads(found[4][2])["signal_id"] == "b"
    assert "success" in json.loads(found[3][2])


def test_a_thousand_behind_one_that_waits_for_its_commit(client: Any, signal: Any) -> None:
    ping = f"GET /api/Status/ping HTTP/1.1\r\nHost: 127.0.0.1:{client.port}\r\n\r\n".encode()
    with connected(client.port) as link:
        link.sendall(signal_request(client.port, signal("first")) + ping * 2_000)
        found = answers(link, 2_001)
    assert {status for status, _, _ in found} == {200}


def test_an_old_client_and_one_that_says_close_are_let_go(client: Any, signal: Any) -> None:
    for number, (version, lines) in enumerate((("1.0", ()), ("1.1", ("Connection: close",)))):
        made = signal(f"s{number}")
        with connected(client.port) as link:
            link.sendall(signal_request(client.port, made, *lines, version=version))
            ((status, fields, _),) = answers(link, 1)
            assert (status, fields["connection"]) == (200, "close")
            assert link.recv(1) == b""


def test_who_asks_first_is_told_to_go_on_or_why_not(client: Any, signal: Any) -> None:
    whole = signal_request(client.port, signal("s1"), "Expect: 100-continue")
    head, _, body = whole.partition(b"\r\n\r\n")
    with connected(client.port) as link:
        link.sendall(head + b"\r\n\r\n")
        assert link.recv(1_000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        link.sendall(body)
        assert answers(link, 1)[0][0] == 200
    with connected(client.port) as link:
        link.sendall(head.replace(b"application/json", b"text/plain") + b"\r\n\r\n")
        assert answers(link, 1)[0][0] == 415


def test_a_refused_body_is_passed_over_and_the_next_request_answered(
    client: Any, signal: Any
) -> None:
    refused = signal_request(client.port, signal("no")).replace(b"application/json", b"text/plain")
    with connected(client.port) as link:
        link.sendall(refused[:-30])
        assert answers(link, 1)[0][0] == 415
        link.sendall(refused[-30:] + signal_request(client.port, signal("yes")))
        ((status, _, body),) = answers(link, 1)
    assert (status, json.loads(body)["signal_id"]) == (200, "yes")


def test_a_question_for_the_head_gets_no_body(client: Any) -> None:
    ask = f"HEAD /api/Status/ping HTTP/1.1\r\nHost: 127.0.0.1:{client.port}\r\n\r\n".encode()
    with connected(client.port) as link:
        link.sendall(ask)
        head = link.recv(65_536)
        assert head.startswith(b"HTTP/1.1 405 ")
        assert head.endswith(b"\r\n\r\n")
        link.settimeout(0.1)
        with pytest.raises(TimeoutError):
            link.recv(1)


def test_a_late_body_is_told_in_the_words_of_its_door(client: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(protocol, "BODY_SECONDS", 0.1)
    for path, name in (("/api/Account/search", "errorMessage"), ("/bars", "error")):
        with connected(client.port) as link:
            link.sendall(post(client.port, path, b"{}")[:-1])
            ((status, fields, body),) = answers(link, 1)
            assert (status, fields["connection"]) == (408, "close")
            assert "in time" in json.loads(body)[name]
            assert link.recv(1) == b""


def test_a_door_that_fails_says_so_and_others_go_on(
    client: Any, signal: Any, monkeypatch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise OSError(BROKEN)

    with monkeypatch.context() as broken:
        broken.setattr(Desk, "take", fail)
        assert client.signal("s1")[0] == 500
    assert BROKEN in caplog.text
    assert client.signal("s2")[0] == 200


def test_a_connection_that_asks_nothing_more_is_ended(start: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(server, "_KEEP_ALIVE_SECONDS", 0.3)
    _, client = start()
    ping = f"GET /api/Status/ping HTTP/1.1\r\nHost: 127.0.0.1:{client.port}\r\n\r\n".encode()
    with connected(client.port) as link:
        for _ in range(3):
            link.sendall(ping)
            assert answers(link, 1)[0][0] == 200
        assert link.recv(1) == b""
