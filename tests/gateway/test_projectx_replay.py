"""The TestMax dialect, and its sessions over past bars."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from sim2live.gateway.projectx.build import SecondDoorOptions
from sim2live.market.bars import CsvBars

DAY = {"instrumentSymbol": "NQ", "startDate": "2025-01-15", "timeframe": "1m"}
HEADER = "Datetime,Open,High,Low,Close,Volume\n"


def minutes(path: Path, *rows: tuple[float, float, float, float]) -> CsvBars:
    """Bars of a minute from 14:31 (their end) on 2025-01-15."""
    lines = [
        f"2025-01-15T14:{31 + n}:00Z,{o},{h},{low},{c},{10 * (n + 1)}\n"
        for n, (o, h, low, c) in enumerate(rows)
    ]
    path.write_text(HEADER + "".join(lines))
    return CsvBars(path)


@pytest.fixture
def replay(start: Any, second_of: Any, tmp_path: Path) -> Any:
    """`replay(*rows, **start_fields)`: a second door with a session over these bars begun."""

    def begin(*rows: tuple[float, float, float, float], **fields: Any) -> Any:
        bars = minutes(tmp_path / "bars.csv", *rows)
        second = second_of(start(second=SecondDoorOptions(replay={"NQ": bars}), pools={})[0])
        second.begun = second.sim("Replay/start", **{**DAY, **fields})
        second.account, second.contract = second.begun["accountId"], second.begun["contractId"]
        return second

    return begin


def flat(*closes: float) -> list[tuple[float, float, float, float]]:
    return [(close, close, close, close) for close in closes]


def place(second: Any, **fields: Any) -> Any:
    given = {"accountId": second.account, "contractId": second.contract, "type": 2, "size": 1}
    return second.sim("Order/place", **{**given, **fields})


def step(second: Any, **fields: Any) -> Any:
    return second.sim("Replay/step", accountId=second.account, **fields)


# -- sessions -------------------------------------------------------------------------------------
def test_a_session_begins_with_its_own_account_of_50000(replay: Any) -> None:
    second = replay(*flat(100, 101))
    assert second.contract == "CON.F.US.ENQ.H25"
    assert second.begun["totalBars"] == 2
    assert second.begun["startTime"] == "2025-01-15T14:30:00Z"
    assert second.begun["endTime"] == "2025-01-15T14:32:00Z"
    (account,) = second.sim("Account/search")["accounts"]
    wanted = {"id": second.account, "name": "replay-1", "balance": 50_000.0, "canTrade": True}
    assert account == wanted


def test_bars_are_told_by_their_start_and_end_with_none(replay: Any) -> None:
    second = replay((1, 4, 0, 2), (2, 2, 2, 2))
    first = step(second)
    bar = {"t": "2025-01-15T14:30:00Z", "o": 1, "h": 4, "l": 0, "c": 2, "v": 10}
    assert (first["bar"], first["bars"]) == (bar, [bar])
    assert (first["currentBar"], first["totalBars"], first["isComplete"]) == (1, 2, False)
    last = step(second, count=5)
    assert (len(last["bars"]), last["isComplete"]) == (1, True)
    over = step(second)
    assert (over["bar"], over["bars"], over["success"]) == (None, [], True)


def test_a_market_order_fills_at_the_close_of_the_bar_just_given(replay: Any) -> None:
    second = replay((1, 4, 0, 2), (7, 9, 5, 8))
    step(second)
    placed = place(second, side=0)
    assert placed["orderId"].startswith("ord_")
    assert placed["orderStatus"] == 2
    (trade,) = second.sim("Trade/search", accountId=second.account)["trades"]
    assert (trade["price"], trade["timestamp"]) == (2, "2025-01-15T14:31:00Z")
    assert set(trade) == {
        "id", "orderId", "accountId", "contractId", "side", "size", "price", "timestamp",
    }  # fmt: skip


def test_before_the_first_bar_an_order_waits_for_its_open(replay: Any) -> None:
    second = replay((7, 9, 5, 8))
    assert place(second, side=0)["orderStatus"] == 6
    step(second)
    (trade,) = second.sim("Trade/search", accountId=second.account)["trades"]
    assert trade["price"] == 7


def test_resting_orders_are_tested_from_the_next_bar_on(replay: Any) -> None:
    second = replay((10, 12, 5, 10), (10, 12, 8, 10), (10, 12, 5, 10))
    step(second)
    place(second, side=0, type=1, limitPrice=6)
    step(second)
    assert second.sim("Position/searchOpen", accountId=second.account)["positions"] == []
    step(second)
    (held,) = second.sim("Position/searchOpen", accountId=second.account)["positions"]
    assert held == {
        "accountId": second.account, "contractId": second.contract, "type": 1, "size": 1,
        "averagePrice": 6,
    }  # fmt: skip


def test_the_market_moves_through_every_bar_of_the_file(replay: Any) -> None:
    """Five minutes are one bar of the session, and an order meets the minutes in their order."""
    rows = [(10, 10, 10, 10), (10, 20, 10, 15), (15, 15, 5, 10), *flat(10, 10)] * 2
    second = replay(*rows, timeframe="5m")
    assert second.begun["totalBars"] == 2
    bar = step(second)["bar"]
    assert (bar["o"], bar["h"], bar["l"], bar["c"], bar["v"]) == (10, 20, 5, 10, 150)
    # From 10 up to 20 first, then down to 5: the target is met, the stop is not.
    place(second, side=0, sl_ticks=16, tp_ticks=36)
    step(second)
    trades = second.sim("Trade/search", accountId=second.account)["trades"]
    assert [(t["side"], t["price"]) for t in trades] == [(0, 10), (1, 19)]


def test_both_legs_in_one_bar_means_the_stop(replay: Any) -> None:
    second = replay((10, 10, 10, 10), (10, 20, 5, 10))
    step(second)
    place(second, side=0, stopLossBracket={"ticks": 16}, takeProfitBracket={"ticks": 36})
    step(second)
    trades = second.sim("Trade/search", accountId=second.account)["trades"]
    assert [t["price"] for t in trades] == [10, 6]


def test_a_finer_timeframe_than_the_file_is_refused(replay: Any) -> None:
    second = replay(*flat(1, 2))
    second.sim("Replay/end", accountId=second.account)
    status, message = second.sim_fails("Replay/start", **{**DAY, "timeframe": "1s"})
    assert status == 400
    assert "60 seconds" in message


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"timeframe": "2m"}, 400), ({"startDate": "never"}, 400), ({"endDate": "2025-01-14"}, 400),
        ({"startDate": "2025-01-18"}, 404), ({"instrumentSymbol": "NOTHING"}, 404),
        ({"instrumentSymbol": ""}, 400), ({"timeframe": "1s", "endDate": "2027-01-01"}, 400),
    ],
)  # fmt: skip
def test_a_session_that_cannot_be_is_refused(
    second: Any, fields: dict[str, Any], status: int
) -> None:
    assert second.sim_fails("Replay/start", **{**DAY, **fields})[0] == status


@pytest.mark.parametrize("timeframe", ["1s", "5s", "1m", "5m", "15m", "30m", "1h", "4h", "1D"])
def test_a_synthetic_day_has_its_bars_in_every_timeframe(second: Any, timeframe: str) -> None:
    seconds = {"s": 1, "m": 60, "h": 3600, "D": 86_400}[timeframe[-1]] * int(timeframe[:-1])
    begun = second.sim("Replay/start", **{**DAY, "timeframe": timeframe})
    # A regular session from 14:30 to 21:00 UTC, cut at multiples of the timeframe.
    first, last = 14.5 * 3600 // seconds, (21 * 3600 - 1) // seconds
    assert begun["totalBars"] == last - first + 1


def test_synthetic_days_are_the_same_for_the_same_seed(start: Any, second_of: Any) -> None:
    def day(seed: int) -> Any:
        second = second_of(start(second=SecondDoorOptions(seed=seed))[0])
        begun = second.sim("Replay/start", **DAY)
        return second.sim("Replay/step", accountId=begun["accountId"], count=390)["bars"]

    one, other = day(1), day(2)
    assert day(1) == one
    assert other != one
    assert all(bar["l"] <= min(bar["o"], bar["c"]) for bar in one)
    assert all(bar["h"] >= max(bar["o"], bar["c"]) for bar in one)
    assert all(bar["c"] * 4 == int(bar["c"] * 4) for bar in one)


def test_one_contract_has_one_session_at_a_time(second: Any) -> None:
    first = second.sim("Replay/start", **DAY)
    status, message = second.sim_fails("Replay/start", **DAY)
    assert status == 409
    assert str(first["accountId"]) in message
    second.sim("Replay/start", **{**DAY, "instrumentSymbol": "ES"})
    second.sim("Replay/end", accountId=first["accountId"])
    again = second.sim("Replay/start", **DAY)
    assert again["accountId"] != first["accountId"]
    assert again["contractId"] == first["contractId"]


def test_jumping_goes_through_all_bars_on_the_way_and_never_back(replay: Any) -> None:
    second = replay((10, 10, 10, 10), (10, 10, 5, 10), *flat(10, 10))
    step(second)
    place(second, side=0, type=1, limitPrice=6)
    at = second.sim("Replay/jumpTo", accountId=second.account, timestamp="2025-01-15T14:33:30Z")
    assert (at["currentBar"], at["currentTime"]) == (3, "2025-01-15T14:33:00Z")
    assert len(second.sim("Trade/search", accountId=second.account)["trades"]) == 1
    back = {"accountId": second.account, "timestamp": "2025-01-15T14:31:00Z"}
    assert second.sim_fails("Replay/jumpTo", **back)[0] == 400


def test_the_end_tells_balance_trades_and_win_rate(replay: Any) -> None:
    second = replay(*flat(100, 110, 100))
    step(second)
    place(second, side=0)
    step(second)
    place(second, side=1, size=2)  # a close that won 10 points, and an open
    step(second)
    place(second, side=0)
    result = second.sim("Replay/end", accountId=second.account)
    assert result["finalBalance"] == 50_400
    assert result["totalPnl"] == 400
    assert (result["totalTrades"], result["winRate"]) == (4, 100)


def test_after_the_end_the_account_takes_no_orders_and_is_not_active(replay: Any) -> None:
    second = replay(*flat(100))
    second.sim("Replay/end", accountId=second.account)
    assert second.sim("Account/search", onlyActiveAccounts=True)["accounts"] == []
    (account,) = second.sim("Account/search")["accounts"]
    assert account["canTrade"] is False
    order = {"accountId": second.account, "contractId": second.contract, "type": 2, "size": 1}
    assert second.sim_fails("Order/place", **order, side=0)[0] == 409
    assert second.fails("Order/place", **order, side=0)[0] == 10
    for what in ("step", "end", "pause"):
        assert second.sim_fails(f"Replay/{what}", accountId=second.account)[0] == 404


def test_a_signal_reaches_a_sessions_account_by_its_pool(replay: Any) -> None:
    second = replay(*flat(100, 110))
    step(second)
    instrument = {"exchange": "CME", "symbol": "NQH5"}
    made = second.client.signal("s", workflow_id="replay-1", instrument=instrument)
    assert made[0] == 200
    (held,) = second.sim("Position/searchOpen", accountId=second.account)["positions"]
    assert (held["contractId"], held["averagePrice"]) == (second.contract, 100)


def test_history_tells_nothing_that_has_not_happened(replay: Any) -> None:
    second = replay(*flat(1, 2, 3, 4))
    step(second, count=2)
    question = {"contractId": second.contract, "unit": 2, "unitNumber": 1}
    bars = second.sim("History/retrieveBars", **question, barsBack=3)["bars"]
    assert [bar["c"] for bar in bars] == [1, 2]  # oldest first
    late = {"startTime": "2025-01-15T14:31:00", "endTime": "2030-01-01"}
    bars = second.sim("History/retrieveBars", **question, **late)["bars"]
    assert [bar["t"] for bar in bars] == ["2025-01-15T14:31:00Z"]
    assert second.sim_fails("History/retrieveBars", **question, barsBack=1, **late)[0] == 400
    live = {
        **question, "live": False, "startTime": "2025-01-01", "endTime": "2025-01-15T14:33:00Z",
        "limit": 9, "includePartialBar": False, "unit": 3,
    }  # fmt: skip
    assert second.post("History/retrieveBars", **live)["bars"] == []
    assert len(second.post("History/retrieveBars", **{**live, "unit": 2})["bars"]) == 2


# -- playing --------------------------------------------------------------------------------------


def test_a_session_plays_by_itself_at_a_speed_that_can_be_changed(
    start: Any, second_of: Any, manual_clock: Any
) -> None:
    second = second_of(start(clock=manual_clock)[0])
    begun = second.sim("Replay/start", **DAY)
    second.account, second.clock, second.speed = begun["accountId"], manual_clock, 10
    state = second.sim("Replay/play", accountId=second.account, speed=10)
    assert (state["isPlaying"], state["speed"], state["currentBar"]) == (True, 10, 0)
    assert second.sim_fails("Replay/step", accountId=second.account)[0] == 409
    manual_clock.advance(0.55)
    time.sleep(0.4)
    state = second.sim("Replay/play", accountId=second.account, speed=100)
    assert state["currentBar"] == 5
    manual_clock.advance(0.1)
    time.sleep(0.4)
    state = second.sim("Replay/pause", accountId=second.account)
    assert (state["isPlaying"], state["currentBar"]) == (False, 15)
    manual_clock.advance(100)
    time.sleep(0.3)
    assert second.sim("Replay/pause", accountId=second.account)["currentBar"] == 15
    assert step(second)["currentBar"] == 16
    second.sim("Replay/play", accountId=second.account, speed=1000)
    manual_clock.advance(60)
    time.sleep(0.4)
    state = second.sim("Replay/pause", accountId=second.account)
    assert (state["isComplete"], state["currentBar"]) == (True, 390)


# -- the dialect ----------------------------------------------------------------------------------
def test_legs_appear_when_their_entry_fills(replay: Any) -> None:
    second = replay(*flat(100, 90))
    step(second)
    place(second, side=0, type=1, limitPrice=95, sl_ticks=8)
    (order,) = second.sim("Order/search", accountId=second.account)["orders"]
    assert (order["status"], order["type"]) == (6, 1)
    step(second)
    orders = second.sim("Order/search", accountId=second.account)["orders"]
    assert [(o["status"], o["type"], o["stopPrice"]) for o in orders] == [(2, 1, None), (6, 4, 88)]


def test_orders_are_named_by_words_and_refused_by_status(replay: Any) -> None:
    second = replay(*flat(100, 90))
    step(second)
    name = place(second, side=0, type=1, limitPrice=95)["orderId"]
    one = {"accountId": second.account, "orderId": name}
    second.sim("Order/modify", **one, limitPrice=94, size=2)
    (order,) = second.sim("Order/searchOpen", accountId=second.account)["orders"]
    assert (order["id"], order["limitPrice"], order["size"]) == (name, 94, 2)
    second.sim("Order/cancel", **one)
    assert second.sim_fails("Order/cancel", **one)[0] == 409
    (order,) = second.sim("Order/search", accountId=second.account)["orders"]
    assert order["status"] == 3
    for wrong in ("ord_999", "ord_", "17", "ord_1x"):
        assert second.sim_fails("Order/cancel", **{**one, "orderId": wrong})[0] == 404
    given = {"accountId": second.account, "contractId": second.contract, "size": 1, "side": 0}
    assert second.sim_fails("Order/place", **given, type=5)[0] == 400
    assert second.sim_fails("Order/place", **given, type=1)[0] == 400
    assert second.sim_fails("Order/place", **{**given, "contractId": "x"}, type=2)[0] == 404
    assert second.sim_fails("Order/place", **given, type=2, sl_ticks=0)[0] == 400


def test_contracts_need_no_live_and_have_a_size(second: Any) -> None:
    found = second.sim("Contract/search", searchText="NQ")["contracts"]
    assert found[0]["contractSize"] == 1
    assert "activeContract" not in found[0]
    assert len(second.sim("Contract/search")["contracts"]) > 20


def test_trades_may_be_asked_for_with_the_pages_start_date(replay: Any) -> None:
    second = replay(*flat(100))
    step(second)
    place(second, side=0)
    for date, count in (("2025-01-15", 1), ("2025-01-16", 0)):
        found = second.sim("Trade/search", accountId=second.account, startDate=date)
        assert len(found["trades"]) == count
