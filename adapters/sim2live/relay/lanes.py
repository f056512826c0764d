"""One signal of a workflow at a time, in order; different workflows beside one another."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

WIDTH = 16
"""Workflows that are served at the same moment."""

Job = Callable[[], None]
logger = logging.getLogger("sim2live.relay")


class Lanes:
    """A few threads, and one queue for each workflow that has something to do."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(WIDTH, thread_name_prefix="sim2live-lane")
        self._lock = threading.Lock()
        self._queues: dict[str, deque[Job]] = {}

    def put(self, workflow: str, job: Job) -> None:
        """Do something after everything that this workflow has to do already."""
        with self._lock:
            waiting = self._queues.get(workflow)
            if waiting is not None:
                waiting.append(job)
                return
            self._queues[workflow] = deque([job])
        self._threads.submit(self._drive, workflow)

    def clear(self) -> None:
        """Forget what has not been begun."""
        with self._lock:
            for waiting in self._queues.values():
                waiting.clear()

    def close(self) -> None:
        """Forget what has not been begun, and wait for what has."""
        self.clear()
        self._threads.shutdown(wait=True)

    def _drive(self, workflow: str) -> None:
        while True:
            with self._lock:
                waiting = self._queues[workflow]
                if not waiting:
                    del self._queues[workflow]
                    return
                job = waiting.popleft()
            try:
                job()
            except Exception:
                # A defect in one passage must not end the lane; its signal comes again.
                logger.exception("a passage failed and the lane goes on")
