"""A grid has each of its points once, in its order, as plain values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim2live.errors import ConfigError
from sim2live.sweep.points import key_of, points_of


def test_a_mapping_is_every_combination() -> None:
    assert points_of({"fast": [1, 2], "slow": range(5, 7)}) == [
        {"fast": 1, "slow": 5},
        {"fast": 1, "slow": 6},
        {"fast": 2, "slow": 5},
        {"fast": 2, "slow": 6},
    ]


def test_a_list_is_taken_as_it_is() -> None:
    assert points_of([{"a": 1, "b": None}, {"a": 2, "b": "x"}]) == [
        {"a": 1, "b": None},
        {"a": 2, "b": "x"},
    ]


def test_numbers_of_numpy_become_plain() -> None:
    (point,) = points_of({"a": np.arange(3)[1:2], "b": [np.float64(0.5)], "c": [np.bool_(True)]})
    assert [type(value) for value in point.values()] == [int, float, bool]


def test_one_is_neither_true_nor_a_float() -> None:
    assert len({key_of({"a": value}) for value in (1, 1.0, True, "1")}) == 4


@pytest.mark.parametrize(
    ("grid", "said"),
    [
        ({}, "at least one parameter"),
        ({"a": []}, "at least one parameter"),
        ([], "at least one parameter"),
        ([{"a": 1}, {"b": 1}], "must name a"),
        ({"a": [1, 1]}, "stands in it twice"),
        ({"a": [object]}, "a=<class 'object'>: must be a number"),
        ({"a b": [1]}, "'a b' must be the name of a parameter"),
        ({5: [1]}, "5 must be the name of a parameter"),
    ],
)
def test_what_is_no_grid_is_refused(grid: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        points_of(grid)
