"""The same functions live: `run_live` on a feed, here a recorded one, with the paper venue.

    python examples/zipline_live.py

With a real feed, push its bars into a `BarQueue` per symbol and leave `pace` out: then the wall
clock decides when a minute is over.
"""

from __future__ import annotations

import zipline_minutes as same
from zipline.api import order_target

import sim2live
from sim2live.market.bars import Bar, BarQueue
from sim2live.zipline import Replay, ingest, run_live

assert order_target is same.order_target


def main() -> None:
    calendar, first, last = same.CALENDAR, same.FIRST, same.LAST
    minutes = calendar.minutes_in_range(
        calendar.session_first_minute(first), calendar.session_close(last)
    )
    days = calendar.sessions_in_range("2024-01-03", "2024-02-16")
    bundle = ingest("es-days", {"ESH24": same.walk(days, 2)}, kind="future", calendar="us_futures")
    queue = BarQueue()
    frame = same.walk(minutes, 1)
    for moment, row in zip(
        frame.index, frame[["open", "high", "low", "close"]].values, strict=True
    ):
        queue.push(Bar(int(moment.value), *map(float, row), volume=1000.0))
    queue.close()
    with sim2live.connect("paper", strategy="es-live") as dispatcher:
        perf = run_live(
            same.initialize,
            same.handle_data,
            dispatcher=dispatcher,
            feed={"ESH24": queue},
            bundle=bundle,
            capital_base=100_000,
            start=first,
            end=last,
            pace=Replay(),
        )
        print("dispatched:", dispatcher.summary())
    print(f"{len(perf)} sessions, value {perf['portfolio_value'].iloc[-1]:.2f}")


if __name__ == "__main__":
    main()
