"""What all endpoints of the second door look at: the desk, names, and the sessions of Replay."""

from __future__ import annotations

from datetime import date

from sim2live.clock import from_ns
from sim2live.exchange.accounts import AccountRow
from sim2live.gateway.desk import Desk
from sim2live.gateway.projectx.envelope import Failure
from sim2live.gateway.projectx.names import Accounts, Contracts, Listing
from sim2live.signals import Instrument

ACCOUNT_NOT_FOUND = 1


class Sim:
    """The simulated venue as the second door sees it.

    Args:
        desk: Where orders go.

    Attributes:
        desk: As given.
        accounts: Numbers of accounts.
        contracts: Ids of contracts.
        times: Where the clock of a Replay account stands, by account name.
        presents: The same for the instruments that are replayed now.
        ended: Accounts of sessions that have ended; a restart ends all.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.accounts = Accounts(desk.exchange)
        self.contracts = Contracts()
        self.times: dict[str, int] = {}
        self.presents: dict[Instrument, int] = {}
        self.ended: set[str] = set(desk.sessions)

    def account(self, number: int, code: int = ACCOUNT_NOT_FOUND) -> AccountRow:
        """The account of a number.

        Args:
            number: As the request names it.
            code: What the endpoint calls a missing account.

        Raises:
            Failure: There is none.
        """
        name = self.accounts.name(number)
        found = None if name is None else self.desk.exchange.account(name)
        if found is None:
            raise Failure(code, f"No account {number}", 404)
        return found

    def can_trade(self, account: str) -> bool:
        """Whether the account takes orders."""
        return account not in self.ended

    def listing(self, number: str, code: int) -> Listing:
        """The contract of an id.

        Args:
            number: As the request names it.
            code: What the endpoint calls a missing contract.

        Raises:
            Failure: There is none.
        """
        found = self.contracts.find(number)
        if found is None:
            raise Failure(code, f"No contract {number[:64]}", 404)
        return found

    def listed(self, instrument: Instrument) -> Listing:
        """How an instrument that is traded here is listed."""
        return self.contracts.of(instrument, self.today())

    def now(self, account: str) -> int:
        """The time of an account, UTC epoch nanoseconds: its session's, or the present."""
        return self.times.get(account, self.desk.now())

    def present(self, instrument: Instrument) -> int:
        """The time of an instrument, UTC epoch nanoseconds."""
        return self.presents.get(instrument, self.desk.now())

    def today(self) -> date:
        """The present date in UTC."""
        return from_ns(self.desk.now()).date()
