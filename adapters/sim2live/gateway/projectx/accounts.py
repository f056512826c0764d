"""Which accounts and contracts are there?"""

from __future__ import annotations

from typing import Any

from sim2live.gateway.projectx import requests, shapes
from sim2live.gateway.projectx.dialect import Dialect, TestMax
from sim2live.gateway.projectx.envelope import Answer
from sim2live.gateway.projectx.names import Listing
from sim2live.gateway.projectx.sim import Sim

CONTRACT_NOT_FOUND = 1
_MOST_FOUND = 20


class Directory:
    """Account/search, Contract/search, searchById and available.

    Args:
        sim: What is looked at.
        dialect: How it is told.
    """

    def __init__(self, sim: Sim, dialect: Dialect) -> None:
        self._sim = sim
        self._dialect = dialect
        sims = isinstance(dialect, TestMax)
        self._accounts: Any = shapes.SimAccountsAnswer if sims else shapes.AccountsAnswer
        self._contracts: Any = shapes.SimContractsAnswer if sims else shapes.ContractsAnswer
        self._contract: Any = shapes.SimContractAnswer if sims else shapes.ContractAnswer

    def search_accounts(
        self, request: requests.SearchAccounts | requests.SearchAccountsLoosely
    ) -> Answer:
        """All accounts, or those that take orders; the newest session stands first."""
        sim = self._sim
        rows = [
            self._dialect.account(row, sim.accounts.number(row.account), can_trade)
            for row in reversed(sim.desk.exchange.accounts())
            if (can_trade := sim.can_trade(row.account)) or not request.only_active_accounts
        ]
        return self._accounts(accounts=rows)  # type: ignore[no-any-return]

    def search_contracts(
        self, request: requests.SearchContracts | requests.SearchContractsLoosely
    ) -> Answer:
        """Contracts by a part of id, name or description, at most 20."""
        text = (request.search_text or "").lower()
        found = [listing for listing in self._known() if listing.matches(text)]
        limited = found if isinstance(self._dialect, TestMax) else found[:_MOST_FOUND]
        return self._contracts(contracts=self._rows(limited))  # type: ignore[no-any-return]

    def available(self, _: requests.AvailableContracts) -> Answer:
        """All front contracts, and whatever else is traded here."""
        return self._contracts(contracts=self._rows(self._known()))  # type: ignore[no-any-return]

    def contract_by_id(self, request: requests.ContractId) -> Answer:
        """One contract."""
        listing = self._sim.listing(request.contract_id, CONTRACT_NOT_FOUND)
        return self._contract(contract=self._rows([listing])[0])  # type: ignore[no-any-return]

    def _known(self) -> list[Listing]:
        sim = self._sim
        fronts = sim.contracts.fronts(sim.today())
        known = {listing.id: listing for listing in fronts}
        for instrument in sim.desk.exchange.prices():
            listing = sim.listed(instrument)
            known.setdefault(listing.id, listing)
        # A root that is named exactly comes before the many that hold its letters.
        return sorted(known.values(), key=lambda one: (len(one.name), one.name))

    def _rows(self, listings: list[Listing]) -> list[object]:
        sim = self._sim
        active = {listing.id for listing in sim.contracts.fronts(sim.today())}
        priced = sim.desk.exchange.prices()
        return [
            self._dialect.contract(one, one.id in active or one.instrument in priced)
            for one in listings
        ]
