"""A strategy's resting orders on a gate: placed, changed, cancelled, filled by its simulator."""

from __future__ import annotations

import logging

from msgspec.structs import replace

from sim2live.clock import iso
from sim2live.gate.book import Book, Decision, Owner
from sim2live.gate.gate import Gate
from sim2live.gate.receipt import Receipt, Status
from sim2live.gate.resting import Resting, changed, found
from sim2live.signals import Instrument, OrderSpec

logger = logging.getLogger("sim2live.gate")


class Desk:
    """The gate's side of orders that rest at the venue."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def rest(self, decision: Decision, signed: int) -> Receipt:
        """Place an order; history is not sent, and neither is what an earlier process sent."""
        gate = self._gate
        if gate.gone:
            return _held("this gate is closed, or belongs to the parent")
        at = (decision.run, decision.instrument, decision.decided_at)
        if not gate.present.is_live(*at):
            return Receipt(status=Status.SHADOW, granted=decision.target, reason="history")
        book = gate.book(decision.workflow, decision.instrument)
        with book.lock:
            if not gate.present.replays(*at):
                gate.present.arrive(book, decision.strategy)
            book.last = (decision.strategy, decision.run, decision.decided_at)
            return gate.orders.rest(book, decision, signed)

    def modify(
        self, workflow: str, instrument: Instrument, name: str, order: OrderSpec, at: int
    ) -> Receipt:
        """Give a resting order other prices."""
        if self._gate.gone:
            return _held("this gate is closed")
        book = self._gate.book(workflow, instrument)
        with book.lock:
            return self._gate.orders.modify(book, name, order, at)

    def cancel(self, workflow: str, instrument: Instrument, name: str, at: int) -> Receipt:
        """Take a resting order off the market."""
        if self._gate.gone:
            return _held("this gate is closed")
        book = self._gate.book(workflow, instrument)
        with book.lock:
            receipt = self._gate.orders.cancel(book, name, at)
        if self._gate.venue.here:
            self._gate.news.collect()  # a refused cancel has lost a race against a fill
        self._gate.notice(book)
        return receipt

    def presume(
        self,
        workflow: str,
        instrument: Instrument,
        owner: Owner,
        target: int,
        *,
        decided_at: int,
        name: str | None = None,
    ) -> bool:
        """The simulator filled what rests at the venue: presume the same there.

        Returns:
            False when nothing like that rests there any more; then nothing is changed, and the
            position has to be followed instead.
        """
        book = self._gate.book(workflow, instrument)
        with book.lock:
            moved = target - book.targets_of(owner[0]).get(owner, 0)
            one = _resting(book, owner, moved, name)
            if one is None:
                return False
            known, left = one.booked(moved)
            book.want(owner, target)
            line = book.line
            presumed = line.presumed.moved(moved - known, "PRESUMED")
            line = replace(line, presumed=presumed, resting=changed(line.resting, one, left))
            book.line = line
            self._gate.orders.tidy(book, decided_at)
            self._gate.sender.save(book)
        logger.info("%s %s presumed filled at %s", book.name, one, iso(decided_at))
        return True

    def adjust(
        self, workflow: str, instrument: Instrument, owner: Owner, target: int, *, seen: bool
    ) -> None:
        """The position changed without an order, at the venue as in the simulator.

        Args:
            workflow: the pool.
            instrument: what is held.
            owner: whose target it is.
            target: whole contracts after the change.
            seen: True in a replay of what an earlier process has booked already.
        """
        book = self._gate.book(workflow, instrument)
        if seen and owner[0] not in book.here:
            book.rebuilt[owner] = target
            return
        with book.lock:
            moved = target - book.targets_of(owner[0]).get(owner, 0)
            book.want(owner, target)
            book.line = replace(book.line, presumed=book.line.presumed.moved(moved, "PRESUMED"))
            self._gate.sender.save(book)
        logger.info("%s adjusted by %+d without an order", book.name, moved)


def _resting(book: Book, owner: Owner, moved: int, name: str | None) -> Resting | None:
    """What a fill of the simulator stands for; without a name the oldest one that fits."""
    resting = book.line.resting
    if name is not None:
        return found(resting, name)
    fitting = (one for one in resting if one.owner == owner and one.signed * moved > 0)
    return next(fitting, None)


def _held(reason: str) -> Receipt:
    return Receipt(status=Status.HELD, granted=0, reason=reason)
