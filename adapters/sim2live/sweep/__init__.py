"""Sweeps: one backtest for each point of a grid, on the cores of this machine or on a Ray cluster.

`grid` runs a function that makes vectorbt portfolios, `cerebro` runs a Backtrader strategy. Both
give a DataFrame of what was measured, name the points that failed, go on where a killed sweep
stopped, and hand the chosen row on to signals.

A sweep starts processes, so a script calls it under ``if __name__ == "__main__":``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim2live.sweep.cerebros import CerebroSweep, cerebro
    from sim2live.sweep.portfolios import GridSweep, grid

__all__ = ["CerebroSweep", "GridSweep", "cerebro", "grid"]

_HOME = {
    "CerebroSweep": "cerebros",
    "GridSweep": "portfolios",
    "cerebro": "cerebros",
    "grid": "portfolios",
}
# What each file needs, and the extra that brings it.
_NEEDS = {
    "cerebros": (("backtrader", "backtrader"), ("pandas", "sweep"), ("psutil", "sweep")),
    "portfolios": (("vectorbt", "vectorbt"), ("psutil", "sweep")),
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    for package, extra in _NEEDS[_HOME[name]]:
        try:
            import_module(package)
        except ModuleNotFoundError as error:
            if error.name != package:
                raise
            from sim2live.errors import MissingExtraError

            raise MissingExtraError(package, extra) from error
    value: object = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
