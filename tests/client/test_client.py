"""The clients for scripts: the blocking one and the one for asyncio keep the same promises."""

from __future__ import annotations

import asyncio
import inspect
import json
import threading
import time
import uuid
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

import sim2live
from sim2live import (
    AsyncEvalItUpClient,
    ConfigError,
    EvalItUpClient,
    NotSentError,
    SignalError,
    UnknownOutcomeError,
)

TOKEN = "s3cret-token"
TRICKLE_SECONDS = 200
Serve = Callable[..., Any]
Reply = Callable[[int, bytes], Any]
Call = Callable[..., Any]


def blocking(url: str, name: str, *args: Any, **kwargs: Any) -> Any:
    options = {key: kwargs.pop(key) for key in ("token", "timeout") if key in kwargs}
    with EvalItUpClient(url, **options) as client:
        return getattr(client, name)(*args, **kwargs)


def with_asyncio(url: str, name: str, *args: Any, **kwargs: Any) -> Any:
    options = {key: kwargs.pop(key) for key in ("token", "timeout") if key in kwargs}

    async def main() -> Any:
        async with AsyncEvalItUpClient(url, **options) as client:
            return await getattr(client, name)(*args, **kwargs)

    return asyncio.run(main())


@pytest.fixture(params=[blocking, with_asyncio])
def call(request: pytest.FixtureRequest) -> Call:
    """`call(url, method, ...)` on either client."""
    found: Call = request.param
    return found


def test_a_market_signal_is_the_pages_message(serve: Serve, call: Call) -> None:
    server = serve()
    answer = call(server.url, "send_signal", "my-pool", "MESU6", "BUY", 2)
    sent = server.signals[0]
    assert answer == {"status": "accepted", "signal_id": sent["signal_id"]}
    assert uuid.UUID(sent.pop("signal_id")).version == 4
    assert sent == {
        "schema_version": "1.0",
        "workflow_id": "my-pool",
        "instrument": {"exchange": "CME", "symbol": "MESU6"},
        "side": "BUY",
        "qty": 2,
    }
    assert server.paths == ["/signal/my-pool"]
    assert "Authorization" not in server.heads[0]


def test_every_argument_reaches_its_field(serve: Serve, call: Call) -> None:
    server = serve()
    call(
        server.url,
        "send_signal",
        "caf\u00e9 1",
        "GCZ6",
        "SELL",
        3,
        "COMEX",
        "STOP_LIMIT",
        2400.5,
        2401.0,
        2300.0,
        2450.0,
        open_close="OPEN",
        signal_id="mine-1",
        token=TOKEN,
    )
    assert server.signals[0] == {
        "schema_version": "1.0",
        "signal_id": "mine-1",
        "workflow_id": "caf\u00e9 1",
        "instrument": {"exchange": "COMEX", "symbol": "GCZ6"},
        "side": "SELL",
        "qty": 3,
        "order_type": "STOP_LIMIT",
        "limit_price": 2400.5,
        "trigger_price": 2401.0,
        "bracket": {
            "take_profit": {"limit_price": 2300.0},
            "stop_loss": {"trigger_price": 2450.0},
        },
        "open_close": "OPEN",
    }
    assert server.paths == ["/signal/caf%C3%A9%201"]
    assert f"Authorization: Bearer {TOKEN}" in server.heads[0]


def test_a_price_of_zero_is_a_price(serve: Serve, call: Call) -> None:
    server = serve()
    call(server.url, "send_signal", "p", "CLK0", "BUY", 1, "NYMEX", "LIMIT", 0)
    call(server.url, "send_signal", "p", "CLK0", "BUY", 1, tp_price=0, sl_price=-5)
    assert server.signals[0]["limit_price"] == 0
    assert server.signals[1]["bracket"] == {
        "take_profit": {"limit_price": 0},
        "stop_loss": {"trigger_price": -5},
    }


def test_one_leg_of_a_bracket_may_stand_alone(serve: Serve, call: Call) -> None:
    server = serve()
    call(server.url, "send_signal", "p", "MESZ6", "BUY", 1, sl_price=5050)
    assert server.signals[0]["bracket"] == {"stop_loss": {"trigger_price": 5050}}


