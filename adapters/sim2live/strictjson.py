"""Is this text one JSON value in the narrow sense, without a key said twice?

Slow and exact. The fast decoder of `signals` takes the last of two equal keys and names only
the kind of a fault; it hands the bytes over here when it has a doubt or a refusal to explain.
"""

from __future__ import annotations

import json
from typing import Any

from sim2live.errors import SignalError, shorten

_MOST_DIGITS = 4000


def loads(data: bytes) -> Any:
    """Parse one JSON value.

    Args:
        data: UTF-8 without a byte order mark.

    Returns:
        The value. NaN, Infinity and numbers past the range of a float come back as such
        floats: whoever knows the field refuses them by name.

    Raises:
        SignalError: Field ``body`` (or the repeated key) when the bytes are no JSON text, repeat
            a key of one object, or nest too deeply.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SignalError("body", data, f"must be UTF-8 (byte {error.start})") from None
    if text.startswith("\ufeff"):
        raise SignalError("body", data, "must not start with a byte order mark")
    try:
        return json.loads(text, object_pairs_hook=_no_repeats, parse_int=_integer)
    except json.JSONDecodeError as error:
        rule = f"must be JSON: {error.msg} (character {error.pos})"
        raise SignalError("body", data, rule) from None
    except RecursionError:
        raise SignalError("body", data, "is nested too deeply") from None


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            message = f"field {shorten(key)} appears twice"
            raise SignalError(key, value, "appears twice", message=message)
        found[key] = value
    return found


def _integer(digits: str) -> int | float:
    # Python refuses to convert a number of thousands of digits; as a float it is out of range,
    # and refused by name.
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)
