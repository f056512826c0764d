"""What can be set: one field for each key of ``sim2live.toml``, and the file itself."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from sim2live.errors import ConfigError
from sim2live.gate.hours import TimeOfDay
from sim2live.gate.ledger import DriftPolicy, StartPolicy
from sim2live.gate.limits import Rules

Mode = Literal["sim", "paper", "live"]


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One field for each key of ``sim2live.toml``.

    Attributes:
        mode: what the one-line switch chooses: the framework's own broker (``sim``), the
            mirror on paper (``paper``), or the mirror on ``target`` (``live``).
        target: ``paper``, ``record``, the address of a signal API, ``nats://host:port``, or
            ``projectx:`` and a firm (``topstepx``, ``testmax``) or an address.
        user_name: the login at a ProjectX firm; its API key is in ``SIM2LIVE_API_KEY``.
        workflow: the pool.
        strategy: name of the strategy instance.
        run: name of the run.
        journal: path of the journal file, or ``:memory:``.
        timeout: seconds; total deadline of one exchange.
        schema_version: of the signals, ``1.0`` or ``1.1`` (experimental).
        start: what to do on a first start with a position from history.
        max_age: seconds of trading during which a closed bar may still be acted on (real venues).
        daily_grace: seconds after the next session's open that a daily bar stays good.
        stamp: whether bars bear the time of their ``end`` or of their ``start``.
        interval: seconds between two bars; needed where they bear their start, else learned.
        confirm: what a human saw at the venue after an unclean end, such as ``MESZ6=+1``;
            ``presumed`` confirms what is presumed.
        drift: what to do where the venue holds something else than is presumed: ``refuse``
            entries (real venues), ``adopt`` it (simulated ones) or ``flatten``.
        flatten_at: time of day to go to zero, such as ``15:55 America/New_York``; entries
            go again from the next session on.
        no_entries_after: time of day at which entries end for a session.
        feed_timeout: seconds of trading without a bar before an alarm while something is held.
        kill_switch: a file; while it exists every workflow is halted, with its text as reason.
        rules: limits for entries.
        alerts: where alarms go, by name: addresses of the package apprise, in which
            ``{NAME}`` stands for a variable of the environment.
        accounts: workflow -> names or numbers of accounts at a ProjectX firm; a workflow that is
            not named here is itself the name of an account.
        calendars: exchange -> a calendar of the package exchange_calendars.
        nats_ca: file of the certificates to trust at ``tls://`` targets; by default the system's.
            What the server asks for is in ``SIM2LIVE_NATS_TOKEN`` or ``SIM2LIVE_NATS_NKEY``.
    """

    mode: Mode = "paper"
    target: str | None = None
    user_name: str | None = None
    workflow: str | None = None
    strategy: str | None = None
    run: str = ""
    journal: str | None = None
    timeout: float = 1.0
    schema_version: Literal["1.0", "1.1"] = "1.0"
    start: StartPolicy = "wait"
    max_age: float = 120.0
    daily_grace: float = 3_600.0
    stamp: Literal["end", "start"] = "end"
    interval: float | None = None
    confirm: str | None = None
    drift: DriftPolicy | None = None
    flatten_at: str | None = None
    no_entries_after: str | None = None
    feed_timeout: float = 300.0
    kill_switch: str | None = None
    rules: Rules = Rules()
    alerts: dict[str, str] = {}
    accounts: dict[str, list[str | int]] = {}
    calendars: dict[str, str] = {}
    nats_ca: str | None = None

    def check(self) -> None:
        """Look at what types cannot say.

        Raises:
            ConfigError: a number or a time is wrong; the setting is named.
        """
        for name in ("timeout", "max_age", "daily_grace", "feed_timeout", "interval"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise ConfigError(f"{name}={value!r}: must be a number of seconds above 0")
        if self.stamp == "start" and self.interval is None:
            raise ConfigError("interval is missing: bars that bear their start need their length")
        for name in ("flatten_at", "no_entries_after"):
            if getattr(self, name) is not None:
                TimeOfDay.parse(getattr(self, name), name)
        self.rules.check()


FILE = "sim2live.toml"
PREFIX = "SIM2LIVE_"
SECRETS = frozenset({"token", "api_key", "password", "secret", "nats_token", "nats_nkey"})
TABLES = ("rules", "alerts", "accounts", "calendars")
"""Settings that are tables of their own; the environment names single values only."""


def from_file(path: str | Path | None) -> dict[str, Any]:
    """The values of a settings file; none where no file is named and none lies here.

    Raises:
        ConfigError: it cannot be read, names an unknown key, or holds a secret.
    """
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
