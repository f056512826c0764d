"""What really happened at a venue, whatever its answers said."""

from __future__ import annotations

import threading
from collections import Counter

from msgspec import Struct

from sim2live.exchange.execution import Behaviour
from sim2live.exchange.venue import Exchange
from sim2live.market.bars import Bar
from sim2live.signals import CLOSE, Instrument, Signal

NOMINAL = 100.0
"""Points; every instrument trades here until a bar says otherwise."""


class Execution(Struct, frozen=True):
    """One signal that moved a position.

    Attributes:
        signal: what was executed.
        before: whole contracts held of its instrument before.
        after: the same, afterwards.
    """

    signal: Signal
    before: int
    after: int

    @property
    def exit_went_too_far(self) -> bool:
        """True when a CLOSE opened, enlarged or turned a position."""
        closing = self.signal.open_close == CLOSE
        return closing and (abs(self.after) > abs(self.before) or self.before * self.after < 0)


class Account:
    """The account of a venue that may lie about it; safe to share between threads.

    Args:
        behaviour: what a CLOSE and a repeated id do; what a venue's page leaves open.

    Attributes:
        executions: every execution, in order.
        counts: how often each signal id was executed.
        exchange: the simulated venue behind.
    """

    def __init__(self, behaviour: Behaviour | None = None) -> None:
        self.exchange = Exchange({}, any_pool=True, behaviour=behaviour)
        self.executions: list[Execution] = []
        self.counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def execute(self, signal: Signal) -> str:
        """Execute a signal now.

        Returns:
            Why it was refused, or an empty string.
        """
        with self._lock:
            if self.exchange.price(signal.instrument) is None:
                self.exchange.quote(signal.instrument, NOMINAL, 0)
            repeated = self.exchange.behaviour.dedupe and self.counts[signal.signal_id]
            before = self._held(signal.workflow_id, signal.instrument)
            done = self.exchange.submit(signal, 0)
            if done.accepted and not repeated:
                after = self._held(signal.workflow_id, signal.instrument)
                self.executions.append(Execution(signal, before, after))
                self.counts[signal.signal_id] += 1
            return done.reason

    def held(self, workflow: str, instrument: Instrument) -> int:
        """Whole contracts that the account really holds."""
        with self._lock:
            return self._held(workflow, instrument)

    def working(self, workflow: str) -> int:
        """How many orders are working in a pool."""
        with self._lock:
            rows = self.exchange.orders(workflow)
        return sum(row.state in ("WORKING", "INACTIVE") for row in rows)

    def cancel_all(self, workflow: str) -> None:
        """Take every working order of a pool off the market, as a human at the platform does."""
        with self._lock:
            for row in self.exchange.orders(workflow):
                if row.state in ("WORKING", "INACTIVE"):
                    self.exchange.cancel(row.order_id, 0)

    def on_bar(self, instrument: Instrument, bar: Bar) -> None:
        """Move the market through a bar; resting orders may fill."""
        with self._lock:
            self.exchange.on_bar(instrument, bar)

    def _held(self, workflow: str, instrument: Instrument) -> int:
        return (self.exchange.unit_positions(workflow) or {}).get(instrument, 0)
