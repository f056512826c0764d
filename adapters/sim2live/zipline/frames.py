"""What does the data of a newcomer look like on Zipline's calendar?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from sim2live.clock import from_ns
from sim2live.errors import ConfigError, shorten
from sim2live.market.bars import Bar, CsvBars

PRICES = ("open", "high", "low", "close")
_NO_VOLUME = 1_000_000.0
_NEW_YORK = "America/New_York"


def frame_of(source: Any, csv: Mapping[str, Any]) -> pd.DataFrame:
    """Bars as a frame: columns open, high, low, close, volume; an increasing UTC or naive index.

    Args:
        source: A DataFrame, a path, or an iterable of `Bar`.
        csv: Options of `CsvBars` for a path.

    Raises:
        ConfigError: A column is missing, or the times do not increase.
    """
    if isinstance(source, (str, Path)):
        return _of_bars(CsvBars(source, **csv))
    if isinstance(source, pd.DataFrame):
        return _of_frame(source)
    return _of_bars(source)


def onto_calendar(
    symbol: str, frame: pd.DataFrame, calendar: Any, frequency: str, outside: str
) -> pd.DataFrame:
    """The bars that the calendar trades, indexed by session (naive) or minute (UTC).

    Raises:
        ConfigError: Bars fall outside the calendar and `outside` is ``refuse``; none is left; or
            two bars fall into one session.
    """
    if outside not in ("refuse", "drop"):
        raise ConfigError(f"outside={shorten(outside)}: must be refuse or drop")
    if frequency == "daily":
        index = _dates(frame.index, calendar)
        known = index.isin(calendar.sessions)
    else:
        index = frame.index if frame.index.tz is not None else frame.index.tz_localize("UTC")
        index = index.tz_convert("UTC")
        known = index.isin(calendar.minutes_in_range(index[0], index[-1]))
    frame = frame.set_axis(index)
    if not known.all():
        if outside == "refuse":
            raise ConfigError(
                f"{symbol}: {int((~known).sum())} of {len(frame)} bars fall outside the calendar "
                f"{calendar.name}, the first at {index[~known][0]}; pass another calendar, or "
                "outside='drop'"
            )
        frame = frame[known]
    if frame.empty:
        raise ConfigError(f"{symbol}: no bar falls on the calendar {calendar.name}")
    if frame.index.has_duplicates:
        again = frame.index[frame.index.duplicated()][0]
        raise ConfigError(f"{symbol}: two {frequency} bars for {again}")
    return frame


def sessions_of(frame: pd.DataFrame, calendar: Any) -> pd.DataFrame:
    """Minute bars as daily bars, by the calendar's sessions."""
    labels = calendar.minutes_to_sessions(frame.index)
    parts = frame.groupby(labels)
    rules = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    return parts.agg(rules).rename_axis(None)


def _of_frame(source: pd.DataFrame) -> pd.DataFrame:
    columns = {str(name).strip().lower(): name for name in source.columns}
    missing = [name for name in PRICES if name not in columns]
    if missing:
        raise ConfigError(f"columns={list(source.columns)}: must have {', '.join(missing)}")
    index = pd.DatetimeIndex(source.index)
    if not index.is_monotonic_increasing:
        raise ConfigError("index: times must increase")
    frame = pd.DataFrame(
        {name: source[columns[name]].to_numpy(dtype="float64") for name in PRICES}, index=index
    )
    frame["volume"] = (
        source[columns["volume"]].to_numpy(dtype="float64") if "volume" in columns else _NO_VOLUME
    )
    if frame.isna().to_numpy().any():
        raise ConfigError(f"bars: the one at {frame.index[frame.isna().any(axis=1)][0]} has a NaN")
    return frame


def _of_bars(source: Iterable[Bar]) -> pd.DataFrame:
    rows = [(bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in source]
    if not rows:
        raise ConfigError("bars: there are none")
    times = [from_ns(bar.time) for bar in source]
    frame = pd.DataFrame(rows, columns=[*PRICES, "volume"], index=pd.DatetimeIndex(times))
    if not frame["volume"].any():
        frame["volume"] = _NO_VOLUME  # without volume Zipline fills nothing
    return frame


def _dates(index: pd.DatetimeIndex, calendar: Any) -> pd.DatetimeIndex:
    """The session's date of each daily bar; an instant is read on the exchange's own wall."""
    if index.tz is None:
        return index.normalize()
    return index.tz_convert(calendar.tz or _NEW_YORK).tz_localize(None).normalize()
