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
# # Backtrader: from simulation to orders
#
# One strategy class, three times: on Backtrader's own broker, as a dry run, and followed by a paper
# gateway over HTTP. The class does not know which.

# %%
import sys
from contextlib import ExitStack
from pathlib import Path

import backtrader as bt
import pandas as pd

import sim2live
from sim2live.backtrader import MirrorBroker, Recorder
from sim2live.gateway.server import running_gateway
from sim2live.parity import compare

here = next(p for p in [Path.cwd(), *Path.cwd().parents] if (p / "examples" / "data").is_dir())
sys.path.insert(0, str(here / "examples"))
from ma_cross import MaCross

kept = Path("kept", "backtrader")
kept.mkdir(parents=True, exist_ok=True)

# %% [markdown]
# ## The run
#
# Everything that stays the same.


# %%
def run(name, broker=None):
    cerebro = bt.Cerebro()
    feed = bt.feeds.GenericCSVData(
        dataname=str(here / "examples" / "data" / "sp500_daily.csv"),
        dtformat="%Y-%m-%d",
        openinterest=-1,
        fromdate=pd.Timestamp("2016-01-01").to_pydatetime(),
    )
    cerebro.adddata(feed, name="SP500")
    cerebro.addstrategy(MaCross)
    cerebro.addanalyzer(Recorder, name=name, _name="recorder")
    if broker is not None:
        cerebro.setbroker(broker)
    cerebro.broker.setcash(50_000)
    cerebro.broker.setcommission(mult=5.0, margin=5_000.0)  # as the contract: 5 for a point
    (strategy,) = cerebro.run()
    return strategy.analyzers.recorder.run


simulated = run("simulated")
simulated.equity[-1]

# %% [markdown]
# ## A dry run
#
# What would be sent? `bracket="emulated"`, because this strategy also closes on its own.


# %%
def mirror(dispatcher):
    return MirrorBroker(dispatcher, instruments={"SP500": "SIM:SP500"}, bracket="emulated")


dry = sim2live.connect("record", strategy="ma-cross", run="dry")
run("dry", mirror(dry))
frame = pd.DataFrame(
    [(s.side, s.qty, s.open_close, s.order_type) for s in dry.venue.signals],
    columns=["side", "qty", "open_close", "order_type"],
)
frame.tail(4)

# %% [markdown]
# ## Followed over HTTP
#
# For your own venue, put its address here: it counts as real unless it proves to be paper.

# %%
open_things = ExitStack()
gateway = open_things.enter_context(running_gateway(journal=kept / "gateway.sqlite3"))
dispatcher = open_things.enter_context(
    sim2live.connect(
        gateway.url, strategy="ma-cross", run="notebook", journal=kept / "journal.sqlite3"
    )
)
dispatched = run("dispatched", mirror(dispatcher))
dispatcher

# %% [markdown]
# ## Did both do the same?

# %%
print(compare(simulated, dispatched).table(limit=3))

# %%
pd.DataFrame(
    {
        name: pd.Series([value for _, value in one.equity])
        for name, one in (("simulated", simulated), ("dispatched", dispatched))
    }
).tail(3)

# %% [markdown]
# ## Once, and not again
#
# On "Restart and run all" the same run finds its own journal: the bars are history, the position is
# held already, and nothing is sent.

# %%
print(len(gateway.desk.taken), "signals at the gateway")
open_things.close()
