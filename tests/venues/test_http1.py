"""Requests are one exact line structure; answers are read as h11 reads them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, repeat

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2live.errors import ConfigError
from sim2live.venues.http1 import Answer, AnswerReader, BadAnswerError, Endpoint

TOKEN = "s3cret-token"

# What a server may say, with the way in which its end is known.
WHOLE = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello",
    "empty": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A: b\r\n\r\n",
    "no reason": b"HTTP/1.1 404 \r\nContent-Length: 2\r\n\r\n{}",
    "no content": b"HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n",
    "chunked": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
    ),
    "chunk extensions": (
        b"HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\n"
        b'3;a=b\r\nhel\r\n2;q="x"\r\nlo\r\n0;last\r\n\r\n'
    ),
    "trailers": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n"
        b"5\r\nhello\r\n0\r\nX-Trailer: t\r\nX-A: other\r\n\r\n"
    ),
    "interim": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    ),
    "close": b"HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno",
    "old": b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
}
UNTIL_CLOSE = {
    "until close": b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhello",
    "old until close": b"HTTP/1.0 200 OK\r\n\r\nhello",
}


def by_h11(data: bytes, *, closed: bool) -> tuple[int, dict[str, str], bytes, bool]:
    """Status, headers, body and whether the connection may be used again, by the oracle."""
    oracle = h11.Connection(h11.CLIENT)
    oracle.send(
        h11.Request(method="POST", target="/", headers=[("Host", "x"), ("Content-Length", "0")])
    )
    oracle.send(h11.EndOfMessage())
    oracle.receive_data(data)
    if closed:
        oracle.receive_data(b"")
    head: h11.Response | None = None
    body = b""
    while True:
        event = oracle.next_event()
        if isinstance(event, h11.Response):
            head = event
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            break
        else:
            assert isinstance(event, h11.InformationalResponse), event
    assert head is not None
    headers = {name.decode(): value.decode() for name, value in head.headers}
    return head.status_code, headers, body, oracle.their_state is h11.DONE


def feed_all(pieces: Iterable[bytes]) -> None:
    reader = AnswerReader()
    for piece in pieces:
        if reader.feed(piece) is not None:
            return


def by_us(pieces: list[bytes]) -> tuple[Answer, AnswerReader]:
    reader = AnswerReader()
    for index, piece in enumerate(pieces):
        answer = reader.feed(piece)
        if answer is not None:
            assert index == len(pieces) - 1, "the answer ended early"
            return answer, reader
    raise AssertionError("the answer never ended")


@pytest.mark.parametrize("name", WHOLE)
def test_split_anywhere_an_answer_reads_as_h11_reads_it(name: str) -> None:
    data = WHOLE[name]
    status, headers, body, reusable = by_h11(data, closed=False)
    for cut in range(1, len(data)):
        answer, reader = by_us([data[:cut], data[cut:]])
        assert (answer.status, answer.headers, answer.body) == (status, headers, body), cut
        assert reader.reusable is reusable, cut
    answer, reader = by_us([bytes([byte]) for byte in data])
    assert (answer.status, answer.headers, answer.body) == (status, headers, body)
    assert reader.reusable is reusable


@pytest.mark.parametrize("name", UNTIL_CLOSE)
def test_split_anywhere_an_answer_until_close_reads_as_h11_reads_it(name: str) -> None:
    data = UNTIL_CLOSE[name]
    status, headers, body, _ = by_h11(data, closed=True)
    for cut in range(1, len(data)):
        answer, reader = by_us([data[:cut], data[cut:], b""])
        assert (answer.status, answer.headers, answer.body) == (status, headers, body), cut
        assert reader.reusable is False


@pytest.mark.parametrize("name", WHOLE)
def test_cut_short_anywhere_an_answer_with_a_stated_end_is_no_answer(name: str) -> None:
    data = WHOLE[name]
    for cut in range(len(data)):
        reader = AnswerReader()
        if cut:
            assert reader.feed(data[:cut]) is None, cut
        with pytest.raises(BadAnswerError):
            reader.feed(b"")


@pytest.mark.parametrize("name", UNTIL_CLOSE)
def test_cut_short_in_its_head_an_answer_until_close_is_no_answer(name: str) -> None:
    data = UNTIL_CLOSE[name]
    for cut in range(1, data.index(b"\r\n\r\n") + 4):
        reader = AnswerReader()
        assert reader.feed(data[:cut]) is None
        with pytest.raises(BadAnswerError):
            reader.feed(b"")


@pytest.mark.parametrize("name", ["length", "empty", "chunked", "trailers", "interim"])
@pytest.mark.parametrize(
    "surplus", [b"x", b"H", b"HTTP/1.1 200 OK\r\n", WHOLE["length"], WHOLE["empty"][:-2], b"\x00"]
)
def test_surplus_leaves_the_answer_but_not_the_connection(name: str, surplus: bytes) -> None:
    data = WHOLE[name]
    status, headers, body, _ = by_h11(data, closed=False)
    answer, reader = by_us([data + surplus])
    assert (answer.status, answer.headers, answer.body) == (status, headers, body)
    assert reader.reusable is False


@pytest.mark.parametrize(
    "first", ["length", "empty", "chunked", "trailers", "interim", "no content"]
)
@pytest.mark.parametrize("second", list(WHOLE))
def test_one_reader_reads_answers_one_after_the_other(first: str, second: str) -> None:
    reader = AnswerReader()
    answer = reader.feed(WHOLE[first])
    assert answer is not None
    assert reader.reusable
    again = reader.feed(WHOLE[second])
    assert again is not None
    status, headers, body, reusable = by_h11(WHOLE[second], closed=False)
    assert (again.status, again.headers, again.body) == (status, headers, body)
    assert reader.reusable is reusable
    assert answer.body == by_h11(WHOLE[first], closed=False)[2]


@given(
    answers=st.lists(
        st.tuples(
            st.sampled_from(["length", "empty", "no reason", "no content", "chunked", "interim"]),
            st.sampled_from([b"hello", b"\r\n\r\na", b"12345", b"HTTP/"]),
            st.integers(0, 3),
        ),
        min_size=2,
        max_size=6,
    )
)
def test_what_came_before_does_not_change_how_an_answer_reads(
    answers: list[tuple[str, bytes, int]],
) -> None:
    reader = AnswerReader()
    for name, body, cuts in answers:
        data = WHOLE[name].replace(b"hello", body)
        status, headers, whole, reusable = by_h11(data, closed=False)
        size = len(data) // (cuts + 1) + 1
        for at in range(0, len(data), size):
            answer = reader.feed(data[at : at + size])
        assert answer is not None
        assert (answer.status, answer.headers, answer.body) == (status, headers, whole)
        assert reader.reusable is reusable


@pytest.mark.parametrize("name", ["length", "empty", "no content"])
def test_an_end_of_stream_after_a_familiar_answer_is_no_answer(name: str) -> None:
    reader = AnswerReader()
    assert reader.feed(WHOLE[name]) is not None
    assert reader.feed(WHOLE[name]) is not None
    assert reader.feed(WHOLE[name][:20]) is None
    with pytest.raises(BadAnswerError):
        reader.feed(b"")


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\n",
    ],
)
def test_what_is_not_http_is_no_answer(data: bytes) -> None:
    with pytest.raises(BadAnswerError):
        feed_all([data, b""])


def test_a_head_without_end_is_no_answer() -> None:
    lines = (b"X-%d: %s\r\n" % (number, b"a" * 100) for number in range(10_000))
    with pytest.raises(BadAnswerError, match="too large"):
        feed_all(chain([b"HTTP/1.1 200 OK\r\n"], lines))


def test_a_body_over_the_limit_is_no_answer() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n"
    with pytest.raises(BadAnswerError, match="too large"):
        feed_all(chain([head], repeat(b"a" * 16_384, 200)))


def test_endless_interim_answers_are_no_answer() -> None:
    with pytest.raises(BadAnswerError, match="too large"):
        feed_all(repeat(b"HTTP/1.1 100 Continue\r\n\r\n", 10_000))


@given(data=st.binary(max_size=400))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    reader = AnswerReader()
    try:
        if data and reader.feed(b"HTTP/1.1 200 OK\r\n" + data) is None:
            reader.feed(b"")
    except BadAnswerError:
        pass


def test_a_request_is_exactly_these_bytes() -> None:
    endpoint = Endpoint("http://127.0.0.1:8080", token=TOKEN)
    assert endpoint.post("/signal/caf%C3%A9", b'{"a":1}') == (
        b"POST /signal/caf%C3%A9 HTTP/1.1\r\n"
        b"Host: 127.0.0.1:8080\r\n"
        b"Authorization: Bearer s3cret-token\r\n"
        b"User-Agent: sim2live\r\n"
        b"Accept: application/json\r\n"
        b"Content-Type: application/json\r\n"
        b"Content-Length: 7\r\n"
        b"\r\n"
        b'{"a":1}'
    )
    assert b"Authorization" not in Endpoint("http://127.0.0.1:8080").get("/health")


def test_a_request_is_what_h11_takes_for_one() -> None:
    endpoint = Endpoint("https://Example.com/api/v1/", token=TOKEN)
    server = h11.Connection(h11.SERVER)
    server.receive_data(endpoint.post("/x", b"{}") + b"")
    request = server.next_event()
    assert isinstance(request, h11.Request)
    assert (request.method, request.target) == (b"POST", b"/api/v1/x")
    assert dict(request.headers.raw_items())[b"Host"] == b"example.com"
    data = server.next_event()
    assert isinstance(data, h11.Data)
    assert bytes(data.data) == b"{}"
    assert isinstance(server.next_event(), h11.EndOfMessage)


def test_heads_of_many_paths_do_not_mix_and_do_not_pile_up() -> None:
    endpoint = Endpoint("http://127.0.0.1:8080")
    for number in range(1000):
        assert endpoint.post(f"/signal/p{number}", b"").startswith(
            b"POST /signal/p%d HTTP" % number
        )
    assert endpoint.post("/signal/p7", b"").startswith(b"POST /signal/p7 HTTP")
    assert len(endpoint._heads) <= 256


@pytest.mark.parametrize(
    ("given_url", "normal"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("HTTP://LocalHost:80", "http://localhost"),
        ("https://example.com:443/a/b/", "https://example.com/a/b"),
        ("https://example.com:8443", "https://example.com:8443"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_a_base_url_has_one_spelling(given_url: str, normal: str) -> None:
    assert Endpoint(given_url).url == normal


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "127.0.0.1:8080",
        "ftp://127.0.0.1",
        "http://",
        "http:///path",
        "http://:8080",
        "http://127.0.0.1:",
        "http://127.0.0.1:0",
        "http://127.0.0.1:65536",
        "http://127.0.0.1:x",
        "http://user@127.0.0.1",
        "http://user:hunter2@127.0.0.1",
        "http://127.0.0.1?x=1",
        "http://127.0.0.1/a?",
        "http://127.0.0.1/#",
        "http://127.0.0.1/a b",
        "http://127.0.0.1\r\nX: y",
        "http://127.0.0.1\t",
        "http://127.0.0.1\\evil",
        "http://caf\u00e9.example",
        "http://127.0.0.1/../admin",
        "http://127.0.0.1/a//b",
        "http://[::1",
        "http://[fe80::1%25eth0]:80",
        None,
        8080,
    ],
)
def test_a_bad_base_url_is_refused_and_no_password_is_shown(bad: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Endpoint(bad)
    assert "base_url" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "bad",
    [
        "",
        " ",
        "hunter2 x",
        "hunter2\r\nX-Evil: 1",
        "hunter2\x00",
        "hunter2\x7f",
        "hunter2\u00e9",
        7,
    ],
)
def test_a_token_that_could_change_the_head_is_refused_unseen(bad: str) -> None:
    with pytest.raises(ConfigError, match="token") as caught:
        Endpoint("http://127.0.0.1", token=bad)
    assert "hunter2" not in str(caught.value)


def test_the_token_is_never_shown() -> None:
    endpoint = Endpoint("http://127.0.0.1", token=TOKEN)
    assert TOKEN not in repr(endpoint)
    assert endpoint.hide(f"you sent Bearer {TOKEN}.") == "you sent Bearer ***."


@pytest.mark.parametrize(
    "path", ["", "signal", "/a b", "/a\r\nX: y", "/caf\u00e9", "/a#b", "/a\x00"]
)
def test_a_path_that_could_change_the_head_is_refused(path: str) -> None:
    endpoint = Endpoint("http://127.0.0.1")
    with pytest.raises(ConfigError, match="path"):
        endpoint.post(path, b"")
    with pytest.raises(ConfigError, match="path"):
        endpoint.get(path)
