"""The words that strategy hosts and the relay exchange, and the subjects they travel under."""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import quote

import msgspec
from msgspec import Struct

from sim2live.clock import iso
from sim2live.errors import SignalError
from sim2live.market.bars import Bar
from sim2live.signals import Instrument
from sim2live.venues.outcome import ChildOutcome, Kind, Outcome, Profile

__all__ = ["FOR_VENUE", "FROM_HOST", "SENT_AT", "About", "Answer", "Question", "Slip", "Subjects"]

SENT_AT = "Sim2live-Sent"
"""Header: when the signal was handed over, by the strategy host's clock, ns UTC."""
FROM_HOST = "Sim2live-Host"
"""Header: name of the strategy's host, for people."""
FOR_VENUE = "Sim2live-Venue"
"""Header: the simulated venue that the strategy believes to be behind the relay."""


class Subjects:
    """Where a desk's messages travel. A workflow or an id is one token, whatever it holds.

    Args:
        desk: names one relay and its strategies on a server that others share.
    """

    def __init__(self, desk: str) -> None:
        self.desk = desk
        self._root = f"s2l.{token('desk', desk)}"
        self.signals = f"{self._root}.signal.>"
        self.news = f"{self._root}.news.>"
        self.ask = f"{self._root}.ask"

    def signal(self, workflow: str) -> str:
        """Where signals of a workflow go."""
        return f"{self._root}.signal.{token('workflow_id', workflow)}"

    def receipt(self, workflow: str, signal_id: str) -> str:
        """Where the receipt of one signal is kept."""
        return f"{self._root}.news.{token('workflow_id', workflow)}.receipt.{_id(signal_id)}"

    def report(self, workflow: str, report_id: str) -> str:
        """Where one report is kept."""
        return f"{self._root}.news.{token('workflow_id', workflow)}.report.{_id(report_id)}"

    def receipts(self, workflow: str) -> str:
        """All receipts of a workflow."""
        return f"{self._root}.news.{token('workflow_id', workflow)}.receipt.>"

    def reports(self, workflow: str) -> str:
        """All reports of a workflow."""
        return f"{self._root}.news.{token('workflow_id', workflow)}.report.>"


def token(field: str, text: str) -> str:
    """Any text as one token of a subject, percent-encoded as UTF-8.

    Raises:
        SignalError: the text is empty, or cannot be encoded.
    """
    if not text:
        raise SignalError(field, text, "must not be empty")
    try:
        # A dot separates tokens, and it is the one such character that quote leaves alone.
        return quote(text, safe="").replace(".", "%2E")
    except UnicodeEncodeError:
        raise SignalError(field, text, "must be encodable as UTF-8") from None


def _id(text: str) -> str:
    return token("signal_id", text)


class Slip(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The relay's receipt: what became of one signal at the real venue.

    Attributes:
        signal_id: of the signal.
        workflow: its pool.
        kind: what became of it. UNKNOWN is news as well, and not the last.
        reason: a sentence, with the venue's own words where it gave any.
        status: the HTTP status, if there was one.
        halts: nothing further may go before a human has looked.
        children: one outcome for each account, where the venue tells.
        epoch: which tenure of the lease says so; a higher one knows more.
        relay: name of the relay's host.
        sent_at: when it left the strategy host, by that host's clock, ns UTC.
        taken_at: when the relay wrote it down, by the relay's clock, ns UTC.
        answered_at: when the relay knew the outcome, by the relay's clock, ns UTC.
    """

    signal_id: str
    workflow: str
    kind: Kind
    reason: str = ""
    status: int | None = None
    halts: bool = False
    children: tuple[ChildOutcome, ...] = ()
    epoch: int = 0
    relay: str = ""
    sent_at: int = 0
    taken_at: int = 0
    answered_at: int = 0

    @property
    def final(self) -> bool:
        """Whether it is the last word."""
        return self.kind is not Kind.UNKNOWN

    @property
    def way(self) -> str:
        """The times at both hosts, for people; their clocks may differ."""
        return (
            f"left {iso(self.sent_at)}, at relay {self.relay} {iso(self.taken_at)}, "
            f"answered {iso(self.answered_at)} (epoch {self.epoch})"
        )

    @property
    def outcome(self) -> Outcome:
        """The same as a venue says it."""
        return Outcome(
            self.kind, self.reason, self.status, halts=self.halts, children=self.children
        )


class Question(Struct, frozen=True, omit_defaults=True):
    """What a strategy host may ask the relay.

    Attributes:
        about: ``outcome`` of a signal, or the same once a human called it ``void``; ``positions``
            of a pool; ``relay`` (who is there); or ``bar``: a price for a simulated venue.
        signal: exact bytes of the signal.
        workflow: the pool.
        instrument: what the bar is of.
        bar: the price.
    """

    about: Literal["outcome", "void", "positions", "relay", "bar"]
    signal: bytes = b""
    workflow: str = ""
    instrument: Instrument | None = None
    bar: Bar | None = None


class About(Struct, frozen=True):
    """Who answers, and what stands behind it; see :class:`sim2live.venues.base.Venue`."""

    venue: str
    simulated: bool
    can_cancel: bool
    takes_bars: bool
    profile: Profile
    relay: str
    epoch: int


class Answer(Struct, frozen=True, omit_defaults=True):
    """What the relay says.

    Attributes:
        slip: of the signal asked about; None while it is under way.
        positions: instrument -> whole contracts; None when the venue cannot tell.
        about: who answers.
        error: why there is no answer.
    """

    slip: Slip | None = None
    positions: dict[str, int] | None = None
    about: About | None = None
    error: str = ""


def read(data: bytes, kind: Any) -> Any:
    """A word of this module from its bytes; None when it is none.

    Args:
        data: as received.
        kind: the class that is expected.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
