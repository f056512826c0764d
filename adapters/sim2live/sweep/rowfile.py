"""Which points are finished already? A file that a kill at any instant leaves readable.

Its first line says which sweep it belongs to; each further line is one finished point. A line is
written when its point is done, so only the last one can be torn, and that point is run again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sim2live.errors import ConfigError, LockedError
from sim2live.gate.store import Exclusive
from sim2live.sweep.points import Point, key_of
from sim2live.sweep.work import Finished


class RowFile:
    """The finished points of one sweep.

    Args:
        path: The file; made if it does not exist.
        made_of: What the rows depend on, by name (code, data, parameters), as digests.

    Raises:
        ConfigError: The file was kept from something else; it is left as it is.
        LockedError: Another process writes it.
    """

    def __init__(self, path: str | Path, made_of: Mapping[str, str]) -> None:
        self._path = Path(path)
        self._lock = Exclusive(self._path.with_name(self._path.name + ".lock"))
        if not self._lock.taken:
            raise LockedError(
                f"{self._path}: the process {self._lock.owner} is writing this sweep's rows"
            )
        try:
            self._finished = self._read(dict(made_of))
        except BaseException:
            self._lock.close()
            raise
        self._file = self._path.open("ab")

    def finished(self, points: Iterable[Point]) -> list[Finished]:
        """What is known of these points; those that failed are not, and may be tried again."""
        return [self._finished[key] for point in points if (key := key_of(point)) in self._finished]

    def add(self, finished: Iterable[Finished]) -> None:
        """Write points that are done; they are on disk when this returns."""
        for one in finished:
            line = {"point": one.point, "rows": one.rows, "error": one.error}
            self._file.write(json.dumps(line).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Give the file back."""
        self._file.close()
        self._lock.close()

    def _read(self, made_of: dict[str, str]) -> dict[str, Finished]:
        content = self._path.read_bytes() if self._path.exists() else b""
        whole = content[: content.rfind(b"\n") + 1]
        head, *lines = whole.splitlines() or [b""]
        if not head:
            self._path.write_bytes(json.dumps({"sweep": made_of}).encode() + b"\n")
            return {}
        differs = [name for name, digest in made_of.items() if _told(head).get(name) != digest]
        if differs:
            raise ConfigError(
                f"{self._path}: its rows are from another sweep ({', '.join(differs)} differ); "
                "give this sweep a file of its own, or delete this one"
            )
        if len(whole) < len(content):
            with self._path.open("r+b") as file:
                file.truncate(len(whole))
        known = (json.loads(line) for line in lines)
        return {
            key_of(row["point"]): Finished(row["point"], tuple(row["rows"]))
            for row in known
            if not row["error"]
        }


def _told(head: bytes) -> dict[str, Any]:
    """What the first line says; nothing if it is not one of ours."""
    try:
        told = json.loads(head)["sweep"]
    except (ValueError, KeyError, TypeError):
        return {}
    return told if isinstance(told, dict) else {}
