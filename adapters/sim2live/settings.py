"""How a run is configured: arguments first, then ``SIM2LIVE_*``, then ``sim2live.toml``.

This is the only room that reads the environment. Secrets come from the environment or from an
argument; a token in the file is refused, because files are copied, mailed and committed.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from sim2live.clock import NS, Clock, SystemClock
from sim2live.errors import ConfigError
from sim2live.gate.limits import NONE, SAFE, Rules, made
from sim2live.market.sessions import Timetable
from sim2live.options import PREFIX, TABLES, Mode, Settings, from_file

if TYPE_CHECKING:
    from sim2live.gate.alarms import Alarms
    from sim2live.gate.dispatch import Dispatcher
    from sim2live.gate.now import Now
    from sim2live.venues.base import Venue

logger = logging.getLogger("sim2live.settings")
DEFAULT_WORKFLOW, DEFAULT_STRATEGY = "python-test", "strategy"

__all__ = [
    "Mode",
    "Rules",
    "Settings",
    "connect",
    "data_folder",
    "load",
    "mode",
    "open_venue",
    "secret",
]


def load(
    path: str | Path | None = None, *, environment: Mapping[str, str] | None = None
) -> Settings:
    """Read the settings of file and environment.

    Args:
        path: the TOML file; by default ``sim2live.toml`` in the working folder, if there is one.
        environment: stands in for the process's own in tests.

    Raises:
        ConfigError: an unknown key, a wrong value, a secret in the file, or no such file.
    """
    values = from_file(path)
    environment = os.environ if environment is None else environment
    for name in Settings.__struct_fields__:
        if name in TABLES:
            continue
        text = environment.get(PREFIX + name.upper())
        if text is not None:
            values[name] = text
    for name in Rules.__struct_fields__:
        text = environment.get(f"{PREFIX}RULES_{name.upper()}")
        if text is not None:
            several = [part.strip() for part in text.split(",")]
            values.setdefault("rules", {})[name] = several if name == "windows" else text
    try:
        # Not strict: the environment holds text only. Ranges are checked below.
        settings = msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"settings: {error}") from error
    settings.check()
    return settings


def mode() -> Mode:
    """What ``SIM2LIVE_MODE``, or the file, says: ``sim``, ``paper`` or ``live``."""
    return load().mode


def _token() -> str | None:
    """The bearer token of the environment (``SIM2LIVE_TOKEN``); never from a file."""
    return os.environ.get(PREFIX + "TOKEN") or None


def secret(name: str | None = None) -> str | None:
    """The token in a variable of the environment; secrets are never command line options.

    Args:
        name: the variable; None means ``SIM2LIVE_TOKEN``, which may be absent.

    Raises:
        ConfigError: the variable was named and is empty or absent.
    """
    if name is None:
        return _token()
    value = os.environ.get(name)
    if not value:
        raise ConfigError(f"token: the environment variable {name} is empty or absent")
    return value


def data_folder() -> Path:
    """The per-user folder that journals are kept in."""
    if os.environ.get(PREFIX + "HOME"):
        return Path(os.environ[PREFIX + "HOME"])
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "sim2live"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "sim2live"
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "sim2live"


def connect(
    target: str | Venue | None = None,
    *,
    workflow: str | None = None,
    strategy: str | None = None,
    run: str | None = None,
    journal: str | Path | None = None,
    token: str | None = None,
    schema_version: str | None = None,
    timeout: float | None = None,
    dry_run: bool = False,
    confirm: str | None = None,
    clock: Clock | None = None,
    settings: Settings | None = None,
) -> Dispatcher:
    """Open a gate on a venue and return the first strategy's handle on it.

    Args:
        target: ``"paper"`` (default: in process), ``"record"`` (signals kept in memory),
            ``"http://host:port"`` of a signal API, ``"nats://host:port"`` of a relay's server,
            ``"projectx:FIRM"`` (or an address instead of the firm), or a `Venue`. A server counts
            as real money unless it proves to be the project's own gateway.
        workflow: the pool; required on a real venue.
        strategy: name of the strategy instance, part of every signal id.
        run: name of the run; the same run resumes.
        journal: path of the journal, or ``":memory:"``. By default ``record`` and ``paper``
            keep it in memory, everything else in the per-user data folder.
        token: bearer token of the signal API; by default ``SIM2LIVE_TOKEN``.
        schema_version: ``"1.0"``, or ``"1.1"`` (experimental).
        timeout: seconds; total deadline of one exchange in the strategy's thread.
        dry_run: decide everything, send nothing.
        confirm: what a human saw at a venue that cannot be read, after a process that ended
            without closing: ``"MESZ6=+1"``, or ``"presumed"``. Entries wait for it.
        clock: another clock, for tests.
        settings: instead of environment and file.

    Raises:
        ConfigError: a setting is wrong, or a real venue lacks a workflow.
        JournalError: the journal cannot be used.
    """
    from sim2live.gate.dispatch import Dispatcher
    from sim2live.gate.duties import close_at_exit, supervise
    from sim2live.gate.gate import Gate
    from sim2live.gate.journal import open_journal
    from sim2live.gate.operator import Operator
    from sim2live.gate.preflight import Preflight
    from sim2live.gate.probe import stored

    given = load() if settings is None else settings
    # Whoever brings a clock drives time, and with it the work that else a thread would do.
    background = clock is None
    clock = clock or SystemClock()
    changes = {
        "workflow": workflow,
        "strategy": strategy,
        "run": run,
        "journal": None if journal is None else str(journal),
        "schema_version": schema_version,
        "timeout": timeout,
        "confirm": confirm,
    }
    chosen = msgspec.structs.replace(
        given, **{name: value for name, value in changes.items() if value is not None}
    )
    chosen.check()
    named = chosen.target if target is None else target
    venue = open_venue(
        named,
        token=token,
        clock=clock,
        dry_run=dry_run,
        settings=chosen,
    )
    with ExitStack() as unless_complete:
        unless_complete.callback(venue.close)
        pool = _workflow(chosen, venue)
        kept = open_journal(_journal_path(chosen, venue), venue.fingerprint, clock)
        unless_complete.callback(kept.close)
        alarms = alarms_of(chosen, clock)
        unless_complete.callback(alarms.close)
        proved = stored(kept.facts)
        if proved is not None:
            venue.profile = proved
        timetable = Timetable(chosen.calendars)
        gate = Gate(
            venue,
            kept,
            now=_now(chosen, venue, clock, timetable),
            rules=made(
                chosen.rules,
                NONE if venue.simulated else SAFE,
                timetable,
                no_entries_after=chosen.no_entries_after,
                flatten_at=chosen.flatten_at,
                facts=kept.facts,
                preflight=Preflight(
                    kept.facts, kept.path, target=named, fingerprint=venue.fingerprint
                ),
            ),
            clock=clock,
            alarms=alarms,
            timeout=chosen.timeout,
            start=chosen.start,
            background=background,
            schema_version=chosen.schema_version,
            timetable=timetable,
            drift=chosen.drift or ("adopt" if venue.simulated else "refuse"),
            asks=not venue.simulated,
        )
        unless_complete.pop_all()
        unless_complete.callback(gate.close)  # and with it the three above
        first = Dispatcher(
            gate,
            strategy=chosen.strategy or DEFAULT_STRATEGY,
            run=chosen.run,
            workflow=pool,
            clock=clock,
            shift=round(chosen.interval * NS) if chosen.stamp == "start" and chosen.interval else 0,
        )
        if chosen.confirm:
            Operator(gate).confirm(pool, chosen.confirm)
        logger.info("%s", first.standing().text())
        if background and gate.journal.path != ":memory:":
            supervise(
                gate,
                clock,
                flatten_at=chosen.flatten_at,
                feed_timeout=chosen.feed_timeout,
                kill_switch=chosen.kill_switch,
            )
            close_at_exit(gate)
        unless_complete.pop_all()
    return first


def alarms_of(settings: Settings, clock: Clock) -> Alarms:
    """Alarms with the channels that are set; a thread of their own tells them."""
    from sim2live.gate.alarms import Alarms
    from sim2live.gate.messenger import Messenger

    if not settings.alerts:
        return Alarms()
    return Alarms(Messenger(addresses(settings.alerts), clock))


def addresses(alerts: Mapping[str, str]) -> dict[str, str]:
    """The addresses of alarms with their secrets, which stand in the environment."""
    from sim2live.gate.messenger import with_secrets

    return with_secrets(alerts, os.environ)


def open_venue(
    target: str | Venue | None,
    *,
    token: str | None,
    clock: Clock,
    dry_run: bool = False,
    settings: Settings | None = None,
) -> Venue:
    """The venue that a target names.

    Raises:
        ConfigError: no venue has this name.
    """
    from sim2live.venues.base import Venue

    if dry_run or target == "record":
        from sim2live.venues.record import Record

        return Record()
    if isinstance(target, Venue):
        return target
    if target is None or target == "paper":
        from sim2live.venues.paper import Paper

        return Paper()
    if target.startswith(("http://", "https://")):
        from sim2live.venues.evalitup import EvalItUp

        secret = token if token is not None else _token()
        venue = EvalItUp(target, token=secret, clock=clock)
        venue.prove_paper(timeout=PROOF_TIMEOUT)
        return venue
    if target.startswith(("nats://", "tls://")):
        return _nats(target, token, settings or load(), clock)
    if target.startswith("projectx:"):
        return _projectx(target.removeprefix("projectx:"), settings or load(), clock)
    raise ConfigError(
        f"target={target!r}: must be 'paper', 'record', http://host:port, nats://host:port, "
        "projectx:FIRM or a Venue"
    )


def _nats(target: str, token: str | None, settings: Settings, clock: Clock) -> Venue:
    from sim2live.venues.nats import Nats

    venue = Nats(target, **nats_secrets(token), ca=settings.nats_ca, clock=clock)
    venue.meet(timeout=PROOF_TIMEOUT)
    return venue


def nats_secrets(token: str | None = None) -> dict[str, str | None]:
    """Token (or the given one) and nkey seed for a NATS server, from the environment."""
    found = {name: os.environ.get(f"{PREFIX}NATS_{name.upper()}") for name in ("token", "nkey")}
    return {**found, "token": token or found["token"] or None}


def _projectx(firm: str, settings: Settings, clock: Clock) -> Venue:
    from sim2live.venues.projectx import ProjectX

    venue = ProjectX(
        firm,
        user_name=settings.user_name or "",
        api_key=os.environ.get(PREFIX + "API_KEY", ""),
        accounts=settings.accounts,
        # Whoever brings a clock drives time, so nothing looks at the accounts on its own.
        poll=2.0 if isinstance(clock, SystemClock) else None,
        clock=clock,
    )
    venue.prove_paper(timeout=PROOF_TIMEOUT)
    return venue


PROOF_TIMEOUT = 2.0
"""Seconds that a server has to show that it is the paper gateway."""


def _workflow(settings: Settings, venue: Venue) -> str:
    if settings.workflow:
        return settings.workflow
    if venue.simulated:
        return DEFAULT_WORKFLOW
    raise ConfigError(f"workflow is missing: name the pool at {venue.fingerprint} to send to")


def _journal_path(settings: Settings, venue: Venue) -> str:
    if settings.journal:
        return settings.journal
    if venue.name in ("record", "paper"):
        return ":memory:"
    return str(data_folder() / "journal.sqlite3")


def _now(settings: Settings, venue: Venue, clock: Clock, timetable: Timetable) -> Now:
    from sim2live.gate.now import BarsNow, WallNow

    if venue.simulated:
        return BarsNow()
    return WallNow(
        clock,
        max_age=settings.max_age,
        timetable=timetable,
        daily_grace=settings.daily_grace,
        interval=settings.interval,
    )
