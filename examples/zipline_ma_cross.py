"""A moving-average cross on the S&P 500, traded as one MES: simulated, then dispatched.

    SIM2LIVE_MODE=sim python examples/zipline_ma_cross.py    # Zipline's own simulation
    python examples/zipline_ma_cross.py                      # the paper venue follows

Only the blotter changes; `initialize` and `handle_data` do not know of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from zipline import run_algorithm
from zipline.api import order_target, set_commission, set_slippage, symbol
from zipline.finance import commission, slippage
from zipline.utils.calendar_utils import get_calendar

import sim2live.zipline

DATA = Path(__file__).parent / "data" / "sp500_daily.csv"


def initialize(context: Any) -> None:
    context.asset = symbol("SP500")
    context.days = 0
    set_slippage(us_equities=slippage.FixedSlippage(spread=0.0))
    set_commission(us_equities=commission.PerTrade(cost=1.0))


def handle_data(context: Any, data: Any) -> None:
    context.days += 1
    if context.days < 50:
        return
    prices = data.history(context.asset, "price", 50, "1d")
    order_target(context.asset, 1 if prices.iloc[-20:].mean() > prices.mean() else 0)


def main() -> None:
    blotter = sim2live.zipline.blotter(instruments={"SP500": "CME:MESZ6"})
    perf = run_algorithm(
        start=pd.Timestamp("2017-01-03"),
        end=pd.Timestamp("2018-12-31"),
        initialize=initialize,
        handle_data=handle_data,
        capital_base=10_000,
        bundle=sim2live.zipline.ingest("sp500", DATA),
        trading_calendar=get_calendar("XNYS"),
        blotter=blotter,
        default_extension=False,
    )
    fills = perf["transactions"].map(len).sum()
    print(f"{type(blotter).__name__}: {fills} fills, value {perf['portfolio_value'].iloc[-1]:.2f}")
    if hasattr(blotter, "dispatcher"):
        print("dispatched:", blotter.dispatcher.summary())


if __name__ == "__main__":
    main()
