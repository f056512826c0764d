"""The ProjectX dialect of the second door: tokens, envelopes, orders, positions, fills."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sim2live.exchange.accounts import Pool
from sim2live.gateway.projectx.build import SecondDoorOptions

NEVER = "2000-01-01T00:00:00Z"


# -- coming in ------------------------------------------------------------------------------------
def test_anybody_may_log_in_where_no_keys_are_set(second: Any) -> None:
    assert len(second.token) > 30


def test_without_a_token_there_is_401_in_an_envelope(second: Any) -> None:
    second.token = ""
    status, answer = second.ask("Account/search", {"onlyActiveAccounts": True})
    assert status == 401
    assert answer["success"] is False
    assert answer["errorCode"] == 401


def test_a_token_is_good_for_a_day(start: Any, second_of: Any, manual_clock: Any) -> None:
    second = second_of(start(clock=manual_clock)[0])
    manual_clock.advance(24 * 3600 - 1)
    second.post("Account/search", onlyActiveAccounts=True)
    newer = second.post("Auth/validate")["newToken"]
    manual_clock.advance(1)
    assert second.ask("Account/search", {"onlyActiveAccounts": True})[0] == 401
    second.token = newer
    second.post("Account/search", onlyActiveAccounts=True)


def test_a_new_login_leaves_older_tokens_good(second: Any) -> None:
    before = second.token
    second.token = second.post("Auth/loginKey", userName="me", apiKey="key")["token"]
    assert second.token != before
    second.token = before
    second.post("Auth/validate")


def test_validate_and_logout_need_no_body_and_no_content_type(second: Any) -> None:
    bearer = {"Authorization": f"Bearer {second.token}"}
    assert second.client.request("POST", "/api/Auth/validate", b"", bearer)[0] == 200
    assert second.client.request("POST", "/api/Auth/logout", None, bearer)[0] == 200
    assert second.client.request("POST", "/api/Auth/validate", b"", bearer)[0] == 401


def test_keys_are_asked_for_where_they_are_set(start: Any, second_of: Any) -> None:
    options = SecondDoorOptions(keys={"me": "key"})
    second = second_of(start(second=options)[0])
    assert second.fails("Auth/loginKey", userName="me", apiKey="x") == (3, "Invalid credentials")
    assert second.fails("Auth/loginKey", userName="you", apiKey="key")[0] == 1
    assert second.sim_fails("Auth/loginKey", userName="me", apiKey="x")[0] == 401


def test_a_gateways_token_is_the_key_of_its_second_door(start: Any, second_of: Any) -> None:
    gateway, client = start(token="key")
    second_of(gateway)
    wrong = {"userName": "me", "apiKey": "other"}
    assert client.post("/api/Auth/loginKey", wrong)[1]["errorCode"] == 3


@pytest.mark.parametrize("body", [{}, {"userName": "me"}, {"userName": 1, "apiKey": "k"}, [], b"{"])
def test_a_login_without_its_fields_is_400_in_an_envelope(second: Any, body: Any) -> None:
    status, answer = second.ask("Auth/loginKey", body)
    assert status == 400
    assert answer["success"] is False


def test_an_unknown_path_and_a_wrong_method_have_an_envelope(second: Any) -> None:
    assert second.ask("Order/nothing", {})[0] == 404
    bearer = {"Authorization": f"Bearer {second.token}"}
    status, headers, answer = second.client.request("GET", "/api/Order/place", None, bearer)
    assert (status, headers["allow"], answer["success"]) == (405, "POST", False)


def test_ping_is_answered_without_a_token(second: Any) -> None:
    assert second.client.get("/api/Status/ping")["success"] is True


def test_another_sites_page_may_not_ask(second: Any) -> None:
    status, answer = second.client.post(
        "/api/Auth/loginKey", {"userName": "a", "apiKey": "b"}, Origin="http://elsewhere.example"
    )
    assert status == 403
    assert answer["success"] is False


def test_limits_hold_when_switched_on(start: Any, second_of: Any, manual_clock: Any) -> None:
    gateway, _ = start(second=SecondDoorOptions(limited=True), clock=manual_clock)
    second = second_of(gateway)
    bars = {
        "contractId": second.contract, "live": False, "startTime": NEVER, "endTime": NEVER,
        "unit": 2, "unitNumber": 1, "limit": 1, "includePartialBar": True,
    }  # fmt: skip
    for _ in range(50):
        second.post("History/retrieveBars", **bars)
    assert second.ask("History/retrieveBars", bars)[0] == 429
    second.post("Account/search", onlyActiveAccounts=True)  # another limit
    manual_clock.advance(30)
    second.post("History/retrieveBars", **bars)
    codes = [second.ask("Account/search", {"onlyActiveAccounts": True})[0] for _ in range(210)]
    assert codes.count(429) >= 10
    manual_clock.advance(60)
    second.post("Account/search", onlyActiveAccounts=True)


# -- names ----------------------------------------------------------------------------------------
def test_an_account_has_the_fields_of_the_gateway(second: Any) -> None:
    (account,) = second.post("Account/search", onlyActiveAccounts=True)["accounts"]
    assert account == {
        "id": second.account, "name": "python-test-1", "balance": 50_000.0, "canTrade": True,
        "isVisible": True, "simulated": True,
    }  # fmt: skip


def test_account_numbers_survive_a_restart(start: Any, second_of: Any, tmp_path: Any) -> None:
    numbers = set()
    for _ in range(2):
        gateway, _ = start(journal=tmp_path / "g.sqlite3")
        numbers.add(second_of(gateway).account)
        gateway.stop()
    assert len(numbers) == 1


def test_contracts_are_found_by_words_and_have_projectx_roots(second: Any) -> None:
    found = second.post("Contract/search", searchText="E-mini S&P 500", live=False)["contracts"]
    assert found[0]["id"].startswith("CON.F.US.EP.")
    assert found[0]["symbolId"] == "F.US.EP"
    assert (found[0]["tickSize"], found[0]["tickValue"]) == (0.25, 12.5)
    one = second.post("Contract/searchById", contractId=found[0]["id"])["contract"]
    assert one == found[0]
    assert len(second.post("Contract/search", searchText="", live=False)["contracts"]) == 20
    assert len(second.post("Contract/available", live=False)["contracts"]) > 40


def test_live_is_required(second: Any) -> None:
    assert second.ask("Contract/search", {"searchText": "NQ"})[0] == 400


@pytest.mark.parametrize("number", ["", "NQ", "CON.F.US.XXX.Z26", "CON.F.US.ENQ.A26"])
def test_an_unknown_contract_is_code_1(second: Any, number: str) -> None:
    assert second.fails("Contract/searchById", contractId=number)[0] == 1


def test_a_simulated_name_has_an_id_that_can_be_read_back(second: Any) -> None:
    one = second.post("Contract/searchById", contractId="CON.F.SIM.SP500")["contract"]
    assert (one["id"], one["name"]) == ("CON.F.SIM.SP500", "SP500")


# -- orders ---------------------------------------------------------------------------------------
def test_a_market_order_fills_and_shows_everywhere(second: Any) -> None:
    second.push(21_500)
    placed = second.order(side=0, size=3, customTag="one")
    assert set(placed) == {"orderId", "success", "errorCode", "errorMessage"}
    (order,) = second.post("Order/search", accountId=second.account, startTimestamp=NEVER)["orders"]
    assert order["id"] == placed["orderId"]
    assert (order["status"], order["fillVolume"], order["filledPrice"]) == (2, 3, 21_500)
    assert order["customTag"] == "one"
    one = second.post("Order/searchById", accountId=second.account, orderId=order["id"])["order"]
    assert one == order
    (held,) = second.post("Position/searchOpen", accountId=second.account)["positions"]
    assert (held["type"], held["size"], held["averagePrice"]) == (1, 3, 21_500)
    (trade,) = second.post("Trade/search", accountId=second.account, startTimestamp=NEVER)["trades"]
    assert (trade["side"], trade["size"], trade["profitAndLoss"]) == (0, 3, None)
    assert (trade["orderId"], trade["fees"], trade["voided"]) == (order["id"], 0, False)


def test_a_sale_of_more_turns_the_position_and_earns(second: Any) -> None:
    second.push(21_500)
    second.order(side=0, size=1)
    second.push(21_510)
    second.order(side=1, size=3)
    (held,) = second.post("Position/searchOpen", accountId=second.account)["positions"]
    assert (held["type"], held["size"]) == (2, 2)
    trades = second.post("Trade/search", accountId=second.account)["trades"]
    assert [trade["profitAndLoss"] for trade in trades] == [None, 200.0]
    (account,) = second.post("Account/search", onlyActiveAccounts=True)["accounts"]
    assert account["balance"] == 50_200


def test_a_signal_and_an_order_meet_in_one_account(second: Any) -> None:
    instrument = {"exchange": "CME", "symbol": second.symbol}
    assert second.client.signal("from-the-first", instrument=instrument)[0] == 200
    second.order(side=0, size=1)
    (held,) = second.post("Position/searchOpen", accountId=second.account)["positions"]
    assert held["size"] == 2
    orders = second.post("Order/search", accountId=second.account, startTimestamp=NEVER)["orders"]
    assert orders[0]["customTag"] == "from-the-first"
    # A name is used once, whichever door it came through.
    assert second.fails("Order/place", **second.order_fields(side=0, customTag="from-the-first"))


def test_an_order_of_one_account_leaves_the_others_of_its_pool_alone(
    start: Any, second_of: Any
) -> None:
    second = second_of(start(pools={"python-test": Pool.of("python-test", (1, 2))})[0])
    second.push(21_500)
    second.order(side=0, size=1)
    rows = second.client.get("/positions")["positions"]
    assert [(row["account"], row["qty"]) for row in rows] == [("python-test-2", 1)]
    instrument = {"exchange": "CME", "symbol": second.symbol}
    second.client.signal("s", instrument=instrument, qty=2)
    rows = second.client.get("/positions")["positions"]
    assert {row["account"]: row["qty"] for row in rows} == {"python-test-1": 2, "python-test-2": 5}


def test_a_custom_tag_is_unique_in_its_account(second: Any) -> None:
    second.order(side=0, customTag="t")
    code, message = second.fails("Order/place", **second.order_fields(side=0, customTag="t"))
    assert code == 2
    assert "customTag" in message
    second.order(side=0)
    second.order(side=0)


def test_a_limit_rests_until_the_market_comes_to_it(second: Any) -> None:
    second.push(21_500)
    number = second.order(side=0, type=1, limitPrice=21_490)["orderId"]
    (order,) = second.post("Order/searchOpen", accountId=second.account)["orders"]
    assert (order["id"], order["status"], order["limitPrice"]) == (number, 1, 21_490)
    second.push(21_480)
    assert second.post("Order/searchOpen", accountId=second.account)["orders"] == []
    (held,) = second.post("Position/searchOpen", accountId=second.account)["positions"]
    assert held["averagePrice"] == 21_480


def test_bracket_legs_are_suspended_until_the_entry_fills(second: Any) -> None:
    second.push(21_500)
    legs = {
        "stopLossBracket": {"ticks": -40, "type": 4},
        "takeProfitBracket": {"ticks": 80, "type": 1},
    }
    entry = second.order(side=0, type=1, limitPrice=21_490, **legs)["orderId"]
    orders = second.post("Order/search", accountId=second.account, startTimestamp=NEVER)["orders"]
    assert [order["status"] for order in orders] == [1, 8, 8]
    assert [order["stopPrice"] for order in orders] == [None, None, None]
    opened = second.post("Order/searchOpen", accountId=second.account)["orders"]
    assert [order["id"] for order in opened] == [entry]
    second.push(21_489)  # fills at the open, better than asked
    opened = second.post("Order/searchOpen", accountId=second.account)["orders"]
    prices = {order["type"]: order["stopPrice"] or order["limitPrice"] for order in opened}
    assert prices == {4: 21_479.0, 1: 21_509.0}  # distances from the fill
    assert {order["parentOrderId"] for order in opened} == {entry}
    second.push(21_509)
    assert second.post("Order/searchOpen", accountId=second.account)["orders"] == []
    assert second.post("Position/searchOpen", accountId=second.account)["positions"] == []


@pytest.mark.parametrize(
    ("side", "leg", "ticks"),
    [
        (0, "stopLossBracket", 40), (0, "takeProfitBracket", -40), (0, "stopLossBracket", 0),
        (1, "stopLossBracket", -40), (1, "takeProfitBracket", 40), (0, "stopLossBracket", -3),
        (1, "takeProfitBracket", -3),
    ],
)  # fmt: skip
def test_ticks_of_the_wrong_sign_or_too_few_are_refused(
    second: Any, side: int, leg: str, ticks: int
) -> None:
    kind = 4 if leg == "stopLossBracket" else 1
    fields = second.order_fields(side=side, **{leg: {"ticks": ticks, "type": kind}})
    code, message = second.fails("Order/place", **fields)
    assert code == 2
    assert f"({ticks})" in message


def test_a_stop_leg_is_a_stop_and_a_target_is_a_limit(second: Any) -> None:
    for leg in ({"stopLossBracket": {"ticks": -9, "type": 1}},
                {"takeProfitBracket": {"ticks": 9, "type": 4}}):  # fmt: skip
        assert second.fails("Order/place", **second.order_fields(side=0, **leg))[0] == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"type": 1}, {"type": 4}, {"type": 3, "limitPrice": 1.0}, {"type": 5},
        {"type": 1, "limitPrice": 1.0, "stopPrice": 1.0}, {"limitPrice": 1.0},
        {"type": 1, "limitPrice": 21_500.1}, {"type": 1, "limitPrice": 1e300}, {"type": 0},
        {"type": 6}, {"type": 7}, {"type": 9}, {"side": 2}, {"size": 0}, {"size": -1},
        {"linkedOrderId": 1}, {"customTag": "a\nb"},
    ],
)  # fmt: skip
def test_an_order_that_cannot_be_is_code_2(second: Any, fields: dict[str, Any]) -> None:
    second.push(21_500)
    code, message = second.fails("Order/place", **second.order_fields(**{"side": 0, **fields}))
    assert (code, bool(message)) == (2, True)


@pytest.mark.parametrize("size", [1.5, "1", True, None, 2**31])
def test_a_size_that_is_no_int32_is_400(second: Any, size: Any) -> None:
    assert second.ask("Order/place", second.order_fields(side=0, size=size))[0] == 400


def test_unknown_accounts_and_contracts_have_codes(second: Any) -> None:
    fields = second.order_fields(side=0)
    assert second.fails("Order/place", **{**fields, "accountId": 1})[0] == 1
    assert second.fails("Order/place", **{**fields, "contractId": "x"})[0] == 8
    assert second.fails("Order/searchOpen", accountId=1)[0] == 1
    assert second.fails("Position/searchOpen", accountId=1)[0] == 1
    assert second.fails("Trade/search", accountId=1)[0] == 1


def test_a_trailing_stop_follows_the_market_and_reads_back_a_distance(second: Any) -> None:
    second.push(21_500)
    second.order(side=0)
    second.order(side=1, type=5, trailPrice=21_490)
    (order,) = second.post("Order/searchOpen", accountId=second.account)["orders"]
    assert (order["type"], order["trailPrice"], order["stopPrice"]) == (5, 10, 21_490)
    second.push(21_520, 21_515)
    (order,) = second.post("Order/searchOpen", accountId=second.account)["orders"]
    assert order["stopPrice"] == 21_510
    second.push(21_509)
    assert second.post("Position/searchOpen", accountId=second.account)["positions"] == []
    fields = second.order_fields(side=1, type=5)
    assert second.fails("Order/place", **fields, trailPrice=21_509)[0] == 2  # no distance
    assert second.fails("Order/place", **fields, trailPrice=21_258.75)[0] == 2  # 1,001 ticks


def test_modify_changes_what_it_names_and_leaves_the_rest(second: Any) -> None:
    second.push(21_500)
    account, number = second.account, second.order(side=0, type=1, limitPrice=21_400)["orderId"]
    second.post("Order/modify", accountId=account, orderId=number, size=4)
    second.post("Order/modify", accountId=account, orderId=number, limitPrice=21_410)
    (order,) = second.post("Order/searchOpen", accountId=account)["orders"]
    assert (order["size"], order["limitPrice"]) == (4, 21_410)
    for wrong in ({"size": 0}, {"stopPrice": 1.0}, {"trailPrice": 1.0}, {"limitPrice": 0.1}):
        assert second.fails("Order/modify", accountId=account, orderId=number, **wrong)[0] == 3
    second.post("Order/modify", accountId=account, orderId=number, limitPrice=21_600)
    assert second.post("Order/searchOpen", accountId=account)["orders"] == []


def test_cancel_works_once(second: Any) -> None:
    second.push(21_500)
    account, number = second.account, second.order(side=0, type=1, limitPrice=21_400)["orderId"]
    second.post("Order/cancel", accountId=account, orderId=number)
    assert second.fails("Order/cancel", accountId=account, orderId=number)[0] == 3
    assert second.fails("Order/cancel", accountId=account, orderId=99)[0] == 2
    assert second.fails("Order/cancel", accountId=1, orderId=number)[0] == 1
    found = second.post("Order/searchById", accountId=account, orderId=number)["order"]
    assert found["status"] == 3


def test_search_is_bounded_by_its_times(second: Any) -> None:
    second.order(side=0)
    account = second.account
    found = second.post("Order/search", accountId=account, startTimestamp="2999-01-01")["orders"]
    assert found == []
    both = {"startTimestamp": NEVER, "endTimestamp": NEVER}
    assert second.post("Order/search", accountId=account, **both)["orders"] == []
    assert second.post("Trade/search", accountId=account, **both)["trades"] == []
    assert second.ask("Order/search", {"accountId": account, "startTimestamp": "x"})[0] == 400
    assert second.ask("Order/search", {"accountId": account})[0] == 400


# -- positions ------------------------------------------------------------------------------------
def test_closing_a_position_leaves_its_legs(second: Any) -> None:
    second.push(21_500)
    account, contract = second.account, second.contract
    second.order(side=0, size=3, stopLossBracket={"ticks": -40, "type": 4})
    where = {"accountId": account, "contractId": contract}
    for size in (0, 4):
        assert second.fails("Position/partialCloseContract", **where, size=size)[0] == 5
    second.post("Position/partialCloseContract", **where, size=1)
    (held,) = second.post("Position/searchOpen", accountId=account)["positions"]
    assert held["size"] == 2
    second.post("Position/closeContract", **where)
    assert second.post("Position/searchOpen", accountId=account)["positions"] == []
    assert len(second.post("Order/searchOpen", accountId=account)["orders"]) == 1
    assert second.fails("Position/closeContract", **where)[0] == 2
    assert second.fails("Position/closeContract", accountId=account, contractId="x")[0] == 3
    assert second.fails("Position/closeContract", accountId=1, contractId=contract)[0] == 1


# -- bars -----------------------------------------------------------------------------------------
def bars(second: Any, **fields: Any) -> dict[str, Any]:
    return {
        "contractId": second.contract, "live": False, "startTime": "2026-01-05T00:00:00Z",
        "endTime": "2027-01-05T00:00:00Z", "unit": 1, "unitNumber": 1, "limit": 10,
        "includePartialBar": True, **fields,
    }  # fmt: skip


def test_bars_stand_newest_first_and_the_limit_keeps_the_newest(second: Any) -> None:
    second.push(1, 2, 3, 4)
    found = second.post("History/retrieveBars", **bars(second, limit=2))["bars"]
    assert [bar["c"] for bar in found] == [4, 3]
    assert found[0]["t"] == "2026-01-05T15:00:03Z"  # its start
    assert set(found[0]) == {"t", "o", "h", "l", "c", "v"}


def test_fine_bars_make_coarse_ones(second: Any) -> None:
    second.push(5, 7, 3, 4)
    (bar,) = second.post("History/retrieveBars", **bars(second, unit=2))["bars"]
    assert bar == {"t": "2026-01-05T15:00:00Z", "o": 5, "h": 7, "l": 3, "c": 4, "v": 0}
    for unit, start in ((4, "2026-01-05"), (5, "2026-01-05"), (6, "2026-01-01")):
        early = bars(second, unit=unit, startTime="2025-01-01")
        (bar,) = second.post("History/retrieveBars", **early)["bars"]
        assert bar["t"] == f"{start}T00:00:00Z"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"contractId": "x"}, 1), ({"unit": 0}, 2), ({"unit": 7}, 2), ({"unitNumber": 0}, 3),
        ({"limit": 0}, 4), ({"limit": 20_001}, 4),
    ],
)  # fmt: skip
def test_a_wrong_question_for_bars_has_its_code(
    second: Any, fields: dict[str, Any], code: int
) -> None:
    assert second.fails("History/retrieveBars", **bars(second, **fields))[0] == code


# -- memory ---------------------------------------------------------------------------------------
def test_orders_of_the_second_door_survive_a_restart(
    start: Any, second_of: Any, tmp_path: Any
) -> None:
    def seen(second: Any) -> Any:
        account = second.account
        return [
            second.post("Order/search", accountId=account, startTimestamp=NEVER),
            second.post("Position/searchOpen", accountId=account),
            second.post("Trade/search", accountId=account),
            second.post("Account/search", onlyActiveAccounts=False),
        ]

    gateway, _ = start(journal=tmp_path / "g.sqlite3")
    second = second_of(gateway)
    second.order(side=0, size=2, stopLossBracket={"ticks": -40_000, "type": 4}, customTag="a")
    number = second.order(side=1, type=1, limitPrice=90_000)["orderId"]
    second.post("Order/modify", accountId=second.account, orderId=number, size=7)
    other = second.order(side=1, type=1, limitPrice=90_000)["orderId"]
    second.post("Order/cancel", accountId=second.account, orderId=other)
    begun = second.sim(
        "Replay/start", instrumentSymbol="ES", startDate="2025-01-15", timeframe="1m"
    )
    session = {"accountId": begun["accountId"]}
    second.sim("Replay/step", **session, count=5)
    order = {**session, "contractId": begun["contractId"], "size": 1}
    second.sim("Order/place", **order, type=2, side=0, sl_ticks=4, tp_ticks=4)
    second.sim("Replay/step", **session, count=100)
    second.sim("Order/place", **order, type=2, side=1)
    second.sim("Replay/end", **session)
    before = seen(second), second.sim("Trade/search", **session)
    gateway.stop()
    again = second_of(start(journal=tmp_path / "g.sqlite3")[0])
    assert (seen(again), again.sim("Trade/search", **session)) == before
    assert again.fails("Order/place", **again.order_fields(side=0, customTag="a"))[0] == 2


def test_an_account_that_is_not_configured_any_more_leaves_the_others_as_they_were(
    start: Any, second_of: Any, tmp_path: Any, caplog: Any
) -> None:
    both = {"gone": Pool.of("gone"), "kept": Pool.of("kept")}
    gateway, client = start(pools=both, journal=tmp_path / "g.sqlite3")
    second = second_of(gateway)
    found = second.post("Account/search", onlyActiveAccounts=True)["accounts"]
    gone, kept = (row["id"] for row in sorted(found, key=lambda row: row["name"]))
    assert client.signal("s1", workflow_id="gone")[0] == 200
    numbers = {}
    for name, account in [("a", gone), ("b", kept), ("c", gone), ("d", kept), ("e", gone)]:
        order = {"accountId": account, "side": 1, "type": 1, "limitPrice": 90_000}
        legs = {"takeProfitBracket": {"ticks": -40, "type": 1}} if account == gone else {}
        numbers[name] = second.order(**order, **legs)["orderId"]
    for name, size in [("c", 8), ("d", 7), ("e", 9)]:
        account = kept if name == "d" else gone
        second.post("Order/modify", accountId=account, orderId=numbers[name], size=size)
    second.post("Order/cancel", accountId=gone, orderId=numbers["a"])
    before = second.post("Order/searchOpen", accountId=kept)["orders"]
    assert [(row["id"], row["size"]) for row in before] == [(numbers["b"], 1), (numbers["d"], 7)]
    gateway.stop()
    again = second_of(start(pools={"kept": Pool.of("kept")}, journal=tmp_path / "g.sqlite3")[0])
    assert again.post("Order/searchOpen", accountId=kept)["orders"] == before
    assert caplog.text.count("is not configured any more") == 4
    new = again.order(accountId=kept, side=1, type=1, limitPrice=90_000)["orderId"]
    assert new > numbers["e"]


def test_every_answer_is_json_with_an_envelope(second: Any) -> None:
    status, headers, answer = second.client.request(
        "POST", "/api/Account/search", json.dumps({"onlyActiveAccounts": True}).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {second.token}",
         "Accept": "text/plain"},
    )  # fmt: skip
    assert status == 200
    assert headers["content-type"] == "application/json"
    assert {"success", "errorCode", "errorMessage"} <= set(answer)
