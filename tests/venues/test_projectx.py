"""The venue that answers: outcomes, look-ups, positions and reports, against a firm on loopback."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.venues.projectx_firm import Firm, done_then_lost, lost, ok, refused, running, venue_of

from sim2live.clock import ManualClock
from sim2live.market.bars import Bar
from sim2live.signals import Bracket, Instrument, Signal, StopLoss, TakeProfit
from sim2live.venues.outcome import Kind
from sim2live.venues.projectx import GRACE, ProjectX

MES = Instrument("CME", "MESZ6")
ENTRY = "11111111-1111-5111-8111-111111111111"
EXIT = "22222222-2222-5222-8222-222222222222"


@pytest.fixture
def firm(manual_clock: ManualClock) -> Iterator[Firm]:
    with running(Firm(manual_clock)) as one:
        yield one


@pytest.fixture
def venue(firm: Firm) -> Iterator[ProjectX]:
    made = venue_of(firm)
    yield made
    made.close()


def signal(name: str = ENTRY, side: str = "BUY", qty: int = 1, **more: Any) -> Signal:
    values = {"workflow_id": "P-1", "instrument": MES, **more}
    return Signal(signal_id=name, side=side, qty=qty, **values)  # type: ignore[arg-type]


def close(name: str = EXIT, qty: int = 1, **more: Any) -> Signal:
    return signal(name, "SELL", qty, open_close="CLOSE", **more)


# -- orders --------------------------------------------------------------------------------------
def test_an_order_bears_the_signal_id_and_a_contract_that_was_looked_up(
    firm: Firm, venue: ProjectX
) -> None:
    outcome = venue.send(signal(qty=3), timeout=30.0)
    assert outcome.kind is Kind.ACCEPTED
    assert outcome.children[0].account == "P-1"
    (body,) = firm.bodies("Order/place")
    assert body["customTag"] == ENTRY
    assert body["contractId"] == "CON.F.US.MES.Z26"
    assert (body["type"], body["side"], body["size"], body["accountId"]) == (2, 0, 3, 100)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"order_type": "LIMIT", "limit_price": 4999.25}, (1, 4999.25, None)),
        ({"order_type": "STOP", "trigger_price": 5001.0}, (4, None, 5001.0)),
        (
            {"order_type": "STOP_LIMIT", "trigger_price": 5001.0, "limit_price": 5001.5},
            (3, 5001.5, 5001.0),
        ),
        ({"order_type": "LIMIT", "limit_price": 0.0}, (1, 0.0, None)),
        ({"order_type": "LIMIT", "limit_price": -37.5}, (1, -37.5, None)),
    ],
)
def test_types_and_prices_are_carried_over(
    firm: Firm, venue: ProjectX, fields: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    assert venue.send(signal(**fields), timeout=30.0).kind is Kind.ACCEPTED
    (body,) = firm.bodies("Order/place")
    assert (body["type"], body["limitPrice"], body["stopPrice"]) == expected


def test_a_trailing_stop_starts_at_its_level(firm: Firm, venue: ProjectX) -> None:
    stop = signal(side="SELL", order_type="STOP", trigger_price=4990.0)
    assert venue.send_trailing(stop, timeout=30.0).kind is Kind.ACCEPTED
    (body,) = firm.bodies("Order/place")
    assert (body["type"], body["trailPrice"], body["stopPrice"]) == (5, 4990.0, None)


def test_only_a_stop_can_trail(firm: Firm, venue: ProjectX) -> None:
    outcome = venue.send_trailing(signal(), timeout=30.0)
    assert outcome.kind is Kind.NOT_SENT
    assert "STOP" in outcome.reason
    assert firm.count("Order/place") == 0


@pytest.mark.parametrize(
    ("side", "stop", "target", "expected"),
    [("BUY", 4990.0, 5020.0, (-40, 80)), ("SELL", 5010.0, 4980.0, (40, -80))],
)
def test_bracket_prices_become_signed_ticks_from_the_last_price(
    firm: Firm,
    venue: ProjectX,
    side: str,
    stop: float,
    target: float,
    expected: tuple[int, int],
) -> None:
    venue.on_bar(MES, Bar(1, 5000.0, 5000.0, 5000.0, 5000.0))
    bracket = Bracket(TakeProfit(target), StopLoss(stop))
    assert venue.send(signal(side=side, bracket=bracket), timeout=30.0).kind is Kind.ACCEPTED
    (body,) = firm.bodies("Order/place")
    assert body["stopLossBracket"] == {"ticks": expected[0], "type": 4}
    assert body["takeProfitBracket"] == {"ticks": expected[1], "type": 1}


def test_a_limit_entry_measures_its_bracket_from_its_own_price(firm: Firm, venue: ProjectX) -> None:
    bracket = Bracket(stop_loss=StopLoss(4980.0))
    entry = signal(order_type="LIMIT", limit_price=4990.0, bracket=bracket)
    assert venue.send(entry, timeout=30.0).kind is Kind.ACCEPTED
    (body,) = firm.bodies("Order/place")
    assert body["stopLossBracket"] == {"ticks": -40, "type": 4}
    assert "takeProfitBracket" not in body


@pytest.mark.parametrize(
    ("more", "last", "words"),
    [
        ({"order_type": "LIMIT", "limit_price": 5000.1}, None, "tick 0.25"),
        ({"bracket": Bracket(stop_loss=StopLoss(4990.0))}, None, "no price"),
        ({"bracket": Bracket(stop_loss=StopLoss(4990.0))}, 4980.0, "below the entry"),
        ({"bracket": Bracket(TakeProfit(5000.0))}, 5000.0, "above the entry"),
        ({"instrument": Instrument("CME", "MESH6")}, None, "MESZ6"),
        ({"instrument": Instrument("CME", "ES")}, None, "ESZ6"),
    ],
)
def test_what_cannot_be_said_never_leaves(
    firm: Firm, venue: ProjectX, more: dict[str, Any], last: float | None, words: str
) -> None:
    if last is not None:
        venue.on_bar(MES, Bar(1, last, last, last, last))
    outcome = venue.send(signal(**more), timeout=30.0)
    assert outcome.kind is Kind.NOT_SENT
    assert words in outcome.reason
    assert firm.count("Order/place") == 0


@pytest.mark.parametrize(
    ("symbol", "contract"),
    [
        ("ESZ6", "CON.F.US.EP.Z26"),
        ("ESZ26", "CON.F.US.EP.Z26"),
        ("ESH7", "CON.F.US.EP.H27"),
        ("NQZ6", "CON.F.US.ENQ.Z26"),
        ("CON.F.US.MNQ.Z26", "CON.F.US.MNQ.Z26"),
    ],
)
def test_a_symbol_means_exactly_one_contract(
    firm: Firm, venue: ProjectX, symbol: str, contract: str
) -> None:
    named = signal(instrument=Instrument("CME", symbol))
    assert venue.send(named, timeout=30.0).kind is Kind.ACCEPTED
    assert firm.bodies("Order/place")[0]["contractId"] == contract


def test_an_account_goes_by_its_name_or_its_number(firm: Firm, venue: ProjectX) -> None:
    assert venue.send(signal(workflow_id="100"), timeout=30.0).kind is Kind.ACCEPTED
    outcome = venue.send(signal(EXIT, workflow_id="P-9"), timeout=30.0)
    assert outcome.kind is Kind.REJECTED
    assert "P-1" in outcome.reason


def test_a_refusal_is_rejected_with_the_words_of_the_firm(firm: Firm, venue: ProjectX) -> None:
    firm.script("Order/place", lambda _: (200, refused(5, "outside trading hours")))
    outcome = venue.send(signal(), timeout=30.0)
    assert outcome.kind is Kind.REJECTED
    assert "outside trading hours" in outcome.reason
    assert not outcome.halts


def test_a_refused_order_may_bear_an_id_and_is_refused_all_the_same(
    firm: Firm, venue: ProjectX
) -> None:
    firm.script("Order/place", lambda _: (200, {**refused(2, "too large"), "orderId": 992}))
    outcome = venue.send(signal(), timeout=30.0)
    assert outcome.kind is Kind.REJECTED
    assert "too large" in outcome.reason


@pytest.mark.parametrize("code", [6, 7])
def test_pending_and_unknown_errors_prove_nothing(firm: Firm, venue: ProjectX, code: int) -> None:
    firm.script("Order/place", lambda _: (200, refused(code, "hm")))
    assert venue.send(signal(), timeout=30.0).kind is Kind.UNKNOWN


def test_the_first_order_after_a_bar_waits_for_no_question(firm: Firm, venue: ProjectX) -> None:
    venue.positions("P-1")
    venue.on_bar(MES, Bar(1, 5000.0, 5000.0, 5000.0, 5000.0))
    before = len(firm.calls)
    assert venue.send(signal(), timeout=30.0).kind is Kind.ACCEPTED
    assert [call for call, _ in firm.calls[before:]] == ["Order/place"]
    venue.on_bar(MES, Bar(2, 5000.0, 5000.0, 5000.0, 5000.0))
    assert firm.count("Contract/search") == 1


# -- unknown outcomes ----------------------------------------------------------------------------
def test_an_executed_order_whose_answer_got_lost_is_found_by_its_name(
    firm: Firm, venue: ProjectX
) -> None:
    firm.script("Order/place", done_then_lost(firm))
    assert venue.send(signal(), timeout=30.0).kind is Kind.UNKNOWN
    found = venue.lookup(signal())
    assert found is not None
    assert found.kind is Kind.ACCEPTED
    assert found.children[0].filled == 1


def test_an_order_that_cannot_be_found_was_not_taken_but_only_after_a_while(
    firm: Firm, venue: ProjectX
) -> None:
    firm.script("Order/place", lost)
    assert venue.send(signal(), timeout=30.0).kind is Kind.UNKNOWN
    assert venue.lookup(signal()) is None
    firm.clock.advance(GRACE)
    found = venue.lookup(signal())
    assert found is not None
    assert found.kind is Kind.NOT_SENT


def test_after_a_restart_the_while_begins_with_the_first_question(
    firm: Firm, venue: ProjectX
) -> None:
    assert venue.lookup(signal()) is None
    firm.clock.advance(GRACE)
    found = venue.lookup(signal())
    assert found is not None
    assert found.kind is Kind.NOT_SENT


@pytest.mark.parametrize(
    "orders", [{"orders": None}, {}, {"orders": [{"id": 1}]}, {"orders": "none"}]
)
def test_a_list_that_cannot_be_read_tells_nothing_of_an_order(
    firm: Firm, venue: ProjectX, orders: dict[str, Any]
) -> None:
    firm.clock.advance(GRACE)
    venue.lookup(signal())
    firm.clock.advance(GRACE)
    firm.script("Order/search", lambda _: ok(**orders))
    assert venue.lookup(signal()) is None


def test_a_used_name_is_looked_up_and_counts_as_the_first_order(
    firm: Firm, venue: ProjectX
) -> None:
    assert venue.send(signal(), timeout=30.0).kind is Kind.ACCEPTED
    assert venue.send(signal(), timeout=30.0).kind is Kind.ACCEPTED
    assert firm.held(100) == 1


def test_a_name_used_by_a_rejected_order_stays_rejected(firm: Firm, venue: ProjectX) -> None:
    firm.fills = 0
    venue.send(signal(), timeout=30.0)
    firm.order(1)["status"] = 5
    assert venue.send(signal(), timeout=30.0).kind is Kind.REJECTED


def test_a_used_name_that_cannot_be_looked_up_stays_unknown(firm: Firm, venue: ProjectX) -> None:
    venue.send(signal(), timeout=30.0)
    firm.script("Order/search", lambda _: ok(orders=None))
    assert venue.send(signal(), timeout=30.0).kind is Kind.UNKNOWN


# -- exits ---------------------------------------------------------------------------------------
def test_a_close_is_cut_to_what_is_held(firm: Firm, venue: ProjectX) -> None:
    venue.send(signal(qty=1), timeout=30.0)
    firm.clock.advance(60)
    assert venue.send(close(qty=3), timeout=30.0).kind is Kind.ACCEPTED
    assert firm.held(100) == 0


def test_a_close_of_nothing_sends_nothing(firm: Firm, venue: ProjectX) -> None:
    outcome = venue.send(close(), timeout=30.0)
    assert outcome.kind is Kind.ACCEPTED
    assert "nothing to close" in outcome.reason
    assert firm.count("Order/place") == 0


def test_a_close_of_the_other_side_sends_nothing(firm: Firm, venue: ProjectX) -> None:
    firm.by_hand(100, side=1, size=2)
    assert venue.send(close(qty=1), timeout=30.0).kind is Kind.ACCEPTED
    assert firm.held(100) == -2


def test_a_close_waits_for_an_entry_that_may_still_be_on_its_way(
    firm: Firm, venue: ProjectX
) -> None:
    firm.fills = 0
    venue.send(signal(), timeout=30.0)
    assert venue.send(close(), timeout=30.0).kind is Kind.NOT_SENT
    firm.fill(1)
    firm.fills = None
    assert venue.send(close(), timeout=30.0).kind is Kind.ACCEPTED
    assert firm.held(100) == 0


def test_a_close_takes_the_legs_of_its_position_along(firm: Firm, venue: ProjectX) -> None:
    venue.on_bar(MES, Bar(1, 5000.0, 5000.0, 5000.0, 5000.0))
    bracket = Bracket(TakeProfit(5020.0), StopLoss(4990.0))
    venue.send(signal(bracket=bracket), timeout=30.0)
    assert [order["status"] for order in firm.orders[100]] == [2, 1, 1]
    assert venue.send(close(), timeout=30.0).kind is Kind.ACCEPTED
    assert [order["status"] for order in firm.orders[100]] == [2, 3, 3, 2]


# -- several accounts ----------------------------------------------------------------------------
POOL = {"pool": ["A", "B", "C"]}


@pytest.fixture
def three(manual_clock: ManualClock) -> Iterator[Firm]:
    with running(Firm(manual_clock, ("A", "B", "C"))) as one:
        yield one


@pytest.fixture
def pool(three: Firm) -> Iterator[ProjectX]:
    made = venue_of(three, accounts=POOL)
    yield made
    made.close()


def _in(account: int, script: Callable[[dict[str, Any]], Any], firm: Firm) -> Callable[..., Any]:
    """Only this account gets the scripted answer."""
    return lambda body: script(body) if body["accountId"] == account else firm._Order_place(body)


def test_each_account_gets_its_order_and_tells_its_outcome(three: Firm, pool: ProjectX) -> None:
    outcome = pool.send(signal(workflow_id="pool"), timeout=30.0)
    assert outcome.kind is Kind.ACCEPTED
    assert [child.account for child in outcome.children] == ["A", "B", "C"]
    assert [three.held(number) for number in (100, 101, 102)] == [1, 1, 1]
    assert pool.positions("pool") == {MES: 1}


def test_one_account_that_nobody_knows_of_makes_the_whole_unknown(
    three: Firm, pool: ProjectX
) -> None:
    scripted = [_in(102, lost, three)] * 3
    three.script("Order/place", *scripted)
    outcome = pool.send(signal(workflow_id="pool"), timeout=30.0)
    assert outcome.kind is Kind.UNKNOWN
    kinds = [child.kind for child in outcome.children]
    assert kinds == [Kind.ACCEPTED, Kind.ACCEPTED, Kind.UNKNOWN]


def test_an_exit_that_one_account_refused_is_repeated_there_only(
    three: Firm, pool: ProjectX
) -> None:
    pool.send(signal(workflow_id="pool", qty=2), timeout=30.0)
    refusal = _in(101, lambda _: (200, refused(5, "closed")), three)
    three.script("Order/place", refusal, refusal, refusal)
    outcome = pool.send(close(workflow_id="pool", qty=2), timeout=30.0)
    assert outcome.kind is Kind.NOT_SENT
    assert [three.held(number) for number in (100, 101, 102)] == [0, 2, 0]
    three.clock.advance(60)
    assert pool.send(close(workflow_id="pool", qty=2), timeout=30.0).kind is Kind.ACCEPTED
    assert [three.held(number) for number in (100, 101, 102)] == [0, 0, 0]


def test_accounts_that_disagree_have_no_common_position(three: Firm, pool: ProjectX) -> None:
    pool.send(signal(workflow_id="pool"), timeout=30.0)
    three.by_hand(101, side=1, size=1)
    assert pool.positions("pool") is None


# -- changes -------------------------------------------------------------------------------------
def changed(action: str, name: str, **more: Any) -> Signal:
    return signal("c1", schema_version="1.1", action=action, order_id=name, **more)


def test_a_resting_order_is_modified_and_cancelled_by_its_name(firm: Firm, venue: ProjectX) -> None:
    rest = signal(
        schema_version="1.1", order_id="mine", order_type="LIMIT", limit_price=4990.0, qty=2
    )
    assert venue.send(rest, timeout=30.0).kind is Kind.ACCEPTED
    moved = changed("MODIFY", "mine", qty=1, order_type="LIMIT", limit_price=4980.0)
    assert venue.send(moved, timeout=30.0).kind is Kind.ACCEPTED
    assert (firm.order(1)["size"], firm.order(1)["limitPrice"]) == (1, 4980.0)
    assert venue.send(changed("CANCEL", "mine"), timeout=30.0).kind is Kind.ACCEPTED
    assert firm.order(1)["status"] == 3
    assert venue.send(changed("CANCEL", "mine"), timeout=30.0).kind is Kind.REJECTED


def test_a_leg_is_cancelled_by_the_name_of_its_entry(firm: Firm, venue: ProjectX) -> None:
    venue.on_bar(MES, Bar(1, 5000.0, 5000.0, 5000.0, 5000.0))
    bracket = Bracket(TakeProfit(5020.0), StopLoss(4990.0))
    venue.send(signal(bracket=bracket), timeout=30.0)
    gone = changed("CANCEL", f"{ENTRY}/take_profit")
    assert venue.send(gone, timeout=30.0).kind is Kind.ACCEPTED
    assert [order["status"] for order in firm.orders[100]] == [2, 1, 3]


def test_after_a_restart_an_order_is_found_by_its_signal_id(firm: Firm, venue: ProjectX) -> None:
    venue.send(signal(order_type="LIMIT", limit_price=4990.0), timeout=30.0)
    again = venue_of(firm)
    assert again.send(changed("CANCEL", ENTRY), timeout=30.0).kind is Kind.ACCEPTED
    assert again.send(changed("CANCEL", "nobody"), timeout=30.0).kind is Kind.REJECTED
    again.close()


# -- news ----------------------------------------------------------------------------------------
def test_fills_in_parts_are_told_once_each(firm: Firm, venue: ProjectX) -> None:
    firm.fills = 0
    venue.send(signal(qty=3), timeout=30.0)
    firm.fill(1, 1, 5000.25)
    first = venue.reports()
    assert [(r.kind, r.signed_qty, r.price) for r in first if r.kind == "fill"] == [
        ("fill", 1, 5000.25)
    ]
    firm.fill(1, 2, 5000.5)
    second = venue.reports()
    assert [(r.kind, r.signed_qty, r.price, r.signal_id) for r in second] == [
        ("fill", 2, 5000.5, ENTRY)
    ]
    assert venue.reports() == []


def test_legs_are_told_under_the_signal_of_their_entry(firm: Firm, venue: ProjectX) -> None:
    venue.on_bar(MES, Bar(1, 5000.0, 5000.0, 5000.0, 5000.0))
    bracket = Bracket(TakeProfit(5020.0), StopLoss(4990.0))
    venue.send(signal(bracket=bracket), timeout=30.0)
    venue.reports()
    firm.fill(2, price=4989.75)
    firm.order(3)["status"] = 3
    told = {(r.kind, r.name, r.signed_qty, r.signal_id) for r in venue.reports()}
    assert told == {
        ("fill", f"{ENTRY}/stop_loss", -1, ENTRY),
        ("cancel", f"{ENTRY}/take_profit", 0, ENTRY),
    }


def test_what_was_there_before_is_no_news(firm: Firm, venue: ProjectX) -> None:
    firm.by_hand(100, side=0, size=5)
    venue.send(signal(), timeout=30.0)
    assert [r.signed_qty for r in venue.reports() if r.kind == "fill"] == [1]
    firm.by_hand(100, side=1, size=5)
    (told,) = venue.reports()
    assert (told.signed_qty, told.signal_id, told.name) == (-5, "", "")


def test_a_fill_that_the_exchange_takes_back_is_told(firm: Firm, venue: ProjectX) -> None:
    venue.send(signal(), timeout=30.0)
    venue.reports()
    firm.trades[100][0]["voided"] = True
    (told,) = venue.reports()
    assert (told.kind, told.signed_qty) == ("fill", -1)
    assert venue.reports() == []


def test_a_look_that_fails_loses_no_news(firm: Firm, venue: ProjectX) -> None:
    venue.send(signal(), timeout=30.0)
    firm.script("Position/searchOpen", lambda _: ok(positions=None))
    assert venue.reports() == []
    assert [r.signed_qty for r in venue.reports() if r.kind == "fill"] == [1]


# -- who it is -----------------------------------------------------------------------------------
def test_secrets_are_in_no_name_no_reason_and_no_log(
    firm: Firm, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    venue = venue_of(firm, api_key="very-secret")
    outcome = venue.send(signal(), timeout=30.0)
    assert outcome.kind is Kind.NOT_SENT
    assert outcome.halts
    good = venue_of(firm)
    good.send(signal(), timeout=30.0)
    token = firm.tokens[-1]
    firm.script("Order/place", lambda _: (400, {"error": f"bad {token} {firm.key}"}))
    told = good.send(signal(EXIT), timeout=30.0)
    shown = f"{outcome} {told} {venue!r} {good!r} {good.session!r} {good.fingerprint} {caplog.text}"
    for secret in ("very-secret", token, firm.key):
        assert secret not in shown
    venue.close()
    good.close()


def test_a_wrong_key_is_not_tried_again_at_once(firm: Firm) -> None:
    venue = venue_of(firm, api_key="wrong")
    for _ in range(5):
        assert venue.send(signal(), timeout=30.0).kind is Kind.NOT_SENT
    assert firm.count("Auth/loginKey") == 1
    firm.clock.advance(61)
    venue.send(signal(), timeout=30.0)
    assert firm.count("Auth/loginKey") == 2
    venue.close()


def test_two_users_and_two_firms_have_memories_of_their_own(firm: Firm) -> None:
    made = [
        venue_of(firm),
        venue_of(firm, user_name="you"),
        ProjectX("topstepx", user_name="me", api_key="k"),
        ProjectX("e8", user_name="me", api_key="k"),
        ProjectX("testmax", user_name="me", api_key="k"),
    ]
    assert len({venue.fingerprint for venue in made}) == 5
    assert [venue.simulated for venue in made] == [False, False, False, False, True]
    for venue in made:
        venue.close()
