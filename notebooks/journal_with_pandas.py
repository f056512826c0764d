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
# # Reading a journal with pandas
#
# The journal is one SQLite file: what was decided, sent and answered. Reading it never disturbs
# the process that writes it. This notebook first makes a small one, on a paper gateway of its own.

# %%
import sqlite3
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pandas as pd

import sim2live
from sim2live.gate.limits import Rules
from sim2live.gateway.server import running_gateway
from sim2live.market.bars import CsvBars
from sim2live.options import Settings

here = next(p for p in [Path.cwd(), *Path.cwd().parents] if (p / "examples" / "data").is_dir())
kept = Path("kept", "journal")
kept.mkdir(parents=True, exist_ok=True)
journal = kept / "journal.sqlite3"

# %% [markdown]
# ## Something to read
#
# Two strategies in two pools; a rule keeps positions of more than two contracts out.

# %%
sp500 = sim2live.Instrument("SIM", "SP500")
bars = list(CsvBars(here / "examples" / "data" / "sp500_daily.csv"))[-120:]


def momentum(dispatcher, days, most):
    """As many contracts as days that rose lately, up to `most`."""
    for number in range(days, len(bars)):
        bar = bars[number]
        dispatcher.on_bar(sp500, bar)
        lately = bars[number - days : number + 1]
        rose = sum(b.close > a.close for a, b in pairwise(lately))
        dispatcher.follow(sp500, min(rose, most), data="SP500", nth=0, decided_at=bar.time)


with ExitStack() as open_things:
    gateway = open_things.enter_context(
        running_gateway(any_pool=True, journal=kept / "gateway.sqlite3")
    )
    first = open_things.enter_context(
        sim2live.connect(
            gateway.url,
            strategy="careful",
            workflow="pool-careful",
            run="notebook",
            journal=journal,
            settings=Settings(rules=Rules(max_position=2)),
        )
    )
    second = first.bind(strategy="bold", workflow="pool-bold")
    momentum(first, days=5, most=1)
    momentum(second, days=5, most=3)
    print(len(gateway.desk.taken), "signals at the gateway")

# %% [markdown]
# ## The signals
#
# One row for each signal that was decided, refused ones included. Times are nanoseconds UTC.

# %%
file = sqlite3.connect(f"file:{journal.resolve()}?mode=ro", uri=True)
signals = pd.read_sql("SELECT * FROM signals ORDER BY rowid", file)
for column in ("decided_at", "created_at", "answered_at"):
    signals[column] = pd.to_datetime(signals[column], unit="ns", utc=True)
signals["latency_ms"] = signals["latency"] / 1e6
signals[["decided_at", "strategy", "instrument", "signed", "leg", "state", "reason"]].tail()

# %%
signals.pivot_table(index="strategy", columns="state", values="id", aggfunc="count", fill_value=0)

# %% [markdown]
# ## Why was something refused?

# %%
signals.loc[signals["state"] == "HELD", "reason"].value_counts()

# %% [markdown]
# ## How long did answers take?

# %%
signals["latency_ms"].describe(percentiles=[0.5, 0.9, 0.99])

# %% [markdown]
# ## The position over time

# %%
accepted = signals[signals["state"] == "ACCEPTED"]
accepted.groupby(["strategy", "decided_at"])["signed"].sum().groupby("strategy").cumsum().tail(4)

# %%
file.close()
