"""Real ProjectX orders on past bars: a breakout of the last hour on the gateway's Replay.

    sim2live gateway                          # in another terminal
    python examples/projectx_replay.py

The same class with `ProjectX("topstepx", ...)` and `ProjectXBars` in the place of `ReplayBars`
trades a live account: see docs/projectx.md.
"""

import os
from collections import deque

import sim2live
from sim2live.venues.projectx import ProjectX
from sim2live.venues.projectx_bars import ReplayBars

ADDRESS = os.environ.get("GATEWAY", "http://127.0.0.1:8080") + "/api/topstep-sim"
HOUR = 12


def main() -> None:
    venue = ProjectX(ADDRESS, user_name="me", api_key="any", poll=None)
    bars = ReplayBars(venue, "NQ", start="2025-01-15", timeframe="5m")
    print(f"{bars.total} bars of {bars.instrument} on account {bars.account}")
    closes: deque[float] = deque(maxlen=HOUR)
    target = 0
    with sim2live.connect(venue, workflow=str(bars.account), journal=":memory:") as strategy:
        for bar in bars:
            strategy.on_bar(bars.instrument, bar)
            if len(closes) == HOUR:
                target = 1 if bar.close > max(closes) else -1 if bar.close < min(closes) else target
            receipt = strategy.follow(
                bars.instrument, target, data="NQ", nth=0, decided_at=bar.time
            )
            closes.append(bar.close)
            if receipt.signals:
                print(f"{receipt.status.value:<9} {target:+d} at about {bar.close:,.2f}")
        strategy.follow(bars.instrument, 0, data="NQ", nth=1, decided_at=bar.time)
        bars.close()
    result = bars.result
    print(f"Balance {result['finalBalance']:,.2f} after {result['totalTrades']} trades")


if __name__ == "__main__":
    main()
