"""What holds whatever is traded: books add up, and one leg at most fills."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sim2live.exchange.accounts import FLAT, Pool, trade
from sim2live.exchange.orders import State
from sim2live.exchange.venue import Exchange
from sim2live.market.bars import Bar
from sim2live.signals import Bracket, Instrument, Signal, StopLoss, TakeProfit

MES = Instrument("CME", "MESZ6")
POOL = "p"
MULTIPLIERS = (1, 2, 5)
TICKS = st.integers(-40, 40)


def price(ticks: int) -> float:
    return 100 + ticks * 0.25


@st.composite
def bars(draw: Any) -> Bar:
    four = sorted(draw(st.tuples(TICKS, TICKS, TICKS, TICKS)))
    first, last = draw(st.permutations(four[1:3]))
    return Bar(1, price(first), price(four[3]), price(four[0]), price(last))


@st.composite
def orders(draw: Any) -> dict[str, Any]:
    side = draw(st.sampled_from(("BUY", "SELL")))
    kind = draw(st.sampled_from(("MARKET", "LIMIT", "STOP", "STOP_LIMIT")))
    made: dict[str, Any] = {"side": side, "qty": draw(st.integers(1, 4)), "order_type": kind}
    middle = draw(TICKS)
    if kind in ("LIMIT", "STOP_LIMIT"):
        made["limit_price"] = price(middle)
    if kind in ("STOP", "STOP_LIMIT"):
        made["trigger_price"] = price(middle)
    if draw(st.booleans()):
        up, down = draw(st.tuples(st.integers(1, 30), st.integers(1, 30)))
        sign = 1 if side == "BUY" else -1
        made["bracket"] = Bracket(
            TakeProfit(price(middle + sign * up)), StopLoss(price(middle - sign * down))
        )
    return made


STEPS = st.lists(
    st.one_of(bars(), orders(), st.tuples(st.integers(0, 2), orders()), st.integers(1, 60)),
    max_size=25,
)


def run(steps: list[Any]) -> Exchange:
    exchange = Exchange({POOL: Pool.of("a", MULTIPLIERS)})
    for n, step in enumerate(steps):
        if isinstance(step, Bar):
            exchange.on_bar(MES, step)
        elif isinstance(step, int):
            exchange.cancel(step, n)
        else:
            at, order = step if isinstance(step, tuple) else (None, step)
            made = Signal(signal_id=f"s{n}", workflow_id=POOL, instrument=MES, **order)
            if at is None:
                exchange.submit(made, n)
            else:
                exchange.submit_to(f"a-{at + 1}", made, n)
    return exchange


@given(STEPS)
@settings(max_examples=150, deadline=None)
def test_positions_and_balances_are_the_sum_of_trades(steps: list[Any]) -> None:
    exchange = run(steps)
    held: dict[str, int] = defaultdict(int)
    earned: dict[str, float] = defaultdict(float)
    for row in exchange.trades():
        held[row.account] += row.signed_qty
        earned[row.account] += row.profit or 0.0
    positions = {row.account: row.qty for row in exchange.positions()}
    assert positions == {account: qty for account, qty in held.items() if qty}
    for account in exchange.accounts():
        assert abs(account.balance - 50_000 - earned[account.account]) < 1e-6


@given(STEPS)
@settings(max_examples=150, deadline=None)
def test_of_two_legs_one_at_most_fills_and_none_before_its_entry(steps: list[Any]) -> None:
    rows = {row.order_id: row for row in run(steps).orders()}
    filled: dict[int, int] = defaultdict(int)
    for row in rows.values():
        if row.parent_order_id is None:
            continue
        entry = rows[row.parent_order_id]
        assert entry.account == row.account
        if row.state is State.FILLED:
            assert entry.state is State.FILLED
            filled[row.parent_order_id] += 1
        if row.state is State.WORKING:
            assert entry.state is State.FILLED
    assert all(count == 1 for count in filled.values())


@given(STEPS)
@settings(max_examples=100, deadline=None)
def test_an_account_in_a_shared_book_equals_one_that_is_alone(steps: list[Any]) -> None:
    """The view of a shared book is what the account would have made of the same signals."""
    signals_only = [step for step in steps if isinstance(step, (Bar, dict))]
    shared = run(signals_only)
    for number, multiplier in enumerate(MULTIPLIERS, start=1):
        alone = Exchange({POOL: Pool.of("x", (multiplier,))})
        for n, step in enumerate(signals_only):
            if isinstance(step, Bar):
                alone.on_bar(MES, step)
            else:
                made = Signal(signal_id=f"s{n}", workflow_id=POOL, instrument=MES, **step)
                alone.submit(made, n)
        mine = [row for row in shared.accounts() if row.account == f"a-{number}"]
        assert [row.equity for row in mine] == [row.equity for row in alone.accounts()]
        states = [(r.tag, r.qty, r.state, r.price) for r in alone.orders()]
        seen = [r for r in shared.orders() if r.account == f"a-{number}"]
        assert [(r.tag, r.qty, r.state, r.price) for r in seen] == states


@given(st.lists(st.tuples(st.integers(-5, 5).filter(bool), TICKS), max_size=30), TICKS)
def test_netting_loses_no_money(fills: list[tuple[int, int]], last: int) -> None:
    """Realised plus open points equal the cash flow of all fills, marked at any price."""
    position, earned, cash = FLAT, 0.0, 0.0
    for signed, ticks in fills:
        position, closed, points = trade(position, signed, price(ticks))
        assert closed >= 0
        earned += points
        cash -= signed * price(ticks)
    open_points = (price(last) - position.average) * position.qty
    assert abs(earned + open_points - (cash + position.qty * price(last))) < 1e-6
