"""Where do the bars of a replay come from? Files, or a seeded synthetic day."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sim2live.clock import NS, iso, to_ns
from sim2live.gateway.prices import NOMINAL
from sim2live.gateway.projectx.envelope import Failure
from sim2live.gateway.projectx.table import Table
from sim2live.market.bars import Bar
from sim2live.market.contracts import contract
from sim2live.signals import Instrument

_NEW_YORK = ZoneInfo("America/New_York")
_OPEN, _SESSION_SECONDS = time(9, 30), 23_400
_DAY = timedelta(days=1)
#: A question for more would fill the memory.
MOST_BARS = 2_000_000
NO_DATA, TOO_FINE = 404, 400


class Sources:
    """Bars by symbol.

    Args:
        files: Bars for a symbol such as ``NQ``, oldest first; read once, when first asked for.
        seed: Of the synthetic days of all other symbols.
    """

    def __init__(self, files: Mapping[str, Iterable[Bar]] | None = None, seed: int = 1) -> None:
        self._files = dict(files or {})
        self._tables: dict[str, Table] = {}
        self._seed = seed

    def table(
        self, symbol: str, instrument: Instrument, first: date, last: date, seconds: int
    ) -> Table:
        """The bars of some days.

        Args:
            symbol: As the request names it.
            instrument: The contract behind it.
            first: First day, UTC.
            last: Last day, UTC.
            seconds: Length of the bars that are wanted; those of the table are no longer.

        Raises:
            Failure: There are none, they are too coarse, or too many.
        """
        if symbol not in self._files:
            return self._synthetic(instrument, first, last, seconds)
        known = self._tables.get(symbol)
        if known is None:
            known = self._tables[symbol] = Table(self._files[symbol])
        begin, end = known.between(_midnight(first), _midnight(last + _DAY))
        found = Table(known.bars(begin, end))
        if len(known) and not len(found):
            days = f"{iso(known.times[0])[:10]} to {iso(known.times[-1])[:10]}"
            rule = f"those of {symbol} go from {days}"
            raise Failure(NO_DATA, f"There are no bars from {first} to {last}; {rule}", 404)
        interval = found.interval()
        if interval is not None and interval > seconds * NS:
            rule = f"the bars of {symbol} are {interval // NS} seconds long"
            raise Failure(TOO_FINE, f"timeframe: {rule}, none shorter can be made of them")
        return found

    def _synthetic(self, instrument: Instrument, first: date, last: date, seconds: int) -> Table:
        found = contract(instrument)
        nominal = None if found is None else NOMINAL.get(found.root)
        if found is None or nominal is None:
            raise Failure(NO_DATA, f"There are no bars of {instrument}", 404)
        base = 1 if seconds < 60 else 60
        days = (last - first).days + 1
        if days * _SESSION_SECONDS // base > MOST_BARS:
            raise Failure(TOO_FINE, f"endDate: {days} days are too many for this timeframe")
        tick = float(found.tick_size)
        each = (first + n * _DAY for n in range(days))
        return Table(
            bar
            for day in each
            if day.weekday() < 5
            for bar in _day(nominal, tick, f"{self._seed}:{instrument}:{day}:{base}", day, base)
        )


def _day(nominal: float, tick: float, seed: str, day: date, length: int) -> Iterator[Bar]:
    """One regular session of a price that walks in ticks; it says nothing about any market."""
    draw = random.Random(seed)  # noqa: S311 - prices, not secrets
    start = to_ns(datetime.combine(day, _OPEN, _NEW_YORK).astimezone(UTC))
    step = max(1, round(nominal * 0.00002 * length**0.5 / tick))
    at = round(nominal * (1 + draw.gauss(0, 0.01)) / tick)
    for n in range(_SESSION_SECONDS // length):
        opened = at
        at = max(1, at + round(draw.gauss(0, 1) * step))
        high = max(opened, at) + draw.randrange(step + 1)
        low = max(1, min(opened, at) - draw.randrange(step + 1))
        o, h, l, c = (round(ticks * tick, 10) for ticks in (opened, high, low, at))  # noqa: E741
        yield Bar(start + (n + 1) * length * NS, o, h, l, c, float(draw.randrange(10, 500)))


def _midnight(day: date) -> int:
    return to_ns(datetime.combine(day, time(), UTC))
