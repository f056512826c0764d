"""Positions become whole contracts, and never more risk than the strategy took."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2live import sizing
from sim2live.errors import ConfigError, SizingError

positions = st.floats(-1e6, 1e6)


@pytest.mark.parametrize(
    ("position", "contracts"),
    [
        (3, 3),
        (-3.0, -3),
        (3.0000000001, 3),
        (0.0, 0),
        (1e-10, 0),
        (-1e-10, 0),
        (2e9 + 0.0005, 2 * 10**9),
    ],
)
def test_exact_takes_whole_positions(position: float, contracts: int) -> None:
    assert sizing.exact(position) == contracts


@pytest.mark.parametrize("position", [0.5, 1.00001, -2.7, 1e-8, 2e9 + 0.5])
def test_exact_refuses_a_fraction_and_names_the_ways_out(position: float) -> None:
    with pytest.raises(SizingError, match=r"target\(ratio\) or direction\(n\)") as caught:
        sizing.exact(position)
    assert f"position={position!r}" in str(caught.value)


@pytest.mark.parametrize(
    ("ratio", "position", "contracts"),
    [
        (1, 0.5, 0), (1, 0.50001, 1), (1, -0.5, 0), (1, -1.5, -1), (1, 2.5, 2), (1, 2.51, 3),
        (0.1, 35, 3), (0.1, 36, 4), (0.1, -35, -3), (0.01, 1234, 12), (0.5, 1e-10, 0), (2, 3, 6),
    ],
)  # fmt: skip
def test_target_rounds_positions_with_halves_toward_zero(
    ratio: float, position: float, contracts: int
) -> None:
    assert sizing.target(ratio)(position) == contracts


@given(positions, st.floats(1e-3, 1e3))
def test_target_is_the_same_for_long_and_short_and_never_off_by_more_than_half(
    position: float, ratio: float
) -> None:
    size = sizing.target(ratio)
    assert size(-position) == -size(position)
    assert abs(size(position) - position * ratio) <= 0.5 + 1e-9 * max(1.0, abs(position * ratio))


@given(positions)
def test_toward_zero_never_grows_a_position(position: float) -> None:
    contracts = sizing.toward_zero(position)
    assert abs(contracts) <= abs(position) * (1 + 1e-9) + 1e-9
    assert abs(position - contracts) < 1
    assert contracts * position >= 0


def test_toward_zero_reads_through_the_noise_of_floats() -> None:
    assert sizing.toward_zero(0.1 * 3 * 10) == 3
    assert sizing.toward_zero(2.9999999999) == 3
    assert sizing.toward_zero(2.7) == 2


def test_direction_looks_at_the_sign_only() -> None:
    two = sizing.direction(2)
    assert [two(p) for p in (0.001, 1e5, -0.5, 0.0, 1e-10)] == [2, 2, -2, 0, 0]


@pytest.mark.parametrize(
    "size", [sizing.exact, sizing.target(1), sizing.direction(1), sizing.toward_zero]
)
@pytest.mark.parametrize("position", [float("nan"), float("inf"), float("-inf")])
def test_a_position_that_is_no_number_is_refused(size: Any, position: float) -> None:
    with pytest.raises(SizingError, match="must be a finite number"):
        size(position)


def test_more_than_a_signal_can_say_is_refused() -> None:
    for size in (sizing.exact, sizing.target(1), sizing.toward_zero):
        assert size(2.0**31 - 1) == 2**31 - 1
        with pytest.raises(SizingError, match="is more than 2147483647 contracts"):
            size(-(2.0**31))


@pytest.mark.parametrize("ratio", [0, -1, float("nan"), float("inf"), True, "1", None])
def test_a_ratio_is_a_number_above_zero(ratio: Any) -> None:
    with pytest.raises(ConfigError, match="ratio="):
        sizing.target(ratio)


@pytest.mark.parametrize("n", [0, -1, 1.0, True, "1", 2**31])
def test_a_direction_has_whole_contracts(n: Any) -> None:
    with pytest.raises(ConfigError, match="n="):
        sizing.direction(n)


def test_a_setting_is_turned_into_a_sizing() -> None:
    assert sizing.of("exact") is sizing.exact
    two = sizing.direction(2)
    assert sizing.of(two) is two
    assert [repr(sizing.exact), sizing.target(0.1).name, two.name] == [
        "exact", "target(0.1)", "direction(2)",
    ]  # fmt: skip
    for wrong in ("excat", 1, None, lambda p: 1):
        with pytest.raises(ConfigError, match="must be 'exact', target"):
            sizing.of(wrong)  # type: ignore[arg-type]
