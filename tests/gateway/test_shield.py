"""Who may speak to the gateway, and how much may they say?"""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest

from sim2live.errors import ConfigError
from sim2live.gateway import protocol, shield
from sim2live.gateway.server import Gateway

JSON = {"Content-Type": "application/json"}


def head(port: int, *lines: str, first: str = "GET /health HTTP/1.1") -> bytes:
    return "\r\n".join([first, *lines, "Connection: close", "", ""]).encode("latin-1")


def status_of(raw: bytes) -> int:
    return int(raw.split(b" ", 2)[1])


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]", "LOCALHOST"])
def test_the_names_of_this_machine_are_answered(client: Any, name: str) -> None:
    assert status_of(client.raw(head(client.port, f"Host: {name}:{client.port}"))) == 200


@pytest.mark.parametrize(
    "host",
    [
        ["Host: evil.com"],
        ["Host: evil.com:PORT"],
        ["Host: 127.0.0.1.evil.com:PORT"],
        ["Host: localhost.evil:PORT"],
        ["Host: localhost"],
        ["Host: 127.0.0.1:80"],
        ["Host: 127.0.0.1:PORT@evil.com"],
        ["Host: "],
        [],
        ["Host: 127.0.0.1:PORT", "Host: 127.0.0.1:PORT"],
        ["Host: 127.0.0.1:PORT", "Host: evil.com"],
    ],
)
def test_any_other_host_is_refused(client: Any, host: list[str]) -> None:
    lines = [line.replace("PORT", str(client.port)) for line in host]
    answer = client.raw(head(client.port, *lines))
    assert status_of(answer) == 403
    assert json.loads(answer.split(b"\r\n\r\n", 1)[1])["error"].startswith("Host")


def test_another_host_is_answered_when_it_is_allowed(start: Any) -> None:
    _, client = start(allow_hosts=["desk.example:443"])
    assert status_of(client.raw(head(client.port, "Host: desk.example:443"))) == 200
    assert status_of(client.raw(head(client.port, "Host: desk.example"))) == 403


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:PORT", 200),
        ("https://localhost:PORT", 200),
        ("http://evil.com", 403),
        ("null", 403),
        ("", 403),
        ("http://127.0.0.1:1", 403),
        ("http://127.0.0.1", 403),
        ("file://127.0.0.1:PORT", 403),
    ],
)
def test_a_page_of_another_origin_is_refused(client: Any, origin: str, status: int) -> None:
    value = origin.replace("PORT", str(client.port))
    assert client.request("GET", "/health", None, {"Origin": value})[0] == status


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("Application/JSON;charset=UTF-8", 200),
        ("application/json; charset=latin-1", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/jsonx", 415),
        ("", 415),
    ],
)
def test_only_json_is_taken(client: Any, signal: Any, kind: str, status: int) -> None:
    body = json.dumps(signal()).encode()
    got = client.request("POST", "/signal/python-test", body, {"Content-Type": kind})
    assert got[0] == status


def test_a_post_without_a_content_type_is_415(client: Any, signal: Any) -> None:
    assert client.request("POST", "/signal/python-test", json.dumps(signal()).encode())[0] == 415


def test_64_kb_are_taken_and_one_byte_more_is_not(client: Any, signal: Any) -> None:
    text = json.dumps(signal())
    full = text + " " * (shield.MAX_BODY - len(text))
    assert client.post("/signal/python-test", full.encode())[0] == 200
    status, answer = client.post("/signal/python-test", full.encode() + b" ")
    assert status == 413
    assert "65536" in answer["error"]


def chunked(client: Any, size: int, count: int) -> bytes:
    lines = [f"Host: 127.0.0.1:{client.port}", "Content-Type: application/json"]
    lines += ["Transfer-Encoding: chunked"]
    start = head(client.port, *lines, first="POST /signal/python-test HTTP/1.1")
    chunk = f"{size:x}\r\n".encode() + b" " * size + b"\r\n"
    return client.raw(start + chunk * count + b"0\r\n\r\n")  # type: ignore[no-any-return]


def test_a_chunked_body_is_bounded_too(client: Any) -> None:
    assert status_of(chunked(client, 1_000, 60)) == 400  # small enough, but no signal
    assert status_of(chunked(client, 1_000, 70)) == 413


