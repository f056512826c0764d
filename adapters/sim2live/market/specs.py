"""The table of futures roots: tick, value of a tick, months, and when trading ends.

Ticks and values of NQ, MNQ, ES, EMD, 6A, 6B, 6C, 6E, E7, QG and QM stand on pages of the
ProjectX Gateway; the others, the months and the last trade dates follow the contract
specifications of CME Group (https://www.cmegroup.com/markets). An exchange may change them:
where a venue can be asked for its contracts, its answer goes first.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Final

from msgspec import Struct

from sim2live.market import businessdays

MONTHS: Final = "FGHJKMNQUVXZ"
"""Month letters, January to December."""

_WEDNESDAY: Final = 2
_FRIDAY: Final = 4

Ending = Callable[[int, int], date]
"""Year and month of a contract to its last trade date."""


class Spec(Struct, frozen=True):
    """What is the same for all contracts of one root.

    Attributes:
        root: Such as ``ES``.
        exchange: Where it trades.
        tick_size: Smallest step of the price, in points.
        tick_value: Worth of one tick of one contract, in US dollars.
        months: Letters of the months in which most of it trades.
        ending: Rule for the last trade date; None where the thing never expires.
        roll_days: Calendar days before the last trade date at which the next month becomes the
            front month; contracts with delivery roll before their first notice day.
        description: Name in plain words.
    """

    root: str
    exchange: str
    tick_size: Decimal
    tick_value: Decimal
    months: str
    ending: Ending | None
    roll_days: int
    description: str


def _third_friday(year: int, month: int) -> date:
    """Equity index: the third Friday, or the business day before it."""
    return businessdays.back(businessdays.nth_weekday(year, month, _FRIDAY, 3), 0)


def _two_before_third_wednesday(year: int, month: int) -> date:
    """Currencies: the second business day before the third Wednesday."""
    return businessdays.back(businessdays.nth_weekday(year, month, _WEDNESDAY, 3), 2)


def _one_before_third_wednesday(year: int, month: int) -> date:
    """The Canadian dollar: the business day before the third Wednesday."""
    return businessdays.back(businessdays.nth_weekday(year, month, _WEDNESDAY, 3), 1)


def _crude_oil(year: int, month: int) -> date:
    """Three business days before the 25th of the month before.

    Where the 25th is no business day, the count starts at the one that precedes it.
    """
    before = _month_before(year, month)
    return businessdays.back(businessdays.back(before.replace(day=25), 0), 3)


def _small_crude_oil(year: int, month: int) -> date:
    """One business day before the full-size contract."""
    return businessdays.back(_crude_oil(year, month), 1)


def _natural_gas(year: int, month: int) -> date:
    """Three business days before the first day of the contract month."""
    return businessdays.back(date(year, month, 1), 3)


def _small_natural_gas(year: int, month: int) -> date:
    """One business day before the full-size contract."""
    return businessdays.back(date(year, month, 1), 4)


def _oil_product(year: int, month: int) -> date:
    """The last business day of the month before."""
    return businessdays.back(date(year, month, 1), 1)


def _metal(year: int, month: int) -> date:
    """The third last business day of the contract month."""
    return businessdays.back(businessdays.after_month(year, month), 3)


def _micro_copper(year: int, month: int) -> date:
    """The third last business day of the month before."""
    return businessdays.back(date(year, month, 1), 3)


def _long_treasury(year: int, month: int) -> date:
    """The seventh business day before the last business day of the contract month."""
    return businessdays.back(businessdays.last_of_month(year, month), 7)


def _short_treasury(year: int, month: int) -> date:
    """The last business day of the contract month."""
    return businessdays.last_of_month(year, month)


def _grain(year: int, month: int) -> date:
    """The business day before the 15th of the contract month."""
    return businessdays.back(date(year, month, 15), 1)


def _month_before(year: int, month: int) -> date:
    return date(year, month - 1, 1) if month > 1 else date(year - 1, 12, 1)


# root, exchange, tick size, tick value, months, ending, roll days, description
_ROWS: Final[tuple[tuple[str, str, str, str, str, Ending | None, int, str], ...]] = (
    ("ES", "CME", "0.25", "12.50", "HMUZ", _third_friday, 8, "E-mini S&P 500"),
    ("MES", "CME", "0.25", "1.25", "HMUZ", _third_friday, 8, "Micro E-mini S&P 500"),
    ("NQ", "CME", "0.25", "5.00", "HMUZ", _third_friday, 8, "E-mini Nasdaq-100"),
    ("MNQ", "CME", "0.25", "0.50", "HMUZ", _third_friday, 8, "Micro E-mini Nasdaq-100"),
    ("RTY", "CME", "0.10", "5.00", "HMUZ", _third_friday, 8, "E-mini Russell 2000"),
    ("M2K", "CME", "0.10", "0.50", "HMUZ", _third_friday, 8, "Micro E-mini Russell 2000"),
    ("EMD", "CME", "0.10", "10.00", "HMUZ", _third_friday, 8, "E-mini S&P MidCap 400"),
    ("YM", "CBOT", "1", "5.00", "HMUZ", _third_friday, 8, "E-mini Dow"),
    ("MYM", "CBOT", "1", "0.50", "HMUZ", _third_friday, 8, "Micro E-mini Dow"),
    ("6E", "CME", "0.00005", "6.25", "HMUZ", _two_before_third_wednesday, 5, "Euro"),
    ("M6E", "CME", "0.0001", "1.25", "HMUZ", _two_before_third_wednesday, 5, "Micro Euro"),
    ("E7", "CME", "0.0001", "6.25", "HMUZ", _two_before_third_wednesday, 5, "E-mini Euro"),
    ("6B", "CME", "0.0001", "6.25", "HMUZ", _two_before_third_wednesday, 5, "British pound"),
    ("M6B", "CME", "0.0001", "0.625", "HMUZ", _two_before_third_wednesday, 5, "Micro pound"),
    ("6C", "CME", "0.00005", "5.00", "HMUZ", _one_before_third_wednesday, 5, "Canadian dollar"),
    ("6A", "CME", "0.00005", "5.00", "HMUZ", _two_before_third_wednesday, 5, "Australian dollar"),
    ("M6A", "CME", "0.0001", "1.00", "HMUZ", _two_before_third_wednesday, 5, "Micro Australian"),
    ("6J", "CME", "0.0000005", "6.25", "HMUZ", _two_before_third_wednesday, 5, "Japanese yen"),
    ("6S", "CME", "0.00005", "6.25", "HMUZ", _two_before_third_wednesday, 5, "Swiss franc"),
    ("6N", "CME", "0.00005", "5.00", "HMUZ", _two_before_third_wednesday, 5, "New Zealand dollar"),
    ("CL", "NYMEX", "0.01", "10.00", MONTHS, _crude_oil, 3, "Crude oil"),
    ("MCL", "NYMEX", "0.01", "1.00", MONTHS, _small_crude_oil, 3, "Micro crude oil"),
    ("QM", "NYMEX", "0.025", "12.50", MONTHS, _small_crude_oil, 3, "E-mini crude oil"),
    ("NG", "NYMEX", "0.001", "10.00", MONTHS, _natural_gas, 3, "Natural gas"),
    ("QG", "NYMEX", "0.005", "12.50", MONTHS, _small_natural_gas, 3, "E-mini natural gas"),
    ("MNG", "NYMEX", "0.001", "1.00", MONTHS, _small_natural_gas, 3, "Micro natural gas"),
    ("HO", "NYMEX", "0.0001", "4.20", MONTHS, _oil_product, 3, "Heating oil"),
    ("RB", "NYMEX", "0.0001", "4.20", MONTHS, _oil_product, 3, "Gasoline"),
    ("GC", "COMEX", "0.10", "10.00", "GJMQVZ", _metal, 32, "Gold"),
    ("MGC", "COMEX", "0.10", "1.00", "GJMQVZ", _metal, 32, "Micro gold"),
    ("SI", "COMEX", "0.005", "25.00", "HKNUZ", _metal, 32, "Silver"),
    ("SIL", "COMEX", "0.005", "5.00", "HKNUZ", _metal, 32, "Micro silver"),
    ("HG", "COMEX", "0.0005", "12.50", "HKNUZ", _metal, 32, "Copper"),
    ("MHG", "COMEX", "0.0005", "1.25", "HKNUZ", _micro_copper, 3, "Micro copper"),
    ("PL", "NYMEX", "0.10", "5.00", "FJNV", _metal, 32, "Platinum"),
    ("ZB", "CBOT", "0.03125", "31.25", "HMUZ", _long_treasury, 25, "30-year Treasury bond"),
    ("UB", "CBOT", "0.03125", "31.25", "HMUZ", _long_treasury, 25, "Ultra Treasury bond"),
    ("ZN", "CBOT", "0.015625", "15.625", "HMUZ", _long_treasury, 25, "10-year Treasury note"),
    ("TN", "CBOT", "0.015625", "15.625", "HMUZ", _long_treasury, 25, "Ultra 10-year note"),
    ("ZF", "CBOT", "0.0078125", "7.8125", "HMUZ", _short_treasury, 35, "5-year Treasury note"),
    ("ZT", "CBOT", "0.00390625", "7.8125", "HMUZ", _short_treasury, 35, "2-year Treasury note"),
    ("ZC", "CBOT", "0.25", "12.50", "HKNUZ", _grain, 18, "Corn"),
    ("ZW", "CBOT", "0.25", "12.50", "HKNUZ", _grain, 18, "Wheat"),
    ("ZS", "CBOT", "0.25", "12.50", "FHKNQUX", _grain, 18, "Soybeans"),
    ("ZM", "CBOT", "0.10", "10.00", "FHKNQUVZ", _grain, 18, "Soybean meal"),
    ("ZL", "CBOT", "0.01", "6.00", "FHKNQUVZ", _grain, 18, "Soybean oil"),
    # The index itself, to rehearse on: it prints cents, and a point is worth what it is in MES.
    ("SP500", "SIM", "0.01", "0.05", "", None, 0, "S&P 500 index, simulated"),
)

SPECS: Final[dict[str, Spec]] = {
    root: Spec(root, exchange, Decimal(tick), Decimal(value), months, ending, roll, description)
    for root, exchange, tick, value, months, ending, roll, description in _ROWS
}
