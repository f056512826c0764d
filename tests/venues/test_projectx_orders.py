"""Signals as ProjectX orders: what holds for any price, and what each answer proves."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2live.errors import SignalError
from sim2live.signals import Bracket, Instrument, Signal, StopLoss, TakeProfit
from sim2live.venues.http1 import Answer
from sim2live.venues.outcome import Kind, Outcome
from sim2live.venues.projectx_contracts import Listing
from sim2live.venues.projectx_dialect import PROJECTX, TESTMAX, root_url
from sim2live.venues.projectx_orders import judge, place, together

TICKS = ["0.25", "0.1", "0.01", "0.00005", "1", "0.005"]


def entry(side: str, **more: Any) -> Signal:
    return Signal(
        signal_id="s", workflow_id="w", instrument=Instrument("CME", "X"), side=side, qty=1, **more
    )  # type: ignore[arg-type]


@settings(deadline=None)
@given(
    tick=st.sampled_from(TICKS).map(Decimal),
    at=st.integers(-10_000, 1_000_000),
    stop=st.integers(1, 5_000),
    target=st.integers(1, 5_000),
    side=st.sampled_from(["BUY", "SELL"]),
)
def test_ticks_lead_back_to_the_prices_of_the_bracket(
    tick: Decimal, at: int, stop: int, target: int, side: str
) -> None:
    up = 1 if side == "BUY" else -1
    price = float(at * tick)
    legs = [float((at - up * stop) * tick), float((at + up * target) * tick)]
    signal = entry(
        side,
        order_type="LIMIT",
        limit_price=price,
        bracket=Bracket(TakeProfit(legs[1]), StopLoss(legs[0])),
    )
    listing = Listing("id", "X", tick)
    body = place(signal, 1, listing, PROJECTX, size=1, reference=None)
    assert body["stopLossBracket"]["ticks"] == -up * stop
    assert body["takeProfitBracket"]["ticks"] == up * target
    loose = place(signal, 1, listing, TESTMAX, size=1, reference=None)
    assert loose["stopLossBracket"]["ticks"] == stop
    assert loose["takeProfitBracket"]["ticks"] == target
    assert "customTag" not in loose


@settings(deadline=None)
@given(tick=st.sampled_from(TICKS).map(Decimal), at=st.integers(-10_000, 10_000))
def test_a_price_between_two_ticks_is_refused_by_name(tick: Decimal, at: int) -> None:
    price = float((at + Decimal("0.5")) * tick)
    signal = entry("BUY", order_type="STOP", trigger_price=price)
    with pytest.raises(SignalError, match="trigger_price"):
        place(signal, 1, Listing("id", "X", tick), PROJECTX, size=1, reference=None)


def answer(status: int, body: object, **headers: str) -> Answer:
    head = {name.encode(): value.encode() for name, value in headers.items()}
    return Answer(status, head, body if isinstance(body, bytes) else json.dumps(body).encode())


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, {"success": True, "errorCode": 0, "orderId": 7}, Kind.ACCEPTED),
        (201, {"success": True, "orderId": "ord_7", "orderStatus": 2}, Kind.ACCEPTED),
        (200, {"success": False, "errorCode": 3, "errorMessage": "funds"}, Kind.REJECTED),
        (200, {"success": False, "errorCode": 2, "errorMessage": "no"}, Kind.UNKNOWN),
        (200, {"success": False, "errorCode": 6}, Kind.UNKNOWN),
        (200, {"success": False, "errorCode": 7}, Kind.UNKNOWN),
        (200, {"success": False}, Kind.UNKNOWN),
        (200, {"success": "true", "orderId": 7}, Kind.UNKNOWN),
        (200, {}, Kind.UNKNOWN),
        (200, [], Kind.UNKNOWN),
        (200, b"\xff", Kind.UNKNOWN),
        (200, b"", Kind.UNKNOWN),
        (400, {}, Kind.REJECTED),
        (401, b"", Kind.REJECTED),
        (404, b"", Kind.REJECTED),
        (429, b"", Kind.UNKNOWN),
        (500, b"", Kind.UNKNOWN),
        (307, b"", Kind.UNKNOWN),
    ],
)
def test_what_an_answer_to_an_order_proves(status: int, body: object, kind: Kind) -> None:
    verdict = judge(answer(status, body), "Order/place", now_ns=0)
    assert verdict.outcome.kind is kind
    assert verdict.doubted == (isinstance(body, dict) and body.get("errorCode") == 2)


def test_a_wait_that_is_asked_for_is_kept() -> None:
    told = judge(answer(429, b"", **{"Retry-After": "7"}), "Order/place", now_ns=0)
    assert told.outcome.retry_after == 7.0


A, R, N, U = Kind.ACCEPTED, Kind.REJECTED, Kind.NOT_SENT, Kind.UNKNOWN


@pytest.mark.parametrize(
    ("kinds", "entering", "closing"),
    [
        ([A, A], A, A),
        ([R, R], R, R),
        ([N, N], N, N),
        ([A, R], A, N),
        ([A, N], A, N),
        ([R, N], R, N),
        ([A, R, U], U, U),
        ([N, U], U, U),
    ],
)
def test_how_accounts_decide_together(kinds: list[Kind], entering: Kind, closing: Kind) -> None:
    children = [(f"a{n}", Outcome(kind, kind.value), None) for n, kind in enumerate(kinds)]
    opened = together(children, entry("BUY"))
    closed = together(children, entry("SELL", open_close="CLOSE"))
    assert (opened.kind, closed.kind) == (entering, closing)
    assert [child.kind for child in opened.children] == kinds


@pytest.mark.parametrize(
    ("firm", "url", "dialect"),
    [
        ("topstepx", "https://api.topstepx.com", PROJECTX),
        ("e8", "https://api.e8.projectx.com", PROJECTX),
        ("testmax", "https://api.test-max.com", TESTMAX),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080", PROJECTX),
        ("http://127.0.0.1:8080/api", "http://127.0.0.1:8080", PROJECTX),
        ("http://127.0.0.1:8080/api/topstep-sim/", "http://127.0.0.1:8080", TESTMAX),
    ],
)
def test_a_firm_is_a_name_or_an_address(firm: str, url: str, dialect: object) -> None:
    assert root_url(firm) == (url, dialect)


@pytest.mark.parametrize("firm", ["", "a b", "evil.example/", "café", "x@y"])
def test_what_is_no_name_of_a_firm_is_refused(firm: str) -> None:
    with pytest.raises(ValueError, match="firm"):
        root_url(firm)
