"""What an earlier process decided already: stored answers, and where its time ended."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from sim2live.gate.book import Decision
from sim2live.gate.journal import Journal, Row
from sim2live.gate.receipt import Status
from sim2live.signals import Instrument, Leg, Signal, signal_id
from sim2live.venues.outcome import ChildOutcome

BOTH: tuple[Leg, Leg] = ("close", "open")


class Sent(Struct, frozen=True, kw_only=True, gc=False):
    """What became of the legs of one difference; the last leg gives the status.

    Attributes:
        status: SHADOW as long as there was nothing to send.
        reason: a sentence, or empty.
        opened: True when an opening part was tried (or refused).
        grown: what a refusal of the opening part takes back of the target.
        signals: what went out.
        latency: ns of the last exchange.
        children: outcomes by account of the last exchange.
    """

    status: Status = Status.SHADOW
    reason: str = ""
    opened: bool = False
    grown: int = 0
    signals: tuple[Signal, ...] = ()
    latency: int | None = None
    children: tuple[ChildOutcome, ...] = ()

    def then(self, later: Sent) -> Sent:
        """This, followed by another leg."""
        return replace(later, signals=self.signals + later.signals)


class Replay:
    """Answers for decisions that an earlier process of the same run has made.

    Args:
        journal: where they are kept.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._watermarks: dict[tuple[str, Instrument], int] = {}

    def watermark(self, run: str, instrument: Instrument) -> int:
        """Time (ns UTC) of the last bar that an earlier process of a run saw; 0 for none."""
        found = self._watermarks.get((run, instrument))
        if found is None:
            found = self._journal.bars.watermark(run, instrument)
            self._watermarks[run, instrument] = found
        return found

    def stored(self, decision: Decision) -> Sent | None:
        """What the journal holds of a decision, or None."""
        rows = self._journal.find(
            signal_id(
                strategy=decision.strategy,
                run=decision.run,
                workflow=decision.workflow,
                data=decision.data,
                decided_at=decision.decided_at,
                nth=decision.nth,
                leg=leg,
            )
            for leg in BOTH
        )
        if not rows:
            return None
        row = max(rows.values(), key=lambda found: found.leg == "open")
        return as_sent(row)


def as_sent(row: Row) -> Sent:
    """What a journalled row says became of its leg."""
    status = Status.UNKNOWN if row.state == "SENDING" else Status(row.state)
    if row.state == "REJECTED" and row.latency is None:
        # Learned later: the strategy was told that nobody knows, and went on from there.
        status = Status.UNKNOWN
    if row.leg == "close" and status in (Status.NOT_SENT, Status.REJECTED):
        status = Status.PENDING
    opened = row.leg == "open"
    grown = row.grown if opened else 0
    return Sent(status=status, reason=row.reason, opened=opened, grown=grown, signals=(row.signal,))
