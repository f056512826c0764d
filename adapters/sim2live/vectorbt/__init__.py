"""vectorbt: a backtest becomes signals, exactly; live, it is run again on each closed bar.

`SignalExporter` turns any `vectorbt.Portfolio` into signals, files or a plan. `LiveRunner` runs
the same strategy function on each closed bar and makes the venue follow. `check_repaint` and
`check_window` show beforehand whether a strategy can be trusted with that. `capture` keeps the
arguments that a portfolio forgets, `read_signals` reads a file that was exported.

vectorbt itself (Commons Clause) is loaded at the first use of a name.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim2live.vectorbt.export import SignalExporter
    from sim2live.vectorbt.files import read_signals
    from sim2live.vectorbt.live import LiveRunner
    from sim2live.vectorbt.repaint import check_repaint, check_window
    from sim2live.vectorbt.stops import Captured, capture

__all__ = [
    "Captured",
    "LiveRunner",
    "SignalExporter",
    "capture",
    "check_repaint",
    "check_window",
    "read_signals",
]

_HOME = {
    "Captured": "stops",
    "LiveRunner": "live",
    "SignalExporter": "export",
    "capture": "stops",
    "check_repaint": "repaint",
    "check_window": "repaint",
    "read_signals": "files",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        import_module("vectorbt")
    except ModuleNotFoundError as error:
        if error.name != "vectorbt":
            raise
        from sim2live.errors import MissingExtraError

        raise MissingExtraError("vectorbt", "vectorbt") from error
    value: object = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
