"""Bundles of made-up prices, written once for the whole room."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

ES = ("ESH24", "ESM24", "ESU24")
EQUITIES = ("AAA", "BBB", "CCC")


def walk(
    index: pd.DatetimeIndex, *, seed: int, start: float, tick: float, step: int
) -> pd.DataFrame:
    """A random walk on ticks with a high, a low and a volume that sometimes runs dry."""
    random = np.random.default_rng(seed)
    closes = np.cumsum(random.integers(-step, step + 1, len(index))) + round(start / tick)
    floor = round(start / tick) // 2
    closes = np.maximum(closes, floor)
    opens = np.concatenate([closes[:1], closes[:-1]])
    high = np.maximum(opens, closes) + random.integers(0, step, len(index))
    low = np.minimum(opens, closes) - random.integers(0, step, len(index))
    frame = pd.DataFrame(
        {"open": opens * tick, "high": high * tick, "low": low * tick, "close": closes * tick},
        index=index,
    )
    frame["volume"] = random.integers(50, 5000, len(index)).astype(float)
    return frame


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A ZIPLINE_ROOT of our own."""
    path = tmp_path_factory.mktemp("zipline")
    before = os.environ.get("ZIPLINE_ROOT")
    os.environ["ZIPLINE_ROOT"] = str(path)
    yield path
    if before is None:
        del os.environ["ZIPLINE_ROOT"]
    else:
        os.environ["ZIPLINE_ROOT"] = before


def equity_frames(
    calendar_name: str, first: str, last: str, frequency: str
) -> dict[str, pd.DataFrame]:
    from zipline.utils.calendar_utils import get_calendar

    calendar = get_calendar(calendar_name)
    sessions = calendar.sessions_in_range(first, last)
    index = sessions
    if frequency == "minute":
        index = calendar.minutes_in_range(
            calendar.session_first_minute(sessions[0]), calendar.session_close(sessions[-1])
        )
    return {
        symbol: walk(index, seed=seed, start=50.0 + 30 * seed, tick=0.01, step=40)
        for seed, symbol in enumerate(EQUITIES)
    }


@pytest.fixture(scope="session")
def daily_equities(root: Path) -> str:
    from sim2live.zipline import ingest

    frames = equity_frames("XNYS", "2022-01-03", "2023-03-31", "daily")
    return ingest("daily-equities", frames)


@pytest.fixture(scope="session")
def minute_equities(root: Path) -> str:
    from sim2live.zipline import ingest

    # Thanksgiving week: the Friday closes early.
    frames = equity_frames("XNYS", "2022-11-21", "2022-11-29", "minute")
    return ingest("minute-equities", frames, frequency="minute")


FUTURES_METADATA = {
    "ESH24": {"auto_close_date": "2024-03-15"},
    "ESM24": {"auto_close_date": "2024-06-21"},
    "ESU24": {"auto_close_date": "2024-09-20"},
}


def futures_frames(frequency: str, first: str, last: str) -> dict[str, pd.DataFrame]:
    from zipline.utils.calendar_utils import get_calendar

    calendar = get_calendar("CMES")
    frames = {}
    for seed, symbol in enumerate(ES):
        ends = min(pd.Timestamp(FUTURES_METADATA[symbol]["auto_close_date"]), pd.Timestamp(last))
        sessions = calendar.sessions_in_range(first, ends)
        index = sessions
        if frequency == "minute":
            index = calendar.minutes_in_range(
                calendar.session_first_minute(sessions[0]), calendar.session_close(sessions[-1])
            )
            eastern = index.tz_convert("America/New_York")
            index = index[~((eastern.hour == 17) & (eastern.minute > 0))]  # the maintenance break
        frame = walk(index, seed=10 + seed, start=4800.0 + 50 * seed, tick=0.25, step=6)
        frames[symbol] = frame
    return frames


