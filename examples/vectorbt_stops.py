"""Stops sent along with the entry, so that they live at the venue.

python examples/vectorbt_stops.py
"""

from __future__ import annotations

import vectorbt as vbt
from vectorbt_ma_cross import load

from sim2live.vectorbt import Captured, SignalExporter, capture


def strategy() -> Captured:
    """A cross with a stop of 0.4 % and a target of 0.8 %; `capture` keeps both."""
    data = load()
    fast, slow = vbt.MA.run(data["Close"], 24), vbt.MA.run(data["Close"], 96)
    return capture(
        vbt.Portfolio.from_signals,
        data["Close"],
        fast.ma_crossed_above(slow),
        fast.ma_crossed_below(slow),
        open=data["Open"],
        high=data["High"],
        low=data["Low"],
        sl_stop=0.004,
        tp_stop=0.008,
        size=1,
        init_cash=10_000,
        freq="h",
    )


def main() -> SignalExporter:
    exporter = SignalExporter(
        strategy(), instruments=lambda _: "CME:M6EZ6", workflow="stops", stops="bracket"
    )
    print(exporter.plan().frame["reason"].value_counts())
    print(next(iter(exporter.signals())))
    return exporter


if __name__ == "__main__":
    main()
