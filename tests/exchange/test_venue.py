"""What a pool makes of signals and bars."""

from __future__ import annotations

from typing import Any

import pytest

from sim2live.errors import ConfigError
from sim2live.exchange.accounts import AccountSpec, Pool
from sim2live.exchange.execution import Behaviour
from sim2live.exchange.venue import Exchange, UnknownPool
from sim2live.market.bars import Bar
from sim2live.signals import Bracket, Instrument, Signal, StopLoss, TakeProfit

MES = Instrument("CME", "MESZ6")
POOL = "python-test"


def signal(name: str, side: str = "BUY", qty: int = 1, **more: Any) -> Signal:
    given: Any = {"side": side, **more}
    return Signal(
        signal_id=name, workflow_id=given.pop("pool", POOL), instrument=MES, qty=qty, **given
    )


def later(name: str, side: str = "BUY", qty: int = 1, **more: Any) -> Signal:
    return signal(name, side, qty, schema_version="1.1", **more)


def bracket(take: float | None, stop: float | None) -> Bracket:
    return Bracket(
        None if take is None else TakeProfit(take), None if stop is None else StopLoss(stop)
    )


def bar(open_: float, high: float, low: float, close: float, time: int = 1) -> Bar:
    return Bar(time, open_, high, low, close)


def at(price: float, **more: Any) -> Exchange:
    exchange = Exchange(**more)
    exchange.quote(MES, price, 0)
    return exchange


def states(exchange: Exchange) -> dict[str, str]:
    return {row.tag: str(row.state) for row in exchange.orders()}


def balance(exchange: Exchange) -> float:
    return exchange.accounts()[0].balance


def test_a_market_order_fills_at_the_current_price() -> None:
    exchange = at(5070)
    assert exchange.submit(signal("a", qty=2), 5).accepted
    (row,) = exchange.positions()
    assert (row.qty, row.average, row.account) == (2, 5070.0, "python-test-1")
    (trade,) = exchange.trades()
    assert (trade.signed_qty, trade.price, trade.time, trade.profit) == (2, 5070.0, 5, None)


def test_a_market_order_without_a_price_waits_for_the_first_open() -> None:
    exchange = Exchange()
    done = exchange.submit(signal("a"), 5)
    assert done.accepted
    assert states(exchange) == {"a": "WORKING"}
    exchange.on_bar(MES, bar(10, 12, 9, 11))
    assert exchange.positions()[0].average == 10
    assert [r.filled for r in done.results()] == [1]


def test_money_is_points_times_point_value() -> None:
    exchange = at(5000)
    exchange.submit(signal("a", qty=2), 1)
    exchange.quote(MES, 5010, 2)
    (account,) = exchange.accounts()
    assert (account.balance, account.unrealised, account.equity) == (50_000, 100, 50_100)
    exchange.submit(signal("b", "SELL", 2), 3)
    (account,) = exchange.accounts()
    assert (account.balance, account.unrealised) == (50_100, 0)  # MES: 5 dollars a point


def test_an_unknown_root_is_worth_one_a_point() -> None:
    exchange = Exchange()
    thing = Instrument("XYZ", "THING")
    exchange.quote(thing, 10, 0)
    for name, side in (("a", "SELL"), ("b", "BUY")):
        exchange.submit(
            Signal(signal_id=name, workflow_id=POOL, instrument=thing, side=side, qty=1),  # type: ignore[arg-type]
            1,
        )
        exchange.quote(thing, 7, 2)
    assert balance(exchange) == 50_003


def test_a_flip_closes_and_opens_in_one_fill() -> None:
    exchange = at(5000)
    exchange.submit(signal("a", qty=1), 1)
    exchange.quote(MES, 5002, 2)
    exchange.submit(signal("b", "SELL", 3), 3)
    (row,) = exchange.positions()
    assert (row.qty, row.average) == (-2, 5002)
    newest = exchange.trades()[0]
    assert (newest.closed, newest.profit) == (1, 10)


def test_an_add_averages_and_a_partial_close_keeps_the_average() -> None:
    exchange = at(100)
    exchange.submit(signal("a"), 1)
    exchange.quote(MES, 110, 2)
    exchange.submit(signal("b"), 2)
    assert exchange.positions()[0].average == 105
    exchange.submit(signal("c", "SELL"), 3)
    assert exchange.positions()[0].average == 105
    assert balance(exchange) == 50_025


