"""Processes of this machine as workers."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import sys
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from pathlib import Path

from sim2live.errors import ConfigError
from sim2live.sweep.pools import Chunk, Pool
from sim2live.sweep.work import Answer, Work, answer, pack


class Processes(Pool):
    """Processes that are started afresh, never forked: the same on every platform.

    Args:
        work: What to do.
        workers: How many; by default one for each core.

    Raises:
        ConfigError: The work cannot be sent, or no worker can be started.
    """

    def __init__(self, work: Work, workers: int | None) -> None:
        import psutil

        self.workers = workers or os.cpu_count() or 1
        self.memory = psutil.virtual_memory().available / 2
        # A script is imported by its workers, where it is __main__ again; a notebook is not.
        packed = pack(work, by_value=not hasattr(sys.modules["__main__"], "__file__"))
        self._folder = tempfile.TemporaryDirectory(prefix="sim2live-sweep-")
        self._path = str(Path(self._folder.name) / "work")
        Path(self._path).write_bytes(packed)
        self._executor = self._start()
        try:
            self._executor.submit(os.getpid).result()
        except BrokenProcessPool as error:
            self.close()
            raise ConfigError(
                "a worker ended before it began; a script must start its sweep under "
                "if __name__ == '__main__':, because its workers import it"
            ) from error

    def submit(self, chunk: Chunk, *, weigh: bool = False) -> Future[Answer]:
        """Give a chunk to a process."""
        try:
            return self._executor.submit(_from_file, self._path, chunk, weigh)
        except BrokenProcessPool:  # one died while nobody waited
            self._executor.shutdown(wait=False)
            self._executor = self._start()
            return self._executor.submit(_from_file, self._path, chunk, weigh)

    def wait(self, tickets: Sequence[Future[Answer]]) -> list[tuple[Future[Answer], Answer | None]]:
        """Wait until one is done; the death of one process takes along what the others had."""
        done, _ = wait(tickets, return_when=FIRST_COMPLETED)
        return [(one, _answer_of(one)) for one in done]

    def close(self) -> None:
        """End the processes; a chunk that is under way is finished first."""
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._folder.cleanup()

    def _start(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self.workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_end_with_parent,
        )


def _answer_of(done: Future[Answer]) -> Answer | None:
    try:
        return done.result()
    except BrokenProcessPool:
        return None


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for chunks for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="sim2live-sweep-parent").start()


def _from_file(path: str, chunk: Chunk, weigh: bool) -> Answer:
    return answer(_opened(path), chunk, weigh=weigh)


@lru_cache(maxsize=1)
def _opened(path: str) -> Work:
    """The work, loaded once in each process."""
    work: Work = pickle.loads(Path(path).read_bytes())  # noqa: S301 - written by our own parent
    return work
