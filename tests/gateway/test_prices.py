"""Where prices come from, and what can be read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from sim2live.clock import NS, ManualClock
from sim2live.exchange.venue import Exchange
from sim2live.gateway.desk import Desk
from sim2live.gateway.inbox import Inbox
from sim2live.gateway.prices import Quotes, Walk
from sim2live.market.bars import Bar
from sim2live.signals import Instrument, decode

MES = Instrument("CME", "MESU6")
WIRE = {"exchange": "CME", "symbol": "MESU6"}


def bar(close: float, time: int = 1) -> dict[str, float]:
    return {"time": time, "open": close, "high": close, "low": close, "close": close, "volume": 3}


def test_a_walk_starts_at_its_nominal_price_and_moves_by_at_most_a_tick_a_second() -> None:
    walk = Walk(5070, 0.25, "1:CME:MESU6", 0)
    prices = [walk.at(second * NS) for second in range(20_000)]
    assert prices[0] == 5070
    assert {abs(b - a) for a, b in pairwise(prices)} == {0.0, 0.25}
    assert all(abs(price - 5070) < 50 for price in prices)  # it drifts back
    assert len(set(prices)) > 20


def test_a_walk_is_repeated_by_its_seed_and_never_goes_back_in_time() -> None:
    one, other = (Walk(100, 1, "seed", 0) for _ in range(2))
    assert [one.at(n * NS) for n in range(99)] == [other.at(n * NS) for n in range(99)]
    assert one.at(0) == other.at(98 * NS)


def test_an_unknown_root_has_no_synthetic_price() -> None:
    quotes = Quotes()
    assert quotes.price(Instrument("XYZ", "THING"), 0) is None
    assert quotes.price(MES, 0) == 5070
    assert quotes.walking() == [MES]
    quotes.stop(MES)
    assert quotes.price(MES, 0) is None


def test_bars_take_the_place_of_the_walk(start: Any, manual_clock: ManualClock) -> None:
    _, client = start(clock=manual_clock)
    client.signal("a")
    assert client.get("/prices")["prices"] == [
        {"instrument": WIRE, "price": 5070.0, "source": "synthetic"}
    ]
    assert client.post("/bars", {"instrument": WIRE, "bar": bar(4000)})[0] == 200
    client.signal("b", side="SELL")
    assert client.get("/prices")["prices"] == [
        {"instrument": WIRE, "price": 4000.0, "source": "bars"}
    ]
    assert client.get("/accounts")["accounts"][0]["balance"] == 50_000 - 1070 * 5


def test_several_bars_come_in_one_request(client: Any) -> None:
    bars = [bar(5000, 1), bar(5001, 2)]
    assert client.post("/bars", {"instrument": WIRE, "bars": bars})[1]["bars"] == 2
    assert client.get("/prices")["prices"][0]["price"] == 5001


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        {"instrument": WIRE},
        {"instrument": WIRE, "bar": {"time": 1}},
        {"instrument": WIRE, "bar": {**bar(1), "high": 0}},
        {"instrument": WIRE, "bar": {**bar(1), "time": 1.5}},
        {"instrument": WIRE, "bar": {**bar(1), "close": "1"}},
        {"instrument": {"exchange": "", "symbol": "X"}, "bar": bar(1)},
        {"instrument": WIRE, "bar": bar(1), "more": 1},
        b'{"instrument": {"exchange": "CME", "symbol": "X"}, "bar": ' + b"[" * 50_000,
    ],
)
def test_a_wrong_bar_is_400_and_moves_nothing(client: Any, body: Any) -> None:
    status, answer = client.post("/bars", body)
    assert status == 400
    assert "error" in answer
    assert client.get("/prices") == {"prices": []}


def test_health_proves_paper_and_names_the_store(start: Any) -> None:
    gateway, client = start()
    health = client.get("/health")
    assert (health["service"], health["paper"]) == ("sim2live-gateway", True)
    assert health["store"] == gateway.desk.store
    assert start()[1].get("/health")["store"] != health["store"]


def test_lists_are_newest_first_filtered_and_limited(start: Any) -> None:
    _, client = start(any_pool=True)
    for n in range(3):
        client.signal(f"a{n}", workflow_id="a")
        client.signal(f"b{n}", workflow_id="b")
    rows = client.get("/signals?pool=a&limit=2")["signals"]
    assert [row["signal"]["signal_id"] for row in rows] == ["a2", "a1"]
    assert len(client.get("/orders?limit=4")["orders"]) == 4
    assert [row["pool"] for row in client.get("/trades?pool=b")["trades"]] == ["b"] * 3
    assert len(client.get("/accounts")["accounts"]) == 3
    assert client.get("/positions?pool=nobody") == {"positions": []}


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "limit=-1", "colour=red"])
def test_a_wrong_filter_is_400(client: Any, query: str) -> None:
    assert client.request("GET", f"/orders?{query}")[0] == 400


# -- the desk alone, with a clock that stands still ----------------------------------------------


@contextmanager
def desk_of(clock: ManualClock, path: Any, **options: Any) -> Iterator[Desk]:
    desk = Desk(Exchange(), Inbox(path), clock=clock, **options)
    yield desk
    desk.close()


def accept_now(desk: Desk, signal: dict[str, Any]) -> None:
    async def accept() -> None:
        done = asyncio.get_running_loop().create_future()
        desk.take(decode(msgspec.json.encode(signal)), done.set_result)
        assert await done is None

    asyncio.run(accept())


def test_a_resting_order_fills_when_the_walk_comes_by_and_a_restart_knows_it(
    manual_clock: ManualClock, signal: Any, tmp_path: Any
) -> None:
    path = tmp_path / "inbox.sqlite3"
    with desk_of(manual_clock, path) as desk:
        accept_now(desk, signal(order_type="LIMIT", limit_price=5069.5))
        for _ in range(600):
            manual_clock.advance(1)
            desk.tick()
        rows = desk.exchange.orders()
        assert rows[0].price == 5069.5
        accept_now(desk, signal("s2", side="SELL"))
        before = (desk.exchange.orders(), desk.exchange.accounts(), desk.exchange.trades())
    with desk_of(manual_clock, path) as again:
        assert (
            again.exchange.orders(),
            again.exchange.accounts(),
            again.exchange.trades(),
        ) == before


def test_a_file_plays_a_bar_at_each_tick_and_goes_on_after_a_restart(
    manual_clock: ManualClock, tmp_path: Any
) -> None:
    path = tmp_path / "inbox.sqlite3"
    played = {MES: [Bar(n, 100 + n, 100 + n, 100 + n, 100 + n) for n in range(4)]}
    with desk_of(manual_clock, path, playback=played) as desk:
        desk.tick()
        desk.tick()
        assert desk.exchange.price(MES) == 101
        assert desk.prices()[0].source == "bars"
    with desk_of(manual_clock, path, playback=played) as desk:
        assert desk.exchange.price(MES) == 101
        for _ in range(5):
            desk.tick()
        assert desk.exchange.price(MES) == 103


def test_steps_that_no_order_met_are_not_stored(
    manual_clock: ManualClock, signal: Any, tmp_path: Any
) -> None:
    path = tmp_path / "inbox.sqlite3"
    with desk_of(manual_clock, path) as desk:
        accept_now(desk, signal())
        for _ in range(50):
            manual_clock.advance(1)
            desk.tick()
    inbox = Inbox(path)
    assert len(list(inbox.replay())) == 2  # the quote that the signal met, and the signal
    inbox.close()
