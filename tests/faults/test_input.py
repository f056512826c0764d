"""What must never reach a wire: rows 13 and 23 to 28."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.faults.conftest import ONE, POOL, Desk
from tests.gateway.conftest import Client, a_signal

from sim2live.errors import ConfigError, SignalError
from sim2live.gate.receipt import Status
from sim2live.gateway.server import running_gateway
from sim2live.signals import (
    MAX_BYTES,
    Bracket,
    Instrument,
    OrderSpec,
    Signal,
    StopLoss,
    TakeProfit,
    decode,
)
from sim2live.testing import ChaosGateway
from sim2live.venues.evalitup import EvalItUp, signal_path
from sim2live.venues.outcome import Kind

Make = Callable[..., Desk]


def signal(**changes: Any) -> Signal:
    fields: dict[str, Any] = {
        "signal_id": "one",
        "workflow_id": POOL,
        "instrument": ONE,
        "side": "BUY",
        "qty": 1,
    }
    return Signal(**{**fields, **changes})


def path_of(name: str) -> str | None:
    """The path of a workflow, or None where the name itself is refused."""
    try:
        return signal_path(signal(workflow_id=name).workflow_id)
    except SignalError:
        return None


def padded(size: int) -> bytes:
    """A signal of exactly so many bytes, with a name whose letters take two bytes each."""
    body = json.dumps(a_signal("caf\u00e9", side="BUY"), ensure_ascii=False).encode()
    return body[:-1] + b" " * (size - len(body)) + b"}"


def test_fault_13_the_limit_is_64_kb_of_encoded_bytes() -> None:
    assert len(padded(MAX_BYTES)) == 65_536
    assert decode(padded(MAX_BYTES)).signal_id == "caf\u00e9"
    with pytest.raises(SignalError, match="body"):
        decode(padded(MAX_BYTES + 1))
    with running_gateway() as gateway:
        client = Client(gateway.port)
        assert client.post("/signal/python-test", padded(MAX_BYTES))[0] == 200
        assert client.post("/signal/python-test", padded(MAX_BYTES + 1))[0] == 413
        client.close()


QUANTITIES = [0, -1, 1.5, 2.0, True, "2", math.nan, math.inf, 10**400, None]


@pytest.mark.parametrize("qty", QUANTITIES, ids=lambda value: repr(value)[:12])
def test_fault_23_a_quantity_that_is_none(qty: Any) -> None:
    with pytest.raises(SignalError, match="qty") as caught:
        signal(qty=qty)
    assert caught.value.field == "qty"
    with running_gateway() as gateway:
        client = Client(gateway.port)
        body = json.dumps(a_signal(qty=qty)).encode()
        status, answer = client.post("/signal/python-test", body)
        assert (status, "error" in answer) == (400, True)
        client.close()


@settings(max_examples=60)
@given(st.one_of(st.integers(max_value=0), st.integers(min_value=2**31), st.floats(), st.text()))
def test_fault_23_no_other_quantity_passes_either(qty: Any) -> None:
    with pytest.raises(SignalError):
        signal(qty=qty)


@pytest.mark.parametrize("target", [1.5, 2.0, True, "2", math.nan, math.inf, None], ids=repr)
def test_fault_23_a_target_that_is_no_whole_number_moves_nothing(desk: Make, target: Any) -> None:
    made = desk()
    made.want(1)
    receipt = made.want(target)
    assert (receipt.status, receipt.granted) == (Status.NOT_SENT, 1)
    assert "target" in receipt.reason
    assert made.want(0).status is Status.ACCEPTED, "the next exit is not spoiled by it"
    assert made.held() == 0


def test_fault_23_a_target_beyond_every_quantity_is_not_sent(desk: Make) -> None:
    made = desk()
    receipt = made.want(10**400)
    assert receipt.status in (Status.NOT_SENT, Status.HELD)
    assert receipt.granted == 0
    assert made.gateway.received == []


@pytest.mark.parametrize("price", [math.nan, math.inf, -math.inf, True, "100", 10**400])
def test_fault_24_a_price_that_is_none(price: Any) -> None:
    with pytest.raises(SignalError, match="limit_price"):
        signal(order_type="LIMIT", limit_price=price)
    with pytest.raises(SignalError, match="trigger_price"):
        signal(order_type="STOP", trigger_price=price)
    with pytest.raises(SignalError):
        StopLoss(price)


@pytest.mark.parametrize("price", [0.0, -37.63, 1e-320, 100.001])
def test_fault_24_prices_that_exist_pass_unchanged(price: float) -> None:
    """Crude oil has traded below zero; what a venue does off its tick is the venue's to say."""
    sent = decode(signal(order_type="LIMIT", limit_price=price).encode())
    assert sent.limit_price == price