def test_a_close_is_a_market_order_marked_close(serve: Serve, call: Call) -> None:
    server = serve()
    call(server.url, "close_position", "my-pool", "MESU6", "SELL", 2, signal_id="c-1")
    assert server.signals[0] == {
        "schema_version": "1.0",
        "signal_id": "c-1",
        "workflow_id": "my-pool",
        "instrument": {"exchange": "CME", "symbol": "MESU6"},
        "side": "SELL",
        "qty": 2,
        "open_close": "CLOSE",
    }


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, {"error": "Missing required field: qty"}, None),
        (401, {"error": "Unauthorized"}, None),
        (404, {"error": "Workflow not found: xyz"}, None),
        (429, {"error": "slow down"}, None),
        (200, {"status": "queued"}, None),
        (404, b"<h1>gone</h1>", {"error": "<h1>gone</h1>"}),
        (413, b"", {"error": "(no text)"}),
    ],
)
def test_an_answer_that_says_something_comes_back_as_a_dict(
    serve: Serve, reply: Reply, call: Call, status: int, body: Any, expected: Any
) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    server = serve(reply(status, raw))
    answer = call(server.url, "send_signal", "p", "MESZ6", "BUY", 1)
    assert answer == (body if expected is None else expected)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"accepted"),
        (200, b"[]"),
        (200, b'{"status":"accepted","signal_id":"another"}'),
        (200, b'{"status":"accepted"}'),
        (201, b'{"status":"accepted"}'),
        (307, b"{}"),
        (408, b"not json"),
        (500, b'{"error":"x"}'),
        (503, b""),
    ],
)
def test_an_answer_that_proves_nothing_is_an_unknown_outcome(
    serve: Serve, reply: Reply, call: Call, status: int, body: bytes
) -> None:
    server = serve(reply(status, body))
    with pytest.raises(UnknownOutcomeError) as caught:
        call(server.url, "send_signal", "p", "MESZ6", "BUY", 1)
    assert isinstance(caught.value, TimeoutError)
    assert len(server.signals) == 1


def test_nobody_there_is_not_sent(free_port: int, call: Call) -> None:
    with pytest.raises(NotSentError) as caught:
        call(f"http://127.0.0.1:{free_port}", "send_signal", "p", "MESZ6", "BUY", 1, token=TOKEN)
    assert isinstance(caught.value, ConnectionError)
    assert TOKEN not in str(caught.value)


def test_a_server_that_hangs_up_is_an_unknown_outcome_sent_once(serve: Serve, call: Call) -> None:
    server = serve(lambda _signal: None)
    with pytest.raises(UnknownOutcomeError) as caught:
        call(server.url, "send_signal", "p", "MESZ6", "BUY", 1)
    assert caught.value.timed_out is False
    assert len(server.signals) == server.connections == 1


def test_a_cut_answer_is_an_unknown_outcome(serve: Serve, call: Call) -> None:
    replies = iter([b'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"status":"accepted"'])
    server = serve(lambda _signal: next(replies, None))
    done = threading.Timer(0.1, lambda: [sock.shutdown(2) for sock in server._open])
    done.start()
    with pytest.raises(UnknownOutcomeError):
        call(server.url, "send_signal", "p", "MESZ6", "BUY", 1)
    done.join()


def test_silence_ends_at_the_deadline(serve: Serve, call: Call) -> None:
    go_on = threading.Event()
    server = serve(lambda _signal: go_on.wait(50) and None)
    with pytest.raises(UnknownOutcomeError) as caught:
        call(server.url, "send_signal", "p", "MESZ6", "BUY", 1, timeout=0.2)
    go_on.set()
    assert caught.value.timed_out is True


def test_a_trickle_does_not_stretch_the_deadline(serve: Serve, call: Call) -> None:
    def trickle(_signal: dict[str, Any]) -> None:
        for sock in server._open:
            for byte in b"HTTP/1.1 200 OK\r\nX: " + b"a" * int(TRICKLE_SECONDS / 0.02):
                sock.sendall(bytes([byte]))
                time.sleep(0.02)

    server = serve(trickle)
    started = time.monotonic()
    with pytest.raises(UnknownOutcomeError) as caught:
        call(server.url, "send_signal", "p", "MESZ6", "BUY", 1, timeout=0.2)
    assert caught.value.timed_out is True
    assert time.monotonic() - started < TRICKLE_SECONDS / 4


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("p", "MESZ6", "HOLD", 1), "side"),
        (("p", "MESZ6", "BUY", 0), "qty"),
        (("p", "MESZ6", "BUY", 1.5), "qty"),
        (("p", "MESZ6", "BUY", True), "qty"),
        (("p", "MESZ6", "BUY", "2"), "qty"),
        (("", "MESZ6", "BUY", 1), "workflow_id"),
        (("..", "MESZ6", "BUY", 1), "workflow_id"),
        (("p", "", "BUY", 1), "symbol"),
        (("p", "MESZ6", "BUY", 1, "CME", "LIMIT"), "limit_price"),
        (("p", "MESZ6", "BUY", 1, "CME", "LIMIT", float("nan")), "limit_price"),
        (("p", "MESZ6", "BUY", 1, "CME", "MARKET", 5000.0), "limit_price"),
        (("p", "MESZ6", "BUY", 1, "CME", "MARKET", None, None, float("inf")), "limit_price"),
    ],
)
def test_bad_input_is_refused_before_any_byte_leaves(
    serve: Serve, call: Call, arguments: tuple[Any, ...], field: str
) -> None:
    server = serve()
    with pytest.raises(SignalError) as caught:
        call(server.url, "send_signal", *arguments)
    assert caught.value.field == field
    assert server.connections == 0


