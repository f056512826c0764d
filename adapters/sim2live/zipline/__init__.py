"""Zipline algorithms, from `run_algorithm` to live dispatch without a changed line.

`MirrorBlotter` keeps stock Zipline's books and makes a venue follow them; `blotter` chooses
between simulation and mirror by ``SIM2LIVE_MODE``; `run_live` feeds the same algorithm with live
bars; `ingest` makes a bundle from a CSV or a DataFrame.

Needs zipline-reloaded 3.2.1 or later, on pandas 2.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim2live.zipline.bundle import benchmark, ingest, register_bundles
    from sim2live.zipline.futures import FuturesCommission
    from sim2live.zipline.live import LiveBlotter, run_live
    from sim2live.zipline.mirror import MirrorBlotter
    from sim2live.zipline.pace import Replay, Wall
    from sim2live.zipline.select import blotter

__all__ = [
    "FuturesCommission",
    "LiveBlotter",
    "MirrorBlotter",
    "Replay",
    "Wall",
    "benchmark",
    "blotter",
    "ingest",
    "register_bundles",
    "run_live",
]

_HOME = {
    "FuturesCommission": "futures",
    "LiveBlotter": "live",
    "MirrorBlotter": "mirror",
    "Replay": "pace",
    "Wall": "pace",
    "benchmark": "bundle",
    "blotter": "select",
    "ingest": "bundle",
    "register_bundles": "bundle",
    "run_live": "live",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'sim2live.zipline' has no attribute {name!r}")
    from sim2live.zipline.version import check

    check()
    return getattr(import_module(f"sim2live.zipline.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
