"""The workers of a Ray cluster: one task for each chunk."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from sim2live.errors import ConfigError
from sim2live.sweep.pools import Chunk, Pool
from sim2live.sweep.work import Answer, Work, answer, pack


class Cluster(Pool):
    """A Ray cluster.

    Ray that is already initialised is used as it is, and stays. Otherwise `ray.init` looks for
    the cluster where it always does (``RAY_ADDRESS``, then one started on this machine), and
    the connection ends with the sweep.

    Args:
        work: What to do.
        workers: How many chunks are under way at most; by default one for each core.
        address: Of the cluster, such as ``ray://head:10001``; None for Ray's own choice.

    Raises:
        ConfigError: The work cannot be sent, or no cluster is there.
    """

    def __init__(self, work: Work, workers: int | None, address: str | None) -> None:
        packed = pack(work, by_value=True)
        self._ours = not ray.is_initialized()
        if self._ours:
            _connect(address)
        offered: Any = ray  # its own types do not say what this returns
        has: dict[str, float] = offered.cluster_resources()
        self.workers = workers or int(has.get("CPU", 1)) or 1
        self.memory = has.get("memory", 0.0) or float("inf")
        self._work = ray.put(packed)
        # A task that took its process along is not repeated here: the sweep finds the culprit.
        self._task = ray.remote(num_cpus=1, max_retries=0)(_from_store)

    def submit(self, chunk: Chunk, *, weigh: bool = False) -> Any:
        """Give a chunk to the cluster."""
        return self._task.remote([self._work], chunk, weigh)

    def wait(self, tickets: Sequence[Any]) -> list[tuple[Any, Answer | None]]:
        """Wait until one is done."""
        done, _ = ray.wait(list(tickets), num_returns=1)
        return [(one, _answer_of(one)) for one in done]

    def close(self) -> None:
        """Let go of the work, and of a connection that was made here."""
        del self._work
        if self._ours:
            ray.shutdown()


def _connect(address: str | None) -> None:
    try:
        ray.init(address=address, logging_level=logging.WARNING)
    except (ConnectionError, ValueError, RuntimeError) as error:
        where = "ray" if address is None else address
        raise ConfigError(f"on={where!r}: no Ray cluster can be used: {error}") from error


def _answer_of(done: Any) -> Answer | None:
    try:
        said: Answer = ray.get(done)
    except RayTaskError as error:
        # What a point raises is in its answer: this is the work itself, which did not load.
        raise ConfigError(
            f"a worker of the cluster cannot load the work: {error.cause!r}; run the sweep in the "
            "folder of the file with your function, or bring the file with Ray's runtime_env"
        ) from error
    except RayError:
        return None
    return said


def _from_store(held: list[Any], chunk: Chunk, weigh: bool) -> Answer:
    return answer(_fetched(held[0]), chunk, weigh=weigh)


@lru_cache(maxsize=1)
def _fetched(work: Any) -> Work:
    """The work, loaded once in each process."""
    fetched: Work = pickle.loads(ray.get(work))  # noqa: S301 - put there by our own driver
    return fetched
