"""What must be done about protective orders, given what a ProjectX account shows? Pure.

Three things go wrong at a venue that answers: a stop is refused, an entry fills in part, or a
position is closed from outside while its legs still work. A missing stop means that the
position goes; a stop of the wrong size gets the size of what is held; a leg without a position
is taken off, or it would open one.

A flat position is believed only when it is seen twice: a look at orders and a look at positions
are two moments, and a fill may lie between them.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from sim2live.venues.base import GUARD_EXIT
from sim2live.venues.projectx_dialect import ALIVE, ASK, STOPS, Dialect
from sim2live.venues.projectx_rows import Holding, OrderRow

__all__ = ["Cancel", "Duty", "Exit", "Guard", "Resize"]

#: Looks after a fill until a stop that never appeared counts as missing.
_PATIENCE: Final = 3


class Cancel(Struct, frozen=True):
    """Take an order off. `order` is its id, `why` a sentence."""

    order: int | str
    why: str


class Resize(Struct, frozen=True):
    """Give an order another size. `order` is its id, `why` a sentence."""

    order: int | str
    size: int
    why: str


class Exit(Struct, frozen=True):
    """Close what an entry opened, at the market.

    Attributes:
        contract: Id of the contract.
        signed: Contracts, negative to sell.
        tag: The order's name: the same one for the same entry, so that it goes once.
        why: A sentence.
    """

    contract: str
    signed: int
    tag: str
    why: str


Duty = Cancel | Resize | Exit


class Guard:
    """Looks after the protective orders of one account.

    Only orders that came from here are touched: those of this process, and those whose name has
    the form that signal ids have, so that a restart goes on guarding.

    Args:
        dialect: What numbers mean.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._stops: set[str] = set()
        self._flat: set[str] = set()
        self._bare: dict[str, int] = {}

    def sent(self, signal_id: str) -> None:
        """An entry went out that has to have a stop."""
        self._stops.add(signal_id)

    def look(self, orders: Iterable[OrderRow], positions: Iterable[Holding]) -> list[Duty]:
        """What has to be done now.

        Args:
            orders: All orders of the account, those that are done among them.
            positions: What it holds, read after the orders.

        Raises:
            DataError: A position is neither long nor short.
        """
        listed = {str(row.id): row for row in orders}
        held = {row.contract_id: row.signed for row in positions}
        entries = {number: row for number, row in listed.items() if self._is_ours(row)}
        legs: dict[str, list[OrderRow]] = {number: [] for number in entries}
        for row in listed.values():
            if row.parent in legs:
                legs[row.parent].append(row)
        duties: list[Duty] = []
        for number, entry in entries.items():
            duties += self._of_entry(entry, legs[number] or self._stray(entry, listed), held)
        duties += self._orphans(entries, legs, held)
        return duties

    def _is_ours(self, row: OrderRow) -> bool:
        tag = row.custom_tag
        if not tag or row.parent:
            return False
        if tag in self._stops:
            return True
        try:
            return uuid.UUID(tag).version == 5
        except ValueError:
            return False

    def _alive(self, row: OrderRow) -> bool:
        return self._dialect.state(row.status) in ALIVE

    def _stray(self, entry: OrderRow, listed: Mapping[str, OrderRow]) -> list[OrderRow]:
        """Working stops that may be this entry's, where the server names no parents."""
        return [
            row
            for row in listed.values()
            if row.type in STOPS
            and not row.parent
            and row.contract_id == entry.contract_id
            and row.side != entry.side
            and self._alive(row)
        ]

    def _of_entry(
        self, entry: OrderRow, legs: list[OrderRow], held: Mapping[str, int]
    ) -> list[Duty]:
        tag = entry.custom_tag or ""
        signed = -entry.filled if entry.side == ASK else entry.filled
        position = held.get(entry.contract_id, 0)
        if not signed or position * signed <= 0:
            self._bare.pop(tag, None)
            return []
        stops = [row for row in legs if row.type in STOPS]
        working = [row for row in stops if self._alive(row)]
        if working:
            self._bare.pop(tag, None)
            return self._sizes(entry, working, abs(position))
        if any(self._dialect.state(row.status) == "filled" for row in legs):
            return []  # the bracket did its work; the position is another entry's
        refused = [row for row in stops if self._dialect.state(row.status) == "rejected"]
        if not refused:
            if stops or tag not in self._stops:
                return []  # somebody took the stop off on purpose, or there was to be none
            self._bare[tag] = self._bare.get(tag, 0) + 1
            if self._bare[tag] < _PATIENCE:
                return []
        size = min(abs(signed), abs(position))
        why = "its stop was rejected" if refused else "its stop never appeared"
        closing = -size if position > 0 else size
        return [Exit(entry.contract_id, closing, tag + GUARD_EXIT, f"entry {entry.id}: {why}")]

    def _sizes(self, entry: OrderRow, stops: list[OrderRow], held: int) -> list[Duty]:
        """A working stop is as large as what its entry filled, and never larger than what is held.

        A stop that names no parent may be somebody's own, so its size is left alone.
        """
        size = min(entry.filled, held)
        return [
            Resize(row.id, size, f"entry {entry.id} filled {entry.filled}, {held} are held")
            for row in stops
            if row.parent
            and self._dialect.state(row.status) == "open"
            and row.size != size
            and not row.filled
        ]

    def _orphans(
        self,
        entries: Mapping[str, OrderRow],
        legs: Mapping[str, list[OrderRow]],
        held: Mapping[str, int],
    ) -> list[Duty]:
        """Legs that work at a flat position, seen twice in a row."""
        flat = {
            number
            for number, entry in entries.items()
            if entry.filled and not held.get(entry.contract_id)
        }
        # An entry that is still working may have filled just now.
        moving = {row.contract_id for row in entries.values() if self._alive(row)}
        sure = {n for n in flat & self._flat if entries[n].contract_id not in moving}
        self._flat = flat
        return [
            Cancel(row.id, f"the position of entry {number} is closed")
            for number in sorted(sure)
            for row in legs[number]
            if self._dialect.state(row.status) in ("open", "suspended")
        ]
