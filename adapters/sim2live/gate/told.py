"""What a venue has told so far: each report once, for good."""

from __future__ import annotations

import msgspec

from sim2live.gate.store import Database
from sim2live.venues.base import Report

_TELL = "INSERT OR IGNORE INTO reports VALUES (?,?,?,?,?,?,?,?)"


class Told:
    """The reports of one venue in the journal's file.

    Args:
        database: the journal's file.
        venue: fingerprint of the venue.
    """

    def __init__(self, database: Database, venue: str) -> None:
        self._db = database
        self._venue = venue
        self._encode = msgspec.json.Encoder().encode
        self._known: set[str] | None = None

    def fresh(self, reports: list[Report]) -> list[Report]:
        """Those that were not told before; they are from now on.

        Raises:
            JournalError: they cannot be written, and count as not told.
        """
        if self._known is None:
            rows = self._db.query("SELECT id FROM reports WHERE venue=?", (self._venue,))
            self._known = {id_ for (id_,) in rows}
        first = {one.id: one for one in reports if one.id not in self._known}
        if first:
            self._db.commit(
                [
                    (
                        _TELL,
                        (
                            self._venue,
                            one.id,
                            one.time,
                            one.kind,
                            one.signal_id,
                            one.account,
                            one.signed_qty,
                            self._encode(one),
                        ),
                    )
                    for one in first.values()
                ],
                durable=False,
            )
            self._known.update(first)
        return list(first.values())

    def filled(self, signal_id: str, account: str) -> int:
        """Signed contracts that an account has filled of a signal, its legs included."""
        found = self._db.query(
            "SELECT sum(signed_qty) FROM reports WHERE venue=? AND signal_id=? AND account=?",
            (self._venue, signal_id, account),
        )
        return found[0][0] or 0

    def all(self) -> list[Report]:
        """Every report, in the order told."""
        rows = self._db.query(
            "SELECT payload FROM reports WHERE venue=? ORDER BY rowid", (self._venue,)
        )
        return [msgspec.json.decode(payload, type=Report) for (payload,) in rows]
