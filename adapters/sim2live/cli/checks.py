"""Is this machine ready? One finding for each thing that a first run trips over, with its mend."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim2live.options import Settings
    from sim2live.signals import Instrument
    from sim2live.venues.base import Venue

Finding = tuple[bool, str, str]
"""Whether it is well, what was looked at, and what was seen or how to mend it."""

_OLDEST, _NEWEST = (3, 11), (3, 13)
#: Package, extra that brings it, versions below or from which it does not work.
_PACKAGES = (
    ("msgspec", "", "0.19", None),
    ("httptools", "", "0.6", None),
    ("typer", "", "0.12", None),
    ("rich", "", "13", None),
    ("starlette", "gateway", "0.40", None),
    ("uvicorn", "gateway", "0.30", None),
    ("backtrader", "backtrader", "1.9.78", None),
    ("zipline-reloaded", "zipline", "3.2.1", None),
    ("vectorbt", "vectorbt", "1.0", None),
    ("requests", "projectx", "2.31", None),
    ("apprise", "alerts", "1.8", None),
)
_PORT = 8080


def machine() -> Iterator[Finding]:
    """Python, packages, time zones."""
    from importlib.metadata import PackageNotFoundError, version

    have = sys.version_info[:2]
    said = ".".join(map(str, sys.version_info[:3]))
    good = _OLDEST <= have <= _NEWEST
    mend = "" if good else "; sim2live needs 3.11, 3.12 or 3.13 (Zipline: 3.11 or 3.12)"
    yield good, "python", f"{said}{mend}"
    missing = []
    for name, extra, least, below in _PACKAGES:
        try:
            found = version(name)
        except PackageNotFoundError:
            if extra:
                missing.append(extra)
            else:
                yield False, name, "is not installed; run: pip install sim2live"
            continue
        if _numbers(found) < _numbers(least):
            yield False, name, f"{found} is too old; run: pip install '{name}>={least}'"
        elif below is not None and _numbers(found) >= _numbers(below):
            yield False, name, f"{found} is too new; run: pip install '{name}<{below}'"
    yield from _together(version)
    extras = sorted(set(missing))
    wanted = f"; not installed: {', '.join(extras)} (pip install 'sim2live[{','.join(extras)}]')"
    yield True, "packages", f"what is installed fits{wanted if extras else ''}"
    yield _zones()


def _together(version: object) -> Iterator[Finding]:
    """Two packages that are well alone and not together."""
    from importlib.metadata import PackageNotFoundError

    def of(name: str) -> tuple[int, ...] | None:
        try:
            return _numbers(version(name))  # type: ignore[operator]
        except PackageNotFoundError:
            return None

    zipline, pandas, vectorbt = of("zipline-reloaded"), of("pandas"), of("vectorbt")
    if zipline is not None and pandas is not None and pandas >= (3,):
        yield False, "pandas", "Zipline needs pandas below 3; run: pip install 'pandas>=2.2,<3'"
    if vectorbt is not None and pandas is not None and vectorbt >= (1, 1) and pandas < (3,):
        yield False, "vectorbt", "1.1 and later need pandas 3; run: pip install 'vectorbt==1.0.0'"
    plotly = of("plotly")
    if vectorbt is not None and plotly is not None and plotly >= (7,):
        yield False, "plotly", "vectorbt was proved with 6; run: pip install 'plotly<7'"


def _zones() -> Finding:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo("America/Chicago")
    except ZoneInfoNotFoundError:
        return False, "time zones", "no time zone data; run: pip install tzdata"
    return True, "time zones", "exchange time is known"


def _numbers(text: str) -> tuple[int, ...]:
    parts = []
    for part in text.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        parts.append(int(digits))
    return tuple(parts)


def clock() -> Finding:
    """Whether the wall clock can be believed: it is late enough, and does not jump while seen."""
    from sim2live.clock import NS, SystemClock, iso

    watch = SystemClock()
    wall, steady = watch.now_ns(), watch.monotonic_ns()
    watch.sleep(0.2)
    apart = (watch.now_ns() - wall - (watch.monotonic_ns() - steady)) / NS
    # No bar of today can be older than this program.
    sane = wall > 1_750_000_000 * NS
    if not sane or abs(apart) > 0.05:
        return (
            False,
            "clock",
            f"{iso(wall)}: set it (timedatectl set-ntp true, or the system's own)",
        )
    return True, "clock", iso(wall)


def port() -> Finding:
    """Who listens at the port that the signal API and the gateway share."""
    from sim2live.clock import SystemClock
    from sim2live.venues.evalitup import EvalItUp

    venue = EvalItUp(f"http://127.0.0.1:{_PORT}", clock=SystemClock())
    try:
        if venue.prove_paper(1.0):
            return True, f"port {_PORT}", "the paper gateway of this project answers"
        if venue.probe(timeout=1.0):
            return True, f"port {_PORT}", "somebody answers who is NOT the paper gateway: REAL"
    finally:
        venue.close()
    return True, f"port {_PORT}", "free; `sim2live gateway` would listen here"


def kind(venue: Venue) -> str:
    """Paper or REAL, in one word that cannot be overlooked."""
    return "paper: no real order is possible" if venue.simulated else "REAL: orders move money"


def instruments(chosen: Settings, named: str | None, now_ns: int) -> Iterator[Finding]:
    """Whether an instrument is known, still trades, and has a calendar that is open or not.

    Args:
        chosen: The settings, for their calendars.
        named: Such as ``CME:MESZ6``; the front month of MES when left out.
        now_ns: The present, UTC epoch nanoseconds.
    """
    from sim2live.clock import from_ns, iso
    from sim2live.errors import Sim2LiveError
    from sim2live.market.contracts import contract, front_month
    from sim2live.market.sessions import Timetable
    from sim2live.signals import Instrument

    today = from_ns(now_ns).date()
    try:
        traded = (
            Instrument("CME", front_month("MES", today))
            if named is None
            else Instrument.parse(named)
        )
        found = contract(traded, on=today)
        yield _contract(traded, found, today)
        sessions = Timetable(chosen.calendars).sessions_for(traded)
        if sessions.is_open(now_ns):
            text = f"open until {iso(sessions.next_close(now_ns))}"
        else:
            text = f"closed until {iso(sessions.next_open(now_ns))}"
        yield True, "calendar", f"{traded.exchange}: {text}"
    except (Sim2LiveError, ValueError, LookupError) as error:
        yield False, "instrument", str(error)


def _contract(traded: Instrument, found: object, today: object) -> Finding:
    from datetime import date

    from sim2live.market.contracts import Contract

    if not isinstance(found, Contract):
        return True, "instrument", f"{traded}: unknown here, so its tick and value are not checked"
    assert isinstance(today, date)
    last = found.last_trade_date
    if last is not None and last < today:
        return False, "instrument", f"{traded}: stopped trading on {last}; name the next contract"
    until = "" if last is None else f", trades until {last}"
    size = f"tick {found.tick_size}, worth {found.tick_value}"
    return True, "instrument", f"{traded}: {size}{until}"
