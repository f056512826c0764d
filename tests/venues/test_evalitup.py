"""One signal to a server of the signal API, and what comes of it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sim2live.clock import ManualClock
from sim2live.errors import ConfigError, SignalError
from sim2live.gateway.way import Way, read_way
from sim2live.market.bars import Bar
from sim2live.signals import Instrument, Signal
from sim2live.venues.evalitup import EvalItUp, signal_path
from sim2live.venues.outcome import Kind, Profile
from sim2live.venues.relay_words import Slip

MES = Instrument("CME", "MESZ6")
BAR = Bar(1_767_625_200_000_000_000, 5070.0, 5071.5, 5069.25, 5070.25, 12.0)
SLIP = Slip(
    signal_id="s1", workflow="pool", kind=Kind.ACCEPTED, relay="desk", sent_at=5, taken_at=6
)
TOKEN = "s3cret-token"

Serve = Callable[..., Any]
_OPEN: list[EvalItUp] = []


def venue_at(url: str, **options: Any) -> EvalItUp:
    _OPEN.append(EvalItUp(url, **options))
    return _OPEN[-1]


@pytest.fixture(autouse=True)
def close_venues() -> Iterator[None]:
    yield
    while _OPEN:
        _OPEN.pop().close()


def a_signal(workflow: str = "python-test", **fields: Any) -> Signal:
    return Signal(
        **{"signal_id": "id-1", "instrument": MES, "side": "BUY", "qty": 2, **fields},
        workflow_id=workflow,
    )


def http(status: int, body: object = None, *headers: str) -> bytes:
    raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = "".join(f"{line}\r\n" for line in headers)
    return f"HTTP/1.1 {status} X\r\n{lines}Content-Length: {len(raw)}\r\n\r\n".encode() + raw


def answering(*answers: bytes) -> Callable[[Any], None]:
    """Gives one answer after the other, over all connections; the last one for ever."""
    left = list(answers)

    def script(connection: Any) -> None:
        while connection.read():
            connection.sock.sendall(left.pop(0) if len(left) > 1 else left[0])

    return script


ACCEPTED = http(200, {"status": "accepted", "signal_id": "id-1"})
PAPER = http(200, {"service": "sim2live-gateway", "paper": True, "store": "a1b2"})


def test_a_signal_is_posted_as_it_encodes_itself(serve: Serve) -> None:
    server = serve(answering(ACCEPTED))
    outcome = venue_at(server.url, token=TOKEN).send(a_signal(), timeout=30.0)
    assert outcome.kind is Kind.ACCEPTED
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /signal/python-test HTTP/1.1\r\n")
    assert b"Content-Type: application/json" in head
    assert b"Authorization: Bearer s3cret-token" in head
    assert body == a_signal().encode()


@pytest.mark.parametrize(
    ("workflow", "path"),
    [
        ("my-pool_1.~", "/signal/my-pool_1.~"),
        ("caf\u00e9", "/signal/caf%C3%A9"),
        ("two words", "/signal/two%20words"),
        ("../admin", "/signal/..%2Fadmin"),
        ("a/../../b", "/signal/a%2F..%2F..%2Fb"),
        ("%2e%2e", "/signal/%252e%252e"),
        ("a?b#c", "/signal/a%3Fb%23c"),
        ("a\r\nX: y", "/signal/a%0D%0AX%3A%20y"),
        ("\U0001f680", "/signal/%F0%9F%9A%80"),
        ("...", "/signal/..."),
    ],
)
def test_a_pool_is_one_segment_of_the_path(workflow: str, path: str) -> None:
    assert signal_path(workflow) == path


@pytest.mark.parametrize("workflow", ["", ".", "..", "\ud800"])
def test_a_pool_that_would_change_the_path_is_refused(workflow: str) -> None:
    with pytest.raises(SignalError, match="workflow_id"):
        signal_path(workflow)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (ACCEPTED, Kind.ACCEPTED),
        (http(200, {"status": "accepted", "signal_id": "other"}), Kind.UNKNOWN),
        (http(200, {"status": "queued", "signal_id": "id-1"}), Kind.UNKNOWN),
        (http(400, {"error": "Missing required field: qty"}), Kind.REJECTED),
        (http(404, {"error": "Workflow not found: xyz"}), Kind.REJECTED),
        (http(307, None, "Location: http://127.0.0.1:1/"), Kind.UNKNOWN),
        (http(429, None, "Retry-After: 3"), Kind.UNKNOWN),
        (http(500, b"oops"), Kind.UNKNOWN),
    ],
)
def test_the_answer_decides(serve: Serve, answer: bytes, kind: Kind) -> None:
    server = serve(answering(answer))
    assert venue_at(server.url).send(a_signal(), timeout=30.0).kind is kind
    assert len(server.requests) == 1


def test_retry_after_and_the_profile_reach_the_table(
    serve: Serve, manual_clock: ManualClock
) -> None:
    server = serve(answering(http(429, None, "Retry-After: Mon, 05 Jan 2026 15:00:30 GMT")))
    venue = venue_at(server.url, profile=Profile(rejects_429=True), clock=manual_clock)
    outcome = venue.send(a_signal(), timeout=30.0)
    assert (outcome.kind, outcome.retry_after) == (Kind.REJECTED, 30.0)


def test_a_server_that_echoes_the_token_does_not_get_it_into_a_reason(serve: Serve) -> None:
    server = serve(answering(http(401, {"error": f"Bad token: {TOKEN}"})))
    outcome = venue_at(server.url, token=TOKEN).send(a_signal(), timeout=30.0)
    assert outcome.halts is True
    assert TOKEN not in outcome.reason
    assert "Bad token: ***" in outcome.reason


def test_nobody_there_is_not_sent(free_port: int) -> None:
    outcome = venue_at(f"http://127.0.0.1:{free_port}").send(a_signal(), timeout=30.0)
    assert (outcome.kind, outcome.timed_out, outcome.status) == (Kind.NOT_SENT, False, None)
    assert outcome.reason


def test_a_server_that_goes_silent_is_unknown_and_timed_out(serve: Serve) -> None:
    def script(connection: Any) -> None:
        connection.read()
        connection.sock.recv(1)

    outcome = venue_at(serve(script).url).send(a_signal(), timeout=0.2)
    assert (outcome.kind, outcome.timed_out) == (Kind.UNKNOWN, True)


def test_without_time_nothing_is_sent(serve: Serve) -> None:
    server = serve(answering(ACCEPTED))
    outcome = venue_at(server.url).send(a_signal(), timeout=0)
    assert (outcome.kind, outcome.timed_out) == (Kind.NOT_SENT, True)
    assert server.requests == []


def test_a_server_is_real_until_it_proves_to_be_paper(serve: Serve) -> None:
    server = serve(answering(PAPER))
    venue = venue_at(server.url + "/")
    assert venue.simulated is False
    assert venue.fingerprint == f"evalitup:{server.url}"
    assert venue.prove_paper(5) is True
    assert venue.simulated is True
    assert venue.fingerprint == "paper:a1b2"
    assert server.requests[0].startswith(b"GET /health HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "answer",
    [
        http(404, {"error": "Not found"}),
        http(500, {"service": "sim2live-gateway", "paper": True, "store": "a1b2"}),
        http(200, b"OK"),
        http(200, b"[]"),
        http(200, b""),
        http(200, {"service": "sim2live-gateway", "paper": False, "store": "a1b2"}),
        http(200, {"service": "sim2live-gateway", "paper": "true", "store": "a1b2"}),
        http(200, {"service": "sim2live-gateway", "paper": 1, "store": "a1b2"}),
        http(200, {"service": "evalitup", "paper": True, "store": "a1b2"}),
        http(200, {"service": "sim2live-gateway", "paper": True}),
        http(200, {"service": "sim2live-gateway", "paper": True, "store": ""}),
        http(200, {"service": "sim2live-gateway", "paper": True, "store": 7}),
        b"SSH-2.0-OpenSSH\r\n",
    ],
)
def test_anything_but_a_clear_yes_stays_real(serve: Serve, answer: bytes) -> None:
    server = serve(answering(answer))
    venue = venue_at(server.url)
    assert venue.prove_paper(0.5) is False
    assert venue.simulated is False
    assert venue.fingerprint == f"evalitup:{server.url}"
    venue.on_bar(MES, BAR)
    venue.on_way(SLIP, "quant-1")
    assert len(server.requests) == 1


def test_nobody_there_stays_real(free_port: int) -> None:
    venue = venue_at(f"http://127.0.0.1:{free_port}")
    assert venue.prove_paper(0.5) is False
    assert venue.probe(timeout=0.5) is False


@pytest.mark.parametrize("status", [200, 401, 404, 500])
def test_whatever_an_http_server_answers_somebody_is_there(serve: Serve, status: int) -> None:
    server = serve(answering(http(status)))
    assert venue_at(server.url).probe(timeout=30.0) is True
    assert server.requests[0].startswith(b"GET /health ")


def test_a_paper_gateway_gets_each_bar(serve: Serve) -> None:
    server = serve(answering(PAPER, http(204), http(200)))
    venue = venue_at(server.url)
    venue.prove_paper(5)
    venue.on_bar(MES, BAR)
    venue.on_bar(MES, BAR)
    assert venue.bars_missed == 0
    head, _, body = server.requests[1].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /bars HTTP/1.1\r\n")
    assert json.loads(body) == {
        "instrument": {"exchange": "CME", "symbol": "MESZ6"},
        "bar": {
            "time": 1_767_625_200_000_000_000,
            "open": 5070.0,
            "high": 5071.5,
            "low": 5069.25,
            "close": 5070.25,
            "volume": 12.0,
        },
    }


def test_bars_not_taken_are_counted_and_logged_once(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve(answering(PAPER, http(400, {"error": "no"})))
    venue = venue_at(server.url)
    venue.prove_paper(5)
    with caplog.at_level(logging.WARNING, logger="sim2live.venues"):
        for _ in range(3):
            venue.on_bar(MES, BAR)
    assert venue.bars_missed == 3
    assert len(caplog.records) == 1
    assert "CME:MESZ6" in caplog.text


def test_a_gateway_is_told_a_way_that_it_can_show(serve: Serve) -> None:
    server = serve(answering(PAPER, http(200), http(404)))
    venue = venue_at(server.url)
    venue.prove_paper(5)
    venue.on_way(SLIP, "x" * 65)
    venue.on_way(SLIP, "\udcff")  # a gateway of an earlier version knows no way: nothing is raised
    for request, host in zip(server.requests[1:], ("x" * 64, ""), strict=True):
        head, _, body = request.partition(b"\r\n\r\n")
        assert head.startswith(b"POST /activity/way HTTP/1.1\r\n")
        way = read_way(body)
        assert way == Way("s1", host=host, left_at=5, relay="desk", taken_at=6)


def test_a_frozen_gateway_does_not_hold_up_every_bar(
    serve: Serve, manual_clock: ManualClock
) -> None:
    def script(connection: Any) -> None:
        connection.read()
        connection.sock.sendall(PAPER)
        while connection.read():
            pass  # takes requests and says nothing

    server = serve(script)
    venue = venue_at(server.url, clock=manual_clock)
    venue.prove_paper(5)
    for _ in range(50):
        venue.on_bar(MES, BAR)
    venue.on_way(SLIP, "quant-1")
    assert venue.bars_missed == 50
    assert len(server.requests) == 2
    manual_clock.advance(10)
    venue.on_bar(MES, BAR)
    assert server.connections == 2


def test_the_token_is_not_in_a_repr_and_a_bad_one_is_refused() -> None:
    assert TOKEN not in repr(venue_at("http://127.0.0.1:1", token=TOKEN))
    with pytest.raises(ConfigError) as caught:
        EvalItUp(token=f"{TOKEN}\r\nX: y")
    assert TOKEN not in str(caught.value)


def test_what_the_api_cannot_tell_is_none_and_never_flat() -> None:
    venue = venue_at("http://127.0.0.1:1")
    assert venue.positions("p") is None
    assert venue.lookup(a_signal()) is None
    assert (venue.can_cancel, venue.can_report, venue.reports()) == (False, False, [])
