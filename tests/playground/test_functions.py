"""Each row of the page's tables of functions and globals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sim2live.errors import ConfigError
from sim2live.playground.api import DEFAULTS, Header

FUNCTIONS = [
    "api", "place_order", "get_positions", "close_all_positions", "get_account", "read_speed",
    "get_next_bar",
]  # fmt: skip


def order(names: dict[str, Any], side: int, size: int = 1, **more: Any) -> Any:
    return names["place_order"](names["ACCOUNT_ID"], names["CONTRACT_ID"], side, size, **more)


def held(names: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = names["get_positions"](names["ACCOUNT_ID"])
    return found


# -- api ------------------------------------------------------------------------------------------
def test_api_returns_the_answer_as_a_dict(names: dict[str, Any]) -> None:
    result = names["api"]("Account/search", {"onlyActiveAccounts": True})
    assert result["success"] is True
    assert result["accounts"][0]["id"] == names["ACCOUNT_ID"]
    assert names["api"]("Status/ping")["success"] is True
    assert names["api"]("Auth/validate")["newToken"]


def test_api_gives_the_status_of_an_http_error_and_prints_it(
    names: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    result = names["api"]("Nothing/there", {})
    assert (result["success"], result["errorCode"]) == (False, 404)
    assert "no such endpoint" in result["errorMessage"]
    printed = capsys.readouterr()
    assert printed.err.startswith("[ERROR]")
    assert printed.out == ""


def test_api_gives_minus_one_where_nobody_listens(
    free_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    header = Header({"TESTMAX_API_URL": f"http://127.0.0.1:{free_port}/api/topstep-sim"})
    result = header.api("Account/search", {})
    assert (result["success"], result["errorCode"]) == (False, -1)
    assert result["errorMessage"]
    assert capsys.readouterr().err.startswith("[ERROR]")
    # What builds on it says "nothing" and does not raise.
    assert header.get_next_bar() is None
    assert header.get_positions(1) == []
    assert header.get_account() is None
    assert header.close_all_positions(1, "x") is None


def test_an_old_token_is_an_http_error(header: Any) -> None:
    assert header(TESTMAX_TOKEN="old")["api"]("Account/search", {})["errorCode"] == 401


# -- place_order ----------------------------------------------------------------------------------
def test_a_market_order_is_the_default(names: dict[str, Any]) -> None:
    bar = names["get_next_bar"]()
    answer = order(names, 0)
    assert (answer["success"], answer["orderStatus"]) == (True, 2)
    (position,) = held(names)
    assert position["averagePrice"] == bar["c"]


@pytest.mark.parametrize(
    ("kind", "field", "price"), [(1, "limit_price", 10_000.0), (4, "stop_price", 90_000.0)]
)
def test_limit_and_stop_orders_rest_with_their_price(
    names: dict[str, Any], kind: int, field: str, price: float
) -> None:
    names["get_next_bar"]()
    assert order(names, 0, order_type=kind, **{field: price})["orderStatus"] == 6
    (row,) = names["api"]("Order/searchOpen", {"accountId": names["ACCOUNT_ID"]})["orders"]
    assert (row["type"], row["limitPrice"] or row["stopPrice"]) == (kind, price)


def test_an_order_without_its_price_is_refused(names: dict[str, Any]) -> None:
    answer = order(names, 0, order_type=1)
    assert (answer["success"], answer["errorCode"]) == (False, 400)


def test_a_price_of_zero_is_a_price(names: dict[str, Any]) -> None:
    names["get_next_bar"]()
    assert order(names, 0, order_type=1, limit_price=0.0)["success"]
    (row,) = names["api"]("Order/searchOpen", {"accountId": names["ACCOUNT_ID"]})["orders"]
    assert row["limitPrice"] == 0


@pytest.mark.parametrize(("side", "sign"), [(0, 1), (1, -1)])
def test_ticks_have_no_sign_and_are_measured_from_the_fill(
    names: dict[str, Any], side: int, sign: int
) -> None:
    price = names["get_next_bar"]()["c"]
    order(names, side, sl_ticks=2000, tp_ticks=4000)
    rows = names["api"]("Order/searchOpen", {"accountId": names["ACCOUNT_ID"]})["orders"]
    prices = {row["type"]: row["stopPrice"] or row["limitPrice"] for row in rows}
    assert prices == {4: price - sign * 500, 1: price + sign * 1000}


# -- get_positions, close_all_positions, get_account ----------------------------------------------
def test_positions_have_the_four_fields_of_the_page(names: dict[str, Any]) -> None:
    assert held(names) == []
    bar = names["get_next_bar"]()
    order(names, 1, 2)
    (position,) = held(names)
    assert {field: position[field] for field in ("type", "size", "averagePrice", "contractId")} == {
        "type": 2, "size": 2, "averagePrice": bar["c"], "contractId": names["CONTRACT_ID"],
    }  # fmt: skip


@pytest.mark.parametrize("side", [0, 1])
def test_close_all_positions_flattens_and_returns_none(names: dict[str, Any], side: int) -> None:
    names["get_next_bar"]()
    close = names["close_all_positions"]
    assert close(names["ACCOUNT_ID"], names["CONTRACT_ID"]) is None  # nothing to do
    order(names, side, 3)
    assert close(names["ACCOUNT_ID"], names["CONTRACT_ID"]) is None
    assert held(names) == []
    trades = names["api"]("Trade/search", {"accountId": names["ACCOUNT_ID"]})["trades"]
    assert [trade["size"] for trade in trades] == [3, 3]


def test_get_account_finds_one_or_the_first_or_none(names: dict[str, Any]) -> None:
    account = names["get_account"](names["ACCOUNT_ID"])
    assert (account["id"], account["balance"]) == (names["ACCOUNT_ID"], 50_000)
    assert account["name"]
    assert names["get_account"]() == account
    assert names["get_account"](1) is None


# -- read_speed -----------------------------------------------------------------------------------
def test_read_speed_changes_the_scripts_own_global(header: Any, tmp_path: Path) -> None:
    file = tmp_path / "speed"
    names = header(SPEED_FILE=str(file), STEP_DELAY="0.5")
    assert names["read_speed"]() == 0.5  # there is no file yet
    file.write_text("0.25\n")
    assert names["read_speed"]() == 0.25
    assert names["STEP_DELAY"] == 0.25
    for nonsense in ("", "fast", "-1", "nan", "inf"):
        file.write_text(nonsense)
        assert names["read_speed"]() == 0.25
    file.write_bytes(b"\xff\xfe")
    assert names["read_speed"]() == 0.25


# -- get_next_bar ---------------------------------------------------------------------------------
def test_bars_come_one_by_one_and_end_with_none(names: dict[str, Any]) -> None:
    bars = []
    while (bar := names["get_next_bar"]()) is not None:
        bars.append(bar)
    assert len(bars) == names["TOTAL_BARS"] == 390
    assert bars[0]["t"] == "2025-01-15T14:30:00Z"
    assert [type(bars[0][field]) for field in "ohlcv"] == [float] * 4 + [int]
    assert [bar["t"] for bar in bars] == sorted({bar["t"] for bar in bars})
    assert names["get_next_bar"]() is None


def test_a_bar_past_the_end_date_is_none(header: Any) -> None:
    assert header(END_DATE="2025-01-14")["get_next_bar"]() is None


def test_a_bar_in_a_list_is_a_bar_too(names: dict[str, Any], monkeypatch: Any) -> None:
    """The documents do not show the answer of step; both forms are understood."""
    header = names["get_next_bar"].__self__
    monkeypatch.setattr(header, "api", lambda *_: {"bars": [{"t": "2025-01-15T14:30:00"}]})
    assert header.get_next_bar() == {"t": "2025-01-15T14:30:00"}
    monkeypatch.setattr(header, "api", lambda *_: {"success": True, "bars": []})
    assert header.get_next_bar() is None


# -- globals --------------------------------------------------------------------------------------
def test_the_globals_are_those_of_the_page(
    names: dict[str, Any], environment: dict[str, str]
) -> None:
    assert names["API_URL"] == environment["TESTMAX_API_URL"]
    assert names["TOKEN"] == environment["TESTMAX_TOKEN"]
    assert (names["INSTRUMENT"], names["TIMEFRAME"]) == ("NQ", "1m")
    assert (names["START_DATE"], names["END_DATE"]) == ("2025-01-15", "2025-01-15")
    assert (names["STEP_DELAY"], names["TOTAL_BARS"], names["MAX_BARS"]) == (0.0, 390, 390)
    assert type(names["ACCOUNT_ID"]) is int
    assert names["CONTRACT_ID"] == "CON.F.US.ENQ.H25"
    assert set(names) == set(FUNCTIONS) | {
        "API_URL", "TOKEN", "INSTRUMENT", "START_DATE", "END_DATE", "TIMEFRAME", "STEP_DELAY",
        "ACCOUNT_ID", "CONTRACT_ID", "TOTAL_BARS", "MAX_BARS",
    }  # fmt: skip


def test_missing_variables_have_the_pages_defaults() -> None:
    names = Header({}).names
    assert names["API_URL"] == "http://localhost:8087/api/topstep-sim"
    assert (names["INSTRUMENT"], names["START_DATE"]) == ("NQ", "2025-01-15")
    assert (names["TIMEFRAME"], names["STEP_DELAY"]) == ("1s", 0.02)
    assert (names["ACCOUNT_ID"], names["CONTRACT_ID"], names["TOTAL_BARS"]) == (0, "", 5000)
    assert Header({"MAX_BARS": "50"}).names["MAX_BARS"] == 50


@pytest.mark.parametrize("name", ["ACCOUNT_ID", "TOTAL_BARS", "MAX_BARS", "STEP_DELAY"])
def test_a_variable_that_is_no_number_is_named(name: str) -> None:
    assert name in DEFAULTS
    with pytest.raises(ConfigError, match=name):
        Header({name: "many"})
