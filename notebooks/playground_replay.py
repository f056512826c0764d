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
# # Algo Playground
#
# A script of the Playground, unchanged, against a replay on a private paper gateway. Nothing leaves
# this machine. Without a file of bars the day is a synthetic walk: it shows that a script runs, and
# nothing about a market.

# %%
from pathlib import Path

import pandas as pd

from sim2live.playground.run import Plan, Run

here = next(p for p in [Path.cwd(), *Path.cwd().parents] if (p / "examples" / "data").is_dir())

# %%
lines = []
plan = Plan(
    script=here / "examples" / "playground_sma.py",
    instrument="NQ",
    start="2025-01-15",
    end=None,
    timeframe="1m",
)
outcome = Run(plan, lambda _, line: lines.append(line)).run()
lines[:5]

# %% [markdown]
# ## What came of it

# %%
record = outcome.record
pd.Series(
    {
        "bars": record.bars,
        "trades": record.total_trades,
        "win rate, percent": record.win_rate,
        "net profit": record.net_pnl,
        "deepest fall": record.worst_drawdown,
    }
)

# %%
columns = ["time", "size", "price", "profit"]
fills = pd.DataFrame([(f.time, f.size, f.price, f.profit) for f in record.fills], columns=columns)
fills["time"] = pd.to_datetime(fills["time"], utc=True)
fills.head()

# %%
times = pd.to_datetime([bar.time for bar in outcome.bars], utc=True)
equity = pd.Series(outcome.curve, index=times)
equity.describe()

# %% [markdown]
# The same seed gives the same day, so another run, and "Restart and run all", end as this one did.

# %%
again = Run(plan, lambda *_: None).run()
print("the same fills" if again.record.fills == record.fills else "other fills")
