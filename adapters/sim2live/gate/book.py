"""What the gate holds of one instrument of a workflow, and what it was asked for."""

from __future__ import annotations

import threading

from msgspec import Struct
from msgspec.structs import replace

from sim2live.gate.journal import Row
from sim2live.gate.ledger import Line
from sim2live.identity import Naming
from sim2live.signals import Instrument, OrderSpec

Owner = tuple[str, str]
Key = tuple[str, Instrument]
NEVER = (-1, -1)
"""Before any call of a framework."""


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
        grown: contracts of the target that are its opening part; refused, they are taken back.
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
    grown: int = 0

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
        targets: last target of each (strategy, data) that counts. Those of a strategy that is
            not here yet are what it wanted when the process before this one ended.
        here: strategies that have caught up with now.
        rebuilt: targets of the others, as their history leads up to now.
        said: time (ns UTC) and number of the last call of each (strategy, data) that counted.
        first: True when the ledger had no line of this key: its first start.
        misdated: True while its bars come from the future.
        owed: the exit that did not go, whose id and bytes are used again.
        unknown: rows whose outcome nobody knows, by id.
        last: the latest decision's strategy, run and time, for signals without a call.
    """

    __slots__ = (
        "_namings",
        "first",
        "here",
        "key",
        "last",
        "line",
        "lock",
        "misdated",
        "owed",
        "rebuilt",
        "said",
        "targets",
        "unknown",
    )  # fmt: skip

    def __init__(self, key: Key, line: Line | None) -> None:
        self.key = key
        self.lock = threading.Lock()
        self.line = replace(line, wishes=()) if line else Line()
        self.first = line is None
        self.misdated = False
        wishes = line.wishes if line else ()
        self.targets: dict[Owner, int] = {(who, data): wish for who, data, wish, _, _ in wishes}
        self.said = {(who, data): (time, nth) for who, data, _, time, nth in wishes}
        self.here: set[str] = set()
        self.rebuilt: dict[Owner, int] = {}
        self.owed: Row | None = None
        self.unknown: dict[str, Row] = {}
        self.last = ("", "", 0)
        self._namings: dict[tuple[str, str, str], Naming] = {}

    @property
    def total(self) -> int:
        """Whole contracts that all strategies together want of this instrument."""
        return sum(self.targets.values())

    @property
    def kept(self) -> Line:
        """The line as it is written: with what everybody wants."""
        said = self.said
        wishes = [
            (*owner, target, *said.get(owner, NEVER))
            for owner, target in list(self.targets.items())
        ]
        return replace(self.line, wishes=tuple(wishes))

    def targets_of(self, strategy: str) -> dict[Owner, int]:
        """What a strategy's simulator holds: its history's targets until it has caught up."""
        return self.targets if strategy in self.here else self.rebuilt

    def hear(self, decision: Decision) -> None:
        """A decision counts from now on."""
        owner = decision.owner
        self.want(owner, decision.target)
        if decision.nth >= 0:
            self.said[owner] = (decision.decided_at, decision.nth)

    def heard(self, decision: Decision) -> bool:
        """Whether a decision, or one after it, has counted before."""
        return (decision.decided_at, decision.nth) <= self.said.get(decision.owner, NEVER)

    @property
    def missing(self) -> dict[str, int]:
        """What stands for strategies that have not caught up yet, by their names."""
        absent: dict[str, int] = {}
        for (strategy, _), target in list(self.targets.items()):
            if target and strategy not in self.here:
                absent[strategy] = absent.get(strategy, 0) + target
        return absent

    def forget(self) -> None:
        """Nothing stands any more for a strategy that is not here."""
        for strategy in self.missing:
            for owner in _of(strategy, self.targets):
                del self.targets[owner]

    def want(self, owner: Owner, target: int) -> None:
        """A target counts from now on, also that of a strategy which is not here yet."""
        self.targets[owner] = target
        if owner[0] not in self.here:
            self.rebuilt[owner] = target

    def grant(self, decision: Decision) -> int:
        """The opening part of a decision is refused; returns what its owner may hold."""
        granted = decision.target - decision.grown
        self.want(decision.owner, granted)
        return granted

    def arrive(self, strategy: str) -> None:
        """A strategy has caught up: where its history led counts, not what it wanted last."""
        self.here.add(strategy)
        for owner in _of(strategy, self.targets):
            del self.targets[owner]
        for owner in _of(strategy, self.rebuilt):
            self.targets[owner] = self.rebuilt.pop(owner)

    def leave(self, strategy: str) -> None:
        """A strategy has fallen back into history: what it wanted last stands meanwhile."""
        if strategy not in self.here:
            return
        self.here.discard(strategy)
        for owner in _of(strategy, self.targets):
            self.rebuilt[owner] = self.targets[owner]

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


def _of(strategy: str, targets: dict[Owner, int]) -> list[Owner]:
    return [owner for owner in list(targets) if owner[0] == strategy]
