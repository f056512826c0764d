"""The sweep itself: which chunk goes next, what is kept, and who is to blame for a death."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sim2live.errors import ConfigError, MissingExtraError, shorten
from sim2live.sweep.points import Point, key_of
from sim2live.sweep.pools import Chunk, Pool
from sim2live.sweep.rowfile import RowFile
from sim2live.sweep.sizes import Sizes
from sim2live.sweep.work import Answer, Finished, Work

_DIED: Final = "the worker's process died, of a crash or for want of memory"


def conduct(
    work: Work,
    points: Sequence[Point],
    *,
    on: str,
    workers: int | None,
    memory: float | None,
    keep: str | Path | None,
    progress: bool,
) -> list[Finished]:
    """Run a work on all points that are not finished yet.

    Args:
        work: What to do with a chunk.
        points: All of them.
        on: ``local``, ``ray``, or the address of a Ray cluster.
        workers: How many at most.
        memory: Bytes for all workers together.
        keep: The file of finished rows.
        progress: Show a bar.

    Returns:
        One `Finished` for each point, in the order of the points.
    """
    _check(workers, memory)
    rows = None if keep is None else RowFile(keep, work.made_of)
    try:
        done = {key_of(one.point): one for one in (rows.finished(points) if rows else ())}
        waiting = [point for point in points if key_of(point) not in done]
        if waiting:
            with _bar(len(points), len(done), progress) as advance:
                pool = _pool(work, on, workers)
                try:
                    sizes = Sizes(pool.workers, memory or pool.memory, together=work.together)
                    for finished in _run(pool, sizes, waiting):
                        if rows:
                            rows.add(finished)
                        done |= {key_of(one.point): one for one in finished}
                        advance(len(finished))
                finally:
                    pool.close()
    finally:
        if rows:
            rows.close()
    return [done[key_of(point)] for point in points]


def _run(pool: Pool, sizes: Sizes, points: Sequence[Point]) -> Iterator[Sequence[Finished]]:
    """The points, as they are done.

    A process that dies takes along what the others had in hand. All those points are run
    again, each one alone: the one that dies then is the one to blame.
    """
    waiting, suspects = deque(points), deque[Point]()
    under_way: dict[Any, Chunk] = {}

    def give(chunk: Chunk) -> None:
        under_way[pool.submit(chunk, weigh=sizes.together and not sizes.weighed)] = chunk

    while under_way or waiting or suspects:
        if suspects and not under_way:
            give((suspects.popleft(),))
        elif not sizes.weighed and not under_way:
            give((waiting.popleft(),))
        while waiting and sizes.weighed and not suspects and len(under_way) < sizes.workers:
            give(tuple(waiting.popleft() for _ in range(sizes.next(len(waiting)))))
        alone = len(under_way) == 1
        for ticket, said in pool.wait(list(under_way)):
            chunk = under_way.pop(ticket)
            if said is not None:
                _learn(sizes, said)
                yield said.finished
            elif alone and len(chunk) == 1:
                yield [Finished(chunk[0], error=_DIED)]
            else:
                suspects.extend(chunk)


def _learn(sizes: Sizes, said: Answer) -> None:
    if not sizes.weighed and not said.finished[0].error:
        sizes.weigh(said.resident, said.peak)
    sizes.learn(len(said.finished), said.seconds)


def _check(workers: int | None, memory: float | None) -> None:
    if workers is not None and (isinstance(workers, bool) or workers < 1):
        raise ConfigError(f"workers={workers!r}: must be 1 or more")
    if memory is not None and not memory > 0:
        raise ConfigError(f"memory={memory!r}: must be a number of bytes above 0")


def _pool(work: Work, on: str, workers: int | None) -> Pool:
    if on == "local":
        from sim2live.sweep.processes import Processes

        return Processes(work, workers)
    if on != "ray" and not on.startswith("ray://"):
        raise ConfigError(f"on={shorten(on)}: must be 'local', 'ray' or 'ray://host:port'")
    try:
        from sim2live.sweep.cluster import Cluster
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise MissingExtraError("ray", "ray") from error

    return Cluster(work, workers, None if on == "ray" else on)


@contextmanager
def _bar(total: int, done: int, progress: bool) -> Iterator[Callable[[int], None]]:
    """A progress bar for terminals and notebooks."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = ("sweep", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True, disable=not progress) as bar:
        task = bar.add_task("sweep", total=total, completed=done)
        yield lambda count: bar.advance(task, count)
