"""May this entry go? Each rule answers with a sentence when it says no.

Rules are asked for entries only: an exit is never refused (the law of delivery). They are asked
in order and the first refusal wins. A rule that counts is told of an entry only once it goes.
"""

from __future__ import annotations

import abc
import threading
from collections import deque
from collections.abc import Sequence
from datetime import date

from msgspec import Struct

from sim2live.signals import Instrument, OrderSpec

MINUTE_NS = 60_000_000_000


class Entry(Struct, frozen=True, kw_only=True, gc=False):
    """What a rule may look at.

    Attributes:
        workflow: the pool.
        instrument: what would be opened.
        signed: whole contracts that would be opened, positive to buy.
        held: presumed position of the instrument before this entry.
        held_total: sum of absolute presumed positions of the pool, this instrument's excluded.
        decided_at: ns UTC, the bar of the decision.
        time: ns UTC, where the gate says "now" is.
        order: what the framework's order adds, or None for a corrective entry.
        strategy: name of the strategy instance.
    """

    workflow: str
    instrument: Instrument
    signed: int
    held: int
    held_total: int
    decided_at: int
    time: int
    order: OrderSpec | None = None
    strategy: str = ""


class Mark(Struct, frozen=True, kw_only=True, gc=False):
    """What a strategy's simulator says that it is worth.

    Attributes:
        workflow: the pool.
        strategy: name of the strategy instance.
        equity: account currency.
        day: date of the session that it was marked in.
        live: False for a mark out of the replayed history.
    """

    workflow: str
    strategy: str
    equity: float
    day: date
    live: bool


class Rule(abc.ABC):
    """One question about an entry. Subclasses answer `refuses`; most need nothing else."""

    name = "rule"

    @abc.abstractmethod
    def refuses(self, entry: Entry) -> str:
        """A sentence with the number and the limit, or an empty string."""

    def enters(self, workflow: str, strategy: str) -> str:  # noqa: ARG002 - most need not know
        """Told that a strategy starts; a sentence where none of its entries could go yet."""
        return ""

    def went(self, entry: Entry) -> None:  # noqa: B027 - empty on purpose
        """Told when an entry that every rule agreed to goes out. Most rules need not know."""

    def marked(self, mark: Mark) -> None:  # noqa: B027 - empty on purpose
        """Told each time a strategy's equity is marked. Most rules need not know."""


class MaxQuantity(Rule):
    """No single entry is larger than ``limit`` contracts."""

    name = "max_quantity"

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def refuses(self, entry: Entry) -> str:
        """Compare the quantity with the limit."""
        quantity = abs(entry.signed)
        if quantity <= self.limit:
            return ""
        return f"max_quantity: an entry of {quantity} contracts, the limit is {self.limit}"


class MaxPosition(Rule):
    """No instrument is held beyond ``limit`` contracts on either side."""

    name = "max_position"

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def refuses(self, entry: Entry) -> str:
        """Compare the position that would result with the limit."""
        after = abs(entry.held + entry.signed)
        if after <= self.limit:
            return ""
        return (
            f"max_position: {entry.instrument} would stand at {after} contracts, "
            f"the limit is {self.limit}"
        )


class MaxTotal(Rule):
    """The contracts of all instruments of a pool together stay within ``limit``."""

    name = "max_total"

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def refuses(self, entry: Entry) -> str:
        """Compare the contracts of the whole pool with the limit."""
        after = entry.held_total + abs(entry.held + entry.signed)
        if after <= self.limit:
            return ""
        return f"max_total: the pool would hold {after} contracts, the limit is {self.limit}"


class MaxSignalsPerMinute(Rule):
    """At most ``limit`` entries a pool in any sixty seconds of the gate's own time."""

    name = "max_signals_per_minute"

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._sent: dict[str, deque[int]] = {}

    def refuses(self, entry: Entry) -> str:
        """Count the entries of the last sixty seconds."""
        sent = self._sent.get(entry.workflow)
        if sent is None or len(sent) < self.limit or entry.time - sent[0] >= MINUTE_NS:
            return ""
        wait = (MINUTE_NS - (entry.time - sent[0])) / 1e9
        return (
            f"max_signals_per_minute: {self.limit} entries went to {entry.workflow} within "
            f"a minute; the next may go in {wait:.0f} s"
        )

    def went(self, entry: Entry) -> None:
        """Remember when it went."""
        # maxlen keeps exactly the entries that the next question needs.
        self._sent.setdefault(entry.workflow, deque(maxlen=self.limit)).append(entry.time)


class Doorkeeper:
    """Asks the rules about entries; one question at a time, whatever thread it comes from.

    Args:
        rules: asked in this order.

    Attributes:
        rules: as given.
        weighs: True when one of them looks at the equity.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self.weighs = any(type(rule).marked is not Rule.marked for rule in rules)
        self._lock = threading.Lock()

    def refuses(self, entry: Entry) -> str:
        """The first sentence wins; an empty string means yes, and the entry then counts."""
        with self._lock:
            for rule in self.rules:
                sentence = rule.refuses(entry)
                if sentence:
                    return sentence
            for rule in self.rules:
                rule.went(entry)
        return ""

    def enters(self, workflow: str, strategy: str) -> list[str]:
        """What would keep every entry of a strategy that starts from going."""
        with self._lock:
            return list(filter(None, [rule.enters(workflow, strategy) for rule in self.rules]))

    def marked(self, mark: Mark) -> None:
        """Hand a mark to every rule."""
        with self._lock:
            for rule in self.rules:
                rule.marked(mark)
