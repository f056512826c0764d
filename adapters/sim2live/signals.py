"""What is one signal, and how does it look on the wire?

`Signal` is the message of EvalItUp's local signal API, schema 1.0 and 1.1, as its Python page
(https://evalitup.com/en/python-trade-copier) describes it. A `Signal` that exists is valid:
both construction and `decode` refuse anything else, naming field, value and rule. Nothing is
corrected on the way, except that LONG and SHORT, the page's synonyms, become BUY and SELL.

The page names ``action``, ``order_id`` and ``parent_order_id`` of schema 1.1 but not what they
hold. Here ``action`` is NEW, MODIFY or CANCEL and ``order_id`` is the client's own name for the
order. That is an assumption, and schema 1.1 is experimental until it is confirmed.
"""

from __future__ import annotations

from math import inf
from typing import Final, TypeVar, get_args

import msgspec
from msgspec import Struct
from msgspec.structs import astuple, force_setattr

from sim2live import fields, strictjson
from sim2live.errors import SignalError
from sim2live.fields import (
    BUY,
    CANCEL,
    CLOSE,
    LIMIT,
    MARKET,
    MODIFY,
    NEW,
    OPEN,
    SELL,
    STOP,
    STOP_LIMIT,
    Action,
    OpenClose,
    OrderType,
    SchemaVersion,
    Side,
)
from sim2live.identity import Leg, signal_id
from sim2live.instrument import Instrument

__all__ = [
    "BUY",
    "CANCEL",
    "CLOSE",
    "LIMIT",
    "MARKET",
    "MAX_BYTES",
    "MODIFY",
    "NEW",
    "OPEN",
    "SELL",
    "STOP",
    "STOP_LIMIT",
    "Action",
    "Bracket",
    "Instrument",
    "Leg",
    "OpenClose",
    "OrderSpec",
    "OrderType",
    "SchemaVersion",
    "Side",
    "Signal",
    "StopLoss",
    "TakeProfit",
    "decode",
    "signal_id",
]

MAX_BYTES: Final = 65_536

_SIDES: Final = get_args(Side)
_ORDER_TYPES: Final = get_args(OrderType)
_OPEN_CLOSE: Final = get_args(OpenClose)
_ACTIONS: Final = get_args(Action)
_VERSIONS: Final = get_args(SchemaVersion)
_SYNONYMS: Final = {"LONG": "BUY", "SHORT": "SELL"}
_NOTHING: Final = type(None)
#: What an order type holds as limit price and as trigger price.
_PRICES: Final = {
    "MARKET": (_NOTHING, _NOTHING),
    "LIMIT": (float, _NOTHING),
    "STOP": (_NOTHING, float),
    "STOP_LIMIT": (float, float),
}


