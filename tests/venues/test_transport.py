"""Three outcomes and no fourth: an answer, not sent, unknown. Against real sockets."""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sim2live.clock import ManualClock
from sim2live.errors import NotSentError, UnknownOutcomeError
from sim2live.venues.http1 import AnswerReader
from sim2live.venues.transport import MAX_IDLE_NS, Transport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
TOKEN = "s3cret-token"
SHORT = 0.2

Serve = Callable[..., Any]


_OPEN: list[Transport] = []


def connect(url: str, **options: Any) -> Transport:
    """A transport that is closed at the end of the test."""
    _OPEN.append(Transport(url, **options))
    return _OPEN[-1]


@pytest.fixture(autouse=True)
def close_transports() -> Iterator[None]:
    yield
    while _OPEN:
        _OPEN.pop().close()


def always(answer: bytes) -> Callable[[Any], None]:
    def script(connection: Any) -> None:
        while connection.read():
            connection.sock.sendall(answer)

    return script


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 50
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_many_requests_share_one_connection(serve: Serve) -> None:
    server = serve(always(OK))
    transport = connect(server.url, token=TOKEN)
    for number in range(20):
        answer = transport.post("/signal/p", b"%d" % number, timeout=30.0)
        assert (answer.status, answer.body) == (200, b"ok")
    assert transport.get("/health", timeout=30.0).body == b"ok"
    assert server.connections == 1
    assert [r.rpartition(b"\r\n")[2] for r in server.requests[:20]] == [
        b"%d" % number for number in range(20)
    ]
    assert all(b"Authorization: Bearer s3cret-token\r\n" in r for r in server.requests)


def test_head_and_body_arrive_in_one_piece(serve: Serve) -> None:
    pieces: list[bytes] = []

    def script(connection: Any) -> None:
        pieces.append(connection.sock.recv(65536))
        connection.sock.sendall(OK)

    server = serve(script)
    connect(server.url).post("/x", b"body", timeout=30.0)
    assert pieces[0].endswith(b"\r\n\r\nbody")


def test_nobody_there_is_not_sent(free_port: int) -> None:
    with pytest.raises(NotSentError) as caught:
        connect(f"http://127.0.0.1:{free_port}", token=TOKEN).post("/x", b"", timeout=30.0)
    assert caught.value.timed_out is False
    assert isinstance(caught.value, ConnectionError)
    assert TOKEN not in str(caught.value)


def test_a_connection_that_is_not_taken_in_time_is_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        waiting = []
        for _ in range(8):  # fill the queue, so that a further handshake hangs
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(address)
            waiting.append(sock)
        started = time.monotonic()
        with pytest.raises(NotSentError) as caught:
            connect(f"http://127.0.0.1:{address[1]}").post("/x", b"", timeout=SHORT)
        assert caught.value.timed_out is True
        assert time.monotonic() - started < 30, "the system itself would try for two minutes"
        for sock in waiting:
            sock.close()


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_without_time_nothing_is_sent(serve: Serve, timeout: float) -> None:
    server = serve(always(OK))
    with pytest.raises(NotSentError) as caught:
        connect(server.url).post("/x", b"", timeout=timeout)
    assert caught.value.timed_out is True
    assert server.connections == 0


def test_a_closed_transport_sends_nothing(serve: Serve) -> None:
    server = serve(always(OK))
    transport = connect(server.url)
    transport.post("/x", b"", timeout=30.0)
    transport.close()
    transport.close()
    with pytest.raises(NotSentError, match="closed"):
        transport.post("/x", b"", timeout=30.0)


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_server_that_takes_the_request_and_goes_is_unknown(serve: Serve, how: str) -> None:
    def script(connection: Any) -> None:
        connection.read()
        if how == "reset":
            connection.reset()

    server = serve(script)
    with pytest.raises(UnknownOutcomeError) as caught:
        connect(server.url, token=TOKEN).post("/x", b"", timeout=30.0)
    assert caught.value.timed_out is False
    assert isinstance(caught.value, TimeoutError)
    assert TOKEN not in str(caught.value)
    assert (len(server.requests), server.connections) == (1, 1)


