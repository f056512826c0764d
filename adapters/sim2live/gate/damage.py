"""Has the end of a journal's file been damaged, and where is the copy of what it was?

SQLite reads a damaged write-ahead log up to its last whole commit and forgets the rest without
a word. Rows that were on disk before their orders left would be gone then, so the log is looked
through first. Its format is the page "WAL-mode file format" of SQLite's documentation.
"""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

HEAD = 32
FRAME = 24
MAGIC = 0x377F0682
"""Of a log whose checksums read little-endian words; one more for big-endian ones."""
LONGEST = 64 * 2**20
"""Bytes; a longer log is left to SQLite, because a start must not take long."""
MOST_COPIES = 9


def torn(path: str) -> bool:
    """Whether the log of a database has lost commits that were whole once.

    Frames that a killed process had begun and not committed are no loss.
    """
    log = Path(path + "-wal")
    # Another process may be writing just now; what is damaged still is so at a second look.
    return _torn(log) and _torn(log)


def _torn(log: Path) -> bool:
    if not log.is_file() or not HEAD < log.stat().st_size <= LONGEST:
        return False
    data = log.read_bytes()
    magic, _, size = struct.unpack_from(">3I", data)
    if magic & ~1 != MAGIC or not 512 <= size <= 65_536:
        return True
    order = ">" if magic & 1 else "<"
    sums = _checksum(data[:24], order, (0, 0))
    if sums != struct.unpack_from(">2I", data, 24):
        return True
    salts = data[16:24]
    whole: int = FRAME + size
    starts = range(HEAD, len(data) - whole + 1, whole)
    for start in starts:
        page = data[start : start + whole]
        sums = _checksum(page[:8] + page[FRAME:], order, sums)
        if page[8:16] != salts or sums != struct.unpack_from(">2I", page, 16):
            left = range(start, len(data) - whole + 1, whole)
            return any(_commits(data, frame, salts) for frame in left)
    return (len(data) - HEAD) % whole != 0


def _commits(data: bytes, frame: int, salts: bytes) -> bool:
    """Whether a frame of this log (and not of the one before it) ended a commit."""
    return data[frame + 8 : frame + 16] == salts and data[frame + 4 : frame + 8] != bytes(4)


def _checksum(data: bytes, order: str, sums: tuple[int, int]) -> tuple[int, int]:
    first, second = sums
    for one, two in struct.iter_unpack(order + "2I", data):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + two + first) & 0xFFFFFFFF
    return first, second


def keep_copy(path: str) -> str:
    """Copy a damaged file and its log beside it; returns the name of the copy.

    The first copies are the ones that matter: there are never more than a handful.
    """
    kept = copies(path)
    if len(kept) >= MOST_COPIES:
        return kept[-1]
    name = f"{path}.damaged-{len(kept) + 1}"
    if not kept or not _same(Path(path), Path(kept[-1])):
        shutil.copyfile(path, name)
        if Path(path + "-wal").is_file():
            shutil.copyfile(path + "-wal", name + "-wal")
        return name
    return kept[-1]


def copies(path: str) -> list[str]:
    """The copies that were kept of a file, oldest first."""
    names = (f"{path}.damaged-{number}" for number in range(1, MOST_COPIES + 1))
    return [name for name in names if Path(name).is_file()]


def _same(one: Path, other: Path) -> bool:
    logs = [Path(f"{path}-wal") for path in (one, other)]
    bytes_of = [log.read_bytes() if log.is_file() else b"" for log in logs]
    return bytes_of[0] == bytes_of[1] and one.read_bytes() == other.read_bytes()
