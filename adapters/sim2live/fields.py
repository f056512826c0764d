"""What may the fields of a signal hold? One small check for each kind of field.

Each check returns when the value is right and raises `SignalError` when not. Types are compared
by identity, not by isinstance: ``True`` is an int to Python, but no quantity.
"""

from __future__ import annotations

import difflib
import math
from typing import Any, Final, Literal

from sim2live.errors import SignalError

Side = Literal["BUY", "SELL", "LONG", "SHORT"]
OrderType = Literal["MARKET", "LIMIT", "STOP", "STOP_LIMIT"]
OpenClose = Literal["OPEN", "CLOSE"]
Action = Literal["NEW", "MODIFY", "CANCEL"]
SchemaVersion = Literal["1.0", "1.1"]

BUY: Final = "BUY"
SELL: Final = "SELL"
MARKET: Final = "MARKET"
LIMIT: Final = "LIMIT"
STOP: Final = "STOP"
STOP_LIMIT: Final = "STOP_LIMIT"
OPEN: Final = "OPEN"
CLOSE: Final = "CLOSE"
NEW: Final = "NEW"
MODIFY: Final = "MODIFY"
CANCEL: Final = "CANCEL"

MAX_QTY: Final = 2**31 - 1
MAX_TEXT: Final = 128
MAX_NAME: Final = 64


def text(field: str, value: Any, limit: int = MAX_TEXT) -> None:
    """Printable, not empty, at most `limit` characters."""
    if type(value) is str and 0 < len(value) <= limit and value.isprintable():
        return
    if type(value) is not str:
        raise SignalError(field, value, "must be text")
    if not value:
        raise SignalError(field, value, "must not be empty")
    if len(value) > limit:
        rule = f"must have at most {limit} characters, not {len(value)}"
        raise SignalError(field, value, rule)
    raise SignalError(field, value, "must hold printable characters only")


def name(field: str, value: Any) -> None:
    """A part of an instrument: short text without blanks at its ends."""
    text(field, value, MAX_NAME)
    if value[0] == " " or value[-1] == " ":
        raise SignalError(field, value, "must not begin or end with a blank")


def word(field: str, value: Any, words: tuple[str, ...]) -> None:
    """One of a few words, spelled exactly."""
    if type(value) is str and value in words:
        return
    raise SignalError(field, value, f"must be one of {', '.join(words)}")


def qty(field: str, value: Any) -> None:
    """A positive number of whole contracts."""
    if type(value) is int and 0 < value <= MAX_QTY:
        return
    raise SignalError(field, value, f"must be a whole number from 1 to {MAX_QTY}")


def price(field: str, value: Any) -> float:
    """A finite number; zero and negative prices exist.

    Returns:
        The price as a float.
    """
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise SignalError(field, value, "must be a number")
    try:
        number = float(value)
    except OverflowError:
        raise SignalError(field, value, "must be a finite number") from None
    if not math.isfinite(number):
        raise SignalError(field, value, "must be a finite number")
    return number


def kind(field: str, value: Any, cls: type) -> None:
    """An object of exactly this class."""
    if type(value) is not cls:
        raise SignalError(field, value, f"must be of class {cls.__name__}")


def unknown(path: str, field: str, value: Any, known: tuple[str, ...]) -> SignalError:
    """The error for a field that nobody knows, with the nearest one that exists."""
    near = difflib.get_close_matches(field, known, 1)
    rule = f"unknown field; did you mean {near[0]}?" if near else "unknown field"
    return SignalError(path + field, value, rule)


def bracket_sides(side: str, entries: list[float], take: float | None, stop: float | None) -> None:
    """The profit leg lies on the winning side of the entry, the loss leg on the losing one.

    Args:
        side: ``BUY`` or ``SELL``.
        entries: What is known of the entry price: the limit price, the trigger price, both for
            a stop-limit order, whose entry lies between them, or nothing for a market order.
        take: Price of the profit leg.
        stop: Price of the loss leg.
    """
    sign, better, worse = (1, "above", "below") if side == BUY else (-1, "below", "above")
    if take is not None:
        if stop is not None and (take - stop) * sign <= 0:
            rule = f"must be {better} the stop loss {stop} of a {side}"
            raise SignalError("bracket.take_profit.limit_price", take, rule)
        if entries and all((take - entry) * sign <= 0 for entry in entries):
            rule = f"must be {better} the entry price {entries[0]} of a {side}"
            raise SignalError("bracket.take_profit.limit_price", take, rule)
    if stop is not None and entries and all((stop - entry) * sign >= 0 for entry in entries):
        rule = f"must be {worse} the entry price {entries[0]} of a {side}"
        raise SignalError("bracket.stop_loss.trigger_price", stop, rule)
