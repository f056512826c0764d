"""What of a user's file is swept, and with which data?"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from sim2live.errors import ConfigError, Sim2LiveError

if TYPE_CHECKING:
    from sim2live.sweep import CerebroSweep, GridSweep

_COMMON: Final = ("total_return", "max_drawdown", "trades")
#: What a sweep from the shell measures, known before anything is run.
OF_STRATEGIES: Final = (*_COMMON, "value")
OF_PORTFOLIOS: Final = (*_COMMON, "sharpe_ratio")

_NEEDS: Final = {
    "simulation": "makes a cerebro with datas, cash and commissions, without the strategy",
    "load": "returns the data that the function takes first",
}


class Swept:
    """One class of strategies, or one function that makes portfolios, from a file.

    The file is imported under its own name, as workers import it: what it starts belongs under
    ``if __name__ == "__main__":``.

    Args:
        script: The file; its folder has to be on ``sys.path`` (see `importable`).
        name: What the file calls the class or the function.

    Raises:
        ConfigError: The file cannot be imported, or lacks what a sweep needs.
    """

    def __init__(self, script: Path, name: str) -> None:
        self._script = script
        self._module = _imported(script)
        self._what: Any = getattr(self._module, name, None)
        if not callable(self._what):
            raise ConfigError(
                f"name={name!r}: {script} has no class or function of this name; give the "
                "Backtrader strategy, or the function that makes a vectorbt portfolio"
            )
        self._is_strategy = isinstance(self._what, type)
        self._beside("simulation" if self._is_strategy else "load")

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of what will be measured."""
        return OF_STRATEGIES if self._is_strategy else OF_PORTFOLIOS

    def run(self, grid: Any, *, call: str | None, **options: Any) -> CerebroSweep | GridSweep:
        """Run the sweep.

        Args:
            grid: As for `sim2live.sweep.grid`.
            call: As for `sim2live.sweep.grid`; None for its default.
            options: Arguments of both kinds of sweeps.

        Raises:
            ConfigError: As for the sweeps, or `load` raised, or `call` was given for a strategy.
        """
        if self._is_strategy:
            if call is not None:
                raise ConfigError(f"call={call!r}: only functions of vectorbt are called so")
            from sim2live.sweep import cerebro

            return cerebro(self._what, grid, self._beside("simulation"), **options)
        from sim2live.sweep import grid as of_portfolios

        with _named(self._script):
            data = self._beside("load")()
        how: Any = {} if call is None else {"call": call}
        return of_portfolios(self._what, grid, data, **how, **options)

    def _beside(self, name: str) -> Any:
        """What the file has to define beside the thing that is swept."""
        found = getattr(self._module, name, None)
        if not callable(found):
            raise ConfigError(f"{self._script}: must have {name}(), which {_NEEDS[name]}")
        return found


@contextmanager
def importable(script: Path) -> Iterator[None]:
    """Let this process and its workers import what lies beside a file, as Python does for it."""
    folder = str(script.resolve().parent)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def _imported(script: Path) -> ModuleType:
    if not script.is_file():
        raise ConfigError(f"script={str(script)!r}: there is no such file")
    name = script.stem
    if script.suffix != ".py" or not name.isidentifier():
        raise ConfigError(
            f"script={str(script)!r}: workers import it, so it must be called like a module: "
            "letters, digits, underscores, and .py"
        )
    # One that is loaded already would be taken for it, here and in every worker.
    found = None if name in sys.modules else importlib.util.find_spec(name)
    if found is None or found.origin is None or not script.samefile(found.origin):
        raise ConfigError(f"script={str(script)!r}: a module is called {name} already; rename it")
    with _named(script):
        return importlib.import_module(name)


@contextmanager
def _named(script: Path) -> Iterator[None]:
    """Whatever the user's code raises comes with the file and its line."""
    try:
        yield
    except Sim2LiveError:
        raise
    except Exception as error:
        frames, own = traceback.extract_tb(error.__traceback__), str(script.resolve())
        lines = [at.lineno for at in frames if at.filename == own]
        place = f", line {lines[-1]}" if lines else ""
        raise ConfigError(f"{script}{place}: {type(error).__name__}: {error}") from error
