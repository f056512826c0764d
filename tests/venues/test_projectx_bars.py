"""Bars: history in windows, each new bar once and only when it is closed, and a replay."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, pairwise
from typing import Any

import pytest
from tests.venues.projectx_firm import Answer, Firm, ok, running, venue_of

from sim2live import settings
from sim2live.clock import NS, ManualClock, iso
from sim2live.errors import ConfigError, DataError, SignalError
from sim2live.gateway.server import Gateway, running_gateway
from sim2live.market.bars import BarSource
from sim2live.signals import Instrument
from sim2live.venues.projectx import ProjectX
from sim2live.venues.projectx_bars import ProjectXBars, ReplayBars, history
from sim2live.venues.projectx_dialect import TESTMAX
from sim2live.venues.projectx_reads import Pace
from sim2live.venues.projectx_rows import moment

MES = Instrument("CME", "MESZ6")
MINUTE = 60 * NS


class Bars:
    """A minute bar for each minute, newest first, with a limit; the open one is told as well."""

    def __init__(self, firm: Firm, missing: tuple[int, ...] = ()) -> None:
        self.firm = firm
        self.missing = missing
        self.zone = "Z"

    def __call__(self, body: dict[str, Any]) -> Answer:
        start, end = moment(body["startTime"]), moment(body["endTime"])
        assert start is not None
        assert end is not None
        first = -(-start // MINUTE)
        numbers = [n for n in range(first, -(-end // MINUTE)) if n not in self.missing]
        rows = [
            {"t": iso(n * MINUTE).replace("Z", self.zone), "o": n, "h": n + 1, "l": n - 1, "c": n,
             "v": 7}
            for n in numbers
        ]  # fmt: skip
        return ok(bars=rows[::-1][: body["limit"]])


@pytest.fixture
def firm(manual_clock: ManualClock) -> Iterator[Firm]:
    with running(Firm(manual_clock)) as one:
        one._History_retrieveBars = Bars(one)  # type: ignore[attr-defined]
        yield one


@pytest.fixture
def venue(firm: Firm) -> Iterator[ProjectX]:
    made = venue_of(firm)
    yield made
    made.close()


def now_minute(firm: Firm) -> int:
    return firm.clock.now_ns() // MINUTE


def test_history_is_oldest_first_and_bears_the_close(firm: Firm, venue: ProjectX) -> None:
    start = (now_minute(firm) - 5) * MINUTE
    bars = list(history(venue, MES, "1m", start=start, end=start + 3 * MINUTE))
    assert [bar.time for bar in bars] == [start + n * MINUTE for n in (1, 2, 3)]
    assert bars[0].open == start // MINUTE
    assert bars[0].volume == 7.0


def test_a_long_history_is_asked_for_in_windows_without_a_gap(firm: Firm, venue: ProjectX) -> None:
    end = now_minute(firm) * MINUTE
    bars = list(history(venue, MES, "1m", start=end - 25_000 * MINUTE, end=end))
    assert len(bars) == 25_000
    assert all(b.time - a.time == MINUTE for a, b in pairwise(bars))
    assert firm.count("History/retrieveBars") == 3


@pytest.mark.parametrize("zone", ["Z", "+00:00", ""])
def test_a_time_without_a_zone_is_utc(firm: Firm, venue: ProjectX, zone: str) -> None:
    firm._History_retrieveBars.zone = zone  # type: ignore[attr-defined]
    start = (now_minute(firm) - 5) * MINUTE
    (bar,) = history(venue, MES, "1m", start=start, end=start + MINUTE)
    assert bar.time == start + MINUTE


def test_each_new_bar_comes_once_and_never_before_it_is_closed(firm: Firm, venue: ProjectX) -> None:
    firm._History_retrieveBars.missing = (now_minute(firm) + 1,)  # type: ignore[attr-defined]
    source = ProjectXBars(
        venue, MES, "1m", start=firm.clock.now_ns() - 3 * MINUTE, clock=firm.clock
    )
    assert isinstance(source, BarSource)
    found = []
    for bar in islice(source, 6):
        assert bar.time <= firm.clock.now_ns()
        found.append(bar.time // MINUTE)
    last = now_minute(firm)
    assert found == sorted(set(found))
    assert found[-1] == last
    source.close()


def test_a_server_that_fails_is_asked_again(firm: Firm, venue: ProjectX) -> None:
    firm.script("History/retrieveBars", *[lambda _: (503, "later")] * 7)
    source = ProjectXBars(venue, MES, "1m", clock=firm.clock)
    assert len(list(islice(source, 2))) == 2


def test_a_closed_source_ends(firm: Firm, venue: ProjectX) -> None:
    source = ProjectXBars(
        venue, MES, "1m", start=firm.clock.now_ns() - 3 * MINUTE, clock=firm.clock
    )
    for number, _ in enumerate(source):
        if number == 1:
            source.close()
    assert number == 1


@pytest.mark.parametrize("timeframe", ["", "0m", "1x", "m", "1.5m", "-1m", "1d"])
def test_a_timeframe_is_a_number_and_a_unit(venue: ProjectX, timeframe: str) -> None:
    with pytest.raises(ConfigError, match="timeframe"):
        ProjectXBars(venue, MES, timeframe)


@pytest.mark.parametrize(
    "answer", [{"bars": None}, {}, {"bars": [1]}, {"bars": [{"t": "soon"}]},
               {"bars": [{"t": "2026-01-05T15:00:00Z", "o": 1, "h": 0, "l": 2, "c": 1}]}]
)  # fmt: skip
def test_bars_that_cannot_be_read_are_an_error(
    firm: Firm, venue: ProjectX, answer: dict[str, Any]
) -> None:
    firm.script("History/retrieveBars", lambda _: ok(**answer))
    with pytest.raises(DataError):
        list(history(venue, MES, "1m", start=firm.clock.now_ns(), end=firm.clock.now_ns() + 1))


def test_an_unknown_contract_is_an_error(venue: ProjectX) -> None:
    with pytest.raises(SignalError, match="symbol"):
        list(history(venue, Instrument("CME", "XXX"), "1m", start=0, end=1))


# -- pace ----------------------------------------------------------------------------------------
def test_no_stretch_of_time_has_more_calls_than_allowed(manual_clock: ManualClock) -> None:
    pace = Pace(5, 30.0, manual_clock)
    times = []
    for number in range(40):
        pace.wait()
        times.append(manual_clock.monotonic())
        manual_clock.advance(number % 3)
    assert all(later - first >= 30.0 for first, later in zip(times, times[5:], strict=False))
    assert times[-1] < 300


def test_reading_leaves_room_for_orders(firm: Firm, venue: ProjectX) -> None:
    started = firm.clock.monotonic()
    for _ in range(300):
        venue.positions("P-1")
    spent = firm.clock.monotonic() - started
    assert spent >= 120.0
    assert 300 / spent * 60 <= 140 + 20


# -- replay --------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with running_gateway() as started:
        yield started


def replay_venue(gateway: Gateway) -> ProjectX:
    return ProjectX(gateway.url, user_name="me", api_key="k", dialect=TESTMAX, poll=None)


def test_a_replay_delivers_its_bars_in_order_and_ends_with_a_result(gateway: Gateway) -> None:
    venue = replay_venue(gateway)
    source = ReplayBars(venue, "NQ", start="2025-01-15", timeframe="15m")
    assert isinstance(source, BarSource)
    bars = list(source)
    assert len(bars) == source.total > 10
    assert all(b.time - a.time >= 15 * MINUTE for a, b in pairwise(bars))
    assert source.instrument.symbol.startswith("NQ")
    source.close()
    assert source.result["finalBalance"] == 50_000.0
    venue.close()


def test_a_strategy_follows_on_a_replay(gateway: Gateway) -> None:
    venue = replay_venue(gateway)
    source = ReplayBars(venue, "NQ", start="2025-01-15", timeframe="15m")
    workflow, held = str(source.account), []
    with settings.connect(venue, workflow=workflow, journal=":memory:") as strategy:
        for number, bar in enumerate(islice(source, 12)):
            strategy.on_bar(source.instrument, bar)
            target = (0, 1, -2)[number % 3]
            receipt = strategy.follow(
                source.instrument, target, data="NQ", nth=0, decided_at=bar.time
            )
            assert receipt.status.value in ("ACCEPTED", "SHADOW")
            held.append((venue.positions(workflow) or {}).get(source.instrument, 0) == target)
        assert all(held)
        source.close()


def test_only_testmax_replays(venue: ProjectX) -> None:
    with pytest.raises(ConfigError, match="TestMax"):
        ReplayBars(venue, "NQ", start="2025-01-15")
