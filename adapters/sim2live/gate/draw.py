"""Which signal says one leg of a difference, and which row of the journal stands for it?"""

from __future__ import annotations

from msgspec.structs import replace

from sim2live.gate.book import Book, Decision
from sim2live.gate.journal import Row
from sim2live.signals import (
    BUY,
    CLOSE,
    OPEN,
    SELL,
    Leg,
    OrderSpec,
    SchemaVersion,
    Signal,
)

PLAIN = OrderSpec()


def draw(
    book: Book, signed: int, decision: Decision, version: SchemaVersion, *, closing: bool
) -> tuple[Row, Signal]:
    """The signal of a leg and its row.

    Args:
        book: a leg without a framework call takes its number from the book's counter.
        signed: whole contracts, positive to buy.
        decision: what the leg is a part of.
        version: of the schema.
        closing: True for what reduces; it takes nothing of the framework's order.

    Raises:
        SignalError: the order holds what no signal can say.
    """
    workflow, instrument = book.key
    order = PLAIN if closing or decision.order is None else decision.order
    leg: Leg
    if decision.nth < 0:
        leg, nth = "fix", book.line.fixes
        book.line = replace(book.line, fixes=nth + 1)
    else:
        leg, nth = ("close" if closing else "open"), decision.nth
    id_ = book.naming(decision).id(decision.decided_at, nth, leg)
    signal = Signal(
        schema_version=version,
        signal_id=id_,
        workflow_id=workflow,
        instrument=instrument,
        side=BUY if signed > 0 else SELL,
        qty=abs(signed),
        order_type=order.order_type,
        limit_price=order.limit_price,
        trigger_price=order.trigger_price,
        bracket=order.bracket,
        open_close=CLOSE if closing else OPEN,
    )
    row = Row(
        id=id_,
        workflow=workflow,
        instrument=instrument,
        strategy=decision.strategy,
        run=decision.run,
        data=decision.data,
        decided_at=decision.decided_at,
        nth=nth,
        leg=leg,
        signed=signed,
        grown=0 if closing else decision.grown,
        payload=signal.encode(),
        sends=1,
    )
    return row, signal
