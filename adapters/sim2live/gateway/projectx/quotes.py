"""What did a contract trade at since the last look?

The simulated market has one price and no book: bid and ask are that price, and a print is one
contract. There is no depth.
"""

from __future__ import annotations

from typing import Any

from sim2live.clock import iso
from sim2live.gateway.projectx.names import Listing
from sim2live.gateway.projectx.sim import Sim

QUOTES, PRINTS = "quotes", "prints"
_BUY, _SELL = 0, 1


class QuoteBoard:
    """Last prices that were told.

    Args:
        sim: Where prices are.
    """

    def __init__(self, sim: Sim) -> None:
        self._sim = sim
        self._told: dict[tuple[str, str], tuple[float, int]] = {}
        self._day: dict[str, tuple[float, float, float]] = {}

    def news(self, kind: str, contract: str) -> dict[str, Any] | None:
        """A quote or a print, or None where nothing is new.

        Args:
            kind: ``quotes`` or ``prints``.
            contract: Its id.
        """
        listing = self._sim.contracts.find(contract)
        if listing is None or kind not in (QUOTES, PRINTS):
            return None
        price = self._sim.desk.price(listing.instrument)
        if price is None:
            return None
        time = self._sim.present(listing.instrument)
        before = self._told.get((kind, contract))
        if before is not None and before[0] == price:
            return None
        self._told[kind, contract] = price, time
        if kind == QUOTES:
            return self._quote(listing, price, time)
        side = _SELL if before is not None and price < before[0] else _BUY
        return {
            "symbolId": listing.symbol_id,
            "price": price,
            "timestamp": iso(time // 1_000 * 1_000),
            "type": side,
            "volume": 1,
        }

    def _quote(self, listing: Listing, price: float, time: int) -> dict[str, Any]:
        opened, high, low = self._day.get(listing.id, (price, price, price))
        high, low = max(high, price), min(low, price)
        self._day[listing.id] = opened, high, low
        when = iso(time // 1_000 * 1_000)
        return {
            "symbol": listing.symbol_id,
            "symbolName": listing.name,
            "lastPrice": price,
            "bestBid": price,
            "bestAsk": price,
            "change": round(price - opened, 10),
            "changePercent": round((price - opened) / opened, 10) if opened else 0.0,
            "open": opened,
            "high": high,
            "low": low,
            "volume": 0,
            "lastUpdated": when,
            "timestamp": when,
        }
