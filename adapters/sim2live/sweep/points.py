"""Which points does a grid have, and what is each one called?"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

from sim2live.errors import ConfigError, shorten

Point = dict[str, Any]
Grid = Mapping[str, Iterable[Any]] | Sequence[Mapping[str, Any]]


def points_of(grid: Grid) -> list[Point]:
    """The points of a grid, in its order.

    Args:
        grid: From a parameter's name to its values: every combination is a point. Or a list of
            points, each a mapping of the same names to one value.

    Returns:
        Mappings of names to plain values (numbers, texts, booleans, None).

    Raises:
        ConfigError: The grid is empty, names differ, a point stands in it twice, or a value
            cannot be written to a file and read back as it was.
    """
    if isinstance(grid, Mapping):
        columns = {name: list(values) for name, values in grid.items()}
        given = [dict(zip(columns, values, strict=True)) for values in product(*columns.values())]
    else:
        given = [dict(point) for point in grid]
    if not given or not given[0]:
        raise ConfigError("grid: must have at least one parameter with one value")
    names = list(given[0])
    points, seen = [], set[str]()
    for point in given:
        if list(point) != names:
            raise ConfigError(f"grid: {shorten(point)} must name {', '.join(map(str, names))}")
        plain = {_name(name): plain_value(name, value) for name, value in point.items()}
        key = key_of(plain)
        if key in seen:
            raise ConfigError(f"grid: {shorten(plain)} stands in it twice")
        seen.add(key)
        points.append(plain)
    return points


def key_of(point: Point) -> str:
    """A text that two points share only if they are equal; 1, 1.0 and True differ."""
    return json.dumps(point, sort_keys=True)


def plain_value(name: object, value: Any) -> Any:
    """A value as plain Python; NumPy's own numbers become Python's.

    Raises:
        ConfigError: It is no number, text, boolean or None.
    """
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise ConfigError(
        f"{name}={shorten(value)}: must be a number, a text, true, false or None, "
        "so that a finished row can be kept in a file"
    )


def _name(name: object) -> str:
    if not isinstance(name, str) or not name.isidentifier():
        raise ConfigError(f"grid: {shorten(name)} must be the name of a parameter")
    return name
