"""Does a Backtrader strategy decide the same when the future is cut off?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from sim2live.backtrader.barclock import moment_of
from sim2live.backtrader.recorder import Recorder
from sim2live.errors import ConfigError
from sim2live.runs import Run


def changed_decisions(make: Callable[[], Any], cuts: int) -> tuple[int, int]:
    """Run a strategy on shorter and shorter data, and compare what it decided.

    Args:
        make: Makes a fresh cerebro with the strategy.
        cuts: How many shorter runs; they end evenly spread from a quarter of the bars on.

    Returns:
        How many decisions of shorter runs the whole one has not made, and how many it made
        that a shorter run had not, though it knew their bar.

    Raises:
        ConfigError: `cuts` is below 1.
    """
    if cuts < 1:
        raise ConfigError(f"cuts={cuts!r}: must be 1 or more")
    whole = _run(make(), None)
    expected = _decided(whole)
    ends = [time for time, _ in whole.equity]
    first = len(ends) // 4
    vanished = late = 0
    for number in sorted({first + (len(ends) - 1 - first) * n // cuts for n in range(cuts)}):
        told = _decided(_run(make(), ends[number]))
        known = Counter({key: count for key, count in expected.items() if key[0] <= ends[number]})
        vanished += (told - known).total()
        late += (known - told).total()
    return vanished, late


def _run(cerebro: Any, until: int | None) -> Run:
    """One run, on the bars up to a moment (nanoseconds UTC)."""
    if until is not None:
        for data in cerebro.datas:
            # The first filter sees bars as they come; a resampled data then ends as well.
            data._filters.insert(0, (_Until(until), [], {}))
    cerebro.addanalyzer(Recorder, _name="sim2live_recorder")
    (strategy,) = cerebro.run(maxcpus=1)
    run: Run = strategy.analyzers.getbyname("sim2live_recorder").run
    return run


class _Until:
    """A filter of Backtrader's that removes the bars after a moment."""

    def __init__(self, until: int) -> None:
        self._until = until

    def __call__(self, data: Any) -> bool:
        if moment_of(data, data.datetime[0]) <= self._until:
            return False
        data.backwards()
        return True


def _decided(run: Run) -> Counter[tuple[Any, ...]]:
    return Counter((d.time, d.data, d.side, d.qty, d.order_type, d.price) for d in run.decisions)
