"""What a strategy is told of its decision, and what its simulator may hold from then on."""

from __future__ import annotations

import logging

from msgspec.structs import replace

from sim2live.gate.book import Book, Decision
from sim2live.gate.delivery import growth
from sim2live.gate.ledger import sign
from sim2live.gate.receipt import REFUSALS, Receipt, Status
from sim2live.gate.replay import Replay, Sent
from sim2live.gate.sender import Sender

logger = logging.getLogger("sim2live.gate")


class Answers:
    """Makes receipts; a refused entry is taken out of the target at the same time.

    Args:
        sender: keeps lines that change, and refusals.
        replay: what an earlier process was told.
    """

    def __init__(self, sender: Sender, replay: Replay) -> None:
        self._sender = sender
        self._replay = replay

    def of(self, book: Book, decision: Decision, sent: Sent) -> Receipt:
        """The receipt of what was sent, held or not needed."""
        status, reason = sent.status, sent.reason
        granted = decision.target
        if decision.grown and status in REFUSALS:
            granted = book.grant(decision)
        elif sent.opened and status in REFUSALS:
            # An "un-exit" has no order that could be refused: the venue waits instead (rule 8).
            book.line = replace(book.line, waiting=sign(book.total))
            self._sender.save(book)
            status = Status.SHADOW
        if (sent.signals or reason) and logger.isEnabledFor(logging.INFO):
            logger.info(
                "%s %s target=%d granted=%d %s", book.name, status, decision.target, granted, reason
            )
        return Receipt(
            status=status,
            granted=granted,
            reason=reason,
            signals=sent.signals,
            latency_ns=sent.latency,
            children=sent.children,
        )

    def due(self, book: Book, decision: Decision) -> bool:
        """Whether the process before ended at this bar, before it came to this decision."""
        unheard = decision.nth >= 0 and not book.heard(decision)
        return unheard and self._replay.stored(decision) is None

    def past(self, book: Book, decision: Decision, *, now: bool = False) -> Receipt:
        """What becomes of a decision whose strategy is still in its history: nothing is sent.

        Refusals are replayed, or the rebuilt simulator would hold what the venue never took
        (rule 6 of following). A correction has no id that could tell whether it was made before.
        At the bar of now, where the replay has come to the last word on record, it is the next.
        """
        stored = self._replay.stored(decision) if decision.nth >= 0 else None
        if stored is None:
            stored = Sent(status=Status.SHADOW, reason="history")
        granted = decision.target
        prior = book.rebuilt.get(decision.owner, 0)
        if now and decision.nth < 0 and prior == book.targets.get(decision.owner, 0):
            book.want(decision.owner, granted)
        if stored.status in REFUSALS:
            # Of other bars than those of then no more is taken back than the order asks for.
            granted = sorted((prior, granted, granted - stored.grown))[1]
        book.rebuilt[decision.owner] = granted
        book.last = (decision.strategy, decision.run, decision.decided_at)
        return Receipt(
            status=stored.status, granted=granted, reason=stored.reason, signals=stored.signals
        )

    def nonsense(self, book: Book, decision: Decision) -> Receipt:
        """The target is no number of contracts: nothing moves, the last target stays."""
        text = repr(decision.target)[:80]
        return Receipt(
            status=Status.NOT_SENT,
            granted=book.targets_of(decision.strategy).get(decision.owner, 0),
            reason=f"target={text}: must be a whole number of contracts",
        )

    def unable(self, book: Book, decision: Decision, reason: str) -> Receipt:
        """Nothing can be sent now: an entry is refused, an exit stays in the target."""
        before, prior = book.total, book.targets.get(decision.owner, 0)
        grown = growth(before, before - prior + decision.target)
        granted = decision.target - grown
        book.want(decision.owner, granted)
        status = Status.HELD if grown else Status.PENDING
        return Receipt(status=status, granted=granted, reason=reason)

    def busy(self, book: Book, decision: Decision) -> Receipt:
        """Another exchange holds the instrument longer than the deadline."""
        receipt = self.unable(book, decision, "busy: another exchange holds the instrument")
        if receipt.status is Status.HELD:
            self._sender.note(book, decision.target - receipt.granted, decision, receipt.reason)
        return receipt
