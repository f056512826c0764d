"""Rooms stand on floors, and imports only look up."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "adapters" / "sim2live"

# One line for each floor, the highest first. Rooms on one line do not import one another.
FLOORS: list[list[str]] = [
    ["errors", "clock"],
    ["fields", "strictjson"],
    ["identity", "instrument"],
    ["signals", "sizing"],
    ["runs", "verdict"],
    ["market"],
    ["exchange"],
    ["venues"],
    ["gate"],
    ["options"],
    ["settings"],
    ["backtrader", "zipline", "vectorbt"],
    ["client", "parity", "guard", "relay"],
    ["gateway"],
    ["playground"],
    ["sweep", "testing"],
    ["cli"],
]

# Inside a folder: downward in the order given; `a|b` share a line. A file that is not named here
# may stand anywhere, as long as nothing imports in a circle.
INSIDE: dict[str, str] = {
    "market": "contracts sessions bars",
    "exchange": "accounts matching venue",
    "venues": "outcome base transport transport_async evalitup|projectx|paper|record|nats",
    "gate": "receipt rules hours|losses ledger delivery store journal gate dispatch",
    "backtrader": "mirror|venue|feed",
    "zipline": (
        "version|futures|orders|store|pace|tape|frames following|assets expiry"
        " bundle|market_data|mirror live|select extension"
    ),
    "vectorbt": (
        "orders|routes|rounding|sha1 ids|stops table plan|files export bars|cashsizing live|repaint"
    ),
    "gateway": "inbox signal_door|projectx_door shield app",
    "playground": "api run",
    "sweep": (
        "points work pools|rowfile|sizes|results|made_of|lookahead processes|cluster conduct"
        " portfolios|cerebros"
    ),
}

# What a room may import from outside the standard library.
EVERYWHERE = {"msgspec"}
THIRD_PARTY: dict[str, set[str]] = {
    "market": {"exchange_calendars"},
    "venues": {"httptools", "requests", "pysignalr", "nats"},
    "gate": {"apprise"},
    "backtrader": {"backtrader"},
    "zipline": {"zipline", "pandas", "numpy", "exchange_calendars"},
    "vectorbt": {
        "vectorbt",
        "numba",
        "tqdm",
        "pandas",
        "numpy",
        "polars",
        "pyarrow",
        "plotly",
        "ipywidgets",
    },
    "parity": {"rich"},
    "gateway": {"httptools", "starlette", "uvicorn", "uvloop", "plotly"},
    "playground": {"pandas", "numpy"},
    "sweep": {"backtrader", "cloudpickle", "pandas", "psutil", "ray", "rich"},
    "cli": {"typer", "click", "rich", "plotly", "backtrader", "uvicorn"},
}

FILES = sorted(PACKAGE.rglob("*.py"))


def module_of(path: Path) -> tuple[str, ...]:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


def imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Each dotted name imported anywhere; inside a function it is an import too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                whole = full == "sim2live.__version__" or (
                    full.startswith("sim2live.") and exists(full)
                )
                yield (full if whole else str(node.module)), node.lineno


def exists(dotted: str) -> bool:
    path = PACKAGE.joinpath(*dotted.split(".")[1:])
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def floor_of(room: str) -> int:
    for number, rooms in enumerate(FLOORS):
        if room in rooms:
            return number
    raise AssertionError(f"sim2live.{room} has no floor; give it one in FLOORS")


def step_of(room: str, file: str) -> int | None:
    for number, files in enumerate(INSIDE.get(room, "").split()):
        if file in files.split("|"):
            return number
    return None


def faults_of(path: Path) -> list[str]:
    here = module_of(path)
    if not here:
        return []  # sim2live/__init__ is the face: it names rooms, and loads them when asked
    room, faults = here[0], []
    for dotted, line in imports(ast.parse(path.read_text("utf-8"))):
        top, *rest = dotted.split(".")
        where = f"{path.relative_to(PACKAGE)}:{line} imports {dotted}"
        if top == "sim2live":
            if not rest:
                faults.append(f"{where}: a room imports rooms, not the face")
            elif rest == ["__version__"]:
                continue  # the one fact that lives in the face, and needs no loading
            elif rest[0] != room:
                if floor_of(rest[0]) >= floor_of(room):
                    faults.append(f"{where}: not on a floor above {room}")
            elif len(rest) > 1 and len(here) > 1:
                theirs, ours = step_of(room, rest[1]), step_of(room, here[1])
                if theirs is not None and ours is not None and theirs >= ours:
                    faults.append(f"{where}: not above {here[1]} inside {room}")
            elif len(rest) == 1 and len(here) > 1:
                faults.append(f"{where}: a file imports files of its room, not the room's face")
        elif top not in sys.stdlib_module_names | EVERYWHERE | THIRD_PARTY.get(room, set()):
            faults.append(f"{where}: {room} has no business with it")
    return faults


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_look_up(path: Path) -> None:
    assert faults_of(path) == []


def test_nothing_imports_in_a_circle() -> None:
    graph = {
        module_of(path): {
            tuple(dotted.split(".")[1:])
            for dotted, _ in imports(ast.parse(path.read_text("utf-8")))
            if dotted.startswith("sim2live.")
        }
        for path in FILES
        if module_of(path)
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(" -> ".join(".".join(module) for module in circle.args[1]))


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("signals.py", "from sim2live.gate.gate import Gate"),
        ("signals.py", "def late():\n    import sim2live.venues.base"),
        ("signals.py", "from sim2live.sizing import exact"),
        ("clock.py", "import numpy"),
        ("venues/outcome.py", "from sim2live.venues.base import Venue"),
        ("venues/base.py", "from sim2live import Signal"),
        ("market/bars.py", "from sim2live import market"),
    ],
)
def test_a_wrong_import_is_found(
    room: str, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / room
    for file in [path, tmp_path / "venues" / "base.py", tmp_path / "market" / "__init__.py"]:
        file.parent.mkdir(exist_ok=True)
        file.write_text("")
    path.write_text(source)
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path)
    assert faults_of(path)
