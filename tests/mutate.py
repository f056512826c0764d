"""Change the pure tables of the gate one operator at a time: does a test notice?

    python -m tests.mutate

Each mutant of `delivery` and `ledger` is tried against the table tests alone, in this process.
A survivor that is not named with a reason in ``tests/mutants.toml`` fails the run.
"""

from __future__ import annotations

import ast
import copy
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "adapters"
TARGETS = ("sim2live/gate/delivery.py", "sim2live/gate/ledger.py")
TESTS = ("tests/gate/test_tables.py",)

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
    """Whether the table tests pass with this source in the target's place."""
    (folder / target).write_text(source, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *TESTS],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": f"{folder}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    return done.returncode == 0


def main() -> int:
    import shutil

    with (ROOT / "tests" / "mutants.toml").open("rb") as file:
        known = {(m["file"], m["change"]): m["reason"] for m in tomllib.load(file)["survivor"]}
    tried, alive = 0, []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(PACKAGE / "sim2live", folder / "sim2live")
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
