"""Makes the pictures of the Activity page: `python docs/make_activity_pictures.py`.

A gateway is given daily bars of the S&P 500 and a few dozen signals; a headless Chromium looks at
its page in light, in dark, and on a phone.
"""

from __future__ import annotations

from http.client import HTTPConnection
from itertools import islice
from typing import Any

import msgspec
from photo import PICTURES, chromium
from playwright.sync_api import Page

from sim2live.cli.examples import locate
from sim2live.exchange.accounts import Pool
from sim2live.gateway.server import Gateway, running_gateway
from sim2live.market.bars import Bar, CsvBars
from sim2live.signals import Instrument

MARKET = Instrument("SIM", "SP500")
POOLS = {
    "python-test": Pool.of("python-test"),
    "swing": Pool.of("swing", (1, 2, 5), balance=100_000.0),
}
FAST, SLOW, FIRST, BARS = 5, 20, 1_200, 150


def main() -> None:
    """Start a gateway, trade a little, and take the pictures."""
    with running_gateway(POOLS) as gateway, chromium() as browser:
        # Open from the start, so that the equity curve has been watched.
        page = browser.new_page(viewport={"width": 1440, "height": 1000}, color_scheme="light")
        page.goto(gateway.url)
        page.wait_for_selector("#link.live")
        _trade(gateway, page)
        page.wait_for_timeout(2500)
        page.screenshot(path=str(PICTURES / "activity-light.png"))
        page.emulate_media(color_scheme="dark")
        page.wait_for_timeout(500)
        page.screenshot(path=str(PICTURES / "activity-dark.png"), full_page=True)
        page.locator("#grid .g-row", has_text="bracket").first.click()
        page.wait_for_selector("#detail [data-order]")
        page.wait_for_timeout(300)
        page.screenshot(path=str(PICTURES / "activity-detail.png"))
        phone = browser.new_page(viewport={"width": 390, "height": 844}, device_scale_factor=2)
        phone.goto(gateway.url)
        phone.wait_for_selector("#grid .g-row[data-n]")
        phone.wait_for_timeout(1500)
        phone.screenshot(path=str(PICTURES / "activity-phone.png"))


def _trade(gateway: Gateway, page: Page) -> None:
    """Two averages cross; each cross turns the position."""
    connection = HTTPConnection("127.0.0.1", gateway.port, timeout=10)
    closes: list[float] = []
    side = 0
    days = CsvBars(locate("data/sp500_daily.csv"))
    for number, bar in enumerate(islice(days, FIRST, FIRST + BARS)):
        _post(connection, "/bars", {"instrument": MARKET, "bar": bar})
        closes.append(bar.close)
        if number % 6 == 0:
            page.wait_for_timeout(120)
        if len(closes) < SLOW:
            continue
        wanted = 1 if _mean(closes, FAST) > _mean(closes, SLOW) else -1
        if wanted != side:
            qty = 1 if side == 0 else 2
            _signal(connection, f"cross-{number:03d}", wanted, qty, pool="swing")
            side = wanted
            if number % 2:
                _signal(connection, f"bracket-{number:03d}", wanted, 1, bracket=_legs(bar, wanted))
    _signal(connection, "too-many", 1, 0)
    _signal(connection, "lost", 1, 1, pool="swing-2")
    low = {"order_type": "LIMIT", "limit_price": round(closes[-1] * 0.985, 2)}
    _signal(connection, "buy-lower", 1, 1, pool="swing", **low)
    connection.close()


def _mean(closes: list[float], count: int) -> float:
    return sum(closes[-count:]) / count


def _legs(bar: Bar, side: int) -> dict[str, Any]:
    near, far = (round(bar.close * (1 + side * share), 2) for share in (-0.02, 0.03))
    return {"stop_loss": {"trigger_price": near}, "take_profit": {"limit_price": far}}


def _signal(
    connection: HTTPConnection,
    name: str,
    side: int,
    qty: int,
    pool: str = "python-test",
    **more: Any,
) -> None:
    content = {
        "schema_version": "1.0",
        "signal_id": name,
        "workflow_id": pool,
        "instrument": MARKET,
        "side": "BUY" if side > 0 else "SELL",
        "qty": qty,
        **more,
    }
    _post(connection, f"/signal/{pool}", content)


def _post(connection: HTTPConnection, path: str, content: dict[str, Any]) -> None:
    body = msgspec.json.encode(content)
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    connection.getresponse().read()


if __name__ == "__main__":
    main()
