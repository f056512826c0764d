"""Which contract is this: what is a tick worth, when does it end, how should it be written?

A symbol is root + month letter + last digit of the year, as EvalItUp and Rithmic write it
(``MESZ6``); two digits (``MESZ26``) are understood as well. The exchange may be the contract's
own or ``CME``, the only one that EvalItUp's page shows. On the exchange ``SIM`` any name goes and
nothing expires.
"""

from __future__ import annotations

import math
import re
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Final, Literal

from msgspec import Struct

from sim2live.errors import ConfigError, shorten
from sim2live.market.specs import MONTHS, SPECS, Spec
from sim2live.signals import Instrument

SIM: Final = "SIM"

_SYMBOL: Final = re.compile(rf"([A-Z0-9]+)([{MONTHS}])(\d\d?)")
_CONTINUOUS: Final = re.compile(r"[@/]?([A-Z0-9]+?)(?:=F|\d!|)")
_ROUNDING: Final = {"nearest": ROUND_HALF_EVEN, "down": ROUND_FLOOR, "up": ROUND_CEILING}
_SIM_TICK: Final = Decimal("0.01")


class Contract(Struct, frozen=True):
    """One contract.

    Attributes:
        root: Such as ``MES``; on SIM the name itself.
        exchange: Where it trades, which may differ from what the signal says.
        symbol: As it was asked for.
        tick_size: Smallest step of the price, in points.
        tick_value: Worth of one tick of one contract, in US dollars.
        last_trade_date: Last day it trades, exchange date; None when it does not expire, or
            when one digit leaves the year open.
        description: Name in plain words.
    """

    root: str
    exchange: str
    symbol: str
    tick_size: Decimal
    tick_value: Decimal
    last_trade_date: date | None
    description: str

    @property
    def point_value(self) -> float:
        """Worth of one whole point of one contract, in US dollars."""
        return float(self.tick_value / self.tick_size)


def contract(instrument: Instrument, *, on: date | None = None) -> Contract | None:
    """What is known of an instrument.

    Args:
        instrument: As the signal names it.
        on: Exchange date of the question. It decides the decade of a one-digit year: the
            year meant lies from 4 before to 5 after.

    Returns:
        The contract; None when the root is unknown or trades on another exchange.
    """
    symbol = instrument.symbol
    if instrument.exchange == SIM:
        return _simulated(symbol)
    parts = _parse(symbol, on)
    if parts is None:
        return None
    spec, month, year = parts
    if instrument.exchange not in (spec.exchange, "CME"):
        return None
    end = None if year is None or spec.ending is None else spec.ending(year, month)
    return _contract(spec, symbol, end)


def last_trade_date(root: str, month: int, year: int) -> date:
    """Last day on which a contract trades, by the rule of its root; exchange date.

    Args:
        root: Such as ``ES``.
        month: Contract month, 1 to 12.
        year: Contract year, four digits.

    Raises:
        ConfigError: Unknown root, one that never expires, or no such month.
    """
    ending = _spec(root).ending
    if ending is None:
        raise ConfigError(f"root={root!r}: does not expire")
    if not 1 <= month <= 12:
        raise ConfigError(f"month={month!r}: must be from 1 to 12")
    return ending(year, month)


def front_month(root: str, on: date) -> str:
    """Symbol of the contract that most trade on a day, such as ``ESZ6``.

    It is the nearest month of the root's cycle whose last trade date lies more than the
    root's `roll_days` ahead: 8 calendar days for an equity index, and before the first notice
    day for what is delivered.

    Raises:
        ConfigError: Unknown root, or one that never expires.
    """
    spec = _spec(root)
    if spec.ending is None:
        raise ConfigError(f"root={root!r}: does not expire, it has no front month")
    roll = timedelta(days=spec.roll_days)
    ahead = (
        (year, month)
        for year in (on.year, on.year + 1, on.year + 2)
        for month in range(1, 13)
        if MONTHS[month - 1] in spec.months
    )
    ending = spec.ending
    year, month = next(at for at in ahead if ending(*at) - roll > on)
    return f"{root}{MONTHS[month - 1]}{year % 10}"


