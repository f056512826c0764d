"""How does a docstring become the help of a verb?"""

from __future__ import annotations

from collections.abc import Callable

import typer


def add(group: typer.Typer, *verbs: Callable[..., None]) -> None:
    """Give a group its verbs, in this order, with their docstrings as help."""
    for verb in verbs:
        group.command(help=prose(verb.__doc__ or ""))(verb)


def prose(docstring: str) -> str:
    """Paragraphs without the line ends of the source, so that a terminal may break them itself.

    A paragraph that is indented, such as an example, stays as it is.
    """
    paragraphs = docstring.replace("\n    ", "\n").strip().split("\n\n")
    return "\n\n".join(
        part if part.startswith(" ") else " ".join(part.split()) for part in paragraphs
    )