@pytest.mark.parametrize(
    ("on", "filled", "cancelled", "money"),
    [
        (bar(5070, 5090, 5065, 5080), "a/take_profit", "a/stop_loss", 50_100),
        (bar(5070, 5075, 5060, 5061), "a/stop_loss", "a/take_profit", 49_950),
        (bar(5070, 5095, 5055, 5080), "a/stop_loss", "a/take_profit", 49_950),  # both: the stop
        (bar(5095, 5096, 5055, 5080), "a/take_profit", "a/stop_loss", 50_125),  # a gap beyond
        (bar(5050, 5095, 5045, 5080), "a/stop_loss", "a/take_profit", 49_900),
    ],
)
def test_one_leg_fills_and_takes_the_other_off(
    on: Bar, filled: str, cancelled: str, money: float
) -> None:
    exchange = at(5070)
    exchange.submit(signal("a", bracket=bracket(5090, 5060)), 1)
    assert states(exchange) == {
        "a": "FILLED",
        "a/take_profit": "WORKING",
        "a/stop_loss": "WORKING",
    }
    exchange.on_bar(MES, on)
    assert states(exchange) == {"a": "FILLED", filled: "FILLED", cancelled: "CANCELLED"}
    assert exchange.positions() == []
    assert balance(exchange) == money


def test_legs_wait_for_their_entry_and_are_tested_from_the_bar_after_it() -> None:
    exchange = at(5070)
    entry = signal("a", order_type="LIMIT", limit_price=5060, bracket=bracket(5080, 5055))
    exchange.submit(entry, 1)
    assert states(exchange)["a/stop_loss"] == "INACTIVE"
    exchange.on_bar(MES, bar(5070, 5070, 5050, 5052))  # fills the entry; the stop waits
    assert states(exchange) == {
        "a": "FILLED",
        "a/take_profit": "WORKING",
        "a/stop_loss": "WORKING",
    }
    exchange.on_bar(MES, bar(5052, 5053, 5051, 5052))
    assert exchange.trades()[0].price == 5052  # the open was beyond the stop already
    assert states(exchange)["a/take_profit"] == "CANCELLED"


def test_a_leg_already_through_the_market_fills_at_once() -> None:
    exchange = at(5070)
    exchange.submit(signal("a", bracket=bracket(5065, 5060)), 1)
    assert states(exchange) == {
        "a": "FILLED",
        "a/take_profit": "FILLED",
        "a/stop_loss": "CANCELLED",
    }
    assert exchange.positions() == []


def test_a_single_leg_is_allowed() -> None:
    exchange = at(5070)
    exchange.submit(signal("a", bracket=bracket(None, 5060)), 1)
    assert set(states(exchange)) == {"a", "a/stop_loss"}
    ids = [row.order_id for row in exchange.orders()]
    exchange.submit(signal("b", bracket=bracket(5090, None)), 1)
    assert len({*ids, *(row.order_id for row in exchange.orders())}) == 4


def test_a_marketable_limit_fills_at_the_market_and_another_rests() -> None:
    exchange = at(5070)
    exchange.submit(signal("a", order_type="LIMIT", limit_price=5080), 1)
    exchange.submit(signal("b", order_type="LIMIT", limit_price=5050), 1)
    assert states(exchange) == {"a": "FILLED", "b": "WORKING"}
    assert exchange.trades()[0].price == 5070


def test_a_pool_fans_out_by_multiplier() -> None:
    exchange = at(5000, pools={POOL: Pool.of("p", (1, 1, 3))})
    done = exchange.submit(signal("a", qty=2, bracket=bracket(5010, 4990)), 1)
    assert [(r.account, r.filled) for r in done.results()] == [("p-1", 2), ("p-2", 2), ("p-3", 6)]
    assert [row.qty for row in exchange.positions()] == [2, 2, 6]
    assert exchange.unit_positions(POOL) == {MES: 2}
    assert len({row.order_id for row in exchange.orders()}) == 9
    exchange.on_bar(MES, bar(5000, 5010, 5000, 5005))
    assert [row.realised for row in exchange.accounts()] == [100, 100, 300]
    by_account = {row.account: row for row in exchange.orders() if row.role == "take_profit"}
    entries = {row.account: row for row in exchange.orders() if row.role == "entry"}
    for name, row in by_account.items():
        assert row.parent_order_id == entries[name].order_id


