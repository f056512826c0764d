"""The bars of a CSV file that somebody else is still writing."""

from __future__ import annotations

import csv
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sim2live.clock import Clock, SystemClock, iso
from sim2live.errors import DataError
from sim2live.market.bars import Bar, CsvBars


class CsvTail(CsvBars):
    """Like `CsvBars`, and then the rows that are added, until it is closed.

    Only whole lines are read: a row counts once its line has ended.

    Args:
        path: The file; its header line must be there already.
        poll: Seconds between two looks.
        clock: How to wait.
        how: Arguments of `CsvBars`.

    Raises:
        ConfigError: As `CsvBars`.
        DataError: While iterating, as `CsvBars`; also when the file has become shorter.
    """

    def __init__(
        self, path: str | Path, *, poll: float = 0.5, clock: Clock | None = None, **how: Any
    ) -> None:
        super().__init__(path, **how)
        self._poll = poll
        self._clock = SystemClock() if clock is None else clock
        self._end = threading.Event()

    def __iter__(self) -> Iterator[Bar]:
        """The bars, oldest first; waits for more at the end of the file."""
        header: list[str] | None = None
        columns: dict[str, int] = {}
        before: int | None = None
        for number, line in self._lines():
            row = next(csv.reader([line]), [])
            if not row:
                continue
            if header is None:
                header, columns = row, self._columns(row)
                continue
            where = f"{self.path}, line {number}"
            if len(row) != len(header):
                raise DataError(f"{where}: has {len(row)} columns, the header {len(header)}")
            bar = self._bar(where, header, columns, row)
            if before is not None and bar.time <= before:
                raise DataError(
                    f"{where}: closes at {iso(bar.time)}, which is not later than the row before"
                )
            before = bar.time
            yield bar

    def close(self) -> None:
        """Stop; an iteration that waits ends at once."""
        super().close()
        self._end.set()

    def _lines(self) -> Iterator[tuple[int, str]]:
        """Whole lines with their numbers, as they come."""
        number, rest = 0, ""
        with self.path.open(encoding="utf-8-sig", newline="") as file:
            while not self._closed:
                text = file.readline()
                if not text:
                    if file.tell() > self.path.stat().st_size:
                        raise DataError(f"{self.path}: has become shorter while it was read")
                    if self._clock.wait(self._end, self._poll):
                        return
                    continue
                rest += text
                if rest.endswith("\n"):
                    number += 1
                    yield number, rest
                    rest = ""
