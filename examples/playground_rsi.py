"""A scalper: buys when the RSI is low, sells short when it is high, with a stop and a target.

Each entry carries its protection as a bracket, so the position is closed at the venue. The RSI
is Wilder's: averages that forget by 1 / period.
"""

import os
import time

RSI_PERIOD = int(os.environ.get("RSI_PERIOD", "14"))
LOW = float(os.environ.get("RSI_LOW", "30"))
HIGH = float(os.environ.get("RSI_HIGH", "70"))
STOP_TICKS = int(os.environ.get("STOP_TICKS", "40"))
TARGET_TICKS = int(os.environ.get("TARGET_TICKS", "60"))

before = None
gain = loss = 0.0
count = 0

print(f"[INFO] RSI {RSI_PERIOD}, {LOW:g}/{HIGH:g}, stop {STOP_TICKS}, target {TARGET_TICKS} ticks")

for _ in range(MAX_BARS):
    bar = get_next_bar()
    if bar is None:
        print("[INFO] No more bars")
        break
    read_speed()
    if STEP_DELAY > 0:
        time.sleep(STEP_DELAY)

    if before is not None:
        change = bar["c"] - before
        count += 1
        weight = 1 / min(count, RSI_PERIOD)
        gain += (max(change, 0.0) - gain) * weight
        loss += (max(-change, 0.0) - loss) * weight
    before = bar["c"]
    if count < RSI_PERIOD or gain + loss == 0:
        continue
    rsi = 100 * gain / (gain + loss)
    if LOW < rsi < HIGH or get_positions(ACCOUNT_ID):
        continue
    side = 0 if rsi <= LOW else 1
    answer = place_order(
        ACCOUNT_ID, CONTRACT_ID, side, 1, sl_ticks=STOP_TICKS, tp_ticks=TARGET_TICKS
    )
    if answer.get("success"):
        print(f"[TRADE] {'SELL' if side else 'BUY'} @ {bar['c']} | RSI {rsi:.1f}")