def test_a_body_that_is_far_too_large_is_not_read(client: Any) -> None:
    lines = [f"Host: 127.0.0.1:{client.port}", "Content-Type: application/json"]
    first = "POST /signal/python-test HTTP/1.1"
    for length in ("2000000", "99999999999999999999"):
        answer = client.raw(head(client.port, *lines, f"Content-Length: {length}", first=first))
        assert status_of(answer) in (400, 413)  # the parser itself refuses what overflows
        assert b"close" in answer.lower()


def test_a_body_that_stays_away_is_given_up(client: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(protocol, "BODY_SECONDS", 0.1)
    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=60)
    connection.putrequest("POST", "/signal/python-test")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", "100")
    connection.endheaders(b"{")
    assert connection.getresponse().status == 408
    connection.close()


def test_a_head_that_never_ends_is_bounded_in_size_and_time(client: Any, monkeypatch: Any) -> None:
    endless = f"GET /health HTTP/1.1\r\nHost: 127.0.0.1:{client.port}\r\nX: ".encode()
    answer = client.raw(endless + b"a" * (protocol.MAX_HEAD + 1))
    assert answer == b"" or status_of(answer) == 400
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.1)
    assert client_hears_the_end(client.port, b"GET /hea")
    assert client_hears_the_end(client.port, b"")


def client_hears_the_end(port: int, data: bytes) -> bool:
    import socket

    with socket.create_connection(("127.0.0.1", port), timeout=60) as raw:
        raw.sendall(data)
        return raw.recv(1_000) == b""


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: 5", "Transfer-Encoding: chunked"],
        ["Content-Length: 5", "Content-Length: 6"],
        ["Content-Length: -1"],
        ["Content-Length: abc"],
        ["Bad Header: x"],
    ],
)
def test_a_request_that_two_parsers_could_read_differently_is_400(
    client: Any, lines: list[str]
) -> None:
    given = [f"Host: 127.0.0.1:{client.port}", "Content-Type: application/json", *lines]
    answer = client.raw(
        head(client.port, *given, first="POST /signal/python-test HTTP/1.1") + b"hello"
    )
    assert status_of(answer) == 400
    assert client.get("/signals") == {"signals": []}


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer "},
        {"Authorization": "secret"},
    ],
)
def test_without_the_token_every_answer_is_the_same_401(start: Any, header: dict[str, str]) -> None:
    _, client = start(token="secret-token")
    for path in ("/health", "/signals", "/signal/python-test", "/nothing"):
        status, headers, answer = client.request("GET", path, None, header)
        assert status == 401
        assert headers["www-authenticate"] == "Bearer"
        assert answer == {"error": "Token missing or wrong"}


def test_with_the_token_everything_is_as_usual(start: Any, signal: Any) -> None:
    _, client = start(token="secret-token")
    bearer = {"Authorization": "Bearer secret-token"}
    assert client.request("GET", "/health", None, bearer)[0] == 200
    assert client.post("/signal/python-test", signal(), **bearer)[0] == 200


def test_two_tokens_are_none(start: Any) -> None:
    _, client = start(token="t")
    lines = [f"Host: 127.0.0.1:{client.port}", "Authorization: Bearer t", "Authorization: Bearer t"]
    assert status_of(client.raw(head(client.port, *lines))) == 401


@pytest.mark.parametrize("path", ["/health", "/signal/xyz", "/nothing"])
def test_every_answer_carries_the_security_headers(client: Any, path: str) -> None:
    _, headers, _ = client.request("GET", path)
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["content-type"] == "application/json"
    assert "server" not in headers


def test_a_websocket_is_not_spoken(client: Any) -> None:
    lines = [f"Host: 127.0.0.1:{client.port}", "Upgrade: websocket", "Sec-WebSocket-Key: x"]
    answer = client.raw(head(client.port, *lines, "Sec-WebSocket-Version: 13"))
    assert not answer.startswith(b"HTTP/1.1 101")


def test_a_port_in_use_is_refused_by_name(start: Any) -> None:
    gateway, _ = start()
    with pytest.raises(ConfigError, match=f"port {gateway.port} on 127.0.0.1 is in use"):
        Gateway(port=gateway.port)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_listening_beyond_this_machine_needs_a_token(host: str) -> None:
    with pytest.raises(ConfigError, match="needs a token"):
        Gateway(host=host, port=0)


@pytest.mark.parametrize(
    "options",
    [
        {"token": ""},
        {"token": " x"},
        {"token": "a\r\nb"},
        {"token": "é"},
        {"per_minute": 0},
        {"port": 70_000},
    ],
)
def test_a_wrong_option_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Gateway(**{"port": 0, **options})
