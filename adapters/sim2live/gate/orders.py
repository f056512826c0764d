"""How orders come to rest at a venue, and how they go: placed, changed, cancelled, left over.

An order that rests is a promise of a fill. What opens asks the rules when it is placed; what
only reduces is never refused. A cancel is idempotent and therefore tried until it is answered.
Where a venue cannot cancel, legs that outlive their position are named to a human, and only
exits go until somebody has looked.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from sim2live.errors import SignalError
from sim2live.gate.book import Book, Decision
from sim2live.gate.journal import Row
from sim2live.gate.ledger import LEGS
from sim2live.gate.receipt import Receipt, Status
from sim2live.gate.resting import Resting, changed, found, leftover
from sim2live.gate.sender import Sender
from sim2live.signals import (
    BUY,
    CANCEL,
    CLOSE,
    MODIFY,
    NEW,
    OPEN,
    SELL,
    Action,
    Leg,
    OrderSpec,
    Signal,
    signal_id,
)
from sim2live.venues.base import Venue
from sim2live.venues.outcome import Kind

MAX_TRIES = 3
"""How often a cancel of unknown outcome is repeated before a human is asked to look."""

Refuses = Callable[[Book, int, Decision], str]


class Orders:
    """Resting orders of one venue. The caller holds the book's lock.

    Args:
        venue: says whether it can cancel.
        sender: journals and delivers.
        refuses: the rules: a sentence why an opening order of that size may not go.
    """

    def __init__(self, venue: Venue, sender: Sender, refuses: Refuses) -> None:
        self._venue = venue
        self._sender = sender
        self._refuses = refuses

    # -- placing -------------------------------------------------------------------------

    def rest(self, book: Book, decision: Decision, signed: int) -> Receipt:
        """Place an order that rests; its name is the id of the signal in the receipt.

        Args:
            book: of the instrument.
            decision: whose order says type, prices and bracket; its target does not count.
            signed: whole contracts, positive to buy.
        """
        if not self._venue.can_cancel:
            reason = f"{self._venue.name} cannot cancel, so nothing rests there"
            return _receipt(Status.HELD, decision, reason)
        held = book.line.presumed.sure
        opens = abs(held + signed) > abs(held) or held * (held + signed) < 0
        sentence = book.line.blocked or self._refuses(book, signed, decision) if opens else ""
        if sentence:
            return _receipt(Status.HELD, decision, sentence)
        try:
            row, signal = _placed(book, decision, signed, opens=opens)
        except SignalError as error:
            return _receipt(Status.NOT_SENT, decision, str(error))
        outcome = self._sender.aside(book, row, signal, self._rests)
        status = Status(outcome.kind.value)
        sent = () if outcome.kind is Kind.NOT_SENT else (signal,)
        return _receipt(status, decision, outcome.reason, sent)

    @staticmethod
    def _rests(book: Book, row: Row, signal: Signal, kind: Kind) -> None:
        """Also an order of unknown outcome may rest there: better one name too many."""
        if kind in (Kind.ACCEPTED, Kind.UNKNOWN) and not found(book.line.resting, row.id):
            spec = signal.order_type.lower()
            price = signal.limit_price if signal.trigger_price is None else signal.trigger_price
            one = Resting(
                strategy=row.strategy,
                data=row.data,
                run=row.run,
                name=row.id,
                signed=signal.signed,
                prices=f"{spec} {price:g}" if price is not None else spec,
            )
            book.line = replace(book.line, resting=(*book.line.resting, one))

    # -- changing ------------------------------------------------------------------------

    def modify(self, book: Book, name: str, order: OrderSpec, decided_at: int) -> Receipt:
        """Give a resting order other prices; absolute, so a repetition does no harm."""
        one = found(book.line.resting, name)
        if one is None or one.ending or one.filled:
            return Receipt(status=Status.SHADOW, granted=0, reason=f"{name} does not rest")
        try:
            row, signal = self._about(book, one, name, MODIFY, decided_at, order)
        except SignalError as error:
            return Receipt(status=Status.NOT_SENT, granted=0, reason=str(error))
        outcome = self._sender.aside(book, row, signal)
        if outcome.kind is not Kind.ACCEPTED:
            self._sender.sound(book, f"{name} was not changed: {outcome.reason}")
        sent = () if outcome.kind is Kind.NOT_SENT else (signal,)
        return Receipt(
            status=Status(outcome.kind.value), granted=0, reason=outcome.reason, signals=sent
        )

    def cancel(self, book: Book, name: str, decided_at: int) -> Receipt:
        """Take a resting order, or one leg of a bracket, off the market."""
        one = found(book.line.resting, name)
        if one is None:
            return Receipt(status=Status.SHADOW, granted=0, reason=f"{name} does not rest")
        if one.filled:
            # The venue was faster; what it holds too much is taken back at the next comparison.
            self._let_go(book, one, None)
            self._sender.save(book)
            return Receipt(status=Status.REJECTED, granted=0, reason=f"{name} is filled")
        if one.legs and name in one.names and len(one.legs) > 1:
            self._split(book, one, name)
        else:
            ending = replace(one, ending="it was cancelled")
            self._let_go(book, one, ending)
        return self.tidy(book, decided_at)

    @staticmethod
    def _split(book: Book, one: Resting, name: str) -> None:
        """One leg has to go, the other stays."""
        gone = replace(one, legs=(name.rpartition("/")[2],), ending="it was cancelled")
        rest = one.without(name)
        line = book.line
        line = replace(line, resting=(*changed(line.resting, one, rest), gone))
        book.line = line

    def tidy(self, book: Book, decided_at: int) -> Receipt:
        """Cancel what should be gone; what cannot be cancelled is told to a human."""
        receipt = Receipt(status=Status.SHADOW, granted=0, reason="nothing is left over")
        if not self._venue.can_cancel:
            receipt = self._name(book)
        else:
            for name in [name for one in leftover(book.line.resting) for name in one.names]:
                one = found(book.line.resting, name)
                if one is not None:
                    receipt = self._cancel(book, one, name, decided_at)
        line = book.line.tidied()
        if line is not book.line:
            book.line = line
            self._sender.save(book)
        return receipt

    def _cancel(self, book: Book, one: Resting, name: str, decided_at: int) -> Receipt:
        row, signal = self._about(book, one, name, CANCEL, decided_at)
        outcome = self._sender.aside(book, row, signal)
        if outcome.kind is Kind.REJECTED and self._venue.can_report:
            # No such order works there any more; news of its end, perhaps a fill, is on its way.
            self._let_go(book, one, replace(one, tries=MAX_TRIES))
        elif outcome.kind in (Kind.ACCEPTED, Kind.REJECTED):
            self._let_go(book, one, one.without(name))
        else:
            unsure = outcome.kind is Kind.UNKNOWN
            self._let_go(book, one, replace(one, tries=one.tries + unsure))
            self._sender.sound(book, f"{one} is not cancelled yet: {outcome.reason}")
        sent = () if outcome.kind is Kind.NOT_SENT else (signal,)
        return Receipt(
            status=Status(outcome.kind.value), granted=0, reason=outcome.reason, signals=sent
        )

    def _name(self, book: Book) -> Receipt:
        left = leftover(book.line.resting)
        if not left:
            return Receipt(status=Status.SHADOW, granted=0)
        text = "; ".join(str(one) for one in left)
        reason = f"may still rest at the venue, which cannot cancel: {text}"
        self._sender.sound(book, f"{reason}; look there, then `sim2live position` or `resume`")
        return Receipt(status=Status.HELD, granted=0, reason=reason)

    def untold(self, book: Book) -> bool:
        """Whether something rests that should not, and nobody has been told yet."""
        return LEGS not in book.line.reasons and bool(leftover(book.line.resting))

    def owing(self, book: Book) -> bool:
        """Whether a cancel is still to be tried."""
        return self._venue.can_cancel and any(
            one.tries < MAX_TRIES for one in leftover(book.line.resting)
        )

    @staticmethod
    def _let_go(book: Book, one: Resting, left: Resting | None) -> None:
        book.line = replace(book.line, resting=changed(book.line.resting, one, left))

    def _about(
        self,
        book: Book,
        one: Resting,
        name: str,
        action: Action,
        decided_at: int,
        order: OrderSpec | None = None,
    ) -> tuple[Row, Signal]:
        """A signal about an order that rests; it draws its number from the journalled counter."""
        number = book.line.fixes
        book.line = replace(book.line, fixes=number + 1)
        leg: Leg = "cancel" if action == CANCEL else "modify"
        decision = Decision(
            strategy=one.strategy,
            run=one.run,
            workflow=book.key[0],
            instrument=book.key[1],
            target=0,
            data=one.data,
            nth=number,
            decided_at=decided_at,
            order=order,
        )
        return _made(decision, one.signed, leg, action, name)


def _placed(book: Book, decision: Decision, signed: int, *, opens: bool) -> tuple[Row, Signal]:
    row, signal = _made(decision, signed, "rest", NEW, None)
    # A flip cannot be said in one order: what is not a plain reduction nets at the venue.
    plain = abs(book.line.presumed.sure + signed) < abs(book.line.presumed.sure)
    side = OPEN if opens and not book.line.presumed.sure else CLOSE if plain else None
    signal = replace(signal, open_close=side)
    return replace(row, payload=signal.encode()), signal


def _made(
    decision: Decision, signed: int, leg: Leg, action: Action, name: str | None
) -> tuple[Row, Signal]:
    order = decision.order or OrderSpec()
    id_ = signal_id(
        strategy=decision.strategy,
        run=decision.run,
        workflow=decision.workflow,
        data=decision.data,
        decided_at=decision.decided_at,
        nth=decision.nth,
        leg=leg,
    )
    signal = Signal(
        schema_version="1.1",
        signal_id=id_,
        workflow_id=decision.workflow,
        instrument=decision.instrument,
        side=BUY if signed > 0 else SELL,
        qty=abs(signed),
        order_type=order.order_type,
        limit_price=order.limit_price,
        trigger_price=order.trigger_price,
        bracket=order.bracket,
        action=action,
        order_id=id_ if name is None else name,
    )
    row = Row(
        id=id_,
        workflow=decision.workflow,
        instrument=decision.instrument,
        strategy=decision.strategy,
        run=decision.run,
        data=decision.data,
        decided_at=decision.decided_at,
        nth=decision.nth,
        leg=leg,
        signed=0,  # nothing is held by it yet: an unknown outcome makes no interval
        payload=signal.encode(),
        sends=1,
    )
    return row, signal


def _receipt(
    status: Status, decision: Decision, reason: str, signals: tuple[Signal, ...] = ()
) -> Receipt:
    return Receipt(status=status, granted=decision.target, reason=reason, signals=signals)
