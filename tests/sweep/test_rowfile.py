"""The file of finished rows survives a kill at any byte, and holds the rows of one sweep."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sim2live.errors import ConfigError, LockedError
from sim2live.sweep.rowfile import RowFile
from sim2live.sweep.work import Finished

MADE_OF = {"code": "1", "data": "2"}
POINTS = [{"n": number, "name": f"é{number}"} for number in range(4)]
DONE = [
    Finished(POINTS[0], ({"a": 0.1, "b": None},)),
    Finished(POINTS[1], ({"column": "x", "a": float("inf")}, {"column": "y", "a": -1e-300})),
    Finished(POINTS[2], error="ValueError: no"),
]


def written(path: Path) -> bytes:
    rows = RowFile(path, MADE_OF)
    rows.add(DONE)
    rows.close()
    return path.read_bytes()


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    written(tmp_path / "rows")
    rows = RowFile(tmp_path / "rows", MADE_OF)
    assert rows.finished(POINTS) == DONE[:2]
    rows.close()


def test_a_value_that_is_no_number_comes_back_too(tmp_path: Path) -> None:
    rows = RowFile(tmp_path / "rows", MADE_OF)
    rows.add([Finished(POINTS[0], ({"a": float("nan")},))])
    rows.close()
    rows = RowFile(tmp_path / "rows", MADE_OF)
    (one,) = rows.finished(POINTS)
    assert one.rows[0]["a"] != one.rows[0]["a"]
    rows.close()


def test_a_file_torn_at_any_byte_keeps_its_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    content = written(path)
    for length in range(len(content)):
        path.write_bytes(content[:length])
        rows = RowFile(path, MADE_OF)
        whole = content[:length].count(b"\n")
        assert rows.finished(POINTS) == DONE[: min(2, max(0, whole - 1))]
        rows.add(DONE)
        rows.close()
        lines = path.read_bytes().splitlines()
        assert len([json.loads(line) for line in lines]) == max(1, whole) + len(DONE)


@pytest.mark.parametrize(
    "made_of", [{"code": "0", "data": "2"}, {"code": "1", "data": "2", "x": ""}]
)
def test_rows_of_another_sweep_are_refused_and_left_alone(
    made_of: dict[str, str], tmp_path: Path
) -> None:
    content = written(tmp_path / "rows")
    with pytest.raises(ConfigError, match=r"from another sweep \((code|x) differ\)"):
        RowFile(tmp_path / "rows", made_of)
    assert (tmp_path / "rows").read_bytes() == content
    RowFile(tmp_path / "rows", MADE_OF).close()


def test_a_file_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "rows").write_text("time,price\n1,2\n", "utf-8")
    with pytest.raises(ConfigError, match="another sweep"):
        RowFile(tmp_path / "rows", MADE_OF)
    assert (tmp_path / "rows").read_text("utf-8") == "time,price\n1,2\n"


def test_two_sweeps_do_not_write_one_file(tmp_path: Path) -> None:
    first = RowFile(tmp_path / "rows", MADE_OF)
    with pytest.raises(LockedError, match="is writing this sweep's rows"):
        RowFile(tmp_path / "rows", MADE_OF)
    first.close()
    RowFile(tmp_path / "rows", MADE_OF).close()