def test_cut_short_at_any_byte_an_answer_is_unknown_and_the_request_went_once(
    serve: Serve,
) -> None:
    cuts = range(len(OK))

    def script(connection: Any) -> None:
        connection.read()
        connection.sock.sendall(OK[: cuts[connection.number]])

    server = serve(script)
    transport = connect(server.url)
    for _ in cuts:
        with pytest.raises(UnknownOutcomeError):
            transport.post("/x", b"", timeout=30.0)
    assert len(server.requests) == server.connections == len(cuts)


@pytest.mark.parametrize("first", [b"", OK[:20], OK[:-1]])
def test_reset_midway_is_unknown(serve: Serve, first: bytes) -> None:
    def script(connection: Any) -> None:
        connection.read()
        connection.sock.sendall(first)
        connection.reset()

    with pytest.raises(UnknownOutcomeError):
        connect(serve(script).url).post("/x", b"", timeout=30.0)


def test_silence_ends_at_the_deadline_as_unknown(serve: Serve) -> None:
    def script(connection: Any) -> None:
        connection.read()
        connection.sock.recv(1)  # until the client goes

    started = time.monotonic()
    with pytest.raises(UnknownOutcomeError) as caught:
        connect(serve(script).url).post("/x", b"", timeout=SHORT)
    assert caught.value.timed_out is True
    assert time.monotonic() - started >= SHORT


def test_a_trickle_does_not_stretch_the_deadline(serve: Serve) -> None:
    def script(connection: Any) -> None:
        connection.read()
        for byte in OK + b"x" * 10_000:
            connection.sock.sendall(bytes([byte]))
            time.sleep(0.02)

    started = time.monotonic()
    with pytest.raises(UnknownOutcomeError) as caught:
        connect(serve(script).url).post("/x", b"", timeout=SHORT)
    assert caught.value.timed_out is True
    assert time.monotonic() - started < 50, "the trickle lasts two hundred seconds"


def test_a_server_that_stops_reading_midway_is_unknown(serve: Serve) -> None:
    def script(connection: Any) -> None:
        connection.sock.recv(1)
        time.sleep(3 * SHORT)

    with pytest.raises(UnknownOutcomeError) as caught:
        connect(serve(script).url).post("/x", b"a" * 30_000_000, timeout=SHORT)
    assert caught.value.timed_out is True


def test_a_large_request_goes_whole(serve: Serve) -> None:
    server = serve(always(OK))
    body = os.urandom(3_000_000)
    transport = connect(server.url)
    for _ in range(2):
        assert transport.post("/x", body, timeout=60).body == b"ok"
    assert [request.endswith(body) for request in server.requests] == [True, True]
    assert server.connections == 1


def test_an_answer_after_the_deadline_never_meets_the_next_request(serve: Serve) -> None:
    late = threading.Event()

    def script(connection: Any) -> None:
        while connection.read():
            if connection.number == 0:
                late.wait(60)
            connection.sock.sendall(OK.replace(b"ok", b"%02d" % connection.number))

    server = serve(script)
    transport = connect(server.url)
    with pytest.raises(UnknownOutcomeError):
        transport.post("/x", b"", timeout=SHORT)
    late.set()
    assert transport.post("/x", b"", timeout=30.0).body == b"01"


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_connection_that_died_while_idle_is_replaced_and_the_request_goes_once(
    serve: Serve, how: str
) -> None:
    gone = threading.Event()

    def script(connection: Any) -> None:
        connection.read()
        connection.sock.sendall(OK)
        if connection.number == 0:
            if how == "reset":
                connection.reset()
            else:
                connection.sock.close()
            gone.set()
        else:
            connection.read()

    server = serve(script)
    transport = connect(server.url)
    transport.post("/x", b"1", timeout=30.0)
    assert gone.wait(60)
    assert transport.post("/x", b"2", timeout=30.0).body == b"ok"
    assert [request[-1:] for request in server.requests] == [b"1", b"2"]
    assert server.connections == 2


