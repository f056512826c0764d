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
# # Zipline: the same algorithm, followed
#
# An algorithm runs on Zipline's own blotter, then on one that a paper gateway follows. Its
# functions are those of `examples/zipline_ma_cross.py`; they know of neither.

# %%
import os
import sys
from contextlib import ExitStack
from pathlib import Path

here = next(p for p in [Path.cwd(), *Path.cwd().parents] if (p / "examples" / "data").is_dir())
sys.path.insert(0, str(here / "examples"))
kept = Path("kept", "zipline").resolve()
kept.mkdir(parents=True, exist_ok=True)
os.environ["ZIPLINE_ROOT"] = str(kept)  # bundles are written here

import pandas as pd
import zipline_ma_cross as algorithm
from zipline import run_algorithm
from zipline.utils.calendar_utils import get_calendar

import sim2live
from sim2live.gateway.server import running_gateway
from sim2live.zipline import MirrorBlotter, ingest

prices = pd.read_csv(
    here / "examples" / "data" / "sp500_daily.csv", index_col="Date", parse_dates=True
)
prices["Volume"] /= 1000  # a bundle holds no number above four billion
bundle = ingest("sp500-2018", {"SP500": prices.loc["2018"]})


# %%
def run(blotter=None):
    return run_algorithm(
        start=pd.Timestamp("2018-01-02"),
        end=pd.Timestamp("2018-12-31"),
        initialize=algorithm.initialize,
        handle_data=algorithm.handle_data,
        capital_base=10_000,
        bundle=bundle,
        trading_calendar=get_calendar("XNYS"),
        blotter=blotter,
        default_extension=False,
    )


simulated = run()
simulated["portfolio_value"].iloc[-1]

# %% [markdown]
# ## A dry run
#
# Everything is decided, nothing is sent.


# %%
def mirror(dispatcher):
    return MirrorBlotter(dispatcher, instruments={"SP500": "CME:MESZ6"})


dry = sim2live.connect("record", strategy="cross", run="dry")
run(mirror(dry))
[(signal.side, signal.qty, signal.open_close) for signal in dry.venue.signals]

# %% [markdown]
# ## Followed over HTTP

# %%
open_things = ExitStack()
gateway = open_things.enter_context(running_gateway(journal=kept / "gateway.sqlite3"))
dispatcher = open_things.enter_context(
    sim2live.connect(
        gateway.url, strategy="cross", run="notebook", journal=kept / "journal.sqlite3"
    )
)
dispatched = run(mirror(dispatcher))
dispatcher

# %% [markdown]
# ## Did both do the same?

# %%
same = simulated["portfolio_value"].equals(dispatched["portfolio_value"])
print("the books agree" if same else "the books DIFFER")

# %% [markdown]
# ## Once, and not again
#
# "Restart and run all" leaves this number as it is.

# %%
print(len(gateway.desk.taken), "signals at the gateway")
open_things.close()