def test_an_account_ordered_on_its_own_parts_from_its_pool() -> None:
    exchange = at(5000, pools={POOL: Pool.of("p", (1, 2))})
    exchange.submit(signal("a", qty=1, bracket=bracket(5010, 4990)), 1)
    before = {row.order_id: row for row in exchange.orders()}
    exchange.submit_to("p-2", signal("b", "SELL", 1), 2)
    assert {row.account: row.qty for row in exchange.positions()} == {"p-1": 1, "p-2": 1}
    assert exchange.unit_positions(POOL) is None  # one contract of a double account: no number
    after = {row.order_id: row for row in exchange.orders()}
    assert {key: after[key] for key in before} == before  # nothing of the past has changed
    exchange.submit(signal("c", qty=1), 3)
    assert {row.account: row.qty for row in exchange.positions()} == {"p-1": 2, "p-2": 3}
    exchange.submit_to("p-2", signal("d", "BUY", 1), 4)
    assert exchange.unit_positions(POOL) == {MES: 2}
    exchange.on_bar(MES, bar(5000, 5010, 5000, 5010))
    assert {row.account: row.qty for row in exchange.positions()} == {"p-1": 1, "p-2": 2}
    realised = {row.account: row.realised for row in exchange.accounts()}
    assert realised == {"p-1": 50, "p-2": 100}
    assert len({row.id for row in exchange.trades()}) == len(exchange.trades())


def test_cancelling_one_account_s_leg_leaves_the_others() -> None:
    exchange = at(5000, pools={POOL: Pool.of("p", (1, 1, 2))})
    exchange.submit(signal("a", bracket=bracket(5010, 4990)), 1)
    mine = next(r for r in exchange.orders() if r.account == "p-2" and r.role == "stop_loss")
    assert exchange.cancel(mine.order_id, 2) == ""
    stops = {r.account: str(r.state) for r in exchange.orders() if r.role == "stop_loss"}
    assert stops == {"p-1": "WORKING", "p-2": "CANCELLED", "p-3": "WORKING"}
    assert exchange.cancel(mine.order_id, 3) == f"order {mine.order_id} is CANCELLED"
    assert exchange.cancel(10_000, 3) == "no order 10000"
    assert exchange.cancel(0, 3) == "no order 0"
    exchange.on_bar(MES, bar(4995, 4995, 4985, 4985))
    assert {row.account for row in exchange.positions()} == {"p-2"}


def test_modifying_one_account_s_order_changes_its_size_and_price() -> None:
    exchange = at(5000, pools={POOL: Pool.of("p", (2,))})
    exchange.submit(signal("a", order_type="LIMIT", limit_price=4990), 1)
    (row,) = exchange.orders()
    assert exchange.modify(row.order_id, 2, qty=3, limit_price=5001) == ""
    assert exchange.positions()[0].qty == 3  # the new limit is marketable
    assert exchange.modify(row.order_id, 2, qty=1) == f"order {row.order_id} is FILLED"


def test_signals_can_cancel_and_modify_by_the_client_s_name() -> None:
    exchange = at(5000, pools={POOL: Pool.of("p", (1, 2))})
    resting: Any = {"order_type": "LIMIT", "order_id": "mine"}
    exchange.submit(later("a", qty=1, limit_price=4990, **resting), 1)
    assert exchange.has_order(POOL, "mine")
    exchange.submit(later("b", qty=2, limit_price=4980, action="MODIFY", **resting), 2)
    assert [(r.qty, r.limit_price) for r in exchange.orders()] == [(4, 4980), (2, 4980)]
    assert exchange.submit(later("c", action="CANCEL", order_id="mine"), 3).accepted
    assert {str(r.state) for r in exchange.orders()} == {"CANCELLED"}
    again = exchange.submit(later("d", action="CANCEL", order_id="mine"), 3)
    assert (again.accepted, again.reason) == (False, "no working order 'mine'")


def test_a_working_order_s_name_cannot_be_used_again() -> None:
    exchange = at(5000)
    named: Any = {"order_type": "LIMIT", "limit_price": 4990, "order_id": "mine"}
    exchange.submit(later("a", **named), 1)
    assert not exchange.submit(later("b", **named), 1).accepted
    exchange.submit(later("c", action="CANCEL", order_id="mine"), 2)
    assert exchange.submit(later("d", **named), 3).accepted


def test_cancelling_an_entry_cancels_its_legs() -> None:
    exchange = at(5000)
    entry = later(
        "a", order_id="e", order_type="LIMIT", limit_price=4990, bracket=bracket(5010, 4980)
    )
    exchange.submit(entry, 1)
    exchange.submit(later("b", action="CANCEL", order_id="e"), 2)
    assert set(states(exchange).values()) == {"CANCELLED"}


def test_children_wake_with_their_parent_and_cancel_each_other() -> None:
    exchange = at(5000)
    exchange.submit(later("a", order_id="e", order_type="LIMIT", limit_price=4990), 1)
    child: Any = {"parent_order_id": "e"}
    exchange.submit(
        later("t", "SELL", order_id="t", order_type="LIMIT", limit_price=5010, **child), 1
    )
    exchange.submit(
        later("s", "SELL", order_id="s", order_type="STOP", trigger_price=4980, **child), 1
    )
    assert states(exchange) == {"e": "WORKING", "t": "INACTIVE", "s": "INACTIVE"}
    exchange.on_bar(MES, bar(5000, 5000, 4985, 4990))
    assert states(exchange) == {"e": "FILLED", "t": "WORKING", "s": "WORKING"}
    exchange.on_bar(MES, bar(4990, 5020, 4970, 4990))
    assert states(exchange) == {"e": "FILLED", "t": "CANCELLED", "s": "FILLED"}
    orphan = exchange.submit(later("o", order_id="o", parent_order_id="nobody"), 2)
    assert orphan.reason == "no order 'nobody' to protect"


