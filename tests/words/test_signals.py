"""The wire word: what it accepts, what it refuses and how it says so."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2live.errors import SignalError
from sim2live.signals import (
    MAX_BYTES,
    Bracket,
    Instrument,
    OrderSpec,
    Signal,
    StopLoss,
    TakeProfit,
    decode,
)

MES = Instrument("CME", "MESZ6")
BASE: dict[str, Any] = {
    "schema_version": "1.0",
    "signal_id": "b7",
    "workflow_id": "pool-a",
    "instrument": {"exchange": "CME", "symbol": "MESZ6"},
    "side": "BUY",
    "qty": 1,
}


def make(**changes: Any) -> Signal:
    words = {"signal_id": "b7", "workflow_id": "pool-a", "instrument": MES, "side": "BUY", "qty": 1}
    return Signal(**{**words, **changes})


def body(**changes: Any) -> bytes:
    return json.dumps({**BASE, **changes}).encode()


def refused(data: bytes) -> SignalError:
    with pytest.raises(SignalError) as caught:
        decode(data)
    return caught.value


# ---------------------------------------------------------------- what it looks like


def test_a_market_order_says_only_what_it_must() -> None:
    assert make().encode() == (
        b'{"schema_version":"1.0","signal_id":"b7","workflow_id":"pool-a",'
        b'"instrument":{"exchange":"CME","symbol":"MESZ6"},"side":"BUY","qty":1}'
    )


def test_a_full_signal_stands_on_the_wire_field_by_field() -> None:
    signal = make(
        schema_version="1.1",
        side="SHORT",
        qty=3,
        order_type="STOP_LIMIT",
        trigger_price=5070,
        limit_price=5069.75,
        bracket=Bracket(TakeProfit(5050), StopLoss(5080)),
        open_close="OPEN",
        action="MODIFY",
        order_id="o1",
        parent_order_id="p1",
    )
    assert json.loads(signal.encode()) == {
        **BASE,
        "schema_version": "1.1",
        "side": "SELL",
        "qty": 3,
        "order_type": "STOP_LIMIT",
        "trigger_price": 5070.0,
        "limit_price": 5069.75,
        "bracket": {"take_profit": {"limit_price": 5050.0}, "stop_loss": {"trigger_price": 5080.0}},
        "open_close": "OPEN",
        "action": "MODIFY",
        "order_id": "o1",
        "parent_order_id": "p1",
    }


def test_long_and_short_mean_buy_and_sell() -> None:
    assert make(side="LONG") == make(side="BUY") == decode(body(side="LONG"))
    assert make(side="SHORT") == make(side="SELL") == decode(body(side="SHORT"))
    assert (make(side="LONG", qty=2).signed, make(side="SHORT", qty=2).signed) == (2, -2)


def test_equal_means_the_same_meaning_not_the_same_bytes() -> None:
    spelled_out = body(order_type="MARKET", limit_price=None, bracket=None, side="LONG")
    assert decode(spelled_out) == make()
    assert hash(decode(spelled_out)) == hash(make())


def test_copies_are_equal() -> None:
    signal = make(bracket=Bracket(TakeProfit(2.0)))
    assert pickle.loads(pickle.dumps(signal)) == signal == copy.deepcopy(signal)
    assert msgspec.structs.replace(signal, qty=2).qty == 2
    with pytest.raises(SignalError, match="qty=0"):
        msgspec.structs.replace(signal, qty=0)


def test_a_signal_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        make().qty = 2  # type: ignore[misc]


def test_the_largest_signal_is_far_below_the_limit_of_the_venue() -> None:
    wide = "\U0001f4c8" * 128
    quote = '"' * 64
    signal = make(
        schema_version="1.1",
        signal_id=wide,
        workflow_id=wide,
        instrument=Instrument(quote, quote),
        qty=2**31 - 1,
        order_type="STOP_LIMIT",
        limit_price=-1.2345678901234567e-300,
        trigger_price=-1.2345678901234567e-300,
        bracket=Bracket(TakeProfit(1.2345678901234567e300), StopLoss(-1.2345678901234567e300)),
        open_close="CLOSE",
        action="MODIFY",
        order_id=wide,
        parent_order_id=wide,
    )
    assert len(signal.encode()) < MAX_BYTES // 10
    assert decode(signal.encode()) == signal


# ---------------------------------------------------------------- refusals, both ways in

PRICE = "must be a number"
FINITE = "must be a finite number"
WHOLE = "must be a whole number from 1 to 2147483647"
INF, NAN = float("inf"), float("nan")

# field, value, rule: the same sentence from Python and from the wire.
REFUSED: list[tuple[str, Any, str]] = [
    ("qty", True, WHOLE),
    ("qty", "2", WHOLE),
    ("qty", 1.5, WHOLE),
    ("qty", 2.0, WHOLE),
    ("qty", NAN, WHOLE),
    ("qty", INF, WHOLE),
    ("qty", None, WHOLE),
    ("qty", [1], WHOLE),
    ("qty", 0, WHOLE),
    ("qty", -1, WHOLE),
    ("qty", 2**31, WHOLE),
    ("qty", 10**400, WHOLE),
    ("side", "HOLD", "must be one of BUY, SELL, LONG, SHORT"),
    ("side", "buy", "must be one of BUY, SELL, LONG, SHORT"),
    ("side", 1, "must be one of BUY, SELL, LONG, SHORT"),
    ("side", None, "must be one of BUY, SELL, LONG, SHORT"),
    ("order_type", "TRAIL", "must be one of MARKET, LIMIT, STOP, STOP_LIMIT"),
    ("order_type", None, "must be one of MARKET, LIMIT, STOP, STOP_LIMIT"),
    ("order_type", "LIMIT", "is needed by order_type LIMIT"),
    ("open_close", "FLAT", "must be one of OPEN, CLOSE"),
    ("schema_version", "2.0", "must be one of 1.0, 1.1"),
    ("schema_version", 1.0, "must be one of 1.0, 1.1"),
    ("signal_id", "", "must not be empty"),
    ("signal_id", 7, "must be text"),
    ("signal_id", None, "must be text"),
    ("signal_id", "a\nb", "must hold printable characters only"),
    ("signal_id", "\ud800", "must hold printable characters only"),
    ("signal_id", "x" * 129, "must have at most 128 characters, not 129"),
    ("workflow_id", "", "must not be empty"),
    ("workflow_id", ".", "must not be . or .."),
    ("workflow_id", "..", "must not be . or .."),
    ("workflow_id", "a\x7f", "must hold printable characters only"),
    ("limit_price", 5, "does not belong to order_type MARKET"),
    ("limit_price", 0, "does not belong to order_type MARKET"),
    ("trigger_price", 5.0, "does not belong to order_type MARKET"),
    ("action", "NEW", "exists in schema 1.1 only"),
    ("order_id", "o", "exists in schema 1.1 only"),
    ("parent_order_id", "o", "exists in schema 1.1 only"),
]


@pytest.mark.parametrize(("field", "value", "rule"), REFUSED)
def test_a_broken_rule_is_named_on_construction(field: str, value: Any, rule: str) -> None:
    with pytest.raises(SignalError) as caught:
        make(**{field: value})
    named = "limit_price" if value == "LIMIT" else field
    assert (caught.value.field, caught.value.rule) == (named, rule)
    if named == field:
        assert caught.value.value is value
    assert str(caught.value).startswith(f"{named}=")
    assert str(caught.value).endswith(f": {rule}")


@pytest.mark.parametrize(("field", "value", "rule"), REFUSED)
def test_a_broken_rule_is_named_on_decode(field: str, value: Any, rule: str) -> None:
    error = refused(body(**{field: value}))
    named = "limit_price" if value == "LIMIT" else field
    assert (error.field, error.rule) == (named, rule)
    assert error.__context__ is None or isinstance(error.__context__, SignalError)


@pytest.mark.parametrize("bad", ["5070", True, NAN, INF, -INF, [5070], 10**400])
@pytest.mark.parametrize("field", ["limit_price", "trigger_price"])
def test_a_price_is_a_finite_number(field: str, bad: Any) -> None:
    prices = {"limit_price": 5.0, "trigger_price": 5.0, field: bad}
    rule = PRICE if isinstance(bad, (str, bool, list)) else FINITE
    with pytest.raises(SignalError) as caught:
        make(order_type="STOP_LIMIT", **prices)
    assert (caught.value.field, caught.value.rule) == (field, rule)
    error = refused(body(order_type="STOP_LIMIT", **prices))
    assert (error.field, error.rule) == (field, rule)


def test_a_number_past_the_range_of_a_float_is_refused() -> None:
    data = body(order_type="LIMIT", limit_price=1).replace(
        b'"limit_price": 1', b'"limit_price": 1e400'
    )
    assert str(refused(data)) == "limit_price=inf: must be a finite number"
    data = data.replace(b"1e400", b"1" * 5000)
    assert str(refused(data)) == "limit_price=inf: must be a finite number"
    assert "qty=1111" in str(refused(body().replace(b'"qty": 1', b'"qty": ' + b"1" * 3000)))
    assert len(str(refused(body().replace(b'"qty": 1', b'"qty": ' + b"1" * 3000)))) < 200


@pytest.mark.parametrize("price", [0, 0.0, -37.63, 5e-324, 1.7976931348623157e308])
def test_zero_negative_and_extreme_prices_pass(price: float) -> None:
    signal = make(order_type="LIMIT", limit_price=price)
    assert signal.limit_price == price
    assert type(signal.limit_price) is float
    assert decode(signal.encode()) == signal


@pytest.mark.parametrize(
    ("order_type", "needed"),
    [
        ("MARKET", set()),
        ("LIMIT", {"limit_price"}),
        ("STOP", {"trigger_price"}),
        ("STOP_LIMIT", {"limit_price", "trigger_price"}),
    ],
)
@pytest.mark.parametrize("given_limit", [True, False])
@pytest.mark.parametrize("given_trigger", [True, False])
def test_an_order_type_takes_its_own_prices_only(
    order_type: Any, needed: set[str], given_limit: bool, given_trigger: bool
) -> None:
    prices: dict[str, Any] = {}
    if given_limit:
        prices["limit_price"] = 5.0
    if given_trigger:
        prices["trigger_price"] = 5.0
    if set(prices) == needed:
        assert decode(make(order_type=order_type, **prices).encode()).order_type == order_type
        assert OrderSpec(order_type=order_type, **prices).order_type == order_type
        return
    wrong = (set(prices) ^ needed) & {"limit_price", "trigger_price"}
    for build in (make, OrderSpec):
        with pytest.raises(SignalError) as caught:
            build(order_type=order_type, **prices)
        assert caught.value.field in wrong
        assert order_type in caught.value.rule
    assert refused(body(order_type=order_type, **prices)).field in wrong


def test_an_instrument_of_another_class_is_refused() -> None:
    for wrong in ("CME:MESZ6", None, {"exchange": "CME", "symbol": "MESZ6"}):
        with pytest.raises(SignalError, match="must be of class Instrument"):
            make(instrument=wrong)
    with pytest.raises(SignalError, match=r"bracket=.*must be of class Bracket"):
        make(bracket={"take_profit": {"limit_price": 1.0}})
    with pytest.raises(SignalError, match=r"bracket=.*must be of class Bracket"):
        OrderSpec(bracket="x")  # type: ignore[arg-type]
    with pytest.raises(SignalError, match=r"take_profit=.*must be of class TakeProfit"):
        Bracket(take_profit=5.0)  # type: ignore[arg-type]
    with pytest.raises(SignalError, match=r"stop_loss=.*must be of class StopLoss"):
        Bracket(stop_loss=TakeProfit(5.0))  # type: ignore[arg-type]


def test_the_reference_of_an_order_is_a_finite_price() -> None:
    assert OrderSpec(reference=0).reference == 0.0
    with pytest.raises(SignalError, match="reference=nan: must be a finite number"):
        OrderSpec(reference=NAN)


# ---------------------------------------------------------------- instruments


def test_an_instrument_reads_and_prints_the_same_text() -> None:
    assert Instrument.parse("CME:MESZ6") == MES
    assert str(MES) == "CME:MESZ6"
    assert Instrument.parse("CME:a:b") == Instrument("CME", "a:b")
    assert {MES: 1}[Instrument("CME", "MESZ6")] == 1
    assert sorted([MES, Instrument("CBOT", "ZNZ6")])[0].exchange == "CBOT"


@pytest.mark.parametrize(
    ("text", "field", "rule"),
    [
        ("MESZ6", "instrument", "must be EXCHANGE:SYMBOL, such as CME:MESZ6"),
        ("", "instrument", "must be EXCHANGE:SYMBOL, such as CME:MESZ6"),
        (":MESZ6", "exchange", "must not be empty"),
        ("CME:", "symbol", "must not be empty"),
        ("CME: MESZ6", "symbol", "must not begin or end with a blank"),
        ("CME :MESZ6", "exchange", "must not begin or end with a blank"),
        ("CME:MES\tZ6", "symbol", "must hold printable characters only"),
        ("CME:" + "x" * 65, "symbol", "must have at most 64 characters, not 65"),
    ],
)
def test_a_malformed_instrument_is_refused(text: str, field: str, rule: str) -> None:
    with pytest.raises(SignalError) as caught:
        Instrument.parse(text)
    assert (caught.value.field, caught.value.rule) == (field, rule)


def test_the_parts_of_an_instrument_are_text() -> None:
    for exchange, symbol, field in ((5, "MESZ6", "exchange"), ("CME", None, "symbol")):
        with pytest.raises(SignalError, match=f"{field}=.*must be text"):
            Instrument(exchange, symbol)  # type: ignore[arg-type]
    assert Instrument("Ä" * 64, "a b-c" * 12).symbol.startswith("a b-c")


def test_an_exchange_has_no_colon() -> None:
    with pytest.raises(SignalError, match="must not contain a colon"):
        Instrument("C:ME", "MESZ6")
    error = refused(body(instrument={"exchange": "C:ME", "symbol": "MESZ6"}))
    assert str(error) == "instrument.exchange='C:ME': must not contain a colon"


# ---------------------------------------------------------------- brackets


@pytest.mark.parametrize(
    ("order", "take", "stop", "wrong"),
    [
        ({"side": "BUY"}, 110.0, 90.0, None),
        ({"side": "SELL"}, 90.0, 110.0, None),
        ({"side": "BUY"}, 90.0, 110.0, "take_profit.limit_price"),
        ({"side": "SELL"}, 110.0, 90.0, "take_profit.limit_price"),
        ({"side": "LONG"}, 100.0, 100.0, "take_profit.limit_price"),
        # A market entry has no price, so one leg alone can be anywhere.
        ({"side": "BUY"}, 1.0, None, None),
        ({"side": "BUY"}, None, 1e9, None),
        ({"order_type": "LIMIT", "limit_price": 100.0}, 110.0, None, None),
        ({"order_type": "LIMIT", "limit_price": 100.0}, 99.0, None, "take_profit.limit_price"),
        ({"order_type": "LIMIT", "limit_price": 100.0}, 110.0, 100.0, "stop_loss.trigger_price"),
        ({"order_type": "STOP", "trigger_price": 100.0}, 100.0, 90.0, "take_profit.limit_price"),
        ({"order_type": "STOP", "trigger_price": 100.0}, None, 101.0, "stop_loss.trigger_price"),
        ({"order_type": "STOP", "trigger_price": 0.0}, -1.0, None, "take_profit.limit_price"),
        ({"order_type": "STOP", "trigger_price": 0.0}, 1.0, -1.0, None),
        (
            {"order_type": "STOP", "trigger_price": 100.0, "side": "SELL"},
            90.0, 95.0, "stop_loss.trigger_price",
        ),
        # The entry of a stop-limit order lies between its two prices.
        (
            {"order_type": "STOP_LIMIT", "trigger_price": 100.0, "limit_price": 105.0},
            103.0, 101.0, None,
        ),
        (
            {"order_type": "STOP_LIMIT", "trigger_price": 100.0, "limit_price": 105.0},
            100.0, 99.0, "take_profit.limit_price",
        ),
        (
            {"order_type": "STOP_LIMIT", "trigger_price": 100.0, "limit_price": 105.0},
            None, 105.0, "stop_loss.trigger_price",
        ),
    ],
)  # fmt: skip
def test_a_leg_on_the_wrong_side_is_refused(
    order: dict[str, Any], take: float | None, stop: float | None, wrong: str | None
) -> None:
    legs: dict[str, Any] = {}
    if take is not None:
        legs["take_profit"] = {"limit_price": take}
    if stop is not None:
        legs["stop_loss"] = {"trigger_price": stop}
    data = body(**order, bracket=legs)
    bracket = Bracket(
        TakeProfit(take) if take is not None else None, StopLoss(stop) if stop is not None else None
    )
    if wrong is None:
        assert decode(data) == make(**order, bracket=bracket)
        return
    with pytest.raises(SignalError) as caught:
        make(**order, bracket=bracket)
    assert caught.value.field == refused(data).field == f"bracket.{wrong}"
    assert caught.value.value in (take, stop)


def test_a_bracket_has_a_leg() -> None:
    with pytest.raises(SignalError, match="take_profit=None: must be given where stop_loss is not"):
        Bracket()
    assert refused(body(bracket={})).field == "bracket.take_profit"
    assert decode(body(bracket={"stop_loss": {"trigger_price": 1}, "take_profit": None})).bracket


@pytest.mark.parametrize(
    ("bracket", "sentence"),
    [
        (
            {"stop_loss": {"trigger_price": "x"}},
            "bracket.stop_loss.trigger_price='x': must be a number",
        ),
        ({"stop_loss": {}}, "Missing required field: bracket.stop_loss.trigger_price"),
        (
            {"take_profit": {"limit_price": None}},
            "bracket.take_profit.limit_price=None: must be a number",
        ),
        ({"take_profit": 5}, "bracket.take_profit=5: must be a JSON object"),
        (
            {"take_profit": {"limit_price": 5, "ticks": 4}},
            "bracket.take_profit.ticks=4: unknown field",
        ),
        ([], "bracket=[]: must be a JSON object"),
    ],
)
def test_a_fault_in_a_bracket_is_named_by_its_path(bracket: Any, sentence: str) -> None:
    assert str(refused(body(bracket=bracket))) == sentence


# ---------------------------------------------------------------- schema 1.1


def test_schema_1_1_may_name_an_order() -> None:
    signal = make(schema_version="1.1", action="NEW", order_id="o", parent_order_id="p")
    assert decode(signal.encode()) == signal
    assert decode(body(schema_version="1.1")) == make(schema_version="1.1")
    assert make(schema_version="1.1", action="NEW").order_id is None


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("action", "buy", "must be one of NEW, MODIFY, CANCEL"),
        ("order_id", "", "must not be empty"),
        ("parent_order_id", 5, "must be text"),
    ],
)
def test_the_fields_of_schema_1_1_have_rules(field: str, value: Any, rule: str) -> None:
    with pytest.raises(SignalError) as caught:
        make(schema_version="1.1", **{field: value})
    assert (caught.value.field, caught.value.rule) == (field, rule)
    assert refused(body(schema_version="1.1", **{field: value})).rule == rule


@pytest.mark.parametrize("action", ["MODIFY", "CANCEL"])
def test_whoever_changes_an_order_names_it_and_keeps_the_quantity(action: Any) -> None:
    assert make(schema_version="1.1", action=action, order_id="o").qty == 1
    with pytest.raises(SignalError, match=f"order_id=None: is needed by action {action}"):
        make(schema_version="1.1", action=action)
    data = body(schema_version="1.1", action=action, order_id="o").replace(b', "qty": 1', b"")
    assert str(refused(data)) == "Missing required field: qty"


# ---------------------------------------------------------------- bytes


@pytest.mark.parametrize("field", list(BASE))
def test_a_missing_field_has_the_sentence_of_the_page(field: str) -> None:
    error = refused(json.dumps({k: v for k, v in BASE.items() if k != field}).encode())
    assert str(error) == f"Missing required field: {field}"
    assert (error.field, error.value, error.rule) == (field, None, "is required")


def test_a_missing_part_of_the_instrument_is_named() -> None:
    error = refused(body(instrument={"exchange": "CME"}))
    assert str(error) == "Missing required field: instrument.symbol"
    assert str(refused(body(instrument=None))) == "instrument=None: must be a JSON object"
    assert refused(body(instrument="CME:MESZ6")).field == "instrument"


def test_a_missing_version_is_not_hidden_by_a_value_that_looks_like_it() -> None:
    words = {k: v for k, v in BASE.items() if k != "schema_version"}
    words |= {"signal_id": "schema_version", "order_type": "MARKET"}
    assert refused(json.dumps(words).encode()).field == "schema_version"


def test_an_unknown_field_is_named_with_its_neighbour() -> None:
    assert str(refused(body(foo=1))) == "foo=1: unknown field"
    error = refused(body(limit_prize=1))
    assert str(error) == "limit_prize=1: unknown field; did you mean limit_price?"


@pytest.mark.parametrize(
    "repeat",
    [
        b'"qty": 1, "qty": 1',
        b'"qty": 1, "qty": 2',
        b'"qty": 1, "\\u0071ty": 2',
        b'"qty": 1, "qty" : 2',
        b'"qty": 1, "order_type": "MARKET", "order_type": "MARKET"',
        b'"qty": 1, "limit_price": null, "limit_price": null',
    ],
)
def test_a_repeated_key_is_refused(repeat: bytes) -> None:
    error = refused(body().replace(b'"qty": 1', repeat))
    assert error.rule == "appears twice"
    assert error.field in ("qty", "order_type", "limit_price")


def test_a_repeated_key_inside_a_part_is_refused() -> None:
    error = refused(body().replace(b'"symbol": "MESZ6"', b'"symbol": "MESZ6", "symbol": "ESZ6"'))
    assert (error.field, error.rule) == ("symbol", "appears twice")
    data = body(order_type="LIMIT", limit_price=5, bracket={"take_profit": {"limit_price": 9}})
    assert decode(data).limit_price == 5.0
    again = data.replace(b'{"limit_price": 9}', b'{"limit_price": 9, "limit_price": 9}')
    assert refused(again).field == "limit_price"


def test_texts_that_look_like_keys_and_escapes_are_read() -> None:
    for text in ('a"qty":', "10:30:00", "C:\\x", "schema_version", "é", "📈"):
        assert decode(body(signal_id=text)).signal_id == text
        assert decode(make(signal_id=text).encode()).signal_id == text
    spaced = json.dumps(BASE, indent=2, separators=(" ,", " : ")).encode()
    assert decode(spaced) == make()


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "must be JSON"),
        (b"   ", "must be JSON"),
        (b"[]", "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b'"x"', "must be a JSON object"),
        (body()[:-1], "must be JSON"),
        (body() + b"x", "must be JSON"),
        (b"\xef\xbb\xbf" + body(), "must not start with a byte order mark"),
        (body().decode().encode("utf-16"), "must be UTF-8"),
        (body().replace(b"b7", b"\xff\xfe"), "must be UTF-8"),
        (body().replace(b"b7", b"\xed\xa0\x80"), "must be UTF-8"),
        (b"[" * 60_000, "nested too deeply"),
        (b'{"a":' * 13_000, "nested too deeply"),
        (body()[:-1] + b', "x":' + b"[" * 60_000, "nested too deeply"),
        (body().replace(b'"qty": 1', b'"qty": 01'), "must be JSON"),
        (body().replace(b'"qty": 1', b'"qty": 1,'), "must be JSON"),
        (body().replace(b"b7", b"a\x00"), "must be JSON"),
    ],
)
def test_what_is_no_json_object_is_refused(data: bytes, rule: str) -> None:
    error = refused(data)
    assert error.field == "body"
    assert rule in error.rule
    assert len(str(error)) < 300


def test_only_bytes_are_read() -> None:
    for wrong in (body().decode(), bytearray(body()), None):
        with pytest.raises(SignalError, match="must be bytes"):
            decode(wrong)  # type: ignore[arg-type]


def test_the_limit_is_64_kilobytes_of_encoded_text() -> None:
    padded = make().encode().ljust(MAX_BYTES)
    assert len(padded) == 65_536
    assert decode(padded) == make()
    error = refused(padded + b" ")
    assert (error.field, error.rule) == ("body", "must be at most 65536 bytes, not 65537")


# ---------------------------------------------------------------- properties

text = st.text(
    st.characters(exclude_categories=("C", "Z"), include_characters=" "), min_size=1, max_size=64
)
name = text.filter(lambda t: t == t.strip(" "))
prices = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def signals(draw: st.DrawFn) -> Signal:
    order_type = draw(st.sampled_from(["MARKET", "LIMIT", "STOP", "STOP_LIMIT"]))
    side = draw(st.sampled_from(["BUY", "SELL", "LONG", "SHORT"]))
    low, *between, high = sorted(draw(st.sets(prices, min_size=4, max_size=4)))
    words: dict[str, Any] = {
        "signal_id": draw(text),
        "workflow_id": draw(text.filter(lambda t: t not in (".", ".."))),
        "instrument": Instrument(draw(name).replace(":", ";"), draw(name)),
        "side": side,
        "qty": draw(st.integers(1, 2**31 - 1)),
        "order_type": order_type,
        "open_close": draw(st.sampled_from([None, "OPEN", "CLOSE"])),
    }
    if order_type in ("LIMIT", "STOP_LIMIT"):
        words["limit_price"] = between[0]
    if order_type in ("STOP", "STOP_LIMIT"):
        words["trigger_price"] = between[1]
    take, stop = (high, low) if side in ("BUY", "LONG") else (low, high)
    legs = draw(st.sampled_from(["", "t", "s", "ts"]))
    if legs:
        words["bracket"] = Bracket(
            TakeProfit(take) if "t" in legs else None, StopLoss(stop) if "s" in legs else None
        )
    if draw(st.booleans()):
        words |= {
            "schema_version": "1.1",
            "action": draw(st.sampled_from([None, "NEW", "MODIFY", "CANCEL"])),
            "order_id": draw(text),
            "parent_order_id": draw(st.none() | text),
        }
    return Signal(**words)


@given(signals())
def test_what_is_encoded_is_decoded(signal: Signal) -> None:
    assert decode(signal.encode()) == signal
    assert decode(json.dumps(json.loads(signal.encode()), indent=1).encode()) == signal
    assert decode(signal.encode()).encode() == signal.encode()


@given(signals(), st.data())
def test_a_doubled_member_is_always_refused(signal: Signal, data: st.DataObject) -> None:
    members = [json.dumps({k: v})[1:-1] for k, v in json.loads(signal.encode()).items()]
    members.append(data.draw(st.sampled_from(members)))
    shuffled = data.draw(st.permutations(members))
    assert refused(("{" + ",".join(shuffled) + "}").encode()).rule == "appears twice"


@given(signals(), st.data())
def test_changed_bytes_are_refused_or_mean_what_a_plain_parser_reads(
    signal: Signal, data: st.DataObject
) -> None:
    raw = bytearray(signal.encode())
    at = data.draw(st.integers(0, len(raw) - 1))
    change = data.draw(st.sampled_from(["drop", "set", "insert"]))
    byte = data.draw(st.sampled_from(list(b'"{}[]:,.-+0123456789eEnullTRUE\\ \n\x00\xff')))
    if change == "drop":
        del raw[at]
    elif change == "set":
        raw[at] = byte
    else:
        raw.insert(at, byte)
    try:
        read = decode(bytes(raw))
    except SignalError:
        return
    plain = json.loads(bytes(raw))
    side = {"LONG": "BUY", "SHORT": "SELL"}.get(plain["side"], plain["side"])
    said = {k: v for k, v in {**plain, "side": side}.items() if v is not None}
    written = json.loads(read.encode())
    written.setdefault("order_type", "MARKET")
    said.setdefault("order_type", "MARKET")
    assert written == said


@given(st.binary(max_size=200))
def test_noise_is_refused_by_name(noise: bytes) -> None:
    assert refused(noise).field
