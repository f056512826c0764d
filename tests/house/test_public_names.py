"""The public surface is small, cheap to import, and no module hides a name."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import sim2live

ROOT = Path(__file__).parents[2]

HEAVY = {
    "aiohttp", "apprise", "backtrader", "httpx", "matplotlib", "numpy", "pandas", "plotly",
    "polars", "requests", "rich", "starlette", "typer", "uvicorn", "vectorbt", "zipline",
}  # fmt: skip


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def loaded_by(statement: str) -> set[str]:
    listing = run(f"import sys\n{statement}\nprint(*{{m.split('.')[0] for m in sys.modules}})")
    return set(listing.split())


def test_import_loads_no_framework_no_pandas_and_no_server() -> None:
    assert not loaded_by("import sim2live") & HEAVY


def test_the_public_names_load_no_framework_either() -> None:
    names = [name for name in sim2live.__all__ if not name.startswith("_")]
    statement = f"from sim2live import {', '.join(names)}"
    assert not loaded_by(statement) & HEAVY


def test_import_loads_little() -> None:
    """Some thirty modules of Python's own, which takes a fiftieth of a second."""
    program = (
        "import sys; before = set(sys.modules); import sim2live\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    loaded = run(program).split()
    assert [name for name in loaded if name.startswith("sim2live")] == ["sim2live"]
    assert len(loaded) < 50, loaded


def test_all_is_sorted_and_says_what_dir_says() -> None:
    assert sim2live.__all__ == sorted(sim2live.__all__)
    assert set(sim2live.__all__) <= set(dir(sim2live))


def test_no_public_name_is_the_name_of_a_module() -> None:
    modules = {module.name for module in pkgutil.iter_modules(sim2live.__path__)}
    assert not modules & set(sim2live.__all__)


@pytest.mark.parametrize("name", sim2live.__all__)
def test_each_public_name_is_the_same_thing_twice(name: str) -> None:
    first = getattr(sim2live, name)
    for module in pkgutil.iter_modules(sim2live.__path__):
        if module.name in {"errors", "clock", "signals", "sizing", "settings", "client", "runs"}:
            importlib.import_module(f"sim2live.{module.name}")
    second = getattr(sim2live, name)
    assert first is second
    assert name == "__version__" or callable(second)


def test_connect_is_callable_twice() -> None:
    for _ in range(2):
        dispatcher = sim2live.connect("record", workflow="python-test", strategy="names")
        dispatcher.close()


@pytest.mark.parametrize("room", ["backtrader", "sizing", "vectorbt", "zipline"])
def test_a_room_is_an_attribute_without_importing_it(room: str) -> None:
    program = f"import sim2live; print(sim2live.{room}.__name__, sim2live.{room}.__name__)"
    assert run(program) == f"sim2live.{room} sim2live.{room}"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'conect'"):
        _ = sim2live.conect


def test_the_version_is_the_one_of_the_distribution() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert sim2live.__version__ == project["version"]