def test_fault_24_no_infinity_is_ever_written() -> None:
    body = b'{"schema_version":"1.0","signal_id":"a","workflow_id":"p","instrument":'
    body += b'{"exchange":"CME","symbol":"MESZ6"},"side":"BUY","qty":1,"order_type":"LIMIT",'
    for number in (b"Infinity", b"NaN", b"1e999"):
        with pytest.raises(SignalError):
            decode(body + b'"limit_price":' + number + b"}")


@pytest.mark.parametrize(
    ("side", "take", "stop"), [("BUY", 90.0, 110.0), ("SELL", 110.0, 90.0), ("BUY", 90.0, 90.0)]
)
def test_fault_25_a_bracket_on_the_wrong_side(
    desk: Make, side: str, take: float, stop: float
) -> None:
    bracket = Bracket(TakeProfit(take), StopLoss(stop))
    with pytest.raises(SignalError, match="bracket"):
        signal(side=side, bracket=bracket)
    made = desk()
    target = 1 if side == "BUY" else -1
    receipt = made.want(target, order={"bracket": bracket})
    assert (receipt.status, receipt.granted) == (Status.NOT_SENT, 0)
    assert "bracket" in receipt.reason
    assert made.gateway.received == []


def test_fault_25_one_leg_is_allowed() -> None:
    for bracket in (Bracket(TakeProfit(110.0)), Bracket(stop_loss=StopLoss(90.0))):
        assert decode(signal(bracket=bracket).encode()).bracket == bracket
        OrderSpec(bracket=bracket)


@pytest.mark.parametrize(
    "name", ["caf\u00e9", "\u05e9\u05dc\u05d5\u05dd", "two words", "\U0001f680"]
)
def test_fault_26_a_workflow_of_any_script_arrives_as_it_is(
    chaos: Callable[..., ChaosGateway], name: str
) -> None:
    gateway = chaos()
    venue = EvalItUp(gateway.url)
    outcome = venue.send(signal(workflow_id=name), timeout=30.0)
    venue.close()
    assert outcome.kind is Kind.ACCEPTED
    assert gateway.received[0].workflow_id == name
    assert signal_path(name).isascii()


def test_fault_26_a_name_that_turns_the_reading_around_is_refused_or_escaped() -> None:
    name = "pool\u202egnp"
    assert path_of(name) in (None, "/signal/pool%E2%80%AEgnp")


@pytest.mark.parametrize(
    "name", ["../admin", "a/../../b", "..", ".", "?x", "#x", "%2e%2e", "a\r\nb", "/", "//evil.com"]
)
def test_fault_27_a_workflow_is_one_segment_of_the_path(name: str) -> None:
    path = path_of(name)
    segment = "refused" if path is None else path.removeprefix("/signal/")
    assert segment
    assert not set(segment) & set("/?#\r\n ")
    assert segment not in (".", "..")


@pytest.mark.parametrize("bad", ["a\r\nX-Evil: 1", "a\nb", "\x00", "caf\u00e9"])
def test_fault_28_a_header_cannot_be_smuggled_in(bad: str) -> None:
    with pytest.raises(ConfigError) as caught:
        EvalItUp("http://127.0.0.1:1", token=bad)
    assert bad not in str(caught.value)
    with pytest.raises((ConfigError, SignalError)):
        EvalItUp(f"http://127.0.0.1:1/{bad}")
    if not bad.isprintable():
        for field in ("signal_id", "workflow_id"):
            with pytest.raises(SignalError, match=field):
                signal(**{field: bad})
        with pytest.raises(SignalError):
            Instrument("CME", bad)
