"""What did the algorithm see, bar by bar, so that a restart can see it again?

A live run writes each moment and the bars that were delivered for it before the algorithm looks at
them. A new process reads them back in the same order, and so arrives at the same state: context,
scheduled functions, positions and open orders, with nothing pickled.
"""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from sim2live.errors import ConfigError
from sim2live.market.bars import Bar

Arrival = tuple[str, Bar]
_FORMAT = 1


class Tape:
    """The record of one live run.

    Args:
        path: The file, one JSON document a line; None keeps nothing.
        about: What the run is; a file of another run is refused. A ``start`` of None takes the
            one of the file.

    Attributes:
        about: With the file's ``start`` where there is a file.
        last: The last moment on the tape, ns UTC; 0 for an empty one.

    Raises:
        ConfigError: The file belongs to another run, or is no tape.
    """

    def __init__(self, path: str | Path | None, about: dict[str, Any]) -> None:
        self.about = {"tape": _FORMAT, **about}
        self.last = 0
        self._old: deque[tuple[int, list[Arrival]]] = deque()
        self._file: IO[str] | None = None
        if path is not None:
            self._path = Path(path)
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._path.exists():
                self._load()

    @property
    def replaying(self) -> bool:
        """True while moments of an earlier process are still to come."""
        return bool(self._old)

    def begin(self, **about: Any) -> None:
        """Settle what the run is, and write it down if the tape is new."""
        self.about.update(about)
        if hasattr(self, "_path"):
            new = not self._path.exists() or self._path.stat().st_size == 0
            self._file = self._path.open("a", encoding="utf-8")
            if new:
                self._line(self.about)

    def next(self, moment: int) -> list[Arrival] | None:
        """The recorded bars of a moment, or None when the record does not reach it."""
        if not self._old or self._old[0][0] != moment:
            return None
        return self._old.popleft()[1]

    def write(self, moment: int, arrivals: list[Arrival]) -> None:
        """Record a moment. After this returns a kill of the process does not lose it."""
        if self._file is not None:
            self._line(
                [
                    moment,
                    [
                        [name, bar.time, bar.open, bar.high, bar.low, bar.close, bar.volume]
                        for name, bar in arrivals
                    ],
                ]
            )

    def close(self) -> None:
        """Close the file. Closing twice does no harm."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Tape:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _line(self, value: Any) -> None:
        assert self._file is not None
        self._file.write(json.dumps(value, separators=(",", ":")) + "\n")
        self._file.flush()

    def _load(self) -> None:
        data = self._path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            # A kill in the middle of a line: nobody has seen that moment.
            with self._path.open("r+b") as file:
                file.truncate(whole)
        lines = data[:whole].splitlines()
        if not lines:
            return
        try:
            found = json.loads(lines[0])
            for line in lines[1:]:
                moment, rows = json.loads(line)
                self._old.append((moment, [(row[0], Bar(*row[1:])) for row in rows]))
        except (ValueError, TypeError, KeyError) as wrong:
            raise ConfigError(
                f"record={self._path}: is not a record of a live run ({wrong})"
            ) from wrong
        for key, wanted in self.about.items():
            if wanted is not None and found.get(key) != wanted:
                raise ConfigError(
                    f"record={self._path}: was made with {key}={found.get(key)!r}, not {wanted!r}"
                )
        self.about = found
        if self._old:
            self.last = self._old[-1][0]
