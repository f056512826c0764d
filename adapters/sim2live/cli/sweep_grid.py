"""Which values do the words of `--grid` stand for?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from sim2live.errors import ConfigError

Value = int | float | str | bool | None

_WORDS: Final[dict[str, Value]] = {"true": True, "false": False, "none": None}
# A step that is too small by mistake should not fill the memory before anything is said.
_MOST: Final = 100_000


def grid_of(words: Sequence[str]) -> dict[str, list[Value]]:
    """The values of each parameter.

    Args:
        words: Such as ``fast=5,10,20`` or ``slow=30:120:30``, one for each parameter. A range
            includes its last value where a step meets it. ``true``, ``false`` and ``none`` are
            Python's; what is no number is text.

    Raises:
        ConfigError: A word cannot be read, or a parameter is named twice.
    """
    grid: dict[str, list[Value]] = {}
    for word in words:
        name, _, text = word.partition("=")
        parts = text.split(",")
        if not name or not all(parts):
            raise ConfigError(
                f"grid={word!r}: must be NAME=VALUE,VALUE,... or NAME=FIRST:LAST:STEP"
            )
        if name in grid:
            raise ConfigError(f"grid={word!r}: {name} is named twice; give all its values at once")
        grid[name] = [
            value
            for part in parts
            for value in (_range(word, part) if ":" in part else [_value(word, part)])
        ]
    return grid


def _value(word: str, text: str) -> Value:
    if text in _WORDS:
        return _WORDS[text]
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return text
    if not math.isfinite(number):
        raise ConfigError(f"grid={word!r}: {text} is no value of a parameter")
    return number


def _range(word: str, text: str) -> list[Value]:
    """Decimals, so that 0.1:0.5:0.1 has five values and the third is 0.3."""
    try:
        first, last, step = (Decimal(part) for part in text.split(":"))
        count = math.floor((last - first) / step) + 1 if step.is_finite() else 0
    except (ValueError, ArithmeticError):  # not three, no numbers, without end, no step
        count = 0
    if count < 1:
        raise ConfigError(
            f"grid={word!r}: {text} must be FIRST:LAST:STEP, three numbers, the step not zero and "
            "from the first towards the last"
        )
    if count > _MOST:
        raise ConfigError(f"grid={word!r}: {text} has {count:,} values; at most {_MOST:,} are read")
    whole = all(part == part.to_integral_value() for part in (first, step))
    kind = int if whole else float
    return [kind(first + n * step) for n in range(count)]
