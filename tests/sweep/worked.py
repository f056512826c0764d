"""What the sweeps of these tests run; their workers import it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


def bars(count: int = 120) -> pd.Series:
    """A seeded random walk."""
    index = pd.date_range("2024-03-04", periods=count, freq="h", tz="UTC")
    steps = np.random.default_rng(7).normal(0, 0.8, count)
    return pd.Series((100 + steps.cumsum()).round(2), index=index, name="A")


def portfolio(data: pd.Series, fast: int, slow: int) -> Any:
    """One contract above the slow mean, none below."""
    import vectorbt as vbt

    if fast >= slow:
        raise ValueError(f"fast={fast} is not below slow={slow}")
    above = data.rolling(fast).mean() > data.rolling(slow).mean()
    return vbt.Portfolio.from_orders(
        data, above.astype(float), size_type="targetamount", init_cash=10_000, freq="h"
    )


def portfolios(data: pd.Series, fast: list[int], slow: list[int]) -> Any:
    """The same for many points at once: one column for each."""
    import vectorbt as vbt

    if any(a >= b for a, b in zip(fast, slow, strict=True)):
        raise ValueError("a fast mean is not below its slow one")
    above = {
        (a, b): (data.rolling(a).mean() > data.rolling(b).mean()).astype(float)
        for a, b in zip(fast, slow, strict=True)
    }
    wanted = pd.DataFrame(above)
    wanted.columns.names = ["fast", "slow"]
    close = pd.concat([data] * len(fast), axis=1, keys=wanted.columns)
    return vbt.Portfolio.from_orders(
        close, wanted, size_type="targetamount", init_cash=10_000, freq="h"
    )


def peeking(data: pd.Series, ahead: int) -> Any:
    """Knows the mean of the bars to come."""
    import vectorbt as vbt

    wanted = (data < data.shift(-ahead)).astype(float)
    return vbt.Portfolio.from_orders(
        data, wanted, size_type="targetamount", init_cash=10_000, freq="h"
    )


def counting(data: pd.Series, n: int, log: str, pause: float) -> Any:
    """Leaves a line for each call, then takes its time."""
    with Path(log).open("a", encoding="ascii") as file:
        file.write(f"{n}\n")
    time.sleep(pause)
    return n


def number(made: int) -> dict[str, float]:
    return {"square": float(made) ** 2}


def deadly(data: pd.Series, n: int) -> int:
    """One of the points takes its process along."""
    if n == 5:
        os._exit(9)
    return n


def greedy(data: pd.Series, n: list[int]) -> Any:
    """Needs 10 MB for each point that it is given at once."""
    room = np.ones((len(n), 10_000_000), dtype=np.uint8)
    return pd.Series([len(n)] * len(n), index=n), int(room[0, 0])


def together(made: Any) -> dict[str, Any]:
    return {"at_once": made[0]}
