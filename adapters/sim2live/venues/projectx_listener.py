"""What do the events of the hubs mean? A fill is news; everything else says: look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from sim2live.clock import Clock
from sim2live.signals import Instrument
from sim2live.venues.projectx_contracts import Contracts
from sim2live.venues.projectx_hub import Call, Hub
from sim2live.venues.projectx_rows import FillRow, unwrap
from sim2live.venues.projectx_session import Session
from sim2live.venues.projectx_watch import Watch

__all__ = ["Listener"]

_USER = ("SubscribeOrders", "SubscribePositions", "SubscribeTrades")


class Listener:
    """The hubs of one login.

    Args:
        session: To the server.
        watch: Is told of fills, and looks when something else happened or a hub came back.
        contracts: Knows the instruments of the quoted contracts.
        quoted: Ids of contracts to have quotes of; none needs no market hub.
        quote: Takes the last price of an instrument, in points.
        clock: For deadlines.

    Attributes:
        hubs: The connections, the user hub first.

    Raises:
        MissingExtraError: The package `pysignalr` is absent.
    """

    def __init__(
        self,
        session: Session,
        watch: Watch,
        contracts: Contracts,
        quoted: Sequence[str],
        *,
        quote: Callable[[Instrument, float], None],
        clock: Clock,
    ) -> None:
        self._watch = watch
        self._quote = quote
        self._quoted = {number: contracts.known(number) for number in quoted}
        user = Hub(
            session,
            "user",
            calls=self._user_calls,
            on_event=self._user_event,
            on_open=watch.nudge,
            clock=clock,
        )
        self.hubs = [user]
        if quoted:
            market = Hub(
                session,
                "market",
                calls=lambda: [("SubscribeContractQuotes", [number]) for number in quoted],
                on_event=self._market_event,
                on_open=lambda: None,
                clock=clock,
            )
            self.hubs.append(market)

    def close(self) -> None:
        """Listen no more."""
        for hub in self.hubs:
            hub.close()

    def _user_calls(self) -> list[Call]:
        numbers = [account.id for account in self._watch.accounts]
        each: list[Call] = [(method, [number]) for number in numbers for method in _USER]
        return [("SubscribeAccounts", []), *each]

    def _user_event(self, name: str, arguments: list[Any]) -> None:
        if name == "GatewayUserTrade":
            for row in unwrap(arguments):
                try:
                    fill = msgspec.convert(row, FillRow)
                except msgspec.ValidationError:
                    continue  # a part of a fill: the look below finds the whole
                account = row.get("accountId")
                if isinstance(account, int):
                    self._watch.tell(account, fill)
        if name != "GatewayUserAccount":
            self._watch.nudge()

    def _market_event(self, name: str, arguments: list[Any]) -> None:
        """Quotes may be partial: one without a last price says nothing of it."""
        if name != "GatewayQuote" or not arguments:
            return
        instrument = self._quoted.get(str(arguments[0]))
        if instrument is None:
            return
        for row in unwrap(arguments[1:]):
            price = row.get("lastPrice")
            if isinstance(price, int | float) and not isinstance(price, bool):
                self._quote(instrument, float(price))