@pytest.fixture(scope="session")
def daily_futures(root: Path) -> str:
    from sim2live.zipline import ingest

    frames = futures_frames("daily", "2024-01-02", "2024-09-20")
    return ingest("daily-futures", frames, kind="future", metadata=FUTURES_METADATA)


@pytest.fixture(scope="session")
def minute_futures(root: Path) -> str:
    from sim2live.zipline import ingest

    frames = futures_frames("minute", "2024-03-12", "2024-03-18")
    earlier = futures_frames("daily", "2024-01-02", "2024-03-11")
    return ingest(
        "minute-futures",
        frames,
        frequency="minute",
        kind="future",
        metadata=FUTURES_METADATA,
        daily=earlier,
    )


# What each kind of algorithm runs on: bundle fixture, calendar, bars, first and last session.
KINDS = {
    "daily equities": ("daily_equities", "XNYS", "daily", "2022-03-01", "2023-03-31"),
    "minute equities": ("minute_equities", "XNYS", "minute", "2022-11-22", "2022-11-29"),
    "daily futures": ("daily_futures", "CMES", "daily", "2024-02-07", "2024-07-10"),
    "minute futures": ("minute_futures", "us_futures", "minute", "2024-03-13", "2024-03-18"),
    "minute futures, all day": ("minute_futures", "CMES", "minute", "2024-03-13", "2024-03-15"),
}


@pytest.fixture
def backtest(request: pytest.FixtureRequest) -> Callable[..., pd.DataFrame]:
    """`run_algorithm` on one of KINDS; `on_bar` is called after each handle_data."""
    from zipline import run_algorithm
    from zipline.utils.calendar_utils import get_calendar

    def run(
        kind: str, *, blotter: Any = "default", on_bar: Any = None, **parts: Any
    ) -> pd.DataFrame:
        fixture, calendar, frequency, first, last = KINDS[kind]
        bundle = request.getfixturevalue(fixture)
        theirs = parts.pop("handle_data", None)

        def handle_data(context: Any, data: Any) -> None:
            if theirs is not None:
                theirs(context, data)
            if on_bar is not None:
                on_bar(context, data)

        return run_algorithm(
            start=pd.Timestamp(first),
            end=pd.Timestamp(last),
            initialize=parts.pop("initialize", lambda context: None),
            handle_data=handle_data,
            capital_base=parts.pop("capital_base", 1_000_000.0),
            data_frequency=frequency,
            bundle=bundle,
            trading_calendar=get_calendar(calendar),
            blotter=blotter,
            default_extension=False,
            **parts,
        )

    return run


@pytest.fixture
def mirrored() -> Callable[..., tuple[Any, Callable[[Any, Any], None]]]:
    """A mirror on a recording venue, and a watch that compares the two after each bar."""
    import sim2live
    from sim2live.zipline import MirrorBlotter

    def make(**options: Any) -> tuple[Any, Callable[[Any, Any], None]]:
        dispatcher = sim2live.connect("record", workflow="pool", strategy="zipline-test")
        blotter = MirrorBlotter(dispatcher, **options)
        held: dict[str, int] = {}
        seen = 0

        def watch(context: Any, data: Any) -> None:
            nonlocal seen
            signals = dispatcher.venue.signals
            for signal in signals[seen:]:
                name = signal.instrument.symbol
                held[name] = held.get(name, 0) + signal.signed
            seen = len(signals)
            now = context.datetime.value
            wanted: dict[str, int] = {}
            for asset, position in context.metrics_tracker.positions.items():
                wanted[asset.symbol] = int(position.amount)
            for asset, orders in blotter.open_orders.items():
                for each in orders:
                    if each.stop is None and each.limit is None:
                        wanted[asset.symbol] = wanted.get(asset.symbol, 0) + int(each.open_amount)
            for asset, line in blotter._following.lines.items():
                if now >= line.cutoff:
                    wanted[asset.symbol] = 0
            assert {k: v for k, v in held.items() if v} == {k: v for k, v in wanted.items() if v}

        return blotter, watch

    return make
