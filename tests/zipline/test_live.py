"""Live is the backtest: the same algorithm on bars that arrive one by one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from zipline.api import (
    attach_pipeline,
    cancel_order,
    continuous_future,
    date_rules,
    future_symbol,
    get_open_orders,
    order,
    order_target,
    order_target_percent,
    pipeline_output,
    record,
    schedule_function,
    symbol,
    symbols,
    time_rules,
)
from zipline.data import bundles
from zipline.pipeline import Pipeline
from zipline.pipeline.data import EquityPricing
from zipline.pipeline.factors import SimpleMovingAverage
from zipline.utils.calendar_utils import get_calendar

import sim2live
from sim2live.clock import NS, ManualClock
from sim2live.errors import ConfigError
from sim2live.market.bars import Bar
from sim2live.zipline import Replay, Wall, run_live

Facts = list[Any]


class Frames:
    """A frame as a source of bars."""

    def __init__(self, frame: pd.DataFrame, shift: pd.Timedelta | None = None) -> None:
        self.frame, self._shift = frame, shift or pd.Timedelta(0)
        self.closed = False

    def __iter__(self) -> Iterator[Bar]:
        for moment, row in zip(self.frame.index, self.frame.itertuples(index=False), strict=True):
            yield Bar(int((moment + self._shift).value), *map(float, row))

    def close(self) -> None:
        self.closed = True


def described(perf: pd.DataFrame) -> list[Any]:
    days = []
    for orders, transactions in zip(perf["orders"], perf["transactions"], strict=True):
        days.append(
            (
                [
                    (
                        each["created"], each["dt"], each["sid"].symbol, each["amount"],
                        each["filled"], int(each["status"]), each["limit"], each["stop"],
                    )
                    for each in orders
                ],
                [
                    (each["dt"], each["sid"].symbol, each["amount"], round(each["price"], 6))
                    for each in transactions
                ],
            )
        )  # fmt: skip
    return days


def futures_algorithm(facts: Facts) -> dict[str, Any]:
    def initialize(context: Any) -> None:
        context.es = continuous_future("ES", offset=0, roll="calendar", adjustment=None)
        context.asset, context.n = future_symbol("ESM24"), -1
        schedule_function(
            lambda c, d: facts.append(str(c.datetime)),
            date_rules.every_day(),
            time_rules.market_open(),
        )

    def before_trading_start(context: Any, data: Any) -> None:
        facts.append(str(context.datetime))

    def handle_data(context: Any, data: Any) -> None:
        context.n += 1
        n, asset = context.n, context.asset
        price = data.current(asset, "price")
        if n % 45 == 0:
            contract = data.current(context.es, "contract")
            minutes = data.history(context.es, "price", 30, "1m")
            days = data.history(context.es, "close", 5, "1d")
            volumes = data.history([asset, contract], "volume", 7, "1m")
            facts.append(
                (
                    contract.symbol, minutes.round(6).tolist(), days.round(6).tolist(),
                    volumes.to_numpy().tolist(), str(data.current(asset, "last_traded")),
                )
            )  # fmt: skip
            for held in list(context.portfolio.positions):
                if held not in (contract, asset) and data.can_trade(held):
                    order_target(held, 0)
            order_target(contract, 1 if minutes.iloc[-1] >= minutes.mean() else -1)
        if n % 60 == 20:
            order(asset, 2, limit_price=price - 1)
        if n % 60 == 50:
            order(asset, -2, stop_price=price - 2)
        if n % 180 == 170:
            for each in get_open_orders(asset):
                cancel_order(each)

    return {
        "initialize": initialize,
        "before_trading_start": before_trading_start,
        "handle_data": handle_data,
    }


def frames_of(
    bundle: str, names: tuple[str, ...], since: str, until: str
) -> dict[str, pd.DataFrame]:
    """The minutes of a bundle again, as a feed would deliver them."""
    data = bundles.load(bundle)
    reader = data.equity_minute_bar_reader
    minutes = reader.trading_calendar.minutes_in_range(
        pd.Timestamp(since, tz="UTC"), pd.Timestamp(until, tz="UTC")
    )
    out = {}
    for name in names:
        find = data.asset_finder
        asset = (find.lookup_future_symbol if name.startswith("ES") else find.lookup_symbol)(
            *((name,) if name.startswith("ES") else (name, None))
        )
        fields = ["open", "high", "low", "close", "volume"]
        arrays = reader.load_raw_arrays(fields, minutes[0], minutes[-1], [asset])
        frame = pd.DataFrame(
            {f: a[:, 0] for f, a in zip(fields, arrays, strict=True)}, index=minutes
        )
        out[name] = frame.dropna()
    return out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "calendar"), [("minute futures", "us_futures"), ("minute futures, all day", "CMES")]
)
def test_live_is_the_backtest_on_minutes_of_futures(
    kind: str, calendar: str, backtest: Any, mirrored: Any, minute_futures: str
) -> None:
    then: Facts = []
    blotter, _ = mirrored()
    perf = backtest(kind, blotter=blotter, **futures_algorithm(then))
    feed = frames_of(
        minute_futures, ("ESH24", "ESM24", "ESU24"), "2024-03-12 22:01", "2024-03-18 22:00"
    )
    now: Facts = []
    dispatcher = sim2live.connect("record", workflow="pool", strategy="zipline-test")
    sources = {name: Frames(frame) for name, frame in feed.items()}
    live = run_live(
        dispatcher=dispatcher,
        feed=sources,
        bundle=minute_futures,
        capital_base=1_000_000.0,
        trading_calendar=calendar,
        start="2024-03-13",
        end=perf.index[-1].date(),
        pace=Replay(),
        **futures_algorithm(now),
    )
    assert now == then
    assert described(live) == described(perf)
    pd.testing.assert_series_equal(live["portfolio_value"], perf["portfolio_value"], rtol=1e-12)
    assert [each.encode() for each in dispatcher.venue.signals] == [
        each.encode() for each in blotter.dispatcher.venue.signals
    ]
    assert len(dispatcher.venue.signals) > 100
    assert all(source.closed for source in sources.values())


def daily_algorithm(facts: Facts) -> dict[str, Any]:
    def initialize(context: Any) -> None:
        mean = SimpleMovingAverage(inputs=[EquityPricing.close], window_length=10)
        attach_pipeline(Pipeline({"up": EquityPricing.close.latest > mean, "mean": mean}), "trend")

    def before_trading_start(context: Any, data: Any) -> None:
        context.table = pipeline_output("trend")
        facts.append(context.table["mean"].round(6).tolist())

    def handle_data(context: Any, data: Any) -> None:
        window = data.history(symbols("AAA", "BBB"), "price", 5, "1d")
        facts.append(window.round(6).to_numpy().tolist())
        record(up=int(context.table["up"].sum()))
        for asset, row in context.table.iterrows():
            order_target_percent(asset, 0.3 if row["up"] else 0.0)

    return {
        "initialize": initialize,
        "before_trading_start": before_trading_start,
        "handle_data": handle_data,
    }


def test_live_is_the_backtest_on_days_of_equities_with_a_pipeline(
    backtest: Any, mirrored: Any, daily_equities: str
) -> None:
    then: Facts = []
    perf = backtest("daily equities", blotter=mirrored()[0], **daily_algorithm(then))
    reader = bundles.load(daily_equities).equity_daily_bar_reader
    sessions = get_calendar("XNYS").sessions_in_range("2022-03-01", "2023-03-31")
    feed = {}
    for sid, name in enumerate(("AAA", "BBB", "CCC")):
        fields = ["open", "high", "low", "close", "volume"]
        arrays = reader.load_raw_arrays(fields, sessions[0], sessions[-1], [sid])
        frame = pd.DataFrame(
            {f: a[:, 0] for f, a in zip(fields, arrays, strict=True)}, index=sessions
        )
        # Each day's bar is stamped with the close at 16:00 in New York, or an hour's cut of it.
        feed[name] = Frames(frame.tz_localize("UTC"), pd.Timedelta(hours=21))
    now: Facts = []
    dispatcher = sim2live.connect("record", workflow="pool", strategy="zipline-test")
    live = run_live(
        dispatcher=dispatcher,
        feed=feed,
        bundle=daily_equities,
        capital_base=1_000_000.0,
        data_frequency="daily",
        start="2022-03-01",
        end="2023-03-31",
        pace=Replay(),
        **daily_algorithm(now),
    )
    assert now == then
    assert described(live) == described(perf)
    assert live["up"].tolist() == perf["up"].tolist()
    pd.testing.assert_series_equal(live["portfolio_value"], perf["portfolio_value"], rtol=1e-12)


# ---- a few minutes of one session ---------------------------------------------------------------

DAY = "2022-11-22"
OPEN = int(pd.Timestamp(DAY + " 14:30", tz="UTC").value)
MINUTE = 60 * NS


def bar(minute: int, price: float) -> Bar:
    """The bar that ends `minute` minutes after the open."""
    return Bar(OPEN + minute * MINUTE, price, price + 1, price - 1, price, 1_000_000.0)


class Live:
    """One live run of AAA with an algorithm that notes what it sees."""

    def __init__(self, bundle: str, **options: Any) -> None:
        self.seen: list[tuple[int, float, float, float]] = []
        self.windows: list[list[float]] = []
        self.dispatcher = sim2live.connect("record", workflow="pool", strategy="s")
        self.options = {"bundle": bundle, "capital_base": 1e6, "start": DAY, "end": DAY, **options}
        self.actions: dict[int, Any] = {}

    def run(self, feed: Any, pace: Any) -> pd.DataFrame:
        def handle_data(context: Any, data: Any) -> None:
            asset, minute = symbol("AAA"), (context.datetime.value - OPEN) // MINUTE
            fields = data.current(asset, ["close", "price", "volume"])
            self.seen.append((minute, fields["close"], fields["price"], fields["volume"]))
            if minute in self.actions:
                self.actions[minute](context, data)

        return run_live(
            None, handle_data, dispatcher=self.dispatcher, feed=feed, pace=pace, **self.options
        )

    def at(self, minute: int) -> tuple[float, float, float]:
        return next(each[1:] for each in self.seen if each[0] == minute)


class Pushed(Wall):
    """A wall pace whose bars a test pushes at set times of a manual clock."""

    def __init__(self, script: list[tuple[float, Bar]], **options: Any) -> None:
        super().__init__(clock=ManualClock(OPEN - 600 * NS), **options)
        self._script = sorted(script, key=lambda each: each[0])
        self.clock_at: list[float] = []

    def start(self, feed: Any, slot: Any, after: int) -> None:
        super().start({}, slot, after)
        self._reached = dict.fromkeys(feed, 0)

    def _left(self, slot: int, due: int) -> float:
        now = (self.clock.now_ns() - OPEN) / NS
        while self._script and self._script[0][0] <= now:
            self.push("AAA", self._script.pop(0)[1])
        left = super()._left(slot, due)
        return min(left, max(0.001, self._script[0][0] - now)) if self._script else left

    def take(self, slot: int, due: int) -> Any:
        taken = super().take(slot, due)
        self.clock_at.append((self.clock.now_ns() - due) / NS)
        return taken


def test_a_bar_goes_to_the_algorithm_when_it_arrives_and_a_missing_one_after_the_grace_period(
    minute_equities: str,
) -> None:
    # Minute 1 arrives after 0.2 s, minute 2 never, minute 3 after 1 s, and minute 2 again late.
    pace = Pushed([(60.2, bar(1, 50.0)), (181.0, bar(3, 52.0)), (185.0, bar(2, 51.0))], grace=3.0)
    run = Live(minute_equities)

    def look(context: Any, data: Any) -> None:
        run.windows.append(data.history(symbol("AAA"), "close", 4, "1m").tolist())

    def end(context: Any, data: Any) -> None:
        pace.stop.set()

    run.actions = {4: look, 6: end}
    run.run({"AAA": Frames(pd.DataFrame())}, pace)
    assert run.at(1) == (50.0, 50.0, 1_000_000.0)
    nan, price, volume = run.at(2)
    assert nan != nan
    assert (price, volume) == (50.0, 0)
    assert run.at(3)[0] == 52.0
    assert [round(each, 1) for each in pace.clock_at[:3]] == [0.2, 3.0, 1.0]
    assert pace.late == 1
    assert run.windows[0][:3] == [50.0, 51.0, 52.0], "a late bar reaches history"
    assert [each[0] for each in run.seen] == [1, 2, 3, 4, 5, 6], "stopped in mid-session"


def test_a_signal_of_the_system_stops_a_run_cleanly(minute_equities: str) -> None:
    pace = Pushed([(60.0 * n, bar(n, 50.0)) for n in range(1, 10)], grace=1.0)
    run = Live(minute_equities)
    run.actions = {3: lambda c, d: signal.raise_signal(signal.SIGTERM)}
    before = signal.getsignal(signal.SIGTERM)
    run.run({"AAA": Frames(pd.DataFrame())}, pace)
    assert [each[0] for each in run.seen] == [1, 2, 3]
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_feed_in_a_thread_is_waited_for_while_it_catches_up(minute_equities: str) -> None:
    frame = pd.DataFrame(
        [[50.0, 51.0, 49.0, 50.0, 10.0]] * 390,
        index=pd.date_range(OPEN + MINUTE, periods=390, freq="min", tz="UTC"),
    )
    run = Live(minute_equities)
    source = Frames(frame)
    perf = run.run({"AAA": source}, Wall(grace=5.0))
    assert len(perf) == 1
    assert len(run.seen) == 390
    assert all(close == 50.0 for _, close, _, _ in run.seen)
    assert source.closed
    assert not [each for each in threading.enumerate() if each.name == "bars-AAA"]


@pytest.mark.parametrize(("fill", "minute"), [("now", 2), ("next_bar", 3)])
def test_fills_are_booked_at_the_bar_of_the_decision_or_at_the_next(
    minute_equities: str, fill: str, minute: int
) -> None:
    run = Live(minute_equities, fill=fill)
    run.actions = {
        2: lambda c, d: order(symbol("AAA"), 5),
        30: lambda c, d: order(symbol("AAA"), -8, limit_price=40.0),
        60: lambda c, d: order(symbol("AAA"), 1, limit_price=1.0),
    }
    bars = pd.DataFrame(
        [[p, p, p, p, 1e6] for p in (50.0 + 0.01 * n for n in range(390))],
        index=pd.date_range(OPEN + MINUTE, periods=390, freq="min", tz="UTC"),
    )
    perf = run.run({"AAA": Frames(bars)}, Replay())
    fills = [(txn["dt"].value, txn["amount"]) for txn in perf["transactions"].iloc[0]]
    assert fills == [(OPEN + minute * MINUTE, 5), (OPEN + (28 + minute) * MINUTE, -8)]
    sent = [(each.signed, each.open_close) for each in run.dispatcher.venue.signals]
    assert [signed for signed, _ in sent] == [5, -5, -3]
    assert [int(each["amount"]) for each in perf["positions"].iloc[0]] == [-3]


def test_history_from_before_the_start_can_come_from_a_frame(minute_equities: str) -> None:
    earlier = pd.DataFrame(
        {"open": 7.0, "high": 7.0, "low": 7.0, "close": [7.0, 7.0], "volume": 5.0},
        index=pd.DatetimeIndex(["2022-11-21 20:59", "2022-11-21 21:00"], tz="UTC"),
    )
    run = Live(minute_equities, history={"AAA": earlier})
    windows: list[list[float]] = []
    run.actions = {
        1: lambda c, d: (
            windows.append(d.history(symbol("AAA"), "close", 3, "1m").tolist())
            or windows.append(d.history(symbol("AAA"), "close", 2, "1d").tolist())
        )
    }
    one = pd.DataFrame([[9.0] * 4 + [5.0]], index=pd.DatetimeIndex([OPEN + MINUTE], tz="UTC"))
    run.run({"AAA": Frames(one)}, Replay())
    assert windows == [[7.0, 7.0, 9.0], [7.0, 9.0]]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"fill": "later"}, "fill="),
        ({"data_frequency": "hourly"}, "data_frequency="),
        ({"start": "2022-11-20"}, "is not a session"),
        ({"end": "2022-11-01"}, "end="),
        ({"start": None}, "needs its first session"),
        ({"feed": "NONE"}, "no such symbol"),
    ],
)
def test_a_wrong_setting_is_named(
    minute_equities: str, options: dict[str, Any], sentence: str
) -> None:
    name = options.pop("feed", "AAA")
    with pytest.raises(ConfigError, match=sentence):
        Live(minute_equities, **options).run({name: Frames(pd.DataFrame())}, Replay())


def test_a_restart_replays_the_record_and_goes_on(minute_equities: str, tmp_path: Path) -> None:
    bars = pd.DataFrame(
        [[50.0 + n % 9] * 4 + [1e6] for n in range(390)],
        index=pd.date_range(OPEN + MINUTE, periods=390, freq="min", tz="UTC"),
    )
    tape = tmp_path / "bars.jsonl"

    def stop(context: Any, data: Any) -> None:
        raise KeyboardInterrupt

    first = Live(minute_equities, record=tape)
    first.actions = {50: stop}
    with pytest.raises(KeyboardInterrupt):
        first.run({"AAA": Frames(bars)}, Replay())
    second = Live(minute_equities, record=tape, start=None)
    perf = second.run({"AAA": Frames(bars)}, Replay())
    assert len(perf) == 1
    assert [each[0] for each in second.seen] == list(range(1, 391))
    assert second.seen[:50] == first.seen


def test_the_end_of_the_calendar_is_announced(
    minute_equities: str, caplog: pytest.LogCaptureFixture
) -> None:
    from sim2live.zipline.market_data import Market

    calendar = get_calendar("XNYS")
    last = calendar.last_session
    market = Market(bundles.load(minute_equities), calendar, "minute", last, last)
    market.warn_near_the_end(calendar.sessions[-30], 20)
    assert not caplog.text
    market.warn_near_the_end(calendar.sessions[-10], 20)
    assert "ends in 9 sessions" in caplog.text
