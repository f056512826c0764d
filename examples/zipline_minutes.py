"""Limit, stop and cancel on made-up minutes of the E-mini S&P 500; every signal is printed.

python examples/zipline_minutes.py
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from zipline import run_algorithm
from zipline.api import cancel_order, future_symbol, get_open_orders, order, order_target
from zipline.utils.calendar_utils import get_calendar

import sim2live
from sim2live.zipline import MirrorBlotter, ingest

CALENDAR = get_calendar("us_futures")
FIRST, LAST = "2024-02-20", "2024-02-21"


def walk(index: pd.DatetimeIndex, seed: int) -> pd.DataFrame:
    """Prices on quarter points."""
    draws = np.random.default_rng(seed)
    closes = 5000 + 0.25 * np.cumsum(draws.integers(-5, 6, len(index)))
    opens = np.concatenate([closes[:1], closes[:-1]])
    frame = pd.DataFrame({"open": opens, "close": closes}, index=index)
    frame["high"] = frame.max(axis=1) + 0.25
    frame["low"] = frame[["open", "close"]].min(axis=1) - 0.25
    frame["volume"] = draws.integers(200, 2000, len(index)).astype(float)
    return frame


def initialize(context: Any) -> None:
    context.asset = future_symbol("ESH24")
    context.minute = 0


def handle_data(context: Any, data: Any) -> None:
    context.minute += 1
    asset, price = context.asset, data.current(context.asset, "price")
    if context.minute % 60 == 1:
        order(asset, 1, limit_price=price - 2)
    if context.minute % 60 == 30:
        for resting in get_open_orders(asset):
            cancel_order(resting)
        if context.portfolio.positions[asset].amount:
            order(asset, -1, stop_price=price - 3)
    if context.minute % 60 == 59:
        for resting in get_open_orders(asset):
            cancel_order(resting)
        order_target(asset, 0)


def main() -> None:
    minutes = CALENDAR.minutes_in_range(
        CALENDAR.session_first_minute(FIRST), CALENDAR.session_close(LAST)
    )
    days = CALENDAR.sessions_in_range("2024-01-03", "2024-02-16")
    bundle = ingest(
        "es-minutes",
        {"ESH24": walk(minutes, 1)},
        frequency="minute",
        kind="future",
        calendar="us_futures",
        daily={"ESH24": walk(days, 2)},  # futures slippage looks 20 sessions back
    )
    dispatcher = sim2live.connect("record", workflow="python-test", strategy="es-minutes")
    perf = run_algorithm(
        start=pd.Timestamp(FIRST),
        end=pd.Timestamp(LAST),
        initialize=initialize,
        handle_data=handle_data,
        capital_base=100_000,
        data_frequency="minute",
        bundle=bundle,
        trading_calendar=CALENDAR,
        blotter=MirrorBlotter(dispatcher, instruments={"ES": "CME:ESH4"}),
        default_extension=False,
    )
    for signal in dispatcher.venue.signals:
        print(signal.side, signal.qty, signal.instrument, signal.open_close)
    print(f"{len(dispatcher.venue.signals)} signals, value {perf['portfolio_value'].iloc[-1]:.2f}")


if __name__ == "__main__":
    main()
