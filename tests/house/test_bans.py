"""Each side effect has one room; everywhere else the name may not even be read."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "adapters" / "sim2live"

# What is banned -> the rooms for it (a folder, or a file without its suffix).
BANS: dict[str, set[str]] = {
    "time": {"clock"},
    "datetime.datetime.now": {"clock"},
    "datetime.datetime.utcnow": set(),
    "datetime.datetime.today": set(),
    "datetime.date.today": set(),
    "uuid.uuid1": set(),
    "uuid.uuid4": set(),
    "socket": {"venues", "gateway", "testing"},
    "asyncio.open_connection": {"venues"},
    "http.client": set(),
    "urllib.request": set(),
    "sqlite3": {"gate/store"},
    "os.environ": {"settings", "playground", "zipline"},
    "os.getenv": {"settings", "playground", "zipline"},
    "builtins.print": {"cli", "playground"},
}

FILES = sorted(PACKAGE.rglob("*.py"))


def names_read(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Dotted names as they are after following this file's own import aliases."""
    alias: dict[str, str] = {"print": "builtins.print"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for item in node.names:
                alias[item.asname or item.name.split(".")[0]] = (
                    item.name if item.asname else item.name.split(".")[0]
                )
                yield item.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            for item in node.names:
                alias[item.asname or item.name] = f"{node.module}.{item.name}"
                yield f"{node.module}.{item.name}", node.lineno
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in alias:
            yield alias[node.id], node.lineno
        elif isinstance(node, ast.Attribute):
            dotted = ast.unparse(node)
            first, _, rest = dotted.partition(".")
            if first in alias:
                yield f"{alias[first]}.{rest}", node.lineno


def faults_of(source: str, where: str) -> set[str]:
    return {
        f"{where}.py:{line} reads {name}: its room is {sorted(rooms) or 'nowhere'}"
        for name, line in names_read(ast.parse(source))
        for banned, rooms in BANS.items()
        if (name == banned or name.startswith(f"{banned}."))
        and not any(where == room or where.startswith(f"{room}/") for room in rooms)
    }


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_side_effects_stay_in_their_rooms(path: Path) -> None:
    where = path.relative_to(PACKAGE).with_suffix("").as_posix()
    assert faults_of(path.read_text("utf-8"), where) == set()


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "from time import monotonic as m",
        "from datetime import datetime\ndatetime.now()",
        "import datetime as d\nd.datetime.now()",
        "from uuid import uuid4",
        "import os\nos.environ['A']",
        "from os import environ",
        "import socket as s",
        "import sqlite3",
        "print('hello')",
    ],
)
def test_a_breach_is_found(source: str) -> None:
    assert faults_of(source, "signals")
    assert not faults_of("from datetime import time, datetime\ndatetime(2026, 1, 5)", "signals")
