"""Which contract does a data mean while a position is open? The one that it was opened in.

When the front month rolls, a framework's mapping names the next contract while the old one is
still held. Exits then go to the old one, until the position is flat or turns; what turns opens in
the new one. Pins are kept, so that a restart after the roll still knows the old contract.
"""

from __future__ import annotations

import threading

import msgspec
from msgspec.structs import replace

from sim2live.clock import from_ns
from sim2live.gate.book import Book, Decision, Owner
from sim2live.gate.gate import Gate
from sim2live.gate.ledger import sign
from sim2live.gate.receipt import Receipt, Status
from sim2live.market.contracts import contract
from sim2live.signals import Instrument


class Pins:
    """Hands decisions to the gate, each with the contract that it is about.

    Args:
        gate: shared by all strategies of a process.
    """

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._lock = threading.Lock()
        self._pinned: dict[tuple[str, Owner], Instrument | None] = {}

    def follow(self, decision: Decision) -> Receipt:
        """`Gate.follow`, in the contract that is open."""
        pinned = self._open(decision.workflow, decision.owner, decision.instrument)
        if pinned is not None:
            return self._in_pinned(decision, pinned)
        receipt = self._gate.follow(decision)
        if receipt.granted:
            self._pin(decision)
        return receipt

    def of(self, workflow: str, owner: Owner, instrument: Instrument) -> Instrument:
        """The contract that is meant when a strategy's data is mapped to ``instrument``."""
        pinned = self._open(workflow, owner, instrument)
        return instrument if pinned is None else pinned.key[1]

    def _open(self, workflow: str, owner: Owner, instrument: Instrument) -> Book | None:
        """The book of another contract that this data is still open in, or None."""
        key = (workflow, owner)
        if key not in self._pinned:
            kept = self._gate.journal.facts.get(workflow, _name(owner))
            self._pinned[key] = None if kept is None else Instrument.parse(kept)
        pinned = self._pinned[key]
        if pinned is None or pinned == instrument:
            return None
        book = self._gate.book(workflow, pinned)
        open_there = book.targets_of(owner[0]).get(owner) or _rebuilding(book, owner[0])
        return book if open_there else None

    def _in_pinned(self, decision: Decision, book: Book) -> Receipt:
        pinned = book.key[1]
        there = replace(decision, instrument=pinned)
        target = decision.target
        held = book.targets_of(decision.strategy).get(decision.owner, 0)
        same = sign(target) == sign(held or book.line.presumed.sure)
        if target == 0 or same or not self._is_new(there):
            return self._gate.follow(there)
        closed = self._gate.follow(replace(there, target=0))
        if closed.status in (Status.PENDING, Status.UNKNOWN):
            text = f"the exit of {pinned} has to go before {decision.instrument} is opened"
            # Kept like every refusal, so that it is replayed at a restart.
            book = self._gate.book(decision.workflow, decision.instrument)
            self._gate.sender.note(book, target, decision, text)
            return replace(closed, status=Status.HELD, granted=0, reason=text)
        opened = self._gate.follow(decision)
        if opened.granted:
            self._pin(decision)
        return replace(opened, signals=closed.signals + opened.signals)

    def _is_new(self, decision: Decision) -> bool:
        """Whether a decision is made for the first time, and now."""
        at = (decision.run, decision.instrument, decision.decided_at)
        return self._gate.present.is_live(*at) and not self._gate.present.replays(*at)

    def _pin(self, decision: Decision) -> None:
        """Remember the contract; on disk only where it ends one day."""
        key = (decision.workflow, decision.owner)
        instrument = decision.instrument
        if self._pinned.get(key) == instrument:
            return
        with self._lock:
            self._pinned[key] = instrument
            known = contract(instrument, on=from_ns(decision.decided_at).date())
            if known is not None and known.last_trade_date is not None:
                facts = self._gate.journal.facts
                facts.put(decision.workflow, _name(decision.owner), str(instrument), durable=False)


def _rebuilding(book: Book, strategy: str) -> bool:
    """History is being replayed, and the venue still holds what was opened before it."""
    presumed = book.line.presumed
    return strategy not in book.here and (presumed.low, presumed.high) != (0, 0)


def _name(owner: Owner) -> str:
    return "pin " + msgspec.json.encode(owner).decode()
