"""What the gate refuses, Zipline rejects; what it cannot deliver never ends the algorithm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from zipline.api import cancel_order, future_symbol, get_open_orders, order, order_target, symbol
from zipline.finance.execution import LimitOrder, MarketOrder, StopOrder
from zipline.finance.order import ORDER_STATUS
from zipline.finance.slippage import FixedSlippage

import sim2live
from sim2live.errors import ConfigError
from sim2live.signals import Signal
from sim2live.sizing import target
from sim2live.venues.base import Venue
from sim2live.venues.outcome import Kind, Outcome
from sim2live.venues.record import Record
from sim2live.zipline import MirrorBlotter

Plan = dict[int, Callable[[Any, Any], None]]


def scripted(plan: Plan) -> Callable[[Any, Any], None]:
    """handle_data that does one thing on each day of a plan, from day 0."""

    def handle_data(context: Any, data: Any) -> None:
        context.day = getattr(context, "day", -1) + 1
        if context.day in plan:
            plan[context.day](context, data)

    return handle_data


def mirror(answer: Callable[[Signal], Outcome], **options: Any) -> MirrorBlotter:
    dispatcher = sim2live.connect(Record(answer), workflow="pool", strategy="s")
    return MirrorBlotter(dispatcher, **options)


def accept(signal: Signal) -> Outcome:
    return Outcome(Kind.ACCEPTED)


def refuse_openings_after(count: int) -> Callable[[Signal], Outcome]:
    seen: list[Signal] = []

    def answer(signal: Signal) -> Outcome:
        seen.append(signal)
        if signal.open_close != "CLOSE" and len(seen) > count:
            return Outcome(Kind.REJECTED, reason="no more of this")
        return Outcome(Kind.ACCEPTED)

    return answer


def held(perf: pd.DataFrame, day: int) -> dict[str, int]:
    return {row["sid"].symbol: int(row["amount"]) for row in perf["positions"].iloc[day]}


def net(blotter: MirrorBlotter) -> dict[str, int]:
    """What the venue holds: the sum of what it accepted."""
    out: dict[str, int] = {}
    for signal in blotter.dispatcher.venue.signals:
        out[signal.instrument.symbol] = out.get(signal.instrument.symbol, 0) + signal.signed
    return out


def statuses(blotter: MirrorBlotter) -> list[tuple[int, ORDER_STATUS]]:
    return [(each.amount, each.status) for each in blotter.orders.values()]


def test_a_refused_entry_is_a_rejected_order_with_the_reason(backtest: Any) -> None:
    blotter = mirror(refuse_openings_after(0))
    ids: list[str] = []
    perf = backtest(
        "daily equities",
        blotter=blotter,
        handle_data=scripted({2: lambda c, d: ids.append(order(symbol("AAA"), 5))}),
    )
    placed = blotter.orders[ids[0]]
    assert placed.status == ORDER_STATUS.REJECTED
    assert "no more of this" in placed.reason
    assert perf["transactions"].map(len).sum() == 0
    assert [int(each["status"]) for each in perf["orders"].iloc[2]] == [ORDER_STATUS.REJECTED]
    assert len(blotter.dispatcher.venue.signals) == 1, "an entry is sent at most once"


def test_a_flip_whose_opening_is_refused_closes_and_stays_flat(backtest: Any) -> None:
    blotter = mirror(refuse_openings_after(1))
    perf = backtest(
        "daily equities",
        blotter=blotter,
        handle_data=scripted(
            {2: lambda c, d: order(symbol("AAA"), 4), 5: lambda c, d: order(symbol("AAA"), -10)}
        ),
    )
    assert held(perf, 4) == {"AAA": 4}
    assert held(perf, 7) == {}
    assert statuses(blotter) == [
        (4, ORDER_STATUS.FILLED),
        (-4, ORDER_STATUS.FILLED),
        (-6, ORDER_STATUS.REJECTED),
    ]


def test_a_refused_fill_of_a_limit_order_never_reaches_the_books(backtest: Any) -> None:
    blotter = mirror(refuse_openings_after(0))

    def enter(context: Any, data: Any) -> None:
        order(symbol("AAA"), 7, limit_price=data.current(symbol("AAA"), "price") * 2)

    perf = backtest("daily equities", blotter=blotter, handle_data=scripted({2: enter}))
    assert statuses(blotter) == [(7, ORDER_STATUS.REJECTED)]
    (only,) = blotter.orders.values()
    assert (only.filled, only.commission) == (0, 0)
    assert perf["transactions"].map(len).sum() == 0
    assert perf["ending_cash"].iloc[-1] == perf["starting_cash"].iloc[0]
    assert not blotter.open_orders


def test_a_stop_that_would_flip_only_closes_when_the_opening_is_refused(backtest: Any) -> None:
    blotter = mirror(refuse_openings_after(1))

    def stop(context: Any, data: Any) -> None:
        order(symbol("AAA"), -9, stop_price=data.current(symbol("AAA"), "price") * 2)

    perf = backtest(
        "daily equities",
        blotter=blotter,
        handle_data=scripted({2: lambda c, d: order(symbol("AAA"), 4), 5: stop}),
    )
    assert held(perf, 8) == {}
    assert [txn["amount"] for day in perf["transactions"] for txn in day] == [4, -4]
    assert statuses(blotter) == [
        (4, ORDER_STATUS.FILLED),
        (-4, ORDER_STATUS.FILLED),
        (-5, ORDER_STATUS.REJECTED),
    ]


def test_an_exit_goes_on_in_the_simulation_and_stays_owed_until_it_is_delivered(
    backtest: Any,
) -> None:
    down: list[bool] = []

    def answer(signal: Signal) -> Outcome:
        if down and signal.signed < 0:
            return Outcome(Kind.NOT_SENT, reason="nobody there")
        return Outcome(Kind.ACCEPTED)

    blotter = mirror(answer)
    seen: list[int] = []

    def leave(context: Any, data: Any) -> None:
        down.append(True)
        order_target(symbol("AAA"), 0)

    def settle(context: Any, data: Any) -> None:
        presumed = blotter.dispatcher.position(
            next(iter(blotter._following.lines.values())).instrument
        )
        seen.append(presumed.low)

    perf = backtest(
        "daily equities",
        blotter=blotter,
        handle_data=scripted(
            {
                2: lambda c, d: order(symbol("AAA"), 4),
                5: leave,
                7: settle,
                8: lambda c, d: down.clear(),
                11: settle,
            }
        ),
    )
    assert held(perf, 6) == {}
    assert seen == [4, 0]


def test_a_venue_that_breaks_never_ends_the_algorithm(backtest: Any) -> None:
    def answer(signal: Signal) -> Outcome:
        raise RuntimeError("a defect of the venue")

    blotter = mirror(answer)
    days: list[int] = []

    def beat(context: Any, data: Any) -> None:
        days.append(1)
        order(symbol("AAA"), 1)
        order(symbol("BBB"), -1, limit_price=0.01)

    perf = backtest("daily equities", blotter=blotter, handle_data=beat)
    assert len(days) == len(perf)


def test_an_asset_without_a_contract_is_rejected_with_a_sentence(backtest: Any) -> None:
    blotter = mirror(accept, instruments={"AAA": "CME:MESZ6"})
    backtest(
        "daily equities",
        blotter=blotter,
        handle_data=scripted(
            {
                1: lambda c, d: order(symbol("AAA"), 1),
                2: lambda c, d: order(symbol("BBB"), 1),
                3: lambda c, d: order(symbol("BBB"), 1, limit_price=1.0),
            }
        ),
    )
    first, second, third = blotter.orders.values()
    assert first.status == ORDER_STATUS.FILLED
    for each in (second, third):
        assert each.status == ORDER_STATUS.REJECTED
        assert "must have an entry for BBB" in each.reason
    assert net(blotter) == {"MESZ6": 1}


def test_a_market_order_cancelled_before_its_fill_is_undone_at_the_venue(backtest: Any) -> None:
    blotter = mirror(accept)

    def there_and_back(context: Any, data: Any) -> None:
        cancel_order(order(symbol("AAA"), 3))
        assert get_open_orders(symbol("AAA")) == []

    backtest("daily equities", blotter=blotter, handle_data=scripted({3: there_and_back}))
    assert [signal.signed for signal in blotter.dispatcher.venue.signals] == [3, -3]


def test_a_market_order_rejected_by_hand_is_undone_at_the_venue(backtest: Any) -> None:
    blotter = mirror(accept)

    def there_and_back(context: Any, data: Any) -> None:
        blotter.reject(order(symbol("AAA"), 3), "my own reason")
        blotter.reject("no such id")
        blotter.cancel(["not", "an", "id"])

    backtest("daily equities", blotter=blotter, handle_data=scripted({3: there_and_back}))
    assert [signal.signed for signal in blotter.dispatcher.venue.signals] == [3, -3]


def test_one_contract_stands_for_a_hundred_shares(backtest: Any) -> None:
    blotter = mirror(accept, sizing=target(0.01), instruments=lambda asset: f"SIM:{asset.symbol}-F")
    perf = backtest(
        "daily equities",
        blotter=blotter,
        handle_data=scripted(
            {2: lambda c, d: order(symbol("AAA"), 349), 6: lambda c, d: order(symbol("AAA"), -100)}
        ),
    )
    assert held(perf, 20) == {"AAA": 249}
    assert [signal.signed for signal in blotter.dispatcher.venue.signals] == [3, -1]
    assert net(blotter) == {"AAA-F": 2}


def test_a_second_run_of_one_blotter_starts_with_empty_books(backtest: Any) -> None:
    blotter = mirror(accept, equity_slippage=FixedSlippage(0.0))
    plan = {
        1: lambda c, d: order(symbol("AAA"), 1, limit_price=0.01),
        2: lambda c, d: order(symbol("AAA"), 2),
        4: lambda c, d: order(symbol("AAA"), -2),
    }
    first = backtest("daily equities", blotter=blotter, handle_data=scripted(plan))
    assert len(blotter.open_orders) == 1
    second = backtest("daily equities", blotter=blotter, handle_data=scripted(plan))
    assert len(blotter.orders) == 3
    pd.testing.assert_series_equal(first["portfolio_value"], second["portfolio_value"])


def test_the_ids_of_orders_are_the_same_in_every_run(backtest: Any) -> None:
    plan = {day: (lambda c, d: order(symbol("AAA"), 1)) for day in range(3)}
    ids = []
    for _ in range(2):
        blotter = mirror(accept)
        backtest("daily equities", blotter=blotter, handle_data=scripted(plan))
        ids.append(list(blotter.orders))
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 3


class _Real(Record):
    name = "real"
    simulated = False


def test_a_real_venue_is_refused_outside_run_live() -> None:
    dispatcher = sim2live.connect(_Real(), workflow="pool", journal=":memory:")
    with pytest.raises(ConfigError, match="run_live"):
        MirrorBlotter(dispatcher, instruments={"AAA": "CME:MESZ6"})


@pytest.mark.parametrize("value", [7, "MESZ6", "CME:", None])
def test_an_instrument_that_cannot_be_read_is_named(value: Any) -> None:
    with pytest.raises(ConfigError, match="instruments\\['AAA'\\]"):
        mirror(accept, instruments={"AAA": value})


# ---- futures -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("style", "limit", "stop"),
    [
        (LimitOrder(4800.13), 4800.0, None),
        (StopOrder(4800.13), None, 4800.25),
        (MarketOrder(), None, None),
    ],
)
def test_prices_of_a_style_without_its_asset_get_the_contracts_tick(
    backtest: Any, style: Any, limit: float | None, stop: float | None
) -> None:
    blotter = mirror(accept)
    backtest(
        "daily futures",
        blotter=blotter,
        handle_data=scripted({1: lambda c, d: order(future_symbol("ESM24"), 1, style=style)}),
    )
    (only,) = blotter.orders.values()
    assert (only.limit, only.stop) == (limit, stop)


def test_the_venue_leaves_a_contract_before_zipline_closes_it(backtest: Any) -> None:
    blotter = mirror(accept)
    perf = backtest(
        "daily futures",
        blotter=blotter,
        handle_data=scripted({3: lambda c, d: order(future_symbol("ESH24"), 3)}),
    )
    signals = blotter.dispatcher.venue.signals
    assert [signal.signed for signal in signals] == [3, -3]
    closes = [
        day for day, rows in perf["transactions"].items() if rows and rows[0]["order_id"] is None
    ]
    assert [day.date().isoformat() for day in closes] == ["2024-03-15"]
    left = blotter._following.lines[next(iter(blotter._following.lines))].cutoff
    assert pd.Timestamp(left).date().isoformat() == "2024-03-14"


def test_a_continuous_future_is_refused_with_what_to_order_instead(backtest: Any) -> None:
    from zipline.api import continuous_future
    from zipline.errors import UnsupportedOrderParameters

    blotter = mirror(accept)

    def enter(context: Any, data: Any) -> None:
        with pytest.raises(UnsupportedOrderParameters, match=r"data\.current"):
            blotter.order(continuous_future("ES"), 1, MarketOrder())

    backtest("daily futures", blotter=blotter, handle_data=scripted({1: enter}))


def test_a_split_scales_what_is_presumed_and_sends_nothing(
    backtest: Any, daily_equities: str
) -> None:
    blotter = mirror(accept)

    def split(context: Any, data: Any) -> None:
        asset = symbol("AAA")
        order(asset, 6)  # on top of 10 held
        blotter.process_splits([(asset, 0.5)])
        context.metrics_tracker.handle_splits([(asset, 0.5)])

    perf = backtest(
        "daily equities",
        blotter=blotter,
        handle_data=scripted({1: lambda c, d: order(symbol("AAA"), 10), 4: split}),
    )
    assert held(perf, 8) == {"AAA": 32}
    assert [signal.signed for signal in blotter.dispatcher.venue.signals] == [10, 6]
    (line,) = blotter._following.lines.values()
    assert blotter.dispatcher.position(line.instrument).low == 32


def test_a_calendar_that_was_not_given_for_futures_is_pointed_out(
    minute_futures: str, caplog: pytest.LogCaptureFixture
) -> None:
    from zipline import run_algorithm

    run_algorithm(
        start=pd.Timestamp("2024-03-13"),
        end=pd.Timestamp("2024-03-13"),
        initialize=lambda context: None,
        capital_base=1e6,
        bundle=minute_futures,
        blotter=mirror(accept),
        default_extension=False,
    )
    assert "trading_calendar=XNYS" in caplog.text


def test_it_is_a_venue_of_ours_that_the_tests_refuse() -> None:
    assert isinstance(_Real(), Venue)
