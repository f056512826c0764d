"""Nothing here needs one operating system: what only some have is guarded where it is used."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "adapters" / "sim2live").rglob("*.py"))
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))

# Modules and names that Windows has not.
MODULES = {"fcntl", "grp", "pwd", "pty", "resource", "syslog", "termios", "tty", "uvloop"}
NAMES = {
    "os.fork", "os.getuid", "os.geteuid", "os.getpgid", "os.killpg", "os.mkfifo", "os.setsid",
    "os.uname", "os.register_at_fork", "os.sched_setaffinity", "os.fdatasync",
    "select.epoll", "select.poll", "socket.AF_UNIX", "signal.SIGHUP", "signal.SIGKILL",
    "signal.SIGUSR1", "signal.SIGUSR2", "signal.SIGALRM", "signal.setitimer",
}  # fmt: skip
STARTS = {"Process", "ProcessPoolExecutor", "Pool", "grid", "cerebro"}


def faults_of(source: str) -> list[str]:
    tree = ast.parse(source)
    guarded = set(guarded_lines(tree))
    return [
        f"line {node.lineno}: {name}"
        for node, name in used(tree)
        if (name in NAMES or name.split(".")[0] in MODULES) and node.lineno not in guarded
    ]


def used(tree: ast.AST) -> Iterator[tuple[ast.stmt | ast.expr, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node, str(node.module)
            yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Attribute):
            yield node, ast.unparse(node)


def guarded_lines(tree: ast.AST) -> Iterator[int]:
    """Lines after a question: `hasattr(os, ...)`, the platform's name, or an except for want."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and any(
            handler.type is not None and "NotFoundError" in ast.unparse(handler.type)
            for handler in node.handlers
        ):
            yield from range(node.body[0].lineno, last_line(node.body) + 1)
        body = getattr(node, "body", None)
        for place, each in enumerate(body if isinstance(body, list) else ()):
            if isinstance(each, ast.If) and any(
                word in ast.unparse(each.test) for word in ("hasattr(", "sys.platform")
            ):
                # Where the other case returns, the rest of the block is the guarded one.
                leaves = isinstance(each.body[-1], ast.Return)
                until = last_line(body[place:] if leaves else each.body)
                yield from range(each.body[0].lineno, until + 1)


def last_line(body: list[ast.stmt]) -> int:
    return body[-1].end_lineno or 0


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_what_windows_has_not_is_guarded(path: Path) -> None:
    assert faults_of(path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.name)
def test_an_example_can_be_imported_by_its_workers(path: Path) -> None:
    """Processes are started afresh on Windows: they import the script, and must not run it."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.If) and "__name__" in ast.unparse(node.test):
            continue
        called = {
            ast.unparse(each.func).split(".")[-1]
            for each in ast.walk(node)
            if isinstance(each, ast.Call) and not isinstance(node, ast.FunctionDef)
        }
        assert not called & STARTS, f"line {node.lineno} starts processes when it is imported"


def test_uvloop_is_asked_for_by_its_platform() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [
        line
        for lines in project["optional-dependencies"].values()
        for line in lines
        if line.startswith("uvloop")
    ]
    assert wanted
    assert all("sys_platform != 'win32'" in line for line in wanted)


@pytest.mark.parametrize(
    "source",
    [
        "import fcntl",
        "import os\npid = os.fork()",
        "from signal import SIGKILL",
        "def late():\n    import uvloop",
        "import os\nif hasattr(os, 'fork'):\n    pass\nos.fork()",
    ],
)
def test_a_breach_is_found(source: str) -> None:
    assert faults_of(source)
    assert not faults_of(f"import os\nif hasattr(os, 'x'):\n    {source.splitlines()[-1].strip()}")
