"""How a run is configured: arguments first, then ``SIM2LIVE_*``, then ``sim2live.toml``.

This is the only room that reads the environment. Secrets come from the environment or from an
argument; a token in the file is refused, because files are copied, mailed and committed.
"""

from __future__ import annotations

import difflib
import os
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec import Struct

from sim2live.clock import Clock, SystemClock
from sim2live.errors import ConfigError

if TYPE_CHECKING:
    from sim2live.gate.dispatch import Dispatcher
    from sim2live.gate.gate import Gate
    from sim2live.gate.now import Now
    from sim2live.gate.rules import Rule
    from sim2live.venues.base import Venue

FILE = "sim2live.toml"
PREFIX = "SIM2LIVE_"
SECRETS = frozenset({"token", "api_key", "password", "secret"})
DEFAULT_WORKFLOW = "python-test"

Mode = Literal["sim", "paper", "live"]
Start = Literal["wait", "adopt", "send_difference", "refuse"]


class Rules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits for entries; exits are never refused. None means no limit.

    Attributes:
        max_quantity: contracts of one entry.
        max_position: contracts of one instrument, on either side.
        max_total: contracts of all instruments of a pool together.
        max_signals_per_minute: entries of a pool within sixty seconds.
    """

    max_quantity: int | None = None
    max_position: int | None = None
    max_total: int | None = None
    max_signals_per_minute: int | None = None


SAFE = Rules(max_quantity=10, max_position=20, max_total=50, max_signals_per_minute=60)
"""What a real venue gets where the settings name no limit."""


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One field for each key of ``sim2live.toml``.

    Attributes:
        mode: what the one-line switch chooses: the framework's own broker (``sim``), the
            mirror on paper (``paper``), or the mirror on ``target`` (``live``).
        target: ``paper``, ``record`` or the address of a signal API.
        workflow: the pool.
        strategy: name of the strategy instance.
        run: name of the run.
        journal: path of the journal file, or ``:memory:``.
        timeout: seconds; total deadline of one exchange.
        schema_version: of the signals, ``1.0`` or ``1.1`` (experimental).
        start: what to do on a first start with a position from history.
        max_age: seconds during which a closed bar may still be acted on (real venues).
        rules: limits for entries.
    """

    mode: Mode = "paper"
    target: str | None = None
    workflow: str | None = None
    strategy: str | None = None
    run: str = ""
    journal: str | None = None
    timeout: float = 1.0
    schema_version: Literal["1.0", "1.1"] = "1.0"
    start: Start = "wait"
    max_age: float = 120.0
    rules: Rules = Rules()


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
    values = _from_file(path)
    environment = os.environ if environment is None else environment
    for name in Settings.__struct_fields__:
        if name == "rules":
            continue
        text = environment.get(PREFIX + name.upper())
        if text is not None:
            values[name] = text
    for name in Rules.__struct_fields__:
        text = environment.get(f"{PREFIX}RULES_{name.upper()}")
        if text is not None:
            values.setdefault("rules", {})[name] = text
    try:
        # Not strict: the environment holds text only. Ranges are checked below.
        settings = msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"settings: {error}") from error
    _check(settings)
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


def _from_file(path: str | Path | None) -> dict[str, Any]:
    file = Path(path) if path is not None else Path(FILE)
    if path is None and not file.exists():
        return {}
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{file}: {error}") from error
    _known(values, Settings.__struct_fields__, str(file))
    rules = values.get("rules", {})
    if isinstance(rules, dict):
        _known(rules, Rules.__struct_fields__, f"{file} [rules]")
    return values


def _known(values: Mapping[str, Any], fields: tuple[str, ...], where: str) -> None:
    for key in values:
        if key in SECRETS:
            raise ConfigError(
                f"{where}: {key} is a secret and does not belong in a file; "
                f"put it into the environment as {PREFIX}{key.upper()}"
            )
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; known: {', '.join(fields)}"
            raise ConfigError(f"{where}: unknown key {key!r}{hint}")