def test_surplus_behind_an_answer_closes_the_connection(serve: Serve) -> None:
    server = serve(always(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"))
    transport = connect(server.url)
    for _ in range(3):
        assert transport.post("/x", b"", timeout=30.0).body == b"ok"
    assert server.connections == 3


def test_surplus_that_comes_later_closes_the_connection(serve: Serve) -> None:
    more = threading.Event()

    def script(connection: Any) -> None:
        connection.read()
        connection.sock.sendall(OK)
        if connection.number == 0:
            connection.sock.sendall(OK.replace(b"ok", b"no"))
            more.set()
        connection.read()

    server = serve(script)
    transport = connect(server.url)
    assert transport.post("/x", b"", timeout=30.0).body == b"ok"
    assert more.wait(60)
    assert transport.post("/x", b"", timeout=30.0).body == b"ok"
    assert server.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ],
)
def test_a_goodbye_is_respected(serve: Serve, answer: bytes) -> None:
    server = serve(always(answer))
    transport = connect(server.url)
    for _ in range(3):
        assert transport.post("/x", b"", timeout=30.0).body == b"ok"
    assert server.connections == 3


def test_a_body_may_last_until_the_stream_ends(serve: Serve) -> None:
    def script(connection: Any) -> None:
        connection.read()
        connection.sock.sendall(b"HTTP/1.1 400 Bad\r\n\r\n" + b"a" * 50_000)

    answer = connect(serve(script).url).post("/x", b"", timeout=30.0)
    assert (answer.status, len(answer.body)) == (400, 50_000)


def test_a_connection_idle_for_long_is_retired_before_the_server_does(
    serve: Serve, manual_clock: ManualClock
) -> None:
    server = serve(always(OK))
    transport = connect(server.url, clock=manual_clock)
    transport.post("/x", b"", timeout=30.0)
    manual_clock.advance(MAX_IDLE_NS / 1e9 - 0.1)
    transport.post("/x", b"", timeout=30.0)
    assert server.connections == 1
    manual_clock.advance(MAX_IDLE_NS / 1e9)
    transport.post("/x", b"", timeout=30.0)
    assert server.connections == 2


def test_a_redirect_is_an_answer_and_is_not_followed(serve: Serve) -> None:
    elsewhere = serve(always(OK))
    server = serve(
        always(
            b"HTTP/1.1 307 Moved\r\nLocation: %s/x\r\nContent-Length: 0\r\n\r\n"
            % elsewhere.url.encode()
        )
    )
    assert connect(server.url).post("/x", b"", timeout=30.0).status == 307
    assert elsewhere.connections == 0


def test_a_proxy_of_the_environment_is_ignored(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, server = serve(always(OK)), serve(always(OK))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    connect(server.url).post("/x", b"", timeout=30.0)
    assert (server.connections, proxy.connections) == (1, 0)


def test_threads_never_share_a_connection_at_a_time(serve: Serve) -> None:
    def script(connection: Any) -> None:
        while request := connection.read():
            time.sleep(0.002)
            body = request.rpartition(b"\r\n\r\n")[2]
            connection.sock.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
            )

    server = serve(script)
    transport = connect(server.url, pool=4)
    wrong: list[bytes] = []

    def work(name: int) -> None:
        for number in range(20):
            body = b"%d-%d" % (name, number)
            if transport.post("/x", body, timeout=60).body != body:
                wrong.append(body)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(server.requests) == 160
    assert len(transport._idle) <= 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_never_uses_its_parents_connection(serve: Serve) -> None:
    server = serve(always(OK))
    transport = connect(server.url)
    transport.post("/x", b"parent", timeout=30.0)
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if transport.post("/x", b"child", timeout=30.0).body == b"ok" else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert transport.post("/x", b"parent again", timeout=30.0).body == b"ok"
    assert server.connections == 2  # the child made its own; the parent's is still good