@pytest.mark.parametrize("client", [EvalItUpClient, AsyncEvalItUpClient])
@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), True, "5", None])
def test_a_senseless_timeout_is_refused(client: Any, timeout: Any) -> None:
    with pytest.raises(ConfigError, match="timeout"):
        client(timeout=timeout)


@pytest.mark.parametrize("client", [EvalItUpClient, AsyncEvalItUpClient])
def test_the_token_is_never_shown(client: Any) -> None:
    assert TOKEN not in repr(client("http://127.0.0.1:1", token=TOKEN))
    assert TOKEN not in str(vars(client("http://127.0.0.1:1", token=TOKEN)))
    with pytest.raises(ConfigError) as caught:
        client(token=TOKEN + "\n")
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("client", [EvalItUpClient, AsyncEvalItUpClient])
def test_defaults_are_those_of_the_page(client: Any) -> None:
    assert client().base_url == "http://127.0.0.1:8080"
    parameters = inspect.signature(client.send_signal).parameters
    assert list(parameters)[1:11] == [
        "pool",
        "symbol",
        "side",
        "qty",
        "exchange",
        "order_type",
        "limit_price",
        "trigger_price",
        "tp_price",
        "sl_price",
    ]
    assert parameters["exchange"].default == "CME"
    assert parameters["order_type"].default == "MARKET"
    assert list(inspect.signature(client.close_position).parameters)[1:5] == [
        "pool",
        "symbol",
        "side",
        "qty",
    ]


def test_the_clients_stand_at_the_top_of_the_package() -> None:
    assert sim2live.EvalItUpClient is EvalItUpClient
    assert sim2live.AsyncEvalItUpClient is AsyncEvalItUpClient


def test_calls_in_a_row_share_a_connection(serve: Serve) -> None:
    server = serve()
    with EvalItUpClient(server.url) as client:
        for number in range(10):
            client.send_signal("p", "MESZ6", "BUY", 1, signal_id=str(number))
    assert server.connections == 1
    with pytest.raises(NotSentError, match="closed"):
        client.send_signal("p", "MESZ6", "BUY", 1)


def test_threads_may_share_a_client(serve: Serve) -> None:
    server = serve()
    wrong: list[Any] = []
    with EvalItUpClient(server.url) as client:

        def work(name: int) -> None:
            for number in range(25):
                own = f"{name}-{number}"
                answer = client.send_signal("p", "MESZ6", "BUY", 1, signal_id=own)
                if answer["signal_id"] != own:
                    wrong.append(answer)

        threads = [threading.Thread(target=work, args=(name,)) for name in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert len({signal["signal_id"] for signal in server.signals}) == 150


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(main)


def test_tasks_go_out_side_by_side_and_then_share_connections(serve: Serve) -> None:
    server = serve()

    async def main() -> None:
        async with AsyncEvalItUpClient(server.url) as client:
            for _ in range(2):
                names = [str(number) for number in range(5)]
                answers = await asyncio.gather(
                    *(client.send_signal("p", "MESZ6", "BUY", 1, signal_id=n) for n in names)
                )
                assert [answer["signal_id"] for answer in answers] == names
        with pytest.raises(NotSentError, match="closed"):
            await client.send_signal("p", "MESZ6", "BUY", 1)

    run(main())
    assert server.connections == 5


def test_an_asyncio_connection_that_died_while_idle_is_replaced(serve: Serve) -> None:
    server = serve()

    async def main() -> None:
        async with AsyncEvalItUpClient(server.url) as client:
            for number in range(3):
                await client.send_signal("p", "MESZ6", "BUY", 1, signal_id=str(number))
                # Blocks the loop, so that only the system knows of the end of the stream.
                server._open[-1].shutdown(2)
                server._threads[-1].join(60)

    run(main())
    assert [signal["signal_id"] for signal in server.signals] == ["0", "1", "2"]
    assert server.connections == 3


def test_a_cancelled_task_leaves_no_connection_out_of_step(serve: Serve) -> None:
    go_on = threading.Event()

    def answer(signal: dict[str, Any]) -> bytes:
        if signal["signal_id"] == "slow":
            go_on.wait(60)
        body = json.dumps({"status": "accepted", "signal_id": signal["signal_id"]}).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)

    server = serve(answer)

    async def main() -> None:
        async with AsyncEvalItUpClient(server.url) as client:
            slow = asyncio.create_task(client.send_signal("p", "MESZ6", "BUY", 1, signal_id="slow"))
            while not server.signals:
                await asyncio.sleep(0.005)
            slow.cancel()
            with pytest.raises(asyncio.CancelledError):
                await slow
            go_on.set()
            answer = await client.send_signal("p", "MESZ6", "BUY", 1, signal_id="next")
            assert answer["signal_id"] == "next"

    run(main())
    assert server.connections == 2
