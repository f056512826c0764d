"""At what price an order fills on a bar, row by row."""

from __future__ import annotations

from typing import Any

import pytest

from sim2live.exchange import matching
from sim2live.exchange.orders import Order, State
from sim2live.market.bars import Bar
from sim2live.signals import Instrument

MES = Instrument("CME", "MESZ6")


def order(side: str, kind: str, limit: float | None = None, trigger: float | None = None) -> Order:
    given: Any = side, kind
    return Order(
        id=1,
        tag="a",
        signal_id="a",
        pool="p",
        instrument=MES,
        role="entry",
        side=given[0],
        qty=1,
        order_type=given[1],
        limit_price=limit,
        trigger_price=trigger,
        parent=None,
        state=State.WORKING,
        created=0,
        updated=0,
    )


def bar(open_: float, high: float, low: float, close: float) -> Bar:
    return Bar(1, open_, high, low, close)


QUIET = bar(100, 104, 96, 101)


@pytest.mark.parametrize(
    ("what", "on", "price"),
    [
        (order("BUY", "MARKET"), QUIET, 100),
        (order("BUY", "LIMIT", 98), QUIET, 98),
        (order("BUY", "LIMIT", 96), QUIET, 96),
        (order("BUY", "LIMIT", 95.75), QUIET, None),
        (order("BUY", "LIMIT", 102), QUIET, 100),  # better than asked: the open
        (order("SELL", "LIMIT", 104), QUIET, 104),
        (order("SELL", "LIMIT", 104.25), QUIET, None),
        (order("SELL", "LIMIT", 99), QUIET, 100),
        (order("BUY", "STOP", trigger=103), QUIET, 103),
        (order("BUY", "STOP", trigger=104.25), QUIET, None),
        (order("BUY", "STOP", trigger=99), QUIET, 100),  # a gap: the open
        (order("SELL", "STOP", trigger=97), QUIET, 97),
        (order("SELL", "STOP", trigger=101), QUIET, 100),
        (order("SELL", "STOP", trigger=95), QUIET, None),
        (order("BUY", "STOP_LIMIT", 103.5, 103), QUIET, 103),
        (order("BUY", "STOP_LIMIT", 101, 99), QUIET, 100),
        (order("BUY", "STOP_LIMIT", 98, 99), QUIET, 98),  # gapped, then came back to the limit
        (order("SELL", "STOP_LIMIT", 96.5, 97), QUIET, 97),
        (order("SELL", "LIMIT", 0), bar(-1, 1, -2, 0), 0),  # prices may be zero or negative
        (order("BUY", "LIMIT", -1.5), bar(-1, 1, -2, 0), -1.5),
    ],
)
def test_an_order_fills_at_the_price_the_rules_say(
    what: Order, on: Bar, price: float | None
) -> None:
    assert matching.on_bar(what, on).price == price


def test_a_stop_limit_with_its_limit_beyond_the_trigger_waits_for_the_next_bar() -> None:
    buys = order("BUY", "STOP_LIMIT", limit=98, trigger=103)
    match = matching.on_bar(buys, QUIET)
    assert match.price is None  # 96 may have traded before 103: not certain
    assert match.triggered
    buys.triggered = True
    assert matching.on_bar(buys, bar(99, 99, 97, 98)).price == 98


def test_a_stop_that_is_not_reached_says_nothing() -> None:
    assert matching.on_bar(order("BUY", "STOP_LIMIT", 110, 105), QUIET) == matching.NOTHING


def test_what_the_open_satisfies_comes_before_stops_and_stops_before_limits() -> None:
    at_open = matching.on_bar(order("SELL", "LIMIT", 99), QUIET)
    stopped = matching.on_bar(order("SELL", "STOP", trigger=97), QUIET)
    limited = matching.on_bar(order("SELL", "LIMIT", 104), QUIET)
    assert at_open.when < stopped.when < limited.when
