"""What does a worker do with the points that it is given?

A `Work` travels to each worker once, as a file or an object of the cluster. Whatever its points
raise comes back as text, so that nothing but the death of the process can end a sweep.
"""

from __future__ import annotations

import os
import pickle
import traceback
import tracemalloc
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sim2live.clock import SystemClock
from sim2live.errors import ConfigError, shorten
from sim2live.sweep.points import Point, plain_value

Row = dict[str, Any]


@dataclass(frozen=True)
class Finished:
    """What became of one point.

    Attributes:
        point: Its parameters.
        rows: What was measured; more than one where a portfolio has several columns.
        error: Why there is nothing, as a sentence; empty if all went well.
    """

    point: Point
    rows: tuple[Row, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class Answer:
    """What a worker says of one chunk of points.

    Attributes:
        finished: One for each point, in their order.
        seconds: How long the chunk took, the loading of the work aside.
        resident: Bytes that the process holds afterwards.
        peak: Most bytes that the chunk had allocated at a time; 0 where that was not asked for.
    """

    finished: tuple[Finished, ...]
    seconds: float
    resident: int
    peak: int


class Work(ABC):
    """From points to rows; pickled, so it holds functions by name and data by value.

    Attributes:
        together: True where the points of a chunk are one call, False where they are run one
            after the other.
    """

    together = False

    @property
    @abstractmethod
    def made_of(self) -> dict[str, str]:
        """What the rows depend on, by name, as digests."""

    @abstractmethod
    def run(self, points: Sequence[Point]) -> list[list[Row]]:
        """What was measured, one list of rows for each point."""


def answer(work: Work, points: Sequence[Point], *, weigh: bool) -> Answer:
    """Run a chunk in this process.

    Args:
        work: What to do.
        points: The chunk.
        weigh: Also find how much memory it allocates. It is run once before, so that what is
            loaded and compiled at the first use does not count.
    """
    import psutil

    clock = SystemClock()
    if weigh:
        _attempt(work, points)
        tracemalloc.start()
    start = clock.monotonic()
    finished = _attempt(work, points)
    seconds = clock.monotonic() - start
    peak = 0
    if weigh:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return Answer(finished, seconds, psutil.Process().memory_info().rss, peak)


def pack(work: Work, *, by_value: bool) -> bytes:
    """A work as bytes.

    Args:
        work: What to send.
        by_value: Functions of ``__main__`` are sent with their code, for workers that have
            another ``__main__``, or none.

    Raises:
        ConfigError: Something in it cannot be sent.
    """
    try:
        if not by_value:
            return pickle.dumps(work)
        import cloudpickle

        return bytes(cloudpickle.dumps(work))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ConfigError(
            f"a worker cannot be sent what it needs: {error}; define functions and classes at "
            "the top of a file, not inside another function"
        ) from error


def plain_rows(measured: Mapping[str, Any], count: int) -> list[list[Row]]:
    """Measures of a portfolio, split by points and columns.

    Args:
        measured: From a measure's name to one value, or to a pandas Series of one value for
            each column, the columns of a point beside one another.
        count: How many points they belong to.

    Returns:
        One list of rows for each point. A row has ``column`` where a point has several.

    Raises:
        ConfigError: Measures have different numbers of columns, or not a multiple of the
            points, or a value is nothing that can be kept.
    """
    series = {
        name: value.to_dict() if hasattr(value, "to_dict") else {"": value}
        for name, value in measured.items()
    }
    lengths = {len(values) for values in series.values()}
    if len(lengths) != 1 or (length := lengths.pop()) % count or not length:
        raise ConfigError(
            f"measures of {sorted({len(values) for values in series.values()})} columns do not "
            f"belong to {count} points: each point needs the same number of columns"
        )
    each = length // count
    labels = list(next(iter(series.values())))
    rows = [
        {
            **({"column": _label(label)} if each > 1 else {}),
            **{
                name: plain_value(name, list(values.values())[number])
                for name, values in series.items()
            },
        }
        for number, label in enumerate(labels)
    ]
    return [rows[start : start + each] for start in range(0, length, each)]


def _attempt(work: Work, points: Sequence[Point]) -> tuple[Finished, ...]:
    try:
        measured = work.run(points)
    except Exception as error:  # noqa: BLE001 - the user's code may raise anything
        if len(points) > 1:
            return tuple(each for point in points for each in _attempt(work, (point,)))
        return (Finished(points[0], error=_told(error)),)
    return tuple(Finished(point, tuple(rows)) for point, rows in zip(points, measured, strict=True))


def _told(error: Exception) -> str:
    """The error, and the line of the user's own code that it came through last."""
    own = os.path.dirname(__file__)  # noqa: PTH120
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(own) and "site-packages" not in frame.filename
    ]
    place = f" ({os.path.basename(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""  # noqa: PTH119
    return f"{type(error).__name__}: {shorten(str(error), 500)[1:-1]}{place}"


def _label(label: Any) -> str:
    parts = label if isinstance(label, tuple) else (label,)
    return "-".join(str(part) for part in parts)
