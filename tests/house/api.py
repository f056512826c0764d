"""The public API as text: `python -m tests.house.api > tests/house/api.txt` writes it anew."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from enum import Enum
from importlib import import_module

ROOMS = (
    "sim2live", "sim2live.backtrader", "sim2live.sizing", "sim2live.sweep", "sim2live.testing",
    "sim2live.vectorbt", "sim2live.zipline",
)  # fmt: skip


def listing() -> str:
    """Each public name with its arguments, each public method below its class."""
    return "\n".join(line for room in ROOMS for line in lines_of(room)) + "\n"


def lines_of(room: str) -> Iterator[str]:
    module = import_module(room)
    for name in sorted(public(module)):
        thing = getattr(module, name)
        yield f"{room}.{name}{arguments(thing)}"
        if inspect.isclass(thing) and thing.__module__.startswith("sim2live"):
            for member in sorted(vars(thing)):
                if not member.startswith("_"):
                    yield f"    .{member}{arguments(inspect.getattr_static(thing, member))}"


def public(module: object) -> list[str]:
    """What a room names as public; where it names nothing, what it defines."""
    named = getattr(module, "__all__", None)
    if named is not None:
        return [name for name in named if name != "__version__"]
    return [
        name
        for name, thing in vars(module).items()
        if not name.startswith("_") and getattr(thing, "__module__", None) == module.__name__  # type: ignore[attr-defined]
    ]


def arguments(thing: object) -> str:
    """Names of arguments and which have defaults; types and the values of defaults may change."""
    if isinstance(thing, (classmethod, staticmethod)):
        thing = thing.__func__
    if not callable(thing) or (isinstance(thing, type) and issubclass(thing, Enum | Exception)):
        return ""  # the members say it, and an error is caught, not made
    if isinstance(thing, type) and "__init__" in vars(thing):
        thing = thing.__init__  # a framework's metaclass hides it
    try:
        parameters = inspect.signature(thing).parameters.values()
    except (TypeError, ValueError):
        return ""
    told = [
        {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
        + p.name
        + ("" if p.default is p.empty else "=")
        for p in parameters
        if p.name != "self"
    ]
    keywords = [p.kind is p.KEYWORD_ONLY for p in parameters if p.name != "self"]
    if any(keywords) and not any(t.startswith("*") and not t.startswith("**") for t in told):
        told.insert(keywords.index(True), "*")
    return f"({', '.join(told)})"


if __name__ == "__main__":
    print(listing(), end="")