def suggest(instrument: Instrument, *, on: date) -> str | None:
    """What is wrong with the way an instrument is written, and what to write instead.

    Args:
        instrument: As the user wrote it.
        on: Exchange date of the question.

    Returns:
        One sentence; None when nothing is wrong, or nothing is known about it.
    """
    if instrument.exchange == SIM:
        return None
    symbol = instrument.symbol.upper()
    parts = _parse(symbol, on)
    if parts is None:
        name = _CONTINUOUS.fullmatch(symbol)
        spec = SPECS.get(name[1]) if name else None
        if spec is None or spec.ending is None:
            return None
        return f"{instrument} names no contract month; the front month is {_front(spec, on)}"
    spec, month, year = parts
    if spec.ending is None or year is None:
        return None
    letter = MONTHS[month - 1]
    if spec.exchange in ("CME", "CBOT") and letter not in spec.months:
        return f"{spec.root} has no {letter} contract; the front month is {_front(spec, on)}"
    end = spec.ending(year, month)
    if end < on:
        return f"{instrument} last traded on {end}; the front month is {_front(spec, on)}"
    exchange = instrument.exchange.upper()
    if exchange not in (spec.exchange, "CME"):
        exchange = spec.exchange
    right = Instrument(exchange, f"{spec.root}{letter}{year % 10}")
    return None if right == instrument else f"{instrument} is written {right}"


def round_to_tick(
    price: float, tick: Decimal, *, way: Literal["nearest", "down", "up"] = "nearest"
) -> float:
    """The nearest price that the exchange takes.

    Args:
        price: In points; may be zero or negative.
        tick: Smallest step, such as `Contract.tick_size`.
        way: ``down`` and ``up`` never pass `price` on the other side; ``nearest`` sends an exact
            half to the even multiple.

    Returns:
        A multiple of `tick`, exact in Decimal, as the float nearest to it.

    Raises:
        ConfigError: `price` is not finite, `tick` is not above zero, or `way` is another word.
    """
    if not math.isfinite(price):
        raise ConfigError(f"price={price!r}: must be a finite number")
    if not (tick.is_finite() and tick > 0):
        raise ConfigError(f"tick={tick}: must be a finite number above zero")
    if way not in _ROUNDING:
        raise ConfigError(f"way={shorten(way)}: must be one of {', '.join(_ROUNDING)}")
    # repr gives the digits that a person means by the float; the float itself is a bit off.
    ticks = (Decimal(repr(float(price))) / tick).to_integral_value(_ROUNDING[way])
    return float(ticks * tick)


def _simulated(symbol: str) -> Contract:
    """A name on SIM: priced like the contract or root that it names, if it names one."""
    parts = _parse(symbol, None)
    spec = parts[0] if parts else SPECS.get(symbol)
    if spec is not None:
        return _contract(spec, symbol, None)
    return Contract(symbol, SIM, symbol, _SIM_TICK, _SIM_TICK, None, "simulated")


def _contract(spec: Spec, symbol: str, end: date | None) -> Contract:
    return Contract(
        spec.root, spec.exchange, symbol, spec.tick_size, spec.tick_value, end, spec.description
    )


def _parse(symbol: str, on: date | None) -> tuple[Spec, int, int | None] | None:
    """Root, month and year of a symbol; None when it is none of a known root."""
    found = _SYMBOL.fullmatch(symbol)
    spec = SPECS.get(found[1]) if found else None
    if found is None or spec is None:
        return None
    year = int(found[3])
    month = MONTHS.index(found[2]) + 1
    if len(found[3]) == 2:
        return spec, month, 2000 + year
    if on is None:
        return spec, month, None
    return spec, month, on.year + (year - on.year + 4) % 10 - 4


def _spec(root: str) -> Spec:
    spec = SPECS.get(root)
    if spec is None:
        raise ConfigError(f"root={shorten(root)}: is not known; known are {', '.join(SPECS)}")
    return spec


def _front(spec: Spec, on: date) -> str:
    return front_month(spec.root, on)