def test_ipv6_is_spoken(serve: Serve) -> None:
    server = serve(always(OK), host="::1")
    assert connect(server.url).post("/x", b"", timeout=30.0).body == b"ok"
    assert b"Host: [::1]:%d\r\n" % server.port in server.requests[0]


def test_a_name_is_resolved(serve: Serve) -> None:
    server = serve(always(OK))
    url = f"http://localhost:{server.port}/prefix"
    assert connect(url).post("/x", b"", timeout=30.0).body == b"ok"
    assert server.requests[0].startswith(b"POST /prefix/x HTTP/1.1\r\nHost: localhost:")


def test_a_name_that_does_not_resolve_is_not_sent() -> None:
    with pytest.raises(NotSentError):
        connect("http://" + "a" * 70 + ".invalid").post("/x", b"", timeout=30.0)


def test_a_name_that_resolves_too_slowly_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: go_on.wait(60) and [])
    with pytest.raises(NotSentError) as caught:
        connect("http://localhost:1").post("/x", b"", timeout=SHORT)
    assert caught.value.timed_out is True
    go_on.set()
    wait_until(lambda: all(t.name != "sim2live-resolve" for t in threading.enumerate()))


def test_an_interrupt_leaves_no_connection_that_could_be_out_of_step(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(always(OK))
    transport = connect(server.url)
    transport.post("/x", b"", timeout=30.0)

    def interrupt(*_: object) -> bytes:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(AnswerReader, "feed", interrupt)
        with pytest.raises(KeyboardInterrupt):
            transport.post("/x", b"", timeout=30.0)
    assert transport.post("/x", b"", timeout=30.0).body == b"ok"
    assert server.connections == 2


def test_tls_is_spoken_and_reused(serve: Serve, certificate: Path) -> None:
    server = serve(always(OK), context=server_context(certificate))
    trusting = ssl.create_default_context(cafile=str(certificate))
    transport = connect(server.url, token=TOKEN, ssl_context=trusting)
    for _ in range(3):
        assert transport.post("/x", b"a" * 40_000, timeout=30.0).body == b"ok"
    assert server.connections == 1


def test_an_untrusted_certificate_is_not_sent(serve: Serve, certificate: Path) -> None:
    server = serve(always(OK), context=server_context(certificate))
    with pytest.raises(NotSentError, match="certificate"):
        connect(server.url, token=TOKEN).post("/x", b"", timeout=30.0)
    assert server.requests == []


def test_plain_http_on_a_tls_url_is_not_sent(serve: Serve) -> None:
    server = serve(always(OK))
    with pytest.raises(NotSentError):
        connect(server.url.replace("http:", "https:")).post("/x", b"", timeout=SHORT)


def test_a_ragged_end_of_tls_does_not_pass_for_the_end_of_a_body(
    serve: Serve, certificate: Path
) -> None:
    def script(connection: Any) -> None:
        connection.read()
        connection.sock.sendall(b"HTTP/1.1 400 Bad\r\n\r\nhal")  # then FIN, but no close_notify

    server = serve(script, context=server_context(certificate))
    trusting = ssl.create_default_context(cafile=str(certificate))
    with pytest.raises(UnknownOutcomeError) as caught:
        connect(server.url, ssl_context=trusting).post("/x", b"", timeout=30.0)
    assert caught.value.timed_out is False


def test_silence_under_tls_ends_at_the_deadline(serve: Serve, certificate: Path) -> None:
    def script(connection: Any) -> None:
        connection.read()
        connection.sock.recv(1)

    server = serve(script, context=server_context(certificate))
    trusting = ssl.create_default_context(cafile=str(certificate))
    with pytest.raises(UnknownOutcomeError) as caught:
        connect(server.url, ssl_context=trusting).post("/x", b"", timeout=SHORT)
    assert caught.value.timed_out is True


def test_the_token_is_not_in_a_repr() -> None:
    assert TOKEN not in repr(connect("http://127.0.0.1:1", token=TOKEN))


def server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
