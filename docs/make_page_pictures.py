"""Makes the pictures of pages that commands write: `python docs/make_page_pictures.py`.

A parity report of a run that went wrong in three places, the page of a Playground script, and a
notebook after "Restart and run all". Each is made as a user makes it, in a folder of its own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import jupytext
import nbconvert
from msgspec.structs import replace
from nbclient import NotebookClient
from photo import PICTURES, chromium, photograph
from playwright.sync_api import Browser

from sim2live.cli.examples import load_class, locate
from sim2live.cli.rehearsal import rehearse

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "notebooks" / "backtrader_sim_to_live.py"


def main() -> None:
    """Make each page and photograph it."""
    with tempfile.TemporaryDirectory() as name, chromium() as browser:
        folder = Path(name)
        photograph(browser, _parity(folder), "parity", height=850)
        photograph(browser, _playground(folder), "playground", height=1000)
        _notebook(folder, browser)


def _parity(folder: Path) -> Path:
    """The demo's run, and the same with an order missing, one a bar late and one too large."""
    result = rehearse(load_class("ma_cross.py", "MaCross"), locate("data/sp500_daily.csv"))
    tested, live = result.simulated, result.dispatched
    live.name, tested.name = "live", "tested"
    times = [holding.time for holding in tested.positions]
    live.decisions[250] = replace(live.decisions[250], qty=2.0)
    late = live.decisions[180]
    live.decisions[180] = replace(late, time=times[times.index(late.time) + 1])
    del live.decisions[100]
    for run in (tested, live):
        run.write(folder / f"{run.name}.jsonl")
    page = folder / "parity.html"
    _command(folder, "parity", "tested.jsonl", "live.jsonl", "--drift", "any", "--html", page.name)
    return page


def _playground(folder: Path) -> Path:
    script = ROOT / "examples" / "playground_breakout.py"
    _command(folder, "playground", "run", str(script), "-i", "NQ", "--start", "2025-01-15")
    (page,) = folder.glob("playground*.html")
    return page


def _notebook(folder: Path, browser: Browser) -> None:
    """The cells around the dispatcher, as Jupyter shows them."""
    (folder / "examples").symlink_to(ROOT / "examples")
    notebook = jupytext.read(NOTEBOOK, fmt="py:percent")
    where = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=where).execute()
    page = folder / "notebook.html"
    text, _ = nbconvert.HTMLExporter(template_name="lab").from_notebook_node(notebook)
    page.write_text(text, "utf-8")
    view = browser.new_page(viewport={"width": 1000, "height": 900})
    view.goto(page.as_uri())
    view.get_by_role("heading", name="Followed over HTTP").evaluate(
        "one => { one.scrollIntoView(); scrollBy(0, -24); }"
    )
    view.screenshot(path=str(PICTURES / "notebook.png"))
    view.close()


def _command(folder: Path, *words: str) -> None:
    """A command whose answer may be no: a page about a difference is still a page."""
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "sim2live.cli", *words], cwd=folder, check=False, timeout=300
    )
    if done.returncode not in (0, 1):
        sys.exit(f"sim2live {words[0]} ended with {done.returncode}")


if __name__ == "__main__":
    main()
