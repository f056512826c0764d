"""What does a mirror cost a Zipline backtest, and how soon is a live bar a signal?

    python benchmarks/zipline_rows.py [--json FILE]

Time is that of the process, so that other work on the machine does not count; what a mirror adds
is the difference of two whole runs of one algorithm with the same orders, taken in turns. Every
tenth bar has an order and half the bars a position; an order's own cost is what is left without
the bars', which are measured on their own.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from sim2live.market.bars import Bar
from sim2live.venues.record import Record

FIRST, LAST = "2022-11-09", "2022-11-18"
REPLAYED = "2022-11-17"
ROUNDS = 7


def prices() -> pd.DataFrame:
    from zipline.utils.calendar_utils import get_calendar

    calendar = get_calendar("XNYS")
    index = calendar.minutes_in_range(
        calendar.session_first_minute("2022-11-02"), calendar.session_close(LAST)
    )
    closes = 400 + 0.01 * np.cumsum(np.random.default_rng(3).integers(-5, 6, len(index)))
    frame = pd.DataFrame(dict.fromkeys(("open", "high", "low", "close"), closes), index=index)
    return frame.assign(volume=1e6)


def nothing(_context: Any, _data: Any) -> None:
    return None


def window(context: Any, data: Any) -> None:
    data.history(context.asset, "price", 20, "1m")


def orders(context: Any, _data: Any) -> None:
    from zipline.api import order

    context.n += 1
    if context.n % 10 == 0:
        order(context.asset, 10 if context.n % 20 else -10)


def held(context: Any, _data: Any) -> None:
    from zipline.api import order

    context.n += 1
    if context.n == 1:
        order(context.asset, 10)


def spent(handle_data: Callable[[Any, Any], None], *, mirrored: bool) -> tuple[float, int, int]:
    """Seconds of the process for one backtest, its bars, and the signals that went out."""
    from zipline import run_algorithm
    from zipline.api import symbol
    from zipline.utils.calendar_utils import get_calendar

    import sim2live
    from sim2live.zipline import MirrorBlotter

    bars = 0

    def initialize(context: Any) -> None:
        context.asset, context.n = symbol("AAA"), 0

    def counted(context: Any, data: Any) -> None:
        nonlocal bars
        bars += 1
        handle_data(context, data)

    dispatcher = sim2live.connect("record", strategy="benchmark")
    begin = time.process_time()
    run_algorithm(
        start=pd.Timestamp(FIRST),
        end=pd.Timestamp(LAST),
        initialize=initialize,
        handle_data=counted,
        capital_base=1e6,
        data_frequency="minute",
        bundle="benchmark",
        trading_calendar=get_calendar("XNYS"),
        default_extension=False,
        blotter=MirrorBlotter(dispatcher) if mirrored else "default",
    )
    took = time.process_time() - begin
    sent = len(dispatcher.venue.signals)
    dispatcher.close()
    return took, bars, sent


def beside(handle_data: Callable[[Any, Any], None]) -> tuple[float, float, int, int]:
    """Best plain and best mirrored run, taken in turns."""
    plain, mirror = [], []
    bars = sent = 0
    for _ in range(ROUNDS):
        plain.append(spent(handle_data, mirrored=False)[0])
        took, bars, sent = spent(handle_data, mirrored=True)
        mirror.append(took)
    return min(plain), min(mirror), bars, sent


class Stamped(Record):
    """Notes when each signal reaches it."""

    def __init__(self) -> None:
        super().__init__()
        self.at: list[int] = []

    def send(self, signal: Any, *, timeout: float) -> Any:
        self.at.append(time.perf_counter_ns())
        return super().send(signal, timeout=timeout)


class Arrivals:
    """Bars of a frame, each stamped with the moment it left."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame, self.at = frame, [0]

    def __iter__(self) -> Iterator[Bar]:
        for moment, row in zip(self.frame.index, self.frame.itertuples(index=False), strict=True):
            bar = Bar(int(moment.value), *map(float, row))
            self.at.append(time.perf_counter_ns())
            yield bar

    def close(self) -> None:
        return None


def arrival_to_signal(frame: pd.DataFrame) -> np.ndarray[Any, Any]:
    """Milliseconds from a bar's arrival to the signal of its decision, one a minute."""
    from zipline.api import order_target, symbol

    import sim2live
    from sim2live.zipline import Replay, run_live

    venue, source = Stamped(), Arrivals(frame)
    took: list[float] = []

    def handle_data(context: Any, _data: Any) -> None:
        context.n = getattr(context, "n", 0) + 1
        # A replay reads one bar ahead, so this bar left one place before the last.
        left, before = source.at[-2], len(venue.at)
        order_target(symbol("AAA"), 1 if context.n % 2 else -1)
        if len(venue.at) > before:
            took.append((venue.at[before] - left) / 1e6)

    with sim2live.connect(venue, workflow="pool", strategy="benchmark") as dispatcher:
        run_live(
            None,
            handle_data,
            dispatcher=dispatcher,
            feed={"AAA": source},
            bundle="benchmark",
            capital_base=1e6,
            start=REPLAYED,
            end=LAST,
            pace=Replay(),
        )
    return np.array(took)


def measure() -> list[dict[str, object]]:
    """The rows of the table."""
    from sim2live.zipline import ingest

    with tempfile.TemporaryDirectory() as folder:
        os.environ["ZIPLINE_ROOT"] = folder
        frame = prices()
        ingest("benchmark", {"AAA": frame}, frequency="minute")
        plain, mirror, bars, _ = beside(nothing)
        bar = (mirror - plain) / bars * 1e6
        plain, mirror, bars, _ = beside(held)
        bar_held = (mirror - plain) / bars * 1e6
        plain, mirror, bars, sent = beside(orders)
        with_bars = (mirror - plain) / sent * 1e6
        order = with_bars - (bar + bar_held) / 2 * bars / sent
        plain, mirror, *_ = beside(window)
        took = arrival_to_signal(frame.loc[REPLAYED:])
    figures = (
        ("a bar without orders, us of CPU", bar, "at most 3"),
        ("a bar with a position, us of CPU", bar_held, ""),
        ("an order, us of CPU", order, "at most 60"),
        ("an order and its bars, us of CPU", with_bars, ""),
        ("speed with history(20) each bar", plain / mirror, "at least 0.9"),
        ("arrival to signal, ms, median", float(np.percentile(took, 50)), ""),
        ("arrival to signal, ms, p99", float(np.percentile(took, 99)), "below 20"),
    )
    return [{"name": name, "figure": figure, "goal": goal} for name, figure, goal in figures]


def main() -> None:
    parser = argparse.ArgumentParser(description="What a mirror costs a Zipline backtest.")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    lines = measure()
    table = Table(title="Zipline under the mirror, over the plain run")
    table.add_column("what", no_wrap=True)
    for heading in ("figure", "goal"):
        table.add_column(heading, justify="right", no_wrap=True)
    for line in lines:
        table.add_row(str(line["name"]), f"{line['figure']:.2f}", str(line["goal"]))
    Console(width=100).print(table)
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps({"rows": lines}, indent=2))


if __name__ == "__main__":
    main()
