"""What the gate holds of one instrument of a workflow, and what it was asked for."""

from __future__ import annotations

import threading

from msgspec import Struct

from sim2live.gate.journal import Row
from sim2live.gate.ledger import Line
from sim2live.identity import Naming
from sim2live.signals import Instrument, OrderSpec

Owner = tuple[str, str]
Key = tuple[str, Instrument]


class Decision(Struct, frozen=True, kw_only=True, gc=False):
    """A target that a strategy wants now.

    Attributes:
        strategy: name of the strategy instance.
        run: name of the run.
        workflow: the pool.
        instrument: what is traded.
        target: whole contracts wanted by this strategy for this data (negative = short).
        data: name of the framework's data, column or asset.
        nth: which call of the framework for that data at that time; -1 for none.
        decided_at: ns UTC, when the bar of the decision closed.
        order: what the framework's order adds to the opening part.
    """

    strategy: str
    run: str
    workflow: str
    instrument: Instrument
    target: int
    data: str
    nth: int
    decided_at: int
    order: OrderSpec | None = None

    @property
    def owner(self) -> Owner:
        """Whose target it is."""
        return self.strategy, self.data


class Book:
    """One instrument of a workflow: its line, its targets and what is unsettled.

    Attributes:
        key: workflow and instrument.
        lock: held while anything of this book is decided or exchanged.
        line: the ledger's line.
        targets: last target of each (strategy, data) that counts.
        known: strategies that have ever wanted something of it; two of them share it.
        absent: those of a shared book that have not caught up since the start.
        rebuilt: targets of the absent ones, as their history leads up to now.
        others: what stands for the absent ones meanwhile.
        first: True when the ledger had no line of this key: its first start.
        begun: True once the first live moment came.
        misdated: True while its bars come from the future.
        owed: the exit that did not go, whose id and bytes are used again.
        unknown: rows whose outcome nobody knows, by id.
        last: the latest decision's strategy, run and time, for signals without a call.
    """

    __slots__ = (
        "_namings",
        "absent",
        "begun",
        "first",
        "key",
        "known",
        "last",
        "line",
        "lock",
        "misdated",
        "others",
        "owed",
        "rebuilt",
        "targets",
        "unknown",
    )  # fmt: skip

    def __init__(self, key: Key, line: Line | None) -> None:
        self.key = key
        self.lock = threading.Lock()
        self.line = line or Line()
        self.first = line is None
        self.begun = False
        self.misdated = False
        self.targets: dict[Owner, int] = {}
        self.known: set[str] = set()
        self.absent: set[str] = set()
        self.rebuilt: dict[Owner, int] = {}
        self.others = 0
        self.owed: Row | None = None
        self.unknown: dict[str, Row] = {}
        self.last = ("", "", 0)
        self._namings: dict[tuple[str, str, str], Naming] = {}

    @property
    def total(self) -> int:
        """Whole contracts that all strategies together want of this instrument."""
        return sum(self.targets.values()) + self.others

    def targets_of(self, strategy: str) -> dict[Owner, int]:
        """Where a strategy's targets are kept: they count once it has caught up."""
        return self.rebuilt if strategy in self.absent else self.targets

    def total_with(self, strategy: str) -> int:
        """The sum that a strategy's next target changes."""
        return sum(self.rebuilt.values()) if strategy in self.absent else self.total

    def arrive(self, strategy: str) -> None:
        """A strategy has caught up with now: what it wants counts from here on.

        What the venue holds beyond the targets of those that are here belongs to those that
        are still in their history, so the venue is left as it is for them.
        """
        self.absent.discard(strategy)
        for owner in [owner for owner in self.rebuilt if owner[0] == strategy]:
            self.targets[owner] = self.rebuilt.pop(owner)
        here, presumed = sum(self.targets.values()), self.line.presumed
        nearest = min(max(here, presumed.low), presumed.high)
        # While the line waits, the venue holds less than is wanted, and nobody else the rest.
        settled = self.line.wants(here) == presumed.sure
        self.others = nearest - here if self.absent and not settled else 0

    @property
    def name(self) -> str:
        """For messages: workflow and instrument."""
        workflow, instrument = self.key
        return f"{workflow} {instrument}"

    def naming(self, decision: Decision) -> Naming:
        """Makes the ids of a decision's signals; one for each strategy, run and data."""
        who = (decision.strategy, decision.run, decision.data)
        found = self._namings.get(who)
        if found is None:
            strategy, run, data = who
            found = Naming(strategy=strategy, run=run, workflow=self.key[0], data=data)
            self._namings[who] = found
        return found

    def correction(self, time: int) -> Decision:
        """What is wanted in sum, as a decision that no call of a framework made.

        Args:
            time: ns UTC.
        """
        strategy, run, _ = self.last
        workflow, instrument = self.key
        return Decision(
            strategy=strategy,
            run=run,
            workflow=workflow,
            instrument=instrument,
            target=self.total,
            data=str(instrument),
            nth=-1,
            decided_at=time,
        )
