"""Which bracket legs rest at the venue after a signal, and which should not? Pure."""

from __future__ import annotations

from msgspec.structs import replace

from sim2live.gate.journal import Row
from sim2live.gate.ledger import Line
from sim2live.gate.resting import legs_of, orphaned
from sim2live.venues.base import Venue


def protected(line: Line, row: Row, venue: Venue) -> Line:
    """The line after a signal that the venue took, or may have taken.

    Args:
        line: as it stands, with the position that follows from the signal.
        row: of the signal.
        venue: its profile says whether a close takes the legs with it.
    """
    if not row.closing:
        if b'"bracket"' not in row.payload:  # no need to read it
            return line
        legs = legs_of(row.signal, strategy=row.strategy, data=row.data, run=row.run)
        return line if legs is None else replace(line, resting=(*line.resting, legs))
    if not line.resting:
        return line
    if venue.profile.close_cancels_legs == "yes":
        return line.unprotected()
    if venue.can_cancel and not line.presumed.holds(0):
        return line  # what is left is protected as before
    return replace(line, resting=orphaned(line.resting, "its position was closed"))
