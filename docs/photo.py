"""A headless Chromium for the scripts that make pictures."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

PICTURES = Path(__file__).parent / "pictures"


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's own Chromium, until the block ends."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        sys.exit("chromium is not installed; on Debian: apt-get install chromium")
    PICTURES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def photograph(browser: Browser, file: Path, name: str, *, height: int, dark: bool = False) -> None:
    """A page from the disk, as it looks to somebody who likes it light or dark."""
    view = browser.new_page(
        viewport={"width": 1240, "height": height}, color_scheme="dark" if dark else "light"
    )
    view.goto(file.as_uri())
    view.screenshot(path=str(PICTURES / f"{name}.png"))
    view.close()
