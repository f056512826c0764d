"""A gateway and a headless Chromium that looks at it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from sim2live.exchange.accounts import Pool
from sim2live.gateway.server import Gateway, running_gateway

ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def chromium() -> str | None:
    """Where Chromium is; `make browser` fetches it where it may."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


# Not for the session: while it stands, an event loop runs in this thread, and other tests of the
# same worker start their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser | None]:
    program = chromium()
    if program is None:
        yield None
        return
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=ARGS)
        yield started
        started.close()


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    pools = {"python-test": Pool.of("python-test"), "scalping-mes": Pool.of("scalping-mes", (1, 2))}
    with running_gateway(pools) as running:
        yield running


Open = Callable[..., Page]


def eventually(page: Page, expression: str) -> None:
    """Wait until a JavaScript expression is true, without an eval that the page forbids."""
    for _ in range(300):
        if page.evaluate(f"() => Boolean({expression})"):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"it never came true: {expression}")


@pytest.fixture
def until() -> Callable[[Page, str], None]:
    """`until(page, expression)` waits until the expression is true in the page."""
    return eventually


@pytest.fixture
def open_page(browser: Browser | None, required: Callable[[bool, str], None]) -> Iterator[Open]:
    """`open_page(url, **context)`: a page that loads nothing from outside and raises no error.

    A test that provokes errors says `errors=True`.
    """
    required(browser is not None, "Chromium (on Debian: apt-get install chromium)")
    assert browser is not None
    contexts, faults, asked = [], list[str](), list[str]()

    def run(url: str, *, errors: bool = False, **options: Any) -> Page:
        context = browser.new_context(viewport={"width": 1280, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        if not errors:
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on("console", lambda told: told.type == "error" and faults.append(told.text))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(url)
        return page

    yield run
    for context in contexts:
        context.close()
    assert faults == []
    assert [url for url in asked if not url.startswith("http://127.0.0.1:")] == []
