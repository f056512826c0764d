"""The same strategy that ran in simulation drives real orders.

`connect` gives a strategy its handle on the gate; the adapters of the three frameworks are
`sim2live.backtrader`, `sim2live.zipline` and `sim2live.vectorbt`; `EvalItUpClient` sends single
signals from a script.

Every name is loaded at its first use, so `import sim2live` costs next to nothing and never loads a
framework, a server or a plotting library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim2live import backtrader as backtrader
    from sim2live import sizing as sizing
    from sim2live import sweep as sweep
    from sim2live import vectorbt as vectorbt
    from sim2live import zipline as zipline
    from sim2live.client import AsyncEvalItUpClient, EvalItUpClient
    from sim2live.errors import (
        ConfigError,
        DeliveryError,
        JournalError,
        LockedError,
        MissingExtraError,
        NotSentError,
        SignalError,
        Sim2LiveError,
        UnknownOutcomeError,
    )
    from sim2live.gate.dispatch import Dispatcher
    from sim2live.gate.receipt import Receipt, Status
    from sim2live.settings import connect
    from sim2live.signals import Bracket, Instrument, OrderSpec, Signal, StopLoss, TakeProfit

__version__ = "0.1.0"

__all__ = [
    "AsyncEvalItUpClient",
    "Bracket",
    "ConfigError",
    "DeliveryError",
    "Dispatcher",
    "EvalItUpClient",
    "Instrument",
    "JournalError",
    "LockedError",
    "MissingExtraError",
    "NotSentError",
    "OrderSpec",
    "Receipt",
    "Signal",
    "SignalError",
    "Sim2LiveError",
    "Status",
    "StopLoss",
    "TakeProfit",
    "UnknownOutcomeError",
    "__version__",
    "connect",
]

_HOME = {
    "AsyncEvalItUpClient": "client",
    "Bracket": "signals",
    "ConfigError": "errors",
    "DeliveryError": "errors",
    "Dispatcher": "gate.dispatch",
    "EvalItUpClient": "client",
    "Instrument": "signals",
    "JournalError": "errors",
    "LockedError": "errors",
    "MissingExtraError": "errors",
    "NotSentError": "errors",
    "OrderSpec": "signals",
    "Receipt": "gate.receipt",
    "Signal": "signals",
    "SignalError": "errors",
    "Sim2LiveError": "errors",
    "Status": "gate.receipt",
    "StopLoss": "signals",
    "TakeProfit": "signals",
    "UnknownOutcomeError": "errors",
    "connect": "settings",
}

# Rooms that a user writes as an attribute: `sim2live.backtrader.broker(...)`.
_ROOMS = frozenset({"backtrader", "sizing", "sweep", "vectorbt", "zipline"})


def __getattr__(name: str) -> object:
    if name in _HOME:
        value: object = getattr(import_module(f"sim2live.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    if name in _ROOMS:
        return import_module(f"sim2live.{name}")
    raise AttributeError(f"module 'sim2live' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_ROOMS})
