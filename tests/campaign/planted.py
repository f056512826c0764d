"""Defects, planted on purpose: a campaign that does not catch them proves nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
from msgspec.structs import replace

from sim2live.gate import gate, sender
from sim2live.gate.book import Book
from sim2live.gate.delivery import Leg, Step
from sim2live.gate.ledger import Line, Presumed
from sim2live.gate.lock import ProcessLock
from sim2live.gate.orders import Orders
from sim2live.gate.receipt import REFUSALS, Receipt, Status
from sim2live.gate.replay import Replay, Sent
from sim2live.gate.sender import Sender
from sim2live.venues.outcome import Kind

Plant = Callable[[pytest.MonkeyPatch], None]


def blind_resend(patch: pytest.MonkeyPatch) -> None:
    """An unknown outcome is simply tried again."""
    right = sender.next_step

    def wrong(kind: Kind, **how: Any) -> Step:
        return Step.RESEND if kind is Kind.UNKNOWN else right(kind, **how)

    patch.setattr(sender, "next_step", wrong)


def dropped_exit(patch: pytest.MonkeyPatch) -> None:
    """An exit that did not go is forgotten, as if it had."""
    right = Sender._book

    def wrong(self: Sender, book: Any, row: Any, outcome: Any) -> None:
        if row.closing and outcome.kind is Kind.NOT_SENT:
            book.line = replace(book.line, presumed=book.line.presumed.moved(row.signed))
        else:
            right(self, book, row, outcome)

    patch.setattr(Sender, "_book", wrong)


def refusals_not_replayed(patch: pytest.MonkeyPatch) -> None:
    """A restart lets the simulator hold what the venue never took."""
    right = Replay.stored

    def wrong(self: Replay, decision: Any) -> Sent | None:
        found = right(self, decision)
        if found is not None and found.status in REFUSALS:
            return replace(found, status=Status.SHADOW)
        return found

    patch.setattr(Replay, "stored", wrong)


def far_end(patch: pytest.MonkeyPatch) -> None:
    """An exit is sent for the most that may be held, instead of for the least."""
    right = gate.legs

    def wrong(presumed: Presumed, wanted: int) -> tuple[Leg, ...]:
        far = presumed.high if presumed.high > -presumed.low else presumed.low
        return right(Presumed(far, far), wanted)

    patch.setattr(gate, "legs", wrong)


def no_lock(patch: pytest.MonkeyPatch) -> None:
    """A second process may follow the same pool."""

    def wrong(self: Any, workflow: str) -> None:
        self._held[workflow] = None

    patch.setattr(ProcessLock, "take", wrong)


def legs_forgotten(patch: pytest.MonkeyPatch) -> None:
    """Legs that outlive their position are neither cancelled nor told."""
    patch.setattr(Line, "tidied", lambda self: self)
    patch.setattr(Orders, "tidy", lambda *_: Receipt(status=Status.SHADOW, granted=0))


def absent_forgotten(patch: pytest.MonkeyPatch) -> None:
    """A restart does not know what a strategy wanted that is not back yet."""
    patch.setattr(Book, "kept", property(lambda self: self.line))


PLANTED: Final[dict[str, Plant]] = {
    "blind re-send": blind_resend,
    "dropped exit": dropped_exit,
    "refusals not replayed": refusals_not_replayed,
    "far end of the interval": far_end,
    "lock removed": no_lock,
    "legs forgotten": legs_forgotten,
    "absent one forgotten": absent_forgotten,
}
