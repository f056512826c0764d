"""What do the rows of a sweep depend on? Digests, so that old rows are not mixed with new ones."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping
from typing import Any


def code_digest(*things: Any) -> str:
    """A digest of the source text of functions and classes, and of nothing that they call."""
    digest = hashlib.sha256()
    for thing in things:
        name = f"{thing.__module__}.{thing.__qualname__}"
        try:
            text = inspect.getsource(thing)
        except (OSError, TypeError):  # typed into a console
            text = name
        digest.update(text.encode())
    return digest.hexdigest()[:16]


def data_digest(data: Any) -> str:
    """A digest of a pandas object, or of a mapping of names to such: its index and its values."""
    import pandas as pd

    parts = data if isinstance(data, Mapping) else {"": data}
    digest = hashlib.sha256()
    for name, part in parts.items():
        columns = list(part.columns) if hasattr(part, "columns") else [part.name]
        digest.update(f"{name}{columns}".encode())
        digest.update(pd.util.hash_pandas_object(part).to_numpy().tobytes())
    return digest.hexdigest()[:16]
