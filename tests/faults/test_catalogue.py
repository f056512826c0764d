"""Every row of the fault catalogue has a test that bears its number, or is named as pending."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
ROWS = set(range(1, 61))


def with_a_test() -> set[int]:
    found = re.compile(r"^(?:async )?def test_fault_(\d\d)_", re.MULTILINE)
    return {
        int(number)
        for path in HERE.glob("test_*.py")
        for number in found.findall(path.read_text("utf-8"))
    }


def pending() -> list[int]:
    with (HERE / "pending.toml").open("rb") as file:
        return [row for work in tomllib.load(file).values() for row in work["rows"]]


def test_no_row_is_missing() -> None:
    assert ROWS - with_a_test() - set(pending()) == set()


def test_a_row_with_a_test_is_not_pending_and_none_is_named_twice() -> None:
    assert with_a_test() & set(pending()) == set()
    assert len(set(pending())) == len(pending())


def test_no_number_is_beyond_the_catalogue() -> None:
    assert with_a_test() | set(pending()) == ROWS
