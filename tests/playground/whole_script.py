"""A script of five sections with a header of its own, as the platform would put it together."""

# 1. Header
import json
import os
import sys
import time
import urllib.error
import urllib.request

API_URL = os.environ.get("TESTMAX_API_URL", "")
TOKEN = os.environ.get("TESTMAX_TOKEN", "")
INSTRUMENT = os.environ.get("INSTRUMENT", "NQ")
END_DATE = os.environ.get("END_DATE", "")
STEP_DELAY = float(os.environ.get("STEP_DELAY", "0.02"))
SPEED_FILE = os.environ.get("SPEED_FILE", "")
ACCOUNT_ID = int(os.environ.get("ACCOUNT_ID", "0"))
CONTRACT_ID = os.environ.get("CONTRACT_ID", "")
TOTAL_BARS = int(os.environ.get("TOTAL_BARS", "5000"))


def api(path, body=None):
    request = urllib.request.Request(
        f"{API_URL}/{path}",
        data=json.dumps(body or {}).encode(),
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        text = error.read().decode()
        print(f"[ERROR] {path}: {error.code} {text}", file=sys.stderr)
        return {"success": False, "errorCode": error.code, "errorMessage": text}


def read_speed():
    global STEP_DELAY  # noqa: PLW0603 - as the page promises
    with open(SPEED_FILE) as file:  # noqa: PTH123 - the plain way of a script
        STEP_DELAY = float(file.read())
    return STEP_DELAY


# 2. Parameters
EVERY = int(os.environ.get("EVERY", "10"))
MAX_BARS = int(os.environ.get("MAX_BARS", "0")) or TOTAL_BARS


# 3. Setup
def get_next_bar():
    bar = api("Replay/step", {"accountId": ACCOUNT_ID}).get("bar")
    return None if bar is None or (END_DATE and bar["t"][:10] > END_DATE) else bar


# 4. Logic
side = 0
for i in range(MAX_BARS):
    bar = get_next_bar()
    if bar is None:
        break
    read_speed()
    if STEP_DELAY > 0:
        time.sleep(STEP_DELAY)
    if i % EVERY == 0:
        size = 1 if i == 0 else 2
        order = {"accountId": ACCOUNT_ID, "contractId": CONTRACT_ID, "type": 2}
        api("Order/place", {**order, "side": side, "size": size})
        print(f"[TRADE] {'SELL' if side else 'BUY'} {size} @ {bar['c']}")
        side = 1 - side

# 5. Cleanup
for held in api("Position/searchOpen", {"accountId": ACCOUNT_ID})["positions"]:
    close = {"accountId": ACCOUNT_ID, "contractId": held["contractId"]}
    api("Position/closeContract", close)
print("[INFO] done", api("Replay/end", {"accountId": ACCOUNT_ID})["finalBalance"])
