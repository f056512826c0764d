"""Past bars: History/retrieveBars. Nothing later than the account's present is ever told."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sim2live.gateway.projectx import requests, shapes
from sim2live.gateway.projectx.aggregate import MONTH, SECONDS, WEEK, gather, starts_of
from sim2live.gateway.projectx.envelope import Failure
from sim2live.gateway.projectx.moments import moment, optional_moment
from sim2live.gateway.projectx.sim import Sim
from sim2live.gateway.seen import MOST_BARS
from sim2live.market.bars import Bar
from sim2live.signals import Instrument

CONTRACT_NOT_FOUND, UNIT_INVALID, UNIT_NUMBER_INVALID, LIMIT_INVALID = 1, 2, 3, 4
_UNITS = frozenset({*SECONDS, WEEK, MONTH})
_MOST_UNITS = 100_000

Past = Callable[[Instrument], Iterable[Bar]]


class History:
    """Bars by contract.

    Args:
        sim: For names.
        past: Bars of an instrument up to its present, oldest first.
    """

    def __init__(self, sim: Sim, past: Past) -> None:
        self._sim = sim
        self._past = past

    def retrieve(self, request: requests.RetrieveBars) -> shapes.BarsAnswer:
        """Bars that start in a time, newest first; the limit keeps the newest."""
        start = moment("startTime", request.start_time)
        end = moment("endTime", request.end_time)
        if not 1 <= request.limit <= MOST_BARS:
            rule = f"must be from 1 to {MOST_BARS}"
            raise Failure(LIMIT_INVALID, f"limit={request.limit}: {rule}")
        rows = self._rows(request, start, end)
        if not request.include_partial_bar:
            rows = self._whole(request, rows, end)
        return shapes.BarsAnswer(bars=rows[::-1][: request.limit])

    def retrieve_loosely(self, request: requests.RetrieveBarsLoosely) -> shapes.BarsAnswer:
        """Bars oldest first, from a start or so many back from the end."""
        if request.bars_back is not None and request.start_time is not None:
            raise Failure(LIMIT_INVALID, "barsBack and startTime exclude each other")
        back = MOST_BARS if request.bars_back is None else request.bars_back
        if not 1 <= back <= MOST_BARS:
            raise Failure(LIMIT_INVALID, f"barsBack={back}: must be from 1 to {MOST_BARS}")
        start = optional_moment("startTime", request.start_time)
        end = optional_moment("endTime", request.end_time)
        return shapes.BarsAnswer(bars=self._rows(request, start, end)[-back:])

    def _rows(
        self,
        request: requests.RetrieveBars | requests.RetrieveBarsLoosely,
        start: int | None,
        end: int | None,
    ) -> list[shapes.BarRow]:
        listing = self._sim.listing(request.contract_id, CONTRACT_NOT_FOUND)
        unit, number = request.unit, request.unit_number
        if unit not in _UNITS:
            raise Failure(UNIT_INVALID, f"unit={unit}: must be from 1 to 6")
        if not 1 <= number <= _MOST_UNITS:
            raise Failure(UNIT_NUMBER_INVALID, f"unitNumber={number}: must be at least 1")
        starts = starts_of(unit, number)
        self._sim.desk.price(listing.instrument)  # a walk begins when somebody asks
        bars = (
            bar
            for bar in self._past(listing.instrument)
            if (start is None or starts(bar.time) >= start) and (end is None or bar.time <= end)
        )
        return gather(bars, starts)

    def _whole(
        self, request: requests.RetrieveBars, rows: list[shapes.BarRow], end: int
    ) -> list[shapes.BarRow]:
        """Without the last bar where it may still change."""
        if not rows:
            return rows
        listing = self._sim.listing(request.contract_id, CONTRACT_NOT_FOUND)
        present = min(end, self._sim.present(listing.instrument))
        starts = starts_of(request.unit, request.unit_number)
        last = moment("t", rows[-1].t)
        return rows[:-1] if starts(present + 1) == last else rows
