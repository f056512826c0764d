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
# # vectorbt: from an idea to a live position
#
# One function from bars to a `Portfolio` is researched, checked for looking ahead, planned, and
# then followed by a venue. The venue here is paper, inside this notebook; nothing leaves it.

# %%
from pathlib import Path

import pandas as pd
import vectorbt as vbt

import sim2live
from sim2live.market.bars import Bar
from sim2live.vectorbt import LiveRunner, SignalExporter, check_repaint, check_window

folder = next(p for p in [Path.cwd(), *Path.cwd().parents] if (p / "examples" / "data").is_dir())
data = pd.read_csv(
    folder / "examples" / "data" / "eurusd_hourly.csv", index_col="Time", parse_dates=True
).tail(1500)
data.tail(3)

# %% [markdown]
# ## The idea


# %%
def strategy(bars):
    fast, slow = vbt.MA.run(bars["Close"], 24), vbt.MA.run(bars["Close"], 96)
    return vbt.Portfolio.from_signals(
        bars["Close"],
        fast.ma_crossed_above(slow),
        fast.ma_crossed_below(slow),
        direction="both",
        size=1,
        init_cash=10_000,
        freq="h",
    )


portfolio = strategy(data)
portfolio.total_return()

# %% [markdown]
# ## Does it look ahead, and how many bars does it need?
#
# The check runs the function on shorter and shorter data. Whatever it says about a bar must stay.

# %%
check_repaint(strategy, data, prefixes=20)

# %%
check_window(strategy, data, windows=[100, 200, 400, 800], last=20)

# %% [markdown]
# ## What would be sent?

# %%
plan = SignalExporter(portfolio, instruments=lambda _: "CME:M6EZ6", workflow="idea").plan()
plan

# %%
plan.figure("Close" if "Close" in set(plan.frame["column"]) else plan.frame["column"].iloc[0])

# %% [markdown]
# ## Followed live
#
# The last 50 bars arrive one by one. Run all cells again as often as you like: with a journal file
# the same run sends nothing twice, and on paper each run starts a fresh venue.

# %%
dispatcher = sim2live.connect("paper", strategy="idea", run="notebook")
runner = LiveRunner(
    strategy,
    None,
    dispatcher,
    history=data.iloc[:-50],
    instruments=lambda _: "CME:M6EZ6",
    stamp="start",
    interval=3600,
)
for row in data.iloc[-50:].itertuples():
    closes = int((row.Index + pd.Timedelta(hours=1)).as_unit("ns").value)
    step = runner.step(Bar(closes, row.Open, row.High, row.Low, row.Close, row.Volume))
dispatcher.summary(), step.targets