def _check(settings: Settings) -> None:
    for name in ("timeout", "max_age"):
        value = getattr(settings, name)
        if not 0 < value < float("inf"):
            raise ConfigError(f"{name}={value!r}: must be a number of seconds above 0")
    for name in Rules.__struct_fields__:
        limit = getattr(settings.rules, name)
        if limit is not None and limit < 1:
            raise ConfigError(f"rules.{name}={limit!r}: must be 1 or more")


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
    clock: Clock | None = None,
    settings: Settings | None = None,
) -> Dispatcher:
    """Open a gate on a venue and return the first strategy's handle on it.

    Args:
        target: ``"paper"`` (default: in process), ``"record"`` (signals kept in memory),
            ``"http://host:port"`` of a signal API, or a `Venue`. A URL counts as real money
            unless it proves to be the project's own gateway.
        workflow: the pool; required on a real venue.
        strategy: name of the strategy instance, part of every signal id.
        run: name of the run; the same run resumes.
        journal: path of the journal, or ``":memory:"``. By default ``record`` and ``paper``
            keep it in memory, everything else in the per-user data folder.
        token: bearer token of the signal API; by default ``SIM2LIVE_TOKEN``.
        schema_version: ``"1.0"``, or ``"1.1"`` (experimental).
        timeout: seconds; total deadline of one exchange in the strategy's thread.
        dry_run: decide everything, send nothing.
        clock: another clock, for tests.
        settings: instead of environment and file.

    Raises:
        ConfigError: a setting is wrong, or a real venue lacks a workflow.
        JournalError: the journal cannot be used.
    """
    from sim2live.gate.alarms import Alarms
    from sim2live.gate.dispatch import Dispatcher
    from sim2live.gate.gate import Gate
    from sim2live.gate.journal import open_journal

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
    }
    chosen = msgspec.structs.replace(
        given, **{name: value for name, value in changes.items() if value is not None}
    )
    _check(chosen)
    venue = open_venue(
        chosen.target if target is None else target, token=token, clock=clock, dry_run=dry_run
    )
    try:
        pool = _workflow(chosen, venue)
        gate = Gate(
            venue,
            open_journal(_journal_path(chosen, venue), venue.fingerprint, clock),
            now=_now(chosen, venue, clock),
            rules=_rules(chosen.rules, venue),
            clock=clock,
            alarms=Alarms(),
            timeout=chosen.timeout,
            start=chosen.start,
            background=background,
            schema_version=chosen.schema_version,
        )
    except BaseException:
        venue.close()
        raise
    try:
        if background and gate.journal.path != ":memory:":
            _supervise(gate, clock)
        return Dispatcher(
            gate, strategy=chosen.strategy or "strategy", run=chosen.run, workflow=pool, clock=clock
        )
    except BaseException:
        gate.close()
        raise


def _supervise(gate: Gate, clock: Clock) -> None:
    """Start what has to happen without a bar, and have it ended with the gate."""
    from sim2live.gate.supervisor import Heartbeat, Obedience, Supervisor

    supervisor = Supervisor(gate, [Obedience(clock), Heartbeat()], clock)
    gate.before_close(supervisor.close)
    supervisor.start()


def open_venue(
    target: str | Venue | None, *, token: str | None, clock: Clock, dry_run: bool = False
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
    raise ConfigError(f"target={target!r}: must be 'paper', 'record', http://host:port or a Venue")


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


def _now(settings: Settings, venue: Venue, clock: Clock) -> Now:
    from sim2live.gate.now import BarsNow, WallNow

    return BarsNow() if venue.simulated else WallNow(clock, max_age=settings.max_age)


def _rules(limits: Rules, venue: Venue) -> list[Rule]:
    """The rules that are switched on, in the order they are asked."""
    from sim2live.gate.rules import MaxPosition, MaxQuantity, MaxSignalsPerMinute, MaxTotal

    safe = Rules() if venue.simulated else SAFE
    made: list[Rule] = []
    for name, rule in (
        ("max_quantity", MaxQuantity),
        ("max_position", MaxPosition),
        ("max_total", MaxTotal),
        ("max_signals_per_minute", MaxSignalsPerMinute),
    ):
        limit = getattr(limits, name)
        limit = getattr(safe, name) if limit is None else limit
        if limit is not None:
            made.append(rule(limit))
    return made
