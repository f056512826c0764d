"""Two moving averages: long while the fast one is above the slow one, short while below.

The strategy logic of an Algo Playground script, and nothing else. Run it here:

    sim2live playground run examples/playground_sma.py --instrument NQ --start 2025-01-15 \
        --timeframe 1m
"""

import os
import time
from collections import deque

FAST_PERIOD = int(os.environ.get("FAST_PERIOD", "10"))
SLOW_PERIOD = int(os.environ.get("SLOW_PERIOD", "30"))

closes = deque(maxlen=SLOW_PERIOD)
position = 0

print(f"[INFO] SMA {FAST_PERIOD}/{SLOW_PERIOD} on {INSTRUMENT}, {TOTAL_BARS} bars of {TIMEFRAME}")

for _ in range(MAX_BARS):
    bar = get_next_bar()
    if bar is None:
        print("[INFO] No more bars")
        break
    read_speed()
    if STEP_DELAY > 0:
        time.sleep(STEP_DELAY)

    closes.append(bar["c"])
    if len(closes) < SLOW_PERIOD:
        continue
    fast = sum(list(closes)[-FAST_PERIOD:]) / FAST_PERIOD
    slow = sum(closes) / SLOW_PERIOD
    wanted = 1 if fast > slow else -1
    if wanted == position:
        continue
    # From flat one contract, else two: one closes, one opens.
    answer = place_order(ACCOUNT_ID, CONTRACT_ID, 0 if wanted > 0 else 1, abs(wanted - position))
    if answer.get("success"):
        position = wanted
        side = "BUY" if wanted > 0 else "SELL"
        print(f"[TRADE] {side} @ {bar['c']} | fast {fast:.2f}, slow {slow:.2f}")
