"""Which limits are set, and the rules that follow from them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from sim2live.errors import ConfigError
from sim2live.gate.facts import Facts
from sim2live.gate.hours import (
    LastTradeDate,
    NoEntriesAfter,
    SessionOpen,
    TimeOfDay,
    Window,
    Windows,
)
from sim2live.gate.losses import DailyLoss, TrailingDrawdown
from sim2live.gate.preflight import Preflight
from sim2live.gate.rules import (
    Entry,
    MaxPosition,
    MaxQuantity,
    MaxSignalsPerMinute,
    MaxTotal,
    Rule,
)
from sim2live.market.sessions import Timetable


class Rules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits for entries; exits are never refused. None means no limit.

    Attributes:
        max_quantity: contracts of one entry.
        max_position: contracts of one instrument, on either side.
        max_total: contracts of all instruments of a pool together.
        max_signals_per_minute: entries of a pool within sixty seconds.
        windows: when entries may go, such as ``["09:30-15:55 America/New_York"]``.
        session: True to refuse entries while the exchange is closed: weekends, holidays,
            early closes and the maintenance break.
        daily_loss: account currency that a pool may lose in a session.
        trailing_drawdown: account currency that a pool may stand below its highest equity.
        last_trade_days: how many of a contract's last business days see no entries.
        preflight: True to refuse entries of a strategy until a human has confirmed them with
            `sim2live doctor --preflight`.
    """

    max_quantity: int | None = None
    max_position: int | None = None
    max_total: int | None = None
    max_signals_per_minute: int | None = None
    windows: tuple[str, ...] = ()
    session: bool | None = None
    daily_loss: float | None = None
    trailing_drawdown: float | None = None
    last_trade_days: int | None = None
    preflight: bool | None = None

    def check(self) -> None:
        """Look at the numbers and the times.

        Raises:
            ConfigError: a limit is out of range, or a window is written wrongly.
        """
        for name in ("max_quantity", "max_position", "max_total", "max_signals_per_minute"):
            limit = getattr(self, name)
            if limit is not None and limit < 1:
                raise ConfigError(f"rules.{name}={limit!r}: must be 1 or more")
        for name in ("daily_loss", "trailing_drawdown"):
            loss = getattr(self, name)
            if loss is not None and not 0 < loss < float("inf"):
                raise ConfigError(f"rules.{name}={loss!r}: must be a number above 0")
        if self.last_trade_days is not None and self.last_trade_days < 0:
            raise ConfigError(f"rules.last_trade_days={self.last_trade_days!r}: must be 0 or more")
        for text in self.windows:
            Window.parse(text, "rules.windows")


SAFE = Rules(
    max_quantity=10,
    max_position=20,
    max_total=50,
    max_signals_per_minute=60,
    session=True,
    last_trade_days=1,
    preflight=True,
)
"""What a real venue gets where the settings name no limit."""

NONE = Rules()
"""What a simulated venue gets: a published backtest runs exactly as it did."""


def made(
    limits: Rules,
    default: Rules,
    timetable: Timetable,
    *,
    no_entries_after: str | None = None,
    flatten_at: str | None = None,
    facts: Facts | None = None,
    preflight: Preflight | None = None,
) -> list[Rule]:
    """The rules that are switched on, in the order they are asked.

    Args:
        limits: what the settings name.
        default: what counts where they name nothing.
        timetable: the exchanges' hours.
        no_entries_after: a time of day, or None.
        flatten_at: a time of day, or None; after it nothing is opened either.
        facts: where the highest equity of a pool is kept.
        preflight: asks whether a human has confirmed; None where there is nothing to ask.
    """
    merged = _over(limits, default)
    rules: list[Rule] = []
    if merged.preflight and preflight is not None:
        rules.append(preflight)
    if merged.session:
        rules.append(SessionOpen(timetable))
    if merged.windows:
        windows = tuple(Window.parse(text, "rules.windows") for text in merged.windows)
        rules.append(Windows(windows))
    for name, text in (("no_entries_after", no_entries_after), ("flatten_at", flatten_at)):
        if text is not None:
            rules.append(NoEntriesAfter(TimeOfDay.parse(text, name), timetable, name=name))
    if merged.last_trade_days is not None:
        rules.append(LastTradeDate(merged.last_trade_days, timetable))
    if merged.daily_loss is not None:
        rules.append(DailyLoss(merged.daily_loss, _day_by(timetable)))
    if merged.trailing_drawdown is not None:
        rules.append(TrailingDrawdown(merged.trailing_drawdown, facts))
    if merged.max_quantity is not None:
        rules.append(MaxQuantity(merged.max_quantity))
    if merged.max_position is not None:
        rules.append(MaxPosition(merged.max_position))
    if merged.max_total is not None:
        rules.append(MaxTotal(merged.max_total))
    if merged.max_signals_per_minute is not None:
        rules.append(MaxSignalsPerMinute(merged.max_signals_per_minute))
    return rules


def _over(limits: Rules, default: Rules) -> Rules:
    named = {
        name: getattr(limits, name)
        for name in Rules.__struct_fields__
        if getattr(limits, name) not in (None, ())
    }
    return replace(default, **named)


def _day_by(timetable: Timetable) -> Callable[[Entry], date]:
    return lambda entry: timetable.sessions_for(entry.instrument).session_of(entry.time)
