"""A channel breakout: a stop order above the highest high and one below the lowest low.

When one of them fills the other is taken off, and the far side of the channel is where the
position ends. Shows resting orders, and how they are cancelled.
"""

import os
import time
from collections import deque

CHANNEL = int(os.environ.get("CHANNEL", "20"))

highs, lows = deque(maxlen=CHANNEL), deque(maxlen=CHANNEL)
resting = []
held = 0


def cancel_all():
    for order_id in resting:
        api("Order/cancel", {"accountId": ACCOUNT_ID, "orderId": order_id})
    resting.clear()


def rest(side, size, price):
    answer = place_order(ACCOUNT_ID, CONTRACT_ID, side, size, order_type=4, stop_price=price)
    if answer.get("success"):
        resting.append(answer["orderId"])


print(f"[INFO] Breakout of {CHANNEL} bars on {INSTRUMENT}")

for _ in range(MAX_BARS):
    bar = get_next_bar()
    if bar is None:
        print("[INFO] No more bars")
        break
    read_speed()
    if STEP_DELAY > 0:
        time.sleep(STEP_DELAY)

    highs.append(bar["h"])
    lows.append(bar["l"])
    if len(highs) < CHANNEL:
        continue
    now = sum(p["size"] if p["type"] == 1 else -p["size"] for p in get_positions(ACCOUNT_ID))
    if now != held:
        print(f"[TRADE] {'BUY' if now > held else 'SELL'} near {bar['c']} | now {now:+d}")
        held = now
    waiting = {o["id"] for o in api("Order/searchOpen", {"accountId": ACCOUNT_ID})["orders"]}
    resting[:] = [order_id for order_id in resting if order_id in waiting]
    cancel_all()
    if held <= 0:
        rest(0, 1 - held, max(highs))
    if held >= 0:
        rest(1, 1 + held, min(lows))

cancel_all()
