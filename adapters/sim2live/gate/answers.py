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

    def of(self, book: Book, decision: Decision, grown: int, sent: Sent) -> Receipt:
        """The receipt of what was sent, held or not needed."""
        status, reason = sent.status, sent.reason
        granted = decision.target
        if grown and decision.nth >= 0 and status in REFUSALS:
            granted -= grown
            book.targets_of(decision.strategy)[decision.owner] = granted
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

    def stored(self, book: Book, decision: Decision, grown: int) -> Receipt | None:
        """What the journal says of a decision that an earlier process has made already.

        Refusals are replayed, or the rebuilt simulator would hold what the venue never took
        (rule 6 of following).
        """
        watermark = self._replay.watermark(decision.run, decision.instrument)
        if decision.nth < 0 or decision.decided_at > watermark:
            return None
        stored = self._replay.stored(decision)
        if stored is None:
            if decision.decided_at < watermark or not self._replay.decided_later(decision):
                return None
            stored = Sent(status=Status.SHADOW, reason="decided before the restart")
        granted = decision.target
        if stored.opened and stored.status in REFUSALS:
            # What others of a shared instrument wanted then is not known now; the row is.
            granted -= stored.signals[-1].signed if len(book.known) > 1 else grown
        book.targets_of(decision.strategy)[decision.owner] = granted
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
        before, targets = book.total_with(decision.strategy), book.targets_of(decision.strategy)
        prior = targets.get(decision.owner, 0)
        grown = growth(before, before - prior + decision.target)
        granted = decision.target - grown
        targets[decision.owner] = granted
        status = Status.HELD if grown else Status.PENDING
        return Receipt(status=status, granted=granted, reason=reason)

    def busy(self, book: Book, decision: Decision) -> Receipt:
        """Another exchange holds the instrument longer than the deadline."""
        receipt = self.unable(book, decision, "busy: another exchange holds the instrument")
        if receipt.status is Status.HELD:
            self._sender.note(book, decision.target - receipt.granted, decision, receipt.reason)
        return receipt
