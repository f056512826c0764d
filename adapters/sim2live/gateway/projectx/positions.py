"""What an account holds, how it is closed, and what has filled."""

from __future__ import annotations

from typing import Any

from sim2live.exchange.accounts import PositionRow
from sim2live.exchange.tickets import Ticket
from sim2live.gateway.projectx import requests, shapes
from sim2live.gateway.projectx.dialect import Dialect, TestMax
from sim2live.gateway.projectx.envelope import Answer, Failure
from sim2live.gateway.projectx.moments import optional_moment
from sim2live.gateway.projectx.sim import Sim

POSITION_NOT_FOUND, CONTRACT_NOT_FOUND, INVALID_SIZE = 2, 3, 5


class Positions:
    """Position/searchOpen, closeContract, partialCloseContract, and Trade/search.

    Args:
        sim: What is looked at.
        dialect: How it is told.
    """

    def __init__(self, sim: Sim, dialect: Dialect) -> None:
        self._sim = sim
        self._dialect = dialect
        sims = isinstance(dialect, TestMax)
        self._positions: Any = shapes.SimPositionsAnswer if sims else shapes.PositionsAnswer
        self._trades: Any = shapes.SimTradesAnswer if sims else shapes.TradesAnswer

    def search_open(self, request: requests.OfAccount) -> Answer:
        """What the account holds; an empty list when it is flat."""
        sim = self._sim
        account = sim.account(request.account_id).account
        rows = [
            self._dialect.position(row, request.account_id, sim.listed(row.instrument))
            for row in sim.desk.exchange.positions_of(account)
        ]
        return self._positions(positions=rows)  # type: ignore[no-any-return]

    def close(self, request: requests.OfContract) -> Answer:
        """Close a position by a market order; its resting legs stay where they are."""
        held = self._held(request)
        return self._reduce(held, abs(held.qty))

    def close_part(self, request: requests.PartOfContract) -> Answer:
        """Close a part of a position by a market order."""
        held = self._held(request)
        if not 1 <= request.size <= abs(held.qty):
            rule = f"must be from 1 to {abs(held.qty)}"
            raise Failure(INVALID_SIZE, f"size={request.size}: {rule}")
        return self._reduce(held, request.size)

    def trades(self, request: requests.SearchTrades) -> Answer:
        """Fills of the account, oldest first."""
        sim = self._sim
        start = optional_moment("startTimestamp", request.start_timestamp or request.start_date)
        end = optional_moment("endTimestamp", request.end_timestamp)
        found = sim.account(request.account_id)
        rows = [
            self._dialect.trade(row, request.account_id, sim.listed(row.instrument))
            for row in reversed(sim.desk.exchange.trades(found.pool))
            if row.account == found.account
            and (start is None or row.time >= start)
            and (end is None or row.time <= end)
        ]
        return self._trades(trades=rows)  # type: ignore[no-any-return]

    def _held(self, request: requests.OfContract | requests.PartOfContract) -> PositionRow:
        sim = self._sim
        account = sim.account(request.account_id).account
        listing = sim.listing(request.contract_id, CONTRACT_NOT_FOUND)
        for row in sim.desk.exchange.positions_of(account):
            if sim.listed(row.instrument).id == listing.id:
                return row
        raise Failure(POSITION_NOT_FOUND, f"No position in {listing.id}", 404)

    def _reduce(self, held: PositionRow, size: int) -> Answer:
        sim = self._sim
        ticket = Ticket(held.instrument, "SELL" if held.qty > 0 else "BUY", size)
        sim.desk.place(held.account, ticket, sim.now(held.account))
        return Answer()
