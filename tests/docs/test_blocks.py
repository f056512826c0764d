"""Every block of code in the pages runs as it stands, or says why it does not.

The Python blocks of a page are one program, in order. What a page takes for granted (a portfolio,
a feed) is in `given/`. A page's 127.0.0.1:8080 is a gateway of the test.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.docs.pages import PAGES, Block, blocks

from sim2live.gate.dispatch import Dispatcher
from sim2live.gateway.server import Gateway
from sim2live.settings import load

GIVEN = Path(__file__).parent / "given"
ADDRESS = "http://127.0.0.1:8080"
#: Shown, and read by people only.
FOR_PEOPLE = {"", "text", "nginx", "json"}
RUN = {"python", "console", "toml", "javascript"}


def of(language: str) -> list[Any]:
    found = [block for page in PAGES for block in blocks(page) if block.language == language]
    return [pytest.param(block, id=str(block)) for block in found if not block.excuse]


def programs() -> list[Any]:
    """The pages with Python that is run."""
    names = {param.values[0].page for param in of("python")}
    return [pytest.param(page, id=page.name) for page in PAGES if page in names]


@pytest.mark.slow
@pytest.mark.parametrize("page", programs())
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_python_runs(
    page: Path, reader: Path, gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {"__name__": "page"}
    given = GIVEN / f"{page.stem}.py"
    if given.exists():
        exec(compile(given.read_text("utf-8"), str(given), "exec"), names)
    after: list[Block] = list(blocks(page))
    printed = ""
    try:
        for number, block in enumerate(after):
            if block.language == "python" and not block.excuse:
                code = "\n" * (block.line - 1) + here(block.code, gateway)
                exec(compile(code, str(page), "exec"), names)
                printed = capsys.readouterr().out
            elif block.language == "text" and after[number - 1].language == "python":
                assert printed == block.code, f"{block} shows another output"
    finally:
        for value in names.values():
            if isinstance(value, Dispatcher):
                value.close()


@pytest.mark.slow
@pytest.mark.parametrize("block", of("console"))
def test_a_command_succeeds(block: Block, reader: Path, gateway: Gateway) -> None:
    given = GIVEN / f"{block.page.stem}.sh"
    if given.exists():
        subprocess.run(["bash", str(given)], cwd=reader, check=True, timeout=200)
    for command in commands(here(block.code, gateway)):
        done = subprocess.run(
            ["bash", "-c", command], cwd=reader, capture_output=True, text=True, timeout=200,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("block", of("toml"))
def test_a_settings_file_is_read(block: Block, reader: Path) -> None:
    file = reader / "shown.toml"
    file.write_text(block.code, "utf-8")
    assert load(file, environment={}).workflow


@pytest.mark.parametrize("block", of("javascript"))
def test_node_is_accepted(
    block: Block, reader: Path, gateway: Gateway, required: Callable[[bool, str], None]
) -> None:
    node = shutil.which("node")
    required(node is not None, "node is not installed")
    script = reader / "shown.mjs"
    script.write_text(here(block.code, gateway), "utf-8")
    done = subprocess.run(
        [str(node), str(script)], capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "node-001" in gateway.desk.taken


def test_every_block_is_run_or_says_why_not() -> None:
    known = FOR_PEOPLE | RUN
    everything = [block for page in PAGES for block in blocks(page)]
    assert len([block for block in everything if block.language in RUN]) > 20
    assert [str(block) for block in everything if block.language not in known] == []


def test_what_is_given_is_given_to_a_page() -> None:
    stems = {page.stem for page in PAGES}
    assert [path.name for path in GIVEN.glob("*.*") if path.stem not in stems] == []


def here(code: str, gateway: Gateway) -> str:
    """The code with the test's gateway where the page means the usual port."""
    named = code.replace("EvalItUpClient()", f'EvalItUpClient("{ADDRESS}")')
    return named.replace(ADDRESS, gateway.url)


def commands(code: str) -> list[str]:
    """The lines after a prompt, with those that go on after a backslash."""
    joined = code.replace("\\\n", " ")
    return [line[2:] for line in joined.splitlines() if line.startswith("$ ")]
