"""Bars: read from a file with its faults named, or handed over between threads."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import pytest

from sim2live.clock import to_ns
from sim2live.errors import ConfigError, DataError
from sim2live.market.bars import Bar, BarQueue, BarSource, CsvBars

DATA = Path(__file__).parents[2] / "examples" / "data"


def at(text: str) -> int:
    return to_ns(datetime.fromisoformat(text).replace(tzinfo=UTC))


def write(path: Path, *lines: str, header: str = "Time,Open,High,Low,Close,Volume") -> Path:
    file = path / "bars.csv"
    file.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return file


# ---------------------------------------------------------------- one bar


def test_prices_may_be_zero_or_negative() -> None:
    bar = Bar(1, -1, 0, -2, 0)
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (-1.0, 0.0, -2.0, 0.0, 0.0)
    assert type(bar.open) is float


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"time": 1.5}, "time=1.5: must be whole nanoseconds UTC"),
        ({"time": True}, "time=True"),
        ({"open": float("nan")}, "open=nan: must be a finite number"),
        ({"high": float("inf")}, "high=inf: must be a finite number"),
        ({"close": "5"}, "close='5': must be a number"),
        ({"low": True}, "low=True: must be a number"),
        ({"volume": None}, "volume=None: must be a number"),
        ({"volume": -1}, "volume=-1.0: must not be negative"),
        ({"open": 12}, r"open=12.0: must lie from low=9.0 to high=11.0"),
        ({"close": 8}, r"close=8.0: must lie from low=9.0 to high=11.0"),
        ({"low": 12}, r"low=12.0: must not be above high=11.0"),
    ],
)
def test_a_bar_that_cannot_be_is_refused(change: dict[str, Any], message: str) -> None:
    words: dict[str, Any] = {"time": 1, "open": 10, "high": 11, "low": 9, "close": 10, "volume": 5}
    with pytest.raises(DataError, match=message):
        Bar(**{**words, **change})


# ---------------------------------------------------------------- the example files


def test_daily_bars_close_when_new_york_does() -> None:
    bars = list(CsvBars(DATA / "sp500_daily.csv"))
    assert len(bars) == 3523
    assert bars[0] == Bar(at("2005-01-03T21:00"), 1211.92, 1217.8, 1200.32, 1202.08, 1510800000)
    summer = next(bar for bar in bars if bar.time >= at("2005-07-05T00:00"))
    assert summer.time == at("2005-07-05T20:00")


def test_hourly_bars_stamped_at_their_start_close_an_hour_later() -> None:
    bars = list(CsvBars(DATA / "eurusd_hourly.csv", stamp="start", interval=3600))
    assert len(bars) == 6225
    assert bars[0] == Bar(at("2017-01-01T23:00"), 1.05236, 1.05253, 1.05221, 1.05227, 144)


# ---------------------------------------------------------------- reading


def test_times_without_an_offset_are_in_the_zone_given(tmp_path: Path) -> None:
    file = write(tmp_path, "2026-07-01 09:30,1,1,1,1,0", "2026-07-01T13:31:00Z,1,1,1,1,0")
    assert [b.time for b in CsvBars(file, timezone="America/New_York")] == [
        at("2026-07-01T13:30"),
        at("2026-07-01T13:31"),
    ]
    assert next(iter(CsvBars(file))).time == at("2026-07-01T09:30")
    assert next(iter(CsvBars(file, timezone="UTC"))).time == at("2026-07-01T09:30")


def test_the_close_of_a_session_can_be_told(tmp_path: Path) -> None:
    file = write(tmp_path, "2026-07-01,1,1,1,1,0")
    (bar,) = CsvBars(file, timezone="America/Chicago", session_close=time(15, 15))
    assert bar.time == at("2026-07-01T20:15")


def test_columns_are_found_by_name(tmp_path: Path) -> None:
    file = write(
        tmp_path, "x,4,1,3,2,2026-07-01T10:00Z", "", header="\ufeffnote,HIGH, low ,close,open,When"
    )
    (bar,) = CsvBars(file, time_column="when")
    assert bar == Bar(at("2026-07-01T10:00"), 2, 4, 1, 3)


def test_a_file_can_be_read_twice_and_stopped(tmp_path: Path) -> None:
    file = write(tmp_path, "2026-07-01,1,1,1,1,0", "2026-07-02,1,1,1,1,0")
    source = CsvBars(file)
    assert isinstance(source, BarSource)
    assert list(source) == list(source)
    rows = iter(source)
    next(rows)
    source.close()
    assert list(rows) == []


GOOD = "2026-07-01T10:00Z,1,1,1,1,0"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("yesterday,1,1,1,1,0", "line 3, column Time: Time='yesterday': must be a date or a time"),
        (",1,1,1,1,0", "line 3, column Time: Time='': must be a date"),
        ("2026-07-01T11:00Z,x,1,1,1,0", "line 3, column Open: Open='x': must be a number"),
        ("2026-07-01T11:00Z,1,1,1,1_0,0", "line 3, column Close: Close='1_0': must be a number"),
        ("2026-07-01T11:00Z,1,1,1,,0", "line 3, column Close: Close='': must be a number"),
        ("2026-07-01T11:00Z,1,nan,1,1,0", "line 3: high=nan: must be a finite number"),
        ("2026-07-01T11:00Z,1,2,1,3,0", "line 3: close=3.0: must lie from low=1.0 to high=2.0"),
        ("2026-07-01T11:00Z,1,1,1,1", "line 3: has 5 columns, the header 6"),
        ("2026-07-01T10:00Z,1,1,1,1,0", "line 3, column Time: .* not later than the row before"),
        ("2026-06-01T10:00Z,1,1,1,1,0", "closes at 2026-06-01T10:00:00Z, which is not later"),
    ],
)
def test_a_fault_is_named_by_file_line_and_column(line: str, message: str, tmp_path: Path) -> None:
    file = write(tmp_path, GOOD, line)
    with pytest.raises(DataError, match=message) as caught:
        list(CsvBars(file))
    assert str(caught.value).startswith(str(file))


@pytest.mark.parametrize("local", ["2026-03-08 02:30", "2026-11-01 01:30"])
def test_an_hour_that_exists_twice_or_never_needs_its_offset(local: str, tmp_path: Path) -> None:
    file = write(tmp_path, f"{local},1,1,1,1,0")
    with pytest.raises(DataError, match="is not one moment in America/New_York; write the offset"):
        list(CsvBars(file, timezone="America/New_York"))
    assert len(list(CsvBars(write(tmp_path, f"{local}-05:00,1,1,1,1,0")))) == 1


@pytest.mark.parametrize(
    ("header", "column"),
    [
        ("When,Open,High,Low,Close,Volume", "datetime or timestamp or time or date"),
        ("Time,Open,High,Low,Volume,x", "close"),
    ],
)
def test_a_missing_column_is_named(header: str, column: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"line 1: .*has no column {column}"):
        list(CsvBars(write(tmp_path, GOOD, header=header)))


def test_an_empty_file_has_no_header(tmp_path: Path) -> None:
    (tmp_path / "bars.csv").write_bytes(b"")
    with pytest.raises(DataError, match="has no column"):
        list(CsvBars(tmp_path / "bars.csv"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"stamp": "middle"}, "stamp='middle': must be end or start"),
        ({"stamp": "start"}, "interval=None: is needed where bars are stamped at their start"),
        ({"interval": 0}, "interval=0: must be a number of seconds above zero"),
        ({"interval": float("nan")}, "interval=nan"),
        ({"timezone": "Mars/Base"}, "timezone='Mars/Base': is not known"),
        ({"timezone": "../etc/passwd"}, "timezone="),
    ],
)
def test_settings_that_do_not_fit_are_refused(
    words: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        CsvBars(write(tmp_path, GOOD), **words)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        CsvBars(tmp_path / "none.csv")


# ---------------------------------------------------------------- the queue


def test_pushed_bars_come_out_in_order_and_end_with_close() -> None:
    queue = BarQueue()
    assert isinstance(queue, BarSource)
    bars = [Bar(n, 1, 1, 1, 1) for n in range(100)]

    def feed() -> None:
        for bar in bars:
            queue.push(bar)
        queue.close()
        queue.close()

    thread = threading.Thread(target=feed)
    thread.start()
    assert list(queue) == bars
    thread.join()
    assert list(queue) == []
    with pytest.raises(DataError, match="the queue is closed"):
        queue.push(bars[0])


def test_each_bar_goes_to_one_reader_and_closing_ends_them_all() -> None:
    queue, got = BarQueue(), []
    lock = threading.Lock()

    def read() -> None:
        for bar in queue:
            with lock:
                got.append(bar.time)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for n in range(200):
        queue.push(Bar(n, 1, 1, 1, 1))
    queue.close()
    for reader in readers:
        reader.join(60)
        assert not reader.is_alive()
    assert sorted(got) == list(range(200))
