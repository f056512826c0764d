"""Makes the pictures of the README: `python docs/make_pictures.py`.

The terminal is an SVG that rich writes; the page is photographed by a headless Chromium, which
must be installed (on Debian: chromium; and the Python package playwright).
"""

from __future__ import annotations

import io
import re
import tempfile
from pathlib import Path

from photo import PICTURES, chromium, photograph
from rich.console import Console
from rich.text import Text

from sim2live.cli.demo import summary
from sim2live.cli.examples import load_class, locate
from sim2live.cli.rehearsal import Rehearsal, rehearse
from sim2live.cli.report import page


def main() -> None:
    """Run the demo once and make all pictures of it."""
    result = rehearse(load_class("ma_cross.py", "MaCross"), locate("data/sp500_daily.csv"))
    _terminal(result)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        file = Path(folder) / "report.html"
        file.write_text(page(result), "utf-8")
        photograph(browser, file, "demo-page-light", height=960)
        photograph(browser, file, "demo-page-dark", height=960, dark=True)


def _terminal(result: Rehearsal) -> None:
    console = Console(record=True, width=84, file=io.StringIO(), force_terminal=True)
    console.print(Text("$ sim2live demo", style="bold"))
    console.print(summary(result))
    console.print("[dim]Charts[/]  [cyan]sim2live-demo.html[/]")
    svg = console.export_svg(title="sim2live demo")
    # The fonts that rich names come from outside; every machine has a monospaced one.
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    (PICTURES / "demo-terminal.svg").write_text(svg, "utf-8")


if __name__ == "__main__":
    main()
