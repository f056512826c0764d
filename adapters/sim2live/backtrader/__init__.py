"""Backtrader: the framework's own simulator keeps the books, and the venue is made to follow.

`MirrorBroker` is Backtrader's broker with a venue behind it, `VenueBroker` trades on what a venue
reports, `broker` is the one-line switch between simulation, paper and live. `BarFeed` is a live
data over any source of bars; `Recorder` and `VenueRecorder` are analyzers that keep what a run
did and what the venue made of it.

Backtrader itself (GPLv3) is loaded at the first use of a name.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim2live.backtrader.feed import BarFeed
    from sim2live.backtrader.mirror import MirrorBroker
    from sim2live.backtrader.recorder import Recorder
    from sim2live.backtrader.switch import broker
    from sim2live.backtrader.venue import VenueBroker
    from sim2live.backtrader.venue_recorder import VenueRecorder

__all__ = ["BarFeed", "MirrorBroker", "Recorder", "VenueBroker", "VenueRecorder", "broker"]

_HOME = {
    "BarFeed": "feed",
    "MirrorBroker": "mirror",
    "Recorder": "recorder",
    "VenueBroker": "venue",
    "VenueRecorder": "venue_recorder",
    "broker": "switch",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        import_module("backtrader")
    except ModuleNotFoundError as error:
        if error.name != "backtrader":
            raise
        from sim2live.errors import MissingExtraError

        raise MissingExtraError("backtrader", "backtrader") from error
    value: object = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
