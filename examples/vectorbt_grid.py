"""A grid of parameters, each one to a pool of its own; all into one pool is refused.

python examples/vectorbt_grid.py
"""

from __future__ import annotations

import vectorbt as vbt
from vectorbt_ma_cross import load

from sim2live.errors import ConfigError
from sim2live.vectorbt import SignalExporter


def grid() -> vbt.Portfolio:
    """Three pairs of windows, one column each."""
    close = load()["Close"]
    fast = vbt.MA.run(close, [12, 24, 48], short_name="fast")
    slow = vbt.MA.run(close, [48, 96, 192], short_name="slow")
    return vbt.Portfolio.from_signals(
        close,
        fast.ma_crossed_above(slow),
        fast.ma_crossed_below(slow),
        size=1,
        init_cash=10_000,
        freq="h",
    )


def main() -> SignalExporter:
    portfolio = grid()
    exporter = SignalExporter(
        portfolio,
        instruments=lambda _: "CME:M6EZ6",
        workflow="cross-{fast_window}-{slow_window}",
    )
    exporter.check_live()
    print(exporter.frame().groupby("workflow_id").size())
    together = SignalExporter(portfolio, instruments=lambda _: "CME:M6EZ6", workflow="one-pool")
    try:
        together.check_live()
    except ConfigError as error:
        print(f"refused: {error}")
    return exporter


if __name__ == "__main__":
    main()
