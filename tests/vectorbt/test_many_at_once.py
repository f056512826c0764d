"""What is done for arrays equals what the core does for one value."""

from __future__ import annotations

import hashlib
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2live import sizing
from sim2live.errors import SizingError
from sim2live.market.contracts import round_to_tick
from sim2live.sizing import Sizing
from sim2live.vectorbt.rounding import whole
from sim2live.vectorbt.sha1 import digests
from sim2live.vectorbt.stops import on_tick

POSITIONS = st.floats(-1e6, 1e6) | st.integers(-4000, 4000).map(lambda n: n / 4) | st.just(-1e-10)


class _Doubled(Sizing):
    """A rule of a user's own."""

    name = "doubled"

    def _whole(self, position: float) -> int:
        return 2 * round(position)


@given(st.lists(POSITIONS, max_size=20), st.sampled_from([0.1, 1.0, 2.5, 1 / 3]))
def test_rounding_many_is_rounding_each(positions: list[float], ratio: float) -> None:
    for rule in (sizing.target(ratio), sizing.direction(4), _Doubled()):
        told = whole(np.array(positions, dtype=float), rule)
        assert told.tolist() == [rule(position) for position in positions]


@given(st.lists(st.integers(-(10**9), 10**9), max_size=20))
def test_exact_takes_whole_numbers_with_noise(numbers: list[int]) -> None:
    noisy = np.array([number * (1 + 1e-12) for number in numbers])
    assert whole(noisy, sizing.exact).tolist() == numbers


@pytest.mark.parametrize("rule", [sizing.exact, sizing.target(1.0)])
@pytest.mark.parametrize("position", [float("nan"), float("inf"), 3e9])
def test_what_is_no_position_is_refused(position: float, rule: Sizing) -> None:
    with pytest.raises(SizingError):
        whole(np.array([1.0, position]), rule)


def test_exact_refuses_a_fraction() -> None:
    with pytest.raises(SizingError, match=r"position=0\.5"):
        whole(np.array([1.0, 0.5]), sizing.exact)


@given(
    st.lists(st.binary(max_size=200), min_size=1, max_size=5),
    st.lists(st.binary(max_size=150), min_size=1, max_size=5),
)
def test_hashes_are_those_of_hashlib(heads: list[bytes], tails: list[bytes]) -> None:
    pairs = [(h, t) for h in range(len(heads)) for t in range(len(tails))]
    head, tail = (np.array(side, dtype=np.int64) for side in zip(*pairs, strict=True))
    told = [row.tobytes() for row in digests(heads, tails, head, tail)]
    assert told == [hashlib.sha1(heads[h] + tails[t]).digest() for h, t in pairs]


@given(
    st.lists(st.floats(-200_000, 200_000), min_size=1, max_size=20),
    st.sampled_from(["0.25", "0.01", "0.00005", "1", "0.1", "0.03125"]),
    st.booleans(),
)
def test_many_prices_go_to_the_tick_as_one_does(values: list[float], tick: str, up: bool) -> None:
    told = on_tick(np.array(values), Decimal(tick), np.full(len(values), up))
    for value, price in zip(values, told.tolist(), strict=True):
        steps = value / float(tick)
        if abs(steps - round(steps)) > 1e-6 * max(1.0, abs(steps)):
            assert price == round_to_tick(value, Decimal(tick), way="up" if up else "down")


@given(st.integers(-(10**6), 10**6), st.sampled_from(["0.25", "0.01", "0.00005"]), st.booleans())
def test_a_price_on_the_tick_stays(steps: int, tick: str, up: bool) -> None:
    price = float(steps * Decimal(tick))
    for near in (price, np.nextafter(price, np.inf), np.nextafter(price, -np.inf)):
        assert on_tick(np.array([near]), Decimal(tick), np.array([up])).tolist() == [price]
