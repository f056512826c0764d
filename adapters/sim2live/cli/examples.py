"""Where are the examples? In a checkout beside the sources, in a wheel inside the package."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from sim2live.errors import ConfigError

_PACKAGE = Path(__file__).parents[1]
_PLACES = (_PACKAGE / "examples", _PACKAGE.parents[1] / "examples")


def locate(name: str) -> Path:
    """The file of an example.

    Args:
        name: Its path below ``examples/``, such as ``data/sp500_daily.csv``.

    Raises:
        ConfigError: This installation lacks it.
    """
    for place in _PLACES:
        if (place / name).is_file():
            return place / name
    raise ConfigError(f"examples/{name} is missing from this installation; install sim2live again")


def load_class(name: str, wanted: str) -> Any:
    """A class from an example's file, loaded as a module of its own.

    Args:
        name: Path below ``examples/``.
        wanted: Name of the class.
    """
    path = locate(name)
    spec = spec_from_file_location(f"sim2live_example_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    # Backtrader looks its strategies up in sys.modules while it makes their class.
    import sys

    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return getattr(module, wanted)
