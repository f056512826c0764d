"""A live data over any source of bars: history, then what comes, then a clean end."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import backtrader as bt
import pytest

import sim2live
from sim2live.backtrader import BarFeed, MirrorBroker
from sim2live.clock import to_ns
from sim2live.errors import ConfigError, DataError
from sim2live.market.bars import Bar, BarQueue, CsvBars
from sim2live.market.tail import CsvTail

START = dt.datetime(2026, 3, 2, 15, 0, tzinfo=dt.UTC)


def bar(minute: int, price: float = 100.0) -> Bar:
    return Bar(to_ns(START + dt.timedelta(minutes=minute)), price, price + 1, price - 1, price, 5.0)


class Watcher(bt.Strategy):
    """Notes bars and statuses; stops cerebro at a bar if told to."""

    params = (("until", 0), ("act", None))

    def __init__(self) -> None:
        self.seen: list[tuple[Any, ...]] = []
        self.statuses: list[str] = []

    def notify_data(self, data: Any, status: int, *args: Any, **kwargs: Any) -> None:
        self.statuses.append(data._getstatusname(status))

    def next(self) -> None:
        data = self.datas[-1]
        self.seen.append((data.num2date().strftime("%H:%M"), data.close[0], data.volume[0]))
        if self.p.act is not None:
            self.p.act(self)
        if len(self.seen) == self.p.until:
            self.env.runstop()


def cerebro_of(feed: Any, *, resample: int = 0, broker: Any = None, **options: Any) -> Any:
    cerebro = bt.Cerebro(stdstats=False)
    if broker is not None:
        cerebro.setbroker(broker)
    if resample:
        cerebro.resampledata(feed, timeframe=bt.TimeFrame.Minutes, compression=resample)
    else:
        cerebro.adddata(feed, name="one")
    cerebro.addstrategy(Watcher, **options)
    return cerebro


def feed_of(source: Any, **options: Any) -> BarFeed:
    return BarFeed(source=source, timeframe=bt.TimeFrame.Minutes, qcheck=0.01, **options)


def filled(*bars: Bar) -> BarQueue:
    waiting = BarQueue()
    for one in bars:
        waiting.push(one)
    waiting.close()
    return waiting


def test_history_comes_first_and_what_overlaps_comes_once() -> None:
    feed = feed_of(filled(bar(2, 102), bar(3, 103)), backfill=[bar(1, 101), bar(2, 102)])
    (strategy,) = cerebro_of(feed).run()
    assert [(when, close) for when, close, _ in strategy.seen] == [
        ("15:01", 101.0), ("15:02", 102.0), ("15:03", 103.0),
    ]  # fmt: skip
    assert strategy.statuses == ["DELAYED", "LIVE", "DISCONNECTED"]


def test_a_feed_is_live_and_a_zone_only_shows_it_otherwise() -> None:
    feed = feed_of(filled(bar(1)), tz="America/New_York")
    (strategy,) = cerebro_of(feed).run()
    assert feed.islive()
    assert [when for when, *_ in strategy.seen] == ["10:01"]


def test_bars_that_are_pushed_later_are_waited_for_without_holding_up_cerebro() -> None:
    waiting = BarQueue()
    waiting.push(bar(1))

    def more(strategy: Any) -> None:
        if len(strategy.seen) == 1:
            threading.Timer(0.05, lambda: (waiting.push(bar(2, 105)), waiting.close())).start()

    (strategy,) = cerebro_of(feed_of(waiting), act=more).run()
    assert [close for _, close, _ in strategy.seen] == [100.0, 105.0]


@pytest.mark.parametrize("minutes", [5])
def test_minutes_become_longer_bars_while_they_come(minutes: int) -> None:
    feed = feed_of(filled(*(bar(n, 100 + n) for n in range(1, 16))))
    (strategy,) = cerebro_of(feed, resample=minutes).run()
    assert strategy.seen[:2] == [("15:05", 105.0, 25.0), ("15:10", 110.0, 25.0)]


def test_a_stopped_run_closes_its_source_and_leaves_no_thread() -> None:
    waiting = BarQueue()
    for n in range(1, 4):
        waiting.push(bar(n))
    feed = feed_of(waiting)
    (strategy,) = cerebro_of(feed, until=2).run()
    assert len(strategy.seen) == 2
    assert not feed._thread.is_alive()
    with pytest.raises(DataError, match="closed"):
        waiting.push(bar(9))


def test_a_source_that_fails_ends_the_data_and_not_the_program(caplog: Any) -> None:
    def broken() -> Iterator[Bar]:
        yield bar(1)
        raise OSError("the line is dead")

    (strategy,) = cerebro_of(feed_of(broken())).run()
    assert len(strategy.seen) == 1
    assert strategy.statuses[-1] == "DISCONNECTED"
    assert "the line is dead" in caplog.text


def test_a_feed_without_a_source_or_with_another_zone_is_refused() -> None:
    with pytest.raises(ConfigError, match="source"):
        cerebro_of(feed_of(None)).run()
    with pytest.raises(ConfigError, match="tzinput"):
        cerebro_of(feed_of(filled(bar(1)), tzinput="EST")).run()


def test_a_growing_file_is_followed_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    rows = [f"2026-03-02T15:0{n}:00Z,{100 + n},{101 + n},{99 + n},{100 + n},5" for n in range(1, 4)]
    path.write_text("time,open,high,low,close,volume\n" + rows[0] + "\n")

    def write_on(strategy: Any) -> None:
        with path.open("a") as file:
            if len(strategy.seen) == 1:
                file.write(rows[1] + "\n" + rows[2][:20])
            elif len(strategy.seen) == 2:
                file.write(rows[2][20:] + "\n")

    tail = CsvTail(path, poll=0.01)
    (strategy,) = cerebro_of(feed_of(tail), until=3, act=write_on).run()
    assert [close for _, close, _ in strategy.seen] == [101.0, 102.0, 103.0]


def test_a_file_that_becomes_shorter_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    path.write_text("time,open,high,low,close\n2026-03-02T15:01:00Z,1,1,1,1\n")
    bars = iter(CsvTail(path, poll=0.01))
    next(bars)
    path.write_text("")
    with pytest.raises(DataError, match="shorter"):
        next(bars)


def test_the_same_bars_make_the_same_orders_live_as_in_a_backtest(tmp_path: Path) -> None:
    bars = [bar(n, 100 + (n * 7) % 13) for n in range(1, 40)]
    path = tmp_path / "bars.csv"
    lines = [f"{dt.datetime.fromtimestamp(b.time / 1e9, dt.UTC).isoformat()},{b.open},{b.high},"
             f"{b.low},{b.close},{b.volume}" for b in bars]  # fmt: skip
    path.write_text("\n".join(["time,open,high,low,close,volume", *lines]) + "\n")

    def trade(strategy: Any) -> None:
        if strategy.data.close[0] > 106 and not strategy.position:
            strategy.buy(size=1)
        elif strategy.data.close[0] < 104 and strategy.position:
            strategy.close()

    signals = []
    for source in (filled(*bars), CsvBars(path)):
        with sim2live.connect("record") as dispatcher:
            cerebro_of(feed_of(source), broker=MirrorBroker(dispatcher), act=trade).run()
            signals.append(list(dispatcher.venue.signals))
    assert len(signals[0]) > 5
    assert signals[0] == signals[1]
