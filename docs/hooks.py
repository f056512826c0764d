"""Fills pages from code and figures: mkdocs calls `on_page_markdown` for each page."""

from __future__ import annotations

import importlib.util
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from typer.main import get_command

from sim2live.cli.command import app
from sim2live.gate.limits import SAFE, Rules
from sim2live.options import Settings


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the tables where the page asks for them."""
    tables = {
        "settings": settings_table,
        "rules": rules_table,
        "verbs": verbs_table,
        "cost": cost_sentences,
    }
    for name, table in tables.items():
        mark = "{{ " + name + " }}"
        if mark in markdown:
            markdown = markdown.replace(mark, table())
    return markdown


def settings_table() -> str:
    """One row for each key of `sim2live.toml`."""
    lines = ["| Key | Values | Default | Meaning |", "|---|---|---|---|"]
    kinds = inspect.get_annotations(Settings, eval_str=True)
    for name, default, meaning in _rows(Settings):
        lines.append(f"| `{name}` | {_values(kinds[name])} | {_shown(default)} | {meaning} |")
    return "\n".join(lines)


def rules_table() -> str:
    """One row for each rule, with what a real venue gets by itself."""
    lines = ["| Rule | Meaning | Real venue |", "|---|---|---|"]
    for name, _, meaning in _rows(Rules):
        lines.append(f"| `{name}` | {meaning} | {_shown(getattr(SAFE, name))} |")
    return "\n".join(lines)


def verbs_table() -> str:
    """One row for each verb of the command, those of groups included, with its first sentence."""
    lines = ["| Verb | What it does |", "|---|---|"]
    for name, text in _verbs(get_command(app())):
        lines.append(f"| `{name}` | {text.partition(chr(10))[0]} |")
    return "\n".join(lines)


def _verbs(group: Any, path: str = "sim2live") -> Iterator[tuple[str, str]]:
    for name, found in group.commands.items():
        below = f"{path} {name}"
        if hasattr(found, "commands"):
            yield from _verbs(found, below)
        else:
            yield below, found.help or ""


def cost_sentences() -> str:
    """What an order costs, in ratios of what `make cost` measured."""
    cost = _beside("make_cost")
    told: str = cost.sentences(cost.read())
    return told


def _beside(name: str) -> Any:
    """A script of this folder as a module; mkdocs runs this one from elsewhere."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _rows(struct: type[msgspec.Struct]) -> list[tuple[str, object, str]]:
    meanings = _meanings(inspect.getdoc(struct) or "")
    rows: list[tuple[str, object, str]] = []
    for field in msgspec.structs.fields(struct):
        default = field.default
        if default is msgspec.NODEFAULT:
            factory: Any = field.default_factory
            default = factory()
        rows.append((field.name, default, meanings[field.name]))
    return rows


def _meanings(docstring: str) -> dict[str, str]:
    _, _, listed = docstring.partition("Attributes:\n")
    entries = re.split(r"^    (\w+): ", listed, flags=re.MULTILINE)[1:]
    pairs = zip(entries[::2], entries[1::2], strict=True)
    return {
        name: " ".join(text.split()).replace("``", "`").replace("|", "\\|") for name, text in pairs
    }


def _values(kind: Any) -> str:
    words = [f"`{word}`" for word in _words(kind)]
    if words:
        return ", ".join(words)
    names = str(kind)
    for part, said in (("dict", "table"), ("Rules", "table"), ("float", "number")):
        if part in names:
            return said
    return "text"


def _words(kind: Any) -> list[str]:
    given = getattr(kind, "__args__", ())
    if given and all(isinstance(word, str) for word in given):
        return list(given)
    return [word for part in given for word in _words(part)]


def _shown(value: object) -> str:
    if isinstance(value, msgspec.Struct) or value in (None, "", (), {}):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"
