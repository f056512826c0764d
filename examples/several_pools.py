"""Two strategies at once, each with its own thread and its own pool.

    python examples/several_pools.py                    # paper, in this process

They share one gate: one journal, one ledger, one set of limits. `bind` gives each its own handle.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import sim2live
from sim2live.market.bars import Bar, CsvBars

PRICES = Path(__file__).parent / "data" / "eurusd_hourly.csv"
EURUSD = sim2live.Instrument("CME", "M6EZ6")


def average_cross(dispatcher: sim2live.Dispatcher, bars: list[Bar], fast: int, slow: int) -> int:
    """Long while the fast average is above the slow one, else short; returns the last target."""
    closes: list[float] = []
    target = 0
    for bar in bars:
        dispatcher.on_bar(EURUSD, bar)
        closes.append(bar.close)
        if len(closes) < slow:
            continue
        up = sum(closes[-fast:]) / fast > sum(closes[-slow:]) / slow
        target = 1 if up else -1
        dispatcher.follow(EURUSD, target, data="EURUSD", nth=0, decided_at=bar.time)
    return target


def main(hours: int = 400) -> dict[str, tuple[int, str]]:
    bars = list(CsvBars(PRICES, stamp="start", interval=3600))[:hours]
    with sim2live.connect(run="example", workflow="pool-scalp", strategy="scalping") as scalp:
        swing = scalp.bind(strategy="swing", workflow="pool-swing")
        with ThreadPoolExecutor() as threads:
            jobs = {
                scalp: threads.submit(average_cross, scalp, bars, 4, 12),
                swing: threads.submit(average_cross, swing, bars, 24, 96),
            }
        ends = {
            one.workflow: (job.result(), str(one.position(EURUSD))) for one, job in jobs.items()
        }
        for one in jobs:
            print(f"{one.workflow}: {one.strategy}", one.summary(), "held:", ends[one.workflow][1])
    return ends


if __name__ == "__main__":
    main()
