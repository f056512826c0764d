"""What may one field of a signal hold? One small check for each kind of field.

Each check returns when the value is right and raises `SignalError` when not. Types are compared
by identity, not by isinstance: ``True`` is an int to Python, but no quantity.
"""

from __future__ import annotations

import difflib
import math
from typing import Any, Final

from sim2live.errors import SignalError

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
