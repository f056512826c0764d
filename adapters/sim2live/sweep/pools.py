"""What can do the work: something that takes chunks of points and answers in any order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from sim2live.sweep.points import Point
from sim2live.sweep.work import Answer

Chunk = tuple[Point, ...]


class Pool(ABC):
    """Workers.

    Attributes:
        workers: How many chunks can be under way.
        memory: Bytes that the workers may use together, unless the user says otherwise.
    """

    workers: int
    memory: float

    @abstractmethod
    def submit(self, chunk: Chunk, *, weigh: bool = False) -> Any:
        """Give a chunk to a worker.

        Returns:
            A ticket for `wait`.
        """

    @abstractmethod
    def wait(self, tickets: Sequence[Any]) -> list[tuple[Any, Answer | None]]:
        """Wait until one of the tickets is done.

        Returns:
            Those that are, with their answers; None where the worker's process died.
        """

    @abstractmethod
    def close(self) -> None:
        """End the workers."""
