"""What do futures cost in a simulation, and which numbers describe a contract?

Stock Zipline knows the exchange fee of the roots of its day and raises ``KeyError: 'MES'`` at the
first fill of any other. The fees here fill that gap. They are round figures for one side and one
contract of a non-member at CME Group; your broker's statement says what you pay, and
``set_commission(us_futures=...)`` puts it in their place.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from zipline.finance.commission import (
    DEFAULT_PER_CONTRACT_COST,
    FUTURE_EXCHANGE_FEES_BY_SYMBOL,
    PerContract,
)

from sim2live.market.contracts import contract
from sim2live.signals import Instrument

if TYPE_CHECKING:
    from sim2live.market.contracts import Contract

# US dollars for one contract and side. Roots that stock Zipline has under an older two-letter
# code keep the fee of that code (6E was EC, ZB was US, and so on).
EXCHANGE_FEES: dict[str, float] = {
    "MES": 0.35,
    "MNQ": 0.35,
    "MYM": 0.35,
    "M2K": 0.35,
    "RTY": 1.18,
    "EMD": 1.18,
    "NKD": 2.15,
    "MCL": 0.50,
    "MNG": 0.60,
    "MGC": 0.50,
    "SIL": 1.00,
    "MHG": 0.50,
    "SI": 1.50,
    "RB": 1.50,
    "6A": 1.60,
    "6B": 1.60,
    "6C": 1.60,
    "6E": 1.60,
    "6J": 1.60,
    "6M": 1.60,
    "6N": 1.60,
    "6S": 1.60,
    "E7": 0.85,
    "M6A": 0.24,
    "M6B": 0.24,
    "M6E": 0.24,
    "MBT": 2.50,
    "MET": 0.20,
    "BTC": 6.00,
    "ETH": 4.00,
    "ZB": 0.80,
    "ZN": 0.75,
    "ZF": 0.65,
    "ZT": 0.65,
    "ZQ": 0.96,
    "TN": 0.82,
    "UB": 0.85,
    "SR3": 1.25,
    "ZC": 1.95,
    "ZS": 1.95,
    "ZW": 1.95,
    "ZL": 1.95,
    "ZM": 1.95,
    "ZO": 1.95,
    "ZR": 1.95,
    "KE": 1.95,
    "HE": 2.03,
    "LE": 2.03,
    "GF": 2.03,
}

OTHER_FEE = 1.50
"""The fee (US dollars) of a root in neither table: what stock Zipline has for most of its roots."""


class _Fees(dict[str, float]):
    """Fees by root; a root that is not there has `OTHER_FEE` instead of an error."""

    def __missing__(self, root: str) -> float:
        return OTHER_FEE


class FuturesCommission(PerContract):
    """Stock Zipline's default commission of futures, with a fee for every root.

    Roots that stock Zipline knows cost exactly what they cost there.
    """

    def __init__(self) -> None:
        super().__init__(cost=DEFAULT_PER_CONTRACT_COST, exchange_fee={})
        self._exchange_fee = _Fees({**EXCHANGE_FEES, **FUTURE_EXCHANGE_FEES_BY_SYMBOL})


def contract_of(symbol: str, *, on: date | None = None) -> Contract | None:
    """The contract behind a symbol, where the table of contracts knows its root.

    Args:
        symbol: Such as ``MESZ6`` or ``ESZ26``; the exchanges of the table are asked in turn.
        on: A day on which it traded, which tells the decade of a year with one digit.
    """
    for place in ("CME", "CBOT", "NYMEX", "COMEX"):
        try:
            found = contract(Instrument(place, symbol), on=on)
        except ValueError:
            continue
        if found is not None:
            return found
    return None


def tick_of(asset: Any) -> float | None:
    """Tick size of a Zipline future in points; None for anything else, or where it names none."""
    tick = getattr(asset, "tick_size", None)
    if not hasattr(asset, "root_symbol") or tick is None or not float(tick) > 0:
        return None
    return float(tick)


def only_futures(algorithm: Any) -> bool:
    """Whether the algorithm's bundle holds futures and nothing else."""
    finder = algorithm.asset_finder
    return bool(finder.futures_sids) and not finder.equities_sids
