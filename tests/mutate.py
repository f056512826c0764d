"""Change the pure tables of the gate one operator at a time: does a test notice?

    python -m tests.mutate

Each mutant of `delivery` and `ledger` is tried against the table tests alone, in a fork.
A survivor that is not named with a reason in ``tests/mutants.toml`` fails the run.
"""

from __future__ import annotations

import ast
import copy
import importlib
import os
import shutil
import signal
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "adapters"
TARGETS = ("sim2live/gate/delivery.py", "sim2live/gate/ledger.py")
TESTS = ("tests/gate/test_tables.py",)
BELOW = ("sim2live.gate.resting", "sim2live.venues.record")
"""Imported once: what the targets and their tests stand on."""
LONGEST = 60
"""Seconds that the table tests may take."""

COMPARE = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
BINARY = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add}


def changes(node: ast.AST) -> Iterator[ast.AST]:
    """Other nodes that could stand in a node's place."""
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            other = copy.deepcopy(node)
            other.ops[place] = COMPARE[type(operator)]()
            yield other
    elif isinstance(node, ast.BinOp) and type(node.op) in BINARY:
        other = copy.deepcopy(node)
        other.op = BINARY[type(node.op)]()
        yield other
    elif isinstance(node, ast.BoolOp):
        other = copy.deepcopy(node)
        other.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield other
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield copy.deepcopy(node.operand)
    elif isinstance(node, ast.IfExp):
        yield copy.deepcopy(node.body)
        yield copy.deepcopy(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield ast.Constant(node.value + 1)
    elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("min", "max"):
        other = copy.deepcopy(node)
        other.func = ast.Name("max" if node.func.id == "min" else "min", ast.Load())
        yield other


class Swap(ast.NodeTransformer):
    """Puts one node in another's place."""

    def __init__(self, at: int, node: ast.AST) -> None:
        self.at, self.node, self.count = at, node, -1

    def visit(self, node: ast.AST) -> ast.AST:
        self.count += 1
        return self.node if self.count == self.at else self.generic_visit(node)


class Count(ast.NodeVisitor):
    """Nodes in the order that `Swap` meets them, without annotations and class bodies' texts."""

    def __init__(self) -> None:
        self.nodes: list[ast.AST] = []

    def visit(self, node: ast.AST) -> None:
        self.nodes.append(node)
        self.generic_visit(node)


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """What was changed, as a line for people and for the list of survivors, and the source."""
    tree = ast.parse(source)
    counted = Count()
    counted.visit(tree)
    for at, node in enumerate(counted.nodes):
        for other in changes(node):
            mutated = ast.fix_missing_locations(Swap(at, other).visit(copy.deepcopy(tree)))
            line = getattr(node, "lineno", 0)
            where = source.splitlines()[line - 1].strip()
            yield f"{ast.unparse(node)} -> {ast.unparse(other)} in: {where}", ast.unparse(mutated)


def survives(target: str, source: str, folder: Path) -> bool:
    """Whether the table tests pass with this source in the target's place.

    They run in a fork, which finds pytest and all that stands below the tables imported already.
    """
    (folder / target).write_text(source, "utf-8")
    child = os.fork()
    if not child:
        status = 1
        try:
            status = _table_tests()
        finally:
            os._exit(status)
    _, ended = os.waitpid(child, 0)
    return ended == 0


def _table_tests() -> int:
    signal.alarm(LONGEST)  # a mutant may never come to an end, which is noticed, too
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    plain = ["-c", os.devnull, "--rootdir", str(ROOT), "--import-mode=importlib", "--noconftest"]
    return int(pytest.main(["-q", "-x", "-p", "no:cacheprovider", *plain, *TESTS]))


def main() -> int:
    with (ROOT / "tests" / "mutants.toml").open("rb") as file:
        known = {(m["file"], m["change"]): m["reason"] for m in tomllib.load(file)["survivor"]}
    tried, alive = 0, []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(PACKAGE / "sim2live", folder / "sim2live")
        sys.path.insert(0, name)
        sys.dont_write_bytecode = True  # sources change within the second that a cache tells apart
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        os.chdir(ROOT)
        for below in BELOW:
            importlib.import_module(below)
        for target in TARGETS:
            source = (PACKAGE / target).read_text("utf-8")
            if not survives(target, source, folder):
                print(f"the table tests fail on {target} as it is")
                return 1
            for change, mutated in mutants(source):
                tried += 1
                if survives(target, mutated, folder) and (target, change) not in known:
                    alive.append((target, change))
                    print(f"SURVIVED {target}: {change}", flush=True)
            (folder / target).write_text(source, "utf-8")
    print(f"{tried} mutants, {len(alive)} survivors without a reason, {len(known)} with one")
    return int(bool(alive))


if __name__ == "__main__":
    sys.exit(main())
