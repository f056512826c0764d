"""Chunks keep to memory and to about a second; workers are as many as memory holds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sim2live.sweep.sizes import Sizes

MB = 1_000_000


def test_before_anything_is_known_points_go_one_by_one() -> None:
    sizes = Sizes(4, 1e9, together=True)
    assert not sizes.weighed
    assert sizes.next(1000) == 1


def test_points_of_one_call_share_the_memory() -> None:
    sizes = Sizes(2, 1000 * MB, together=True)
    sizes.weigh(resident=110 * MB, peak=10 * MB)
    sizes.learn(1, 0.0001)
    # 500 MB for each of two workers, 100 of them for the process itself, 10 for each point.
    assert (sizes.workers, sizes.next(1_000_000)) == (2, 40)


def test_points_one_after_the_other_do_not() -> None:
    sizes = Sizes(2, 1000 * MB, together=False)
    sizes.weigh(resident=110 * MB, peak=0)
    sizes.learn(1, 0.01)
    assert sizes.next(1_000_000) == 100


def test_workers_that_memory_cannot_hold_stay_away() -> None:
    sizes = Sizes(8, 1000 * MB, together=False)
    sizes.weigh(resident=300 * MB, peak=0)
    assert sizes.workers == 3


def test_one_worker_runs_even_where_memory_is_short() -> None:
    sizes = Sizes(8, 100 * MB, together=True)
    sizes.weigh(resident=300 * MB, peak=200 * MB)
    sizes.learn(1, 1e-9)
    assert (sizes.workers, sizes.next(50)) == (1, 1)


def test_the_last_chunks_are_shared_out() -> None:
    sizes = Sizes(2, 1e9, together=False)
    sizes.weigh(resident=1, peak=0)
    sizes.learn(100, 0.001)
    assert sizes.next(16) == 2


@given(
    workers=st.integers(1, 64),
    memory=st.floats(1, 1e12),
    resident=st.integers(0, 10**12),
    peak=st.integers(0, 10**12),
    seconds=st.floats(0, 1e6),
    waiting=st.integers(1, 10**7),
)
def test_a_chunk_has_at_least_one_point_and_no_more_than_there_are(
    workers: int, memory: float, resident: int, peak: int, seconds: float, waiting: int
) -> None:
    sizes = Sizes(workers, memory, together=True)
    sizes.weigh(resident, peak)
    sizes.learn(1, seconds)
    assert 1 <= sizes.next(waiting) <= waiting
    assert 1 <= sizes.workers <= workers
