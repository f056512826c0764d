"""Has too much been lost? Rules that look at the marked equity.

The equity is the one of the simulator's books, so it is presumed: the venue's own account may
stand elsewhere, and where it does, the venue's own limits decide.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from sim2live.gate.facts import Facts
from sim2live.gate.rules import Entry, Mark, Rule

PEAK = "peak"
PRESUMED = "presumed, from the simulator's books"


class DailyLoss(Rule):
    """No entries once a pool has lost ``limit`` since the beginning of the session.

    Args:
        limit: account currency.
        day: the session's date of an entry.
    """

    name = "daily_loss"

    def __init__(self, limit: float, day: Callable[[Entry], date]) -> None:
        self.limit = limit
        self._day = day
        self._today: dict[tuple[str, str], tuple[date, float, float]] = {}

    def marked(self, mark: Mark) -> None:
        """A session begins with what the one before it ended with."""
        key = (mark.workflow, mark.strategy)
        day, first, last = self._today.get(key, (mark.day, mark.equity, mark.equity))
        if mark.day != day:
            first = last
        self._today[key] = (mark.day, first, mark.equity)

    def refuses(self, entry: Entry) -> str:
        """Add up what the pool's strategies made or lost in this session."""
        day = self._day(entry)
        made = sum(
            last - first
            for (workflow, _), (marked, first, last) in self._today.items()
            if workflow == entry.workflow and marked == day
        )
        if made > -self.limit:
            return ""
        return (
            f"daily_loss: {entry.workflow} stands at {made:.2f} in the session of {day} "
            f"({PRESUMED}), the limit is a loss of {self.limit:.2f}"
        )


class TrailingDrawdown(Rule):
    """No entries once a pool stands ``limit`` below its highest equity since it went live.

    Args:
        limit: account currency.
        facts: keep the peak from one process to the next; None keeps nothing.
    """

    name = "trailing_drawdown"

    def __init__(self, limit: float, facts: Facts | None = None) -> None:
        self.limit = limit
        self._facts = facts
        self._peaks: dict[str, float] = {}
        self._equity: dict[tuple[str, str], float] = {}

    def marked(self, mark: Mark) -> None:
        """Remember the highest; what history reached counts for nothing."""
        self._equity[mark.workflow, mark.strategy] = mark.equity
        if not mark.live:
            return
        total = self._total(mark.workflow)
        known = self._peaks.get(mark.workflow)
        if known is None:
            known = self._kept(mark.workflow)
        if known is None or total > known:
            known = total
            if self._facts is not None:
                self._facts.put(mark.workflow, PEAK, repr(total), durable=False)
        self._peaks[mark.workflow] = known

    def refuses(self, entry: Entry) -> str:
        """Compare the pool's equity with its peak."""
        peak = self._peaks.get(entry.workflow)
        if peak is None:
            return ""
        equity = self._total(entry.workflow)
        if peak - equity < self.limit:
            return ""
        return (
            f"trailing_drawdown: {entry.workflow} stands at {equity:.2f}, {peak - equity:.2f} "
            f"below its peak of {peak:.2f} ({PRESUMED}); the limit is {self.limit:.2f}"
        )

    def _kept(self, workflow: str) -> float | None:
        text = None if self._facts is None else self._facts.get(workflow, PEAK)
        return None if text is None else float(text)

    def _total(self, workflow: str) -> float:
        return sum(equity for (name, _), equity in self._equity.items() if name == workflow)
