"""Defects of a relay, planted on purpose: a campaign that does not catch them proves nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
from msgspec.structs import replace

from sim2live.relay import passage
from sim2live.relay.passage import Passage
from sim2live.venues.outcome import Kind, Outcome
from sim2live.venues.relay_words import Slip
from sim2live.venues.relayed import Relayed

Plant = Callable[[pytest.MonkeyPatch], None]


def forgets(patch: pytest.MonkeyPatch) -> None:
    """What the broker repeats is sent again."""
    right = Passage.carry

    def wrong(self: Passage, parcel: Any) -> None:
        id_ = passage.decode(parcel.data).signal_id
        if id_ in self._journal.find([id_]):
            self._venue.send(passage.decode(parcel.data), timeout=1.0)
        right(self, parcel)

    patch.setattr(Passage, "carry", wrong)


def withdraws_in_words_only(patch: pytest.MonkeyPatch) -> None:
    """A signal that was not begun is called over, and goes all the same."""
    right = Passage.ask

    def wrong(self: Passage, payload: bytes, *, void: bool = False) -> Slip | None:
        signal = passage.decode(payload)
        if not self._journal.find([signal.signal_id]):
            return Slip(signal_id=signal.signal_id, workflow=signal.workflow_id, kind=Kind.REJECTED)
        return right(self, payload, void=void)

    patch.setattr(Passage, "ask", wrong)


def owes_what_it_gave_back(patch: pytest.MonkeyPatch) -> None:
    """An exit that the gate owes again is tried by the relay as well."""
    right = Passage._over

    def wrong(self: Passage, row: Any, why: str) -> None:
        kept = dict(self._debts)
        right(self, row, why)
        self._debts.update(kept)

    def retry(self: Passage, row: Any) -> None:
        self._send(replace(row, sends=row.sends + 1))

    patch.setattr(Passage, "_over", wrong)
    patch.setattr(Passage, "retry", retry)


def calls_cut_off_unsent(patch: pytest.MonkeyPatch) -> None:
    """A row that was cut off by a death counts as never sent."""
    right = Passage._conclude

    def wrong(self: Passage, row: Any, outcome: Outcome, latency: int | None) -> None:
        if outcome.reason == passage.CUT:
            outcome = replace(outcome, kind=Kind.REJECTED)
        right(self, row, outcome, latency)

    patch.setattr(Passage, "_conclude", wrong)


def believes_the_broker(patch: pytest.MonkeyPatch) -> None:
    """What is published counts as accepted."""
    right = Relayed.send

    def wrong(self: Relayed, signal: Any, *, timeout: float) -> Outcome:
        outcome = right(self, signal, timeout=timeout)
        if outcome.kind is Kind.UNKNOWN:
            return Outcome(Kind.ACCEPTED)
        return outcome

    patch.setattr(Relayed, "send", wrong)


PLANTED: Final[dict[str, Plant]] = {
    "forgets ids": forgets,
    "withdraws in words only": withdraws_in_words_only,
    "owes what it gave back": owes_what_it_gave_back,
    "calls cut off unsent": calls_cut_off_unsent,
    "believes the broker": believes_the_broker,
}