def test_a_close_is_a_plain_opposite_order_by_default() -> None:
    exchange = at(5000)
    exchange.submit(signal("a", bracket=bracket(5010, 4990)), 1)
    exchange.submit(signal("b", "SELL", 2, open_close="CLOSE"), 2)
    assert exchange.positions()[0].qty == -1
    assert states(exchange)["a/stop_loss"] == "WORKING"


def test_a_reduce_only_close_is_cut_and_never_opens() -> None:
    exchange = at(5000, behaviour=Behaviour(close_is_reduce_only=True))
    exchange.submit(signal("a", qty=2), 1)
    exchange.submit(signal("b", "SELL", 5, open_close="CLOSE"), 2)
    assert exchange.positions() == []
    flat = exchange.submit(signal("c", "SELL", 5, open_close="CLOSE"), 3)
    assert (flat.accepted, flat.reason) == (False, "nothing to close")
    assert states(exchange)["c"] == "REJECTED"


def test_a_close_can_take_the_legs_along() -> None:
    exchange = at(5000, behaviour=Behaviour(close_cancels_legs=True))
    exchange.submit(signal("a", bracket=bracket(5010, 4990)), 1)
    exchange.submit(signal("b", "SELL", open_close="CLOSE"), 2)
    assert states(exchange)["a/stop_loss"] == "CANCELLED"
    assert states(exchange)["a/take_profit"] == "CANCELLED"


@pytest.mark.parametrize(("dedupe", "held"), [(True, 1), (False, 2)])
def test_a_repeated_id_executes_once_only_where_the_venue_dedupes(dedupe: bool, held: int) -> None:
    exchange = at(5000, behaviour=Behaviour(dedupe=dedupe))
    exchange.submit(signal("a"), 1)
    exchange.submit(signal("a"), 2)
    assert exchange.positions()[0].qty == held


def test_events_are_told_once_for_each_account_and_from_a_cursor() -> None:
    exchange = at(5000, pools={POOL: Pool.of("p", (1, 2))})
    exchange.submit(signal("a"), 1)
    told = exchange.events()
    assert [(e.kind, e.account, e.signed_qty) for e in told] == [
        ("accept", "p-1", 0),
        ("accept", "p-2", 0),
        ("fill", "p-1", 1),
        ("fill", "p-2", 2),
    ]
    here = exchange.cursor
    assert exchange.events(here) == []
    exchange.submit(signal("b", "SELL"), 2)
    assert [e.signed_qty for e in exchange.events(here) if e.kind == "fill"] == [-1, -2]
    assert len({e.id for e in exchange.events()}) == len(exchange.events())


def test_pools_are_known_or_made_when_any_is_welcome() -> None:
    with pytest.raises(UnknownPool, match="Workflow not found: other"):
        Exchange().submit(signal("a", pool="other"), 1)
    exchange = Exchange({}, any_pool=True)
    assert exchange.submit(signal("a", pool="other"), 1).accepted
    assert exchange.pools == ("other",)


def test_rows_can_be_limited_and_filtered() -> None:
    exchange = at(5000, pools={"a": Pool.of("a"), "b": Pool.of("b", (1, 1))})
    for n in range(3):
        exchange.submit(signal(f"a{n}", pool="a"), n)
        exchange.submit(signal(f"b{n}", pool="b"), n)
    assert [r.signal_id for r in exchange.orders(limit=3)] == ["b2", "b2", "a2"]
    assert [r.signal_id for r in exchange.orders("a")] == ["a2", "a1", "a0"]
    assert len(exchange.trades("b")) == 6
    assert len(exchange.trades("b", 4)) == 4
    assert [r.account for r in exchange.accounts("b")] == ["b-1", "b-2"]
    assert exchange.orders("nobody") == []


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: AccountSpec(""),
        lambda: AccountSpec("a\n"),
        lambda: AccountSpec("a", float("nan")),
        lambda: AccountSpec("a", multiplier=0),
        lambda: AccountSpec("a", multiplier=True),
        lambda: Pool(()),
        lambda: Exchange({"a": Pool.of("x"), "b": Pool.of("x")}),
    ],
)
def test_a_wrong_pool_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigError):
        wrong()