class TakeProfit(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The profit leg of a bracket: a limit order at an absolute price, in points."""

    limit_price: float

    def __post_init__(self) -> None:
        if type(self.limit_price) is not float or not -inf < self.limit_price < inf:
            force_setattr(self, "limit_price", fields.price("limit_price", self.limit_price))


class StopLoss(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The loss leg of a bracket: a stop order at an absolute price, in points."""

    trigger_price: float

    def __post_init__(self) -> None:
        if type(self.trigger_price) is not float or not -inf < self.trigger_price < inf:
            force_setattr(self, "trigger_price", fields.price("trigger_price", self.trigger_price))


class Bracket(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Protective legs that the venue places once the entry is filled; either may be alone.

    Raises:
        SignalError: Neither leg is there, or a leg is of another class.
    """

    take_profit: TakeProfit | None = None
    stop_loss: StopLoss | None = None

    def __post_init__(self) -> None:
        take, stop = self.take_profit, self.stop_loss
        if type(take) is TakeProfit and type(stop) is StopLoss:
            return
        if take is not None:
            fields.kind("take_profit", take, TakeProfit)
        elif stop is None:
            raise SignalError("take_profit", None, "must be given where stop_loss is not")
        if stop is not None:
            fields.kind("stop_loss", stop, StopLoss)


class Signal(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False
):
    """One order for one pool. Two signals are equal when they mean the same.

    Attributes:
        schema_version: ``1.0``, or ``1.1`` (experimental) for the last three fields.
        signal_id: Unique for each signal; 1 to 128 printable characters.
        workflow_id: Exact name of the pool; case counts.
        instrument: What is traded.
        side: ``BUY`` or ``SELL``; ``LONG`` and ``SHORT`` are taken for these.
        qty: Whole contracts, 1 to 2147483647.
        order_type: ``MARKET``, ``LIMIT``, ``STOP`` or ``STOP_LIMIT``.
        limit_price: For LIMIT and STOP_LIMIT only, and needed there; in points.
        trigger_price: For STOP and STOP_LIMIT only, and needed there; in points.
        bracket: Protective legs at absolute prices.
        open_close: ``OPEN`` or ``CLOSE``; None leaves it to the venue, which nets.
        action: 1.1 only: ``NEW``, ``MODIFY`` or ``CANCEL`` (assumption, see the module).
        order_id: 1.1 only: the client's name of the order; MODIFY and CANCEL need it.
        parent_order_id: 1.1 only: the `order_id` of the entry that this order protects.

    Raises:
        SignalError: A field breaks its rule, or the fields contradict one another.
    """

    # A default made by a factory is always written; the page wants the version in each message.
    schema_version: SchemaVersion = msgspec.field(default_factory=lambda: "1.0")
    signal_id: str
    workflow_id: str
    instrument: Instrument
    side: Side
    qty: int
    order_type: OrderType = "MARKET"
    limit_price: float | None = None
    trigger_price: float | None = None
    bracket: Bracket | None = None
    open_close: OpenClose | None = None
    action: Action | None = None
    order_id: str | None = None
    parent_order_id: str | None = None

    def __post_init__(self) -> None:
        name, pool, side, qty = self.signal_id, self.workflow_id, self.side, self.qty
        if not (
            type(self.schema_version) is type(name) is type(pool) is type(side) is str
            and type(qty) is int
            and type(self.instrument) is Instrument
            and self.schema_version == "1.0"
            and (side == "BUY" or side == "SELL")
            and 0 < qty <= fields.MAX_QTY
            and 0 < len(name) <= fields.MAX_TEXT
            and 2 < len(pool) <= fields.MAX_TEXT
            and (name + pool).isprintable()
        ):
            _check_heading(self)  # seldom: for a refusal, or for what is right but not usual
        _check_prices(self)
        if self.bracket is not None:
            _check_sides(self, self.bracket)
        if self.open_close is not None:
            fields.word("open_close", self.open_close, _OPEN_CLOSE)
        if self.action is not None or self.order_id is not None or self.parent_order_id is not None:
            _check_life_cycle(self)

    @property
    def signed(self) -> int:
        """The quantity with its direction: positive buys, negative sells."""
        return self.qty if self.side == BUY else -self.qty

    def encode(self) -> bytes:
        """The message as compact JSON; what equals its default is left out.

        The limits of the fields keep it far below the 64 KB that the venue takes.
        """
        return _ENCODER.encode(self)


class OrderSpec(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a framework's order adds to the opening part of a target.

    Attributes:
        order_type: As in `Signal`.
        limit_price: As in `Signal`.
        trigger_price: As in `Signal`.
        bracket: As in `Signal`.
        reference: Last price known when the decision was made, in points; for the rules.

    Raises:
        SignalError: As for the same fields of `Signal`.
    """

    order_type: OrderType = "MARKET"
    limit_price: float | None = None
    trigger_price: float | None = None
    bracket: Bracket | None = None
    reference: float | None = None

    def __post_init__(self) -> None:
        _check_prices(self)
        reference = self.reference
        if reference is not None and not (type(reference) is float and -inf < reference < inf):
            force_setattr(self, "reference", fields.price("reference", reference))


def decode(data: bytes) -> Signal:
    """Read one signal from JSON; the opposite of `Signal.encode`.

    Args:
        data: UTF-8 JSON, at most 65,536 bytes.

    Returns:
        The signal, normalised.

    Raises:
        SignalError: The bytes are no JSON object or too many, a field is missing (the text is
            then exactly ``Missing required field: qty``), unknown, repeated, or breaks its rule.
    """
    if not isinstance(data, bytes):
        raise SignalError("body", data, "must be bytes")
    if len(data) > MAX_BYTES:
        raise SignalError("body", data, f"must be at most {MAX_BYTES} bytes, not {len(data)}")
    try:
        signal = _DECODER.decode(data)
        plain = _surely_plain(data, signal)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        plain = False
    return signal if plain else _decode_slowly(data)


def _check_heading(signal: Signal) -> None:
    """What every order has, field by field in the order of the page; LONG becomes BUY."""
    fields.word("schema_version", signal.schema_version, _VERSIONS)
    fields.text("signal_id", signal.signal_id)
    fields.text("workflow_id", signal.workflow_id)
    if signal.workflow_id in (".", ".."):
        # As a segment of a path these two would name another place.
        raise SignalError("workflow_id", signal.workflow_id, "must not be . or ..")
    fields.kind("instrument", signal.instrument, Instrument)
    side: str = signal.side
    if side != "BUY" and side != "SELL":
        fields.word("side", side, _SIDES)
        force_setattr(signal, "side", _SYNONYMS[side])
    fields.qty("qty", signal.qty)


def _check_prices(order: Signal | OrderSpec) -> None:
    """The prices are those that the order type takes, no more and no fewer."""
    limit, trigger = order.limit_price, order.trigger_price
    order_type: str = order.order_type
    if not (
        type(order_type) is str
        and _PRICES.get(order_type) == (type(limit), type(trigger))
        and (limit is None or -inf < limit < inf)
        and (trigger is None or -inf < trigger < inf)
    ):
        fields.word("order_type", order_type, _ORDER_TYPES)
        _check_price(order, "limit_price", limit, order_type in ("LIMIT", "STOP_LIMIT"))
        _check_price(order, "trigger_price", trigger, order_type in ("STOP", "STOP_LIMIT"))
    if order.bracket is not None:
        fields.kind("bracket", order.bracket, Bracket)


def _check_sides(signal: Signal, bracket: Bracket) -> None:
    """The entry lies between the legs, as far as both are known."""
    take = None if bracket.take_profit is None else bracket.take_profit.limit_price
    stop = None if bracket.stop_loss is None else bracket.stop_loss.trigger_price
    limit, trigger = signal.limit_price, signal.trigger_price
    if take is not None and stop is not None and limit is not None:
        low, high = (stop, take) if signal.side == BUY else (take, stop)
        if low < limit < high:
            return  # the usual bracket; a trigger price elsewhere changes nothing of that
    entries = [price for price in (limit, trigger) if price is not None]
    fields.bracket_sides(signal.side, entries, take, stop)


def _check_price(order: Signal | OrderSpec, field: str, value: object, wanted: bool) -> None:
    if wanted:
        if value is None:
            raise SignalError(field, value, f"is needed by order_type {order.order_type}")
        force_setattr(order, field, fields.price(field, value))
    elif value is not None:
        raise SignalError(field, value, f"does not belong to order_type {order.order_type}")


def _check_life_cycle(signal: Signal) -> None:
    """The fields of schema 1.1 stand in schema 1.1 only, and hold what they may."""
    action, order_id, parent = signal.action, signal.order_id, signal.parent_order_id
    for field, value in (("action", action), ("order_id", order_id), ("parent_order_id", parent)):
        if value is None:
            continue
        if signal.schema_version == "1.0":
            raise SignalError(field, value, "exists in schema 1.1 only")
        if field == "action":
            fields.word(field, value, _ACTIONS)
        else:
            fields.text(field, value)
    if order_id is None and action in (MODIFY, CANCEL):
        raise SignalError("order_id", None, f"is needed by action {action}")


def _surely_plain(data: bytes, signal: Signal) -> bool:
    """Whether the fast decoder cannot have missed anything.

    Bytes that are just what the encoder writes hide nothing. Of others the decoder takes the
    last of two equal keys, and a missing `schema_version` as the default. Without a backslash
    each key stands in the bytes as it is spelled, and each member of an object has one colon.
    So as many colons as the signal must have members leaves no room for a repeated key. A colon
    in a text, or an explicit null, only costs the slow way.
    """
    if _ENCODER.encode(signal) == data:
        return True
    if b"\\" in data or b'"schema_version":' not in data:
        return False
    members = 16 - astuple(signal).count(None)  # 14 fields, and the two of the instrument
    if signal.order_type == MARKET and b'"order_type":' not in data:
        members -= 1
    if signal.bracket is not None:
        members += 4 - 2 * astuple(signal.bracket).count(None)
    return data.count(b":") == members


def _decode_slowly(data: bytes) -> Signal:
    """The exact way: finds repeated keys, and names field, value and rule of any fault."""
    return _build(Signal, strictjson.loads(data), "")


def _build(cls: type[_Read], raw: object, path: str) -> _Read:
    if not isinstance(raw, dict):
        raise SignalError(path[:-1] or "body", raw, "must be a JSON object")
    required = _REQUIRED[cls]
    for field in required:
        if field not in raw:
            where = path + field
            message = f"Missing required field: {where}"
            raise SignalError(where, None, "is required", message=message)
    values = {}
    for key, value in raw.items():
        if key not in cls.__struct_fields__:
            raise fields.unknown(path, key, value, cls.__struct_fields__)
        if key in _PARTS and (value is not None or key in required):
            value = _build(_PARTS[key], value, f"{path}{key}.")
        values[key] = value
    try:
        return cls(**values)
    except SignalError as error:
        if not path:
            raise
        raise SignalError(path + error.field, error.value, error.rule) from None


_Read = TypeVar("_Read", bound=Struct)
_PARTS: Final[dict[str, type[Struct]]] = {
    "instrument": Instrument,
    "bracket": Bracket,
    "take_profit": TakeProfit,
    "stop_loss": StopLoss,
}
_REQUIRED: Final[dict[type[Struct], tuple[str, ...]]] = {
    Signal: ("schema_version", "signal_id", "workflow_id", "instrument", "side", "qty"),
    Instrument: ("exchange", "symbol"),
    Bracket: (),
    TakeProfit: ("limit_price",),
    StopLoss: ("trigger_price",),
}
_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Signal)
