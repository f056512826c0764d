"""A name that is a script is shown as a name, wherever it can come from.

The page's headers are looked at in `tests/faults`, where row 33 needs no browser.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
import requests

from sim2live.exchange.accounts import Pool
from sim2live.gateway.server import running_gateway

ATTACKS = [
    "<img src=x onerror=hacked=1>",
    "<script>hacked=1</script>",
    "'\"><svg onload=hacked=1>",
    "</script><script>hacked=1</script>",
    "javascript:hacked=1",
    "{{hacked=1}}${hacked=1}",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_hostile_name_is_text_everywhere(open_page: Any, attack: str) -> None:
    with running_gateway({attack: Pool.of(attack), "python-test": Pool.of("x")}) as gateway:
        content = {
            "schema_version": "1.0",
            "signal_id": attack,
            "workflow_id": attack,
            "instrument": {"exchange": "SIM", "symbol": attack},
            "side": "BUY",
            "qty": 1,
        }
        there = f"{gateway.url}/signal/{quote(attack, safe='')}"
        assert requests.post(there, json=content, timeout=30.0).status_code == 200
        bar = {"time": 1, "open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0}
        pushed = {"instrument": content["instrument"], "bar": bar}
        assert requests.post(f"{gateway.url}/bars", json=pushed, timeout=30.0).status_code == 200
        # Refusals repeat what was sent, in their sentence.
        nowhere = f"{gateway.url}/signal/{quote('no ' + attack, safe='')}"
        assert requests.post(nowhere, json=content, timeout=30.0).status_code == 404
        wrong = {**content, "signal_id": "other", "side": attack}
        assert requests.post(there, json=wrong, timeout=30.0).status_code == 400
        page = open_page(gateway.url)
        row = page.locator("#grid .g-row[data-n]", has_text="FILLED")
        row.wait_for()
        assert row.locator(".c-id").inner_text() == attack
        assert row.locator(".c-pool").inner_text() == attack
        assert row.locator(".c-inst").inner_text() == f"SIM:{attack}"
        row.click()
        page.wait_for_selector("#detail [data-order]")
        assert page.inner_text("#detail-title") == attack
        page.keyboard.press("Escape")
        page.locator('[data-verb="flatten"]').first.click()
        assert attack in page.inner_text("#ask-title")
        page.click("#ask-no")
        page.wait_for_selector("#candles svg")
        assert page.evaluate("typeof hacked") == "undefined"
        made = "#grid img, #grid script, #pools img, #pools script, #detail img, #ask img"
        assert page.locator(made).count() == 0
        assert page.locator("script").count() == 1
        page.close()  # before its gateway, which it would miss


def test_no_text_can_become_html_even_by_mistake(open_page: Any) -> None:
    with running_gateway() as gateway:
        page = open_page(gateway.url, errors=True)
        page.wait_for_selector("#link.live")
        found = page.evaluate(
            """() => {
              try { document.body.insertAdjacentHTML("beforeend", "<b>x</b>"); return "inserted"; }
              catch (error) { return error.name; }
            }"""
        )
        assert found == "TypeError"
