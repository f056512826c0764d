"""The Activity page in a real browser."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from sim2live.gateway.server import Gateway, running_gateway
from sim2live.signals import Instrument, Signal

ROW = "#grid .g-row[data-n]"
HOSTILE = "<img src=x onerror=document.title=1>"


def send(gateway: Gateway, name: str, **more: Any) -> int:
    content = {
        "schema_version": "1.0",
        "signal_id": name,
        "workflow_id": "python-test",
        "instrument": {"exchange": "CME", "symbol": "MESU6"},
        "side": "BUY",
        "qty": 1,
        **more,
    }
    url = f"{gateway.url}/signal/{requests.utils.quote(content['workflow_id'], safe='')}"
    return requests.post(url, json=content, timeout=30.0).status_code


def test_from_the_empty_page_the_tutorial_leads_to_its_signal_and_orders(
    gateway: Gateway, open_page: Any
) -> None:
    page = open_page(gateway.url)
    page.wait_for_selector("#empty:visible")
    shown = page.inner_text("#snippet")
    told: list[str] = []
    exec(  # the tutorial, exactly as the page shows it
        compile(shown, "snippet", "exec"), {"print": lambda *words: told.extend(map(str, words))}
    )
    assert told == ["200", "{'status': 'accepted', 'signal_id': 'test-001'}"]
    row = page.locator(ROW, has_text="test-001")
    row.wait_for()
    assert page.is_hidden("#empty")
    for words in ("python-test", "CME:MESU6", "BUY", "MARKET", "FILLED"):
        assert words in row.inner_text()
    row.click()
    order = page.locator("#detail [data-order]")
    order.first.wait_for()
    assert order.count() == 1
    assert "python-test-1" in order.inner_text()
    assert "entry" in order.inner_text()
    assert page.inner_text("#detail-title") == "test-001"
    page.keyboard.press("Escape")
    assert page.is_hidden("#detail")
    page.locator("#positions td", has_text="+1").wait_for()
    page.wait_for_selector("#candles svg .c-long")


def test_a_bracket_shows_three_linked_orders_in_every_account(
    gateway: Gateway, open_page: Any, until: Any
) -> None:
    page = open_page(gateway.url)
    legs = {"take_profit": {"limit_price": 5090.0}, "stop_loss": {"trigger_price": 5050.0}}
    send(gateway, "bracket", workflow_id="scalping-mes", bracket=legs)
    page.locator(ROW, has_text="bracket").first.click()
    until(page, "document.querySelectorAll('#detail [data-order]').length === 6")
    words = page.inner_text("#detail-body")
    assert words.count("stop loss") >= 2
    assert "5,050" in words
    page.keyboard.press("Escape")
    page.wait_for_selector("#candles svg")


def test_the_way_over_a_relay_is_shown_as_text_and_a_direct_signal_has_none(
    gateway: Gateway, open_page: Any, until: Any
) -> None:
    page = open_page(gateway.url)
    send(gateway, "direct")
    send(gateway, "relayed")
    way = {"signal_id": "relayed", "host": HOSTILE, "left_at": 1, "relay": "desk", "taken_at": 2}
    told = requests.post(f"{gateway.url}/activity/way", json=way, timeout=30.0)
    assert told.status_code == 200
    page.locator(ROW, has_text="relayed").first.click()
    page.wait_for_selector("#detail [data-order]")
    words = page.locator("#detail dt", has_text="Way").locator("xpath=following-sibling::dd[1]")
    steps = words.inner_text().split(" \u2192 ")
    begins = [f"left {HOSTILE} ", "taken by the relay on desk ", "handed to this gateway "]
    for step, begin in zip(steps, [*begins, "executed "], strict=True):
        assert step.startswith(begin)
    page.keyboard.press("Escape")
    page.locator(ROW, has_text="direct").first.click()
    page.wait_for_selector("#detail [data-order]")
    assert page.locator("#detail dt", has_text="Way").count() == 0
    page.keyboard.press("Escape")


def test_a_refused_signal_says_why(gateway: Gateway, open_page: Any) -> None:
    page = open_page(gateway.url)
    send(gateway, "x", workflow_id="nobody")
    row = page.locator(ROW, has_text="REFUSED")
    row.wait_for()
    assert "Workflow not found: nobody" in row.inner_text()
    row.click()
    page.get_by_text("It was refused at the door: no account saw it.").wait_for()


def test_ten_thousand_signals_stay_smooth(gateway: Gateway, open_page: Any, until: Any) -> None:
    instrument = Instrument("CME", "MESU6")
    signals = [
        Signal(
            signal_id=f"many-{number:05d}",
            workflow_id="python-test",
            instrument=instrument,
            side="BUY" if number % 2 else "SELL",
            qty=1,
        )
        for number in range(10_000)
    ]
    now = gateway.desk.now()
    for signal in signals:  # as they would stand after a busy day; the wire is not measured here
        gateway.desk._submit(signal, now)
        gateway._activity.chronicle.took(gateway.desk.taken[signal.signal_id], 300_000)
    page = open_page(gateway.url)
    until(page, "document.querySelector('#shown').textContent.startsWith('10,000')")
    assert page.locator(ROW).count() < 60
    frames = page.evaluate(
        """async () => {
          const body = document.querySelector('.g-body'), gaps = [];
          let last = performance.now();
          for (let i = 1; i <= 120; i++) {
            body.scrollTop = i * (body.scrollHeight - body.clientHeight) / 120;
            await new Promise(done => requestAnimationFrame(done));
            const now = performance.now();
            gaps.push(now - last);
            last = now;
          }
          return gaps.sort((a, b) => a - b);
        }"""
    )
    # Two loaded cores and a software renderer: the typical frame must still be one of a film.
    assert frames[60] < 42, f"median frame {frames[60]:.0f} ms"
    assert page.locator(ROW, has_text="many-00000").count() == 1
    page.locator("#search").fill("many-07777")
    until(page, "document.querySelector('#shown').textContent.startsWith('1 of')")
    page.click("#clear")
    until(page, "document.querySelector('#shown').textContent.startsWith('10,000')")


def test_filters_narrow_the_table_and_can_be_cleared(
    gateway: Gateway, open_page: Any, until: Any
) -> None:
    send(gateway, "alpha")
    send(gateway, "beta", side="SELL", workflow_id="scalping-mes")
    send(gateway, "gamma", order_type="LIMIT", limit_price=10.0)
    page = open_page(gateway.url)
    until(page, "document.querySelectorAll('#grid .g-row[data-n]').length === 3")
    for select, value, names in (
        ("#side-filter", "SELL", {"beta"}),
        ("#state-filter", "WORKING", {"gamma"}),
        ("#pool", "scalping-mes", {"beta"}),
    ):
        page.select_option(select, value)
        until(page, "document.querySelectorAll('#grid .g-row[data-n]').length === 1")
        assert {text.strip() for text in page.locator(f"{ROW} .c-id").all_inner_texts()} == names
        page.click("#clear")
        until(page, "document.querySelectorAll('#grid .g-row[data-n]').length === 3")
    page.fill("#search", "nothing like it")
    page.wait_for_selector("#none:visible")


def test_halting_asks_first_and_flattening_wants_the_name(gateway: Gateway, open_page: Any) -> None:
    send(gateway, "held", workflow_id="scalping-mes", qty=2)
    page = open_page(gateway.url)
    pool = page.locator('.pool[data-pool="scalping-mes"]')
    pool.locator('[data-verb="halt"]').click()
    page.click("#ask-no")
    assert gateway.desk.halted == frozenset()
    pool.locator('[data-verb="halt"]').click()
    page.click("#ask-yes")
    page.get_by_text("Halted: scalping-mes").wait_for()
    assert send(gateway, "more", workflow_id="scalping-mes") == 422
    pool.locator('[data-verb="flatten"]').click()
    assert page.is_disabled("#ask-yes")
    page.fill("#ask-input", "scalping-me")
    assert page.is_disabled("#ask-yes")
    page.fill("#ask-input", "scalping-mes")
    page.click("#ask-yes")
    page.get_by_text("Flat everywhere.").wait_for()
    assert gateway.desk.exchange.positions() == []
    pool.locator('[data-verb="resume"]').click()
    page.click("#ask-yes")
    page.wait_for_selector("#halted", state="hidden")
    assert gateway.desk.halted == frozenset()


def test_the_table_can_be_used_with_the_keyboard_alone(gateway: Gateway, open_page: Any) -> None:
    for number in range(30):
        send(gateway, f"key-{number:02d}")
    page = open_page(gateway.url)
    page.locator(ROW).first.wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the signals"
    page.locator(f"{ROW}[tabindex='0']").focus()
    for _ in range(20):
        page.keyboard.press("ArrowDown")
    assert "key-09" in page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    page.wait_for_selector("#detail[open]")
    assert page.inner_text("#detail-title") == "key-09"
    page.keyboard.press("Escape")
    page.keyboard.press("End")
    assert "key-00" in page.evaluate("document.activeElement.textContent")


def test_what_a_screen_reader_is_told(gateway: Gateway, open_page: Any, until: Any) -> None:
    send(gateway, "seen")
    page = open_page(gateway.url)
    page.locator(ROW).first.wait_for()
    assert page.get_by_role("table", name="Signals, newest first").count() == 1
    assert page.get_by_role("columnheader").count() >= 10
    assert page.get_attribute("#grid [role=table]", "aria-rowcount") == "2"
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, select, input')].filter(e =>
             !e.textContent.trim() && !e.getAttribute('aria-label') && !e.labels?.length
             && e.checkVisibility()).map(e => e.outerHTML)"""
    )
    assert nameless == []
    send(gateway, "heard")
    until(page, "document.querySelector('#said').textContent.includes('heard')")
    until(page, "document.querySelector('#candles').getAttribute('aria-label').includes('candles')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_can_be_read_in_light_and_dark(gateway: Gateway, open_page: Any, scheme: str) -> None:
    send(gateway, "seen")
    send(gateway, "bad", qty=0)
    page = open_page(gateway.url, color_scheme=scheme)
    page.locator(ROW).nth(1).wait_for()
    low = page.evaluate(
        """() => {
          const rgb = text => text.match(/[\\d.]+/g).map(Number);
          const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
            .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
            .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
          const behind = node => {
            for (let n = node; n; n = n.parentElement) {
              const c = rgb(getComputedStyle(n).backgroundColor);
              if (c.length < 4 || c[3] > 0.99) return c;
            }
            return [255, 255, 255];
          };
          const found = [];
          for (const node of document.querySelectorAll('h1,h2,h3,dt,dd,span,td,th,button,p')) {
            if (!node.textContent.trim() || !node.checkVisibility()) continue;
            const [a, b] = [light(rgb(getComputedStyle(node).color)), light(behind(node))];
            const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            if (ratio < 4.5) found.push(`${node.textContent.slice(0, 30)} ${ratio.toFixed(2)}`);
          }
          return found;
        }"""
    )
    assert low == []


def test_on_a_phone_nothing_stands_out_of_the_page(gateway: Gateway, open_page: Any) -> None:
    send(gateway, "a-rather-long-name-of-a-signal-that-somebody-chose-without-a-phone-at-hand")
    page = open_page(gateway.url)
    page.set_viewport_size({"width": 360, "height": 740})
    page.locator(ROW).first.wait_for()
    page.wait_for_timeout(1200)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.locator(ROW).first.click()
    page.wait_for_selector("#detail [data-order]")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_choice_of_theme_and_time_is_kept(gateway: Gateway, open_page: Any) -> None:
    page = open_page(gateway.url)
    page.select_option("#theme", "dark")
    page.select_option("#zone", "America/Chicago")
    page.reload()
    page.wait_for_selector("#link.live")
    assert page.get_attribute("html", "data-theme") == "dark"
    assert page.input_value("#zone") == "America/Chicago"


def test_a_token_is_asked_for_and_then_used(open_page: Any) -> None:
    with running_gateway(token="secret") as gateway:
        page = open_page(gateway.url, errors=True)  # the browser logs each 401
        page.wait_for_selector("#ask[open]")
        page.fill("#ask-input", "wrong")
        page.click("#ask-yes")
        page.get_by_text("Token missing or wrong").wait_for()
        page.fill("#ask-input", "secret")
        page.click("#ask-yes")
        page.wait_for_selector("#link.live")
        assert "secret" not in page.content()


def test_the_page_says_when_the_gateway_is_gone_and_comes_back(
    open_page: Any, free_port: int
) -> None:
    with running_gateway(port=free_port) as gateway:
        page = open_page(gateway.url, errors=True)  # the browser logs that nobody answers
        page.wait_for_selector("#link.live")
    page.wait_for_selector("#link.lost")
    with running_gateway(port=free_port) as gateway:
        send(gateway, "afterwards")
        page.locator(ROW, has_text="afterwards").wait_for()
