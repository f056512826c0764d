# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # First signal
#
# One order over HTTP, as on EvalItUp's page, to a paper gateway that this notebook starts. No
# account, no key, and no real order. The files stay in the folder `kept`, so "Restart and run all"
# goes on from them.

# %%
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pandas as pd
import requests

import sim2live
from sim2live import EvalItUpClient, Instrument, SignalError
from sim2live.gateway.server import running_gateway
from sim2live.market.bars import CsvBars

here = next(p for p in [Path.cwd(), *Path.cwd().parents] if (p / "examples" / "data").is_dir())
kept = Path("kept", "first_signal")
kept.mkdir(parents=True, exist_ok=True)

open_things = ExitStack()
gateway = open_things.enter_context(running_gateway(journal=kept / "gateway.sqlite3"))
gateway.url

# %% [markdown]
# ## The page's first signal
#
# EvalItUp itself listens on port 8080. Here the address is the gateway's; the rest is the page's.

# %%
response = requests.post(
    f"{gateway.url}/signal/python-test",
    json={
        "schema_version": "1.0",
        "signal_id": "test-001",
        "workflow_id": "python-test",
        "instrument": {"exchange": "CME", "symbol": "MESZ6"},
        "side": "BUY",
        "qty": 1,
    },
    timeout=5,
)
response.status_code, response.json()

# %% [markdown]
# Accepted is not filled. EvalItUp says no more than this; the paper gateway also shows what came of
# it. Open its address in a browser for the Activity page.

# %%
pd.DataFrame(requests.get(f"{gateway.url}/orders", timeout=5).json()["orders"])

# %% [markdown]
# ## From a script
#
# The client has the methods of the page's class. Whatever breaks a rule is refused before a byte
# leaves. Give a signal its own id, and sending it again gets the first answer instead of a second
# order.

# %%
client = open_things.enter_context(EvalItUpClient(gateway.url))
answers = [
    client.send_signal("python-test", "MESZ6", "BUY", 1, tp_price=5300, sl_price=4900,
                       signal_id="test-002")
    for _ in range(2)
]  # fmt: skip
answers

# %%
try:
    client.send_signal("python-test", "MESZ6", "BUY", 0)
except SignalError as error:
    print(error)

# %% [markdown]
# ## Following a position
#
# A strategy says what it wants to hold. The gate sends the difference to what the venue is presumed
# to hold. First a dry run, which decides everything and sends nothing.

# %%
sp500 = Instrument("SIM", "SP500")
bars = list(CsvBars(here / "examples" / "data" / "sp500_daily.csv"))[-30:]


def follow(dispatcher):
    """Long after a day that rose, else flat."""
    for yesterday, today in pairwise(bars):
        dispatcher.on_bar(sp500, today)
        target = 1 if today.close > yesterday.close else 0
        dispatcher.follow(sp500, target, data="SP500", nth=0, decided_at=today.time)
    return dispatcher


with sim2live.connect(dry_run=True, strategy="up-days") as dry:
    print(len(follow(dry).venue.signals), "signals would go out")

# %%
dispatcher = open_things.enter_context(
    sim2live.connect(
        gateway.url, strategy="up-days", run="notebook", journal=kept / "journal.sqlite3"
    )
)
follow(dispatcher)

# %% [markdown]
# ## Once, and not again
#
# "Restart and run all" leaves this number as it is: the ids are the same, and the journal and the
# gateway remember them.

# %%
print(len(gateway.desk.taken), "signals at the gateway")
open_things.close()
