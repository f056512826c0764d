"""Makes the pictures of the README: `python docs/make_pictures.py`.

The terminal is an SVG that rich writes; the page is photographed by a headless Chromium, which
must be installed (on Debian: chromium; and the Python package playwright).
"""

from __future__ import annotations

import io
import re
import shutil
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

from sim2live.cli.demo import summary
from sim2live.cli.examples import load_class, locate
from sim2live.cli.rehearsal import Rehearsal, rehearse
from sim2live.cli.report import page

HERE = Path(__file__).parent / "pictures"
SIZE = {"width": 1240, "height": 960}


def main() -> None:
    """Run the demo once and make all pictures of it."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("chromium is not installed; on Debian: apt-get install chromium")
    result = rehearse(load_class("ma_cross.py", "MaCross"), locate("data/sp500_daily.csv"))
    HERE.mkdir(exist_ok=True)
    _terminal(result)
    _photograph(page(result), chromium)


def _terminal(result: Rehearsal) -> None:
    console = Console(record=True, width=84, file=io.StringIO(), force_terminal=True)
    console.print(Text("$ sim2live demo", style="bold"))
    console.print(summary(result))
    console.print("[dim]Charts[/]  [cyan]sim2live-demo.html[/]")
    svg = console.export_svg(title="sim2live demo")
    # The fonts that rich names come from outside; every machine has a monospaced one.
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    (HERE / "demo-terminal.svg").write_text(svg, "utf-8")


def _photograph(html: str, chromium: str) -> None:
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "report.html"
        file.write_text(html, "utf-8")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            view = browser.new_page(viewport=SIZE, color_scheme=scheme)
            view.goto(file.as_uri())
            view.screenshot(path=str(HERE / f"demo-page-{scheme}.png"))
        browser.close()


if __name__ == "__main__":
    main()
