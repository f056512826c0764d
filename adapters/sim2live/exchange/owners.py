"""Whose order is it? Order ids are given out in a row, so a few boundaries know them all."""

from __future__ import annotations

from bisect import bisect_right

from sim2live.exchange.member import Member


class Owners:
    """Which account an order id belongs to."""

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._members: list[list[Member]] = []

    def add(self, first: int, members: list[Member]) -> None:
        """Note whose the ids from `first` on are.

        Args:
            first: Above all that were added before.
            members: They take turns, in steps of one; empty where nobody owns the ids.
        """
        self._firsts.append(first)
        self._members.append(members)

    def of(self, order_id: int) -> Member | None:
        """The account of an id, or None."""
        at = bisect_right(self._firsts, order_id) - 1
        if at < 0 or not self._members[at]:
            return None
        members = self._members[at]
        return members[(order_id - self._firsts[at]) % len(members)]
