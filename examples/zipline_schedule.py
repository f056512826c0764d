"""The CLI form: `schedule_function` with order targets, chosen on the command line.

Make the bundle once (it stays under ZIPLINE_ROOT), then run this file with Zipline's own command:

    python examples/zipline_schedule.py
    zipline -e sim2live.zipline.extension run -f examples/zipline_schedule.py -b sp500 \\
        -s 2018-01-02 -e 2018-06-29 --capital-base 10000 --no-benchmark -o /dev/null \\
        --blotter sim2live

SIM2LIVE_* and sim2live.toml configure the blotter; SIM2LIVE_MODE=sim takes Zipline's own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zipline.api import date_rules, order_target, schedule_function, symbol, time_rules

# Zipline runs the text of this file, so it has no __file__ of its own there.
DATA = Path("examples/data/sp500_daily.csv")


def initialize(context: Any) -> None:
    context.asset = symbol("SP500")
    schedule_function(rebalance, date_rules.week_start(), time_rules.market_open())
    schedule_function(leave, date_rules.month_end(), time_rules.market_close())


def rebalance(context: Any, data: Any) -> None:
    prices = data.history(context.asset, "price", 10, "1d")
    order_target(context.asset, 2 if prices.iloc[-1] > prices.mean() else -1)


def leave(context: Any, data: Any) -> None:
    order_target(context.asset, 0)


if __name__ == "__main__":
    from sim2live.zipline import ingest

    print("bundle:", ingest("sp500", DATA))
