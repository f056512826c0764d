"""How does a CSV or a DataFrame become a bundle? `ingest`, in one call and without a network.

Zipline finds bundles in a registry that each process fills anew, so a bundle made here leaves a
note beside its data, and `register_bundles` (called by `run_live` and by the command line's
extension) reads the notes again.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from zipline.data import bundles
from zipline.utils.calendar_utils import get_calendar
from zipline.utils.paths import data_path

from sim2live.errors import ConfigError, shorten
from sim2live.zipline.assets import Table, equity_table, futures_table
from sim2live.zipline.frames import PRICES, frame_of, onto_calendar, sessions_of

log = logging.getLogger("sim2live.zipline")

_NOTE = ".sim2live.json"  # Zipline takes any visible name in this folder for an ingestion
_MAX_VOLUME = 2**32 - 1
_DECIMALS = 3


def ingest(
    name: str,
    bars: Any,
    *,
    frequency: Literal["daily", "minute"] = "daily",
    kind: Literal["equity", "future"] = "equity",
    calendar: str | None = None,
    metadata: Mapping[str, Mapping[str, Any]] | None = None,
    outside: Literal["refuse", "drop"] = "refuse",
    daily: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    **csv: Any,
) -> str:
    """Make a bundle that `run_algorithm(bundle=name)` and `run_live(bundle=name)` can load.

    Args:
        name: The bundle's name. Ingesting again under one name replaces what is loaded next.
        bars: A DataFrame or the path of a CSV (its symbol is then `name` in capitals), or a
            mapping of symbol to DataFrame, path or `BarSource`. Columns open, high, low, close
            and, if there is one, volume; upper or lower case. A DataFrame's index is the time:
            the session's date for daily bars, the *end* of the minute for minute bars (naive
            times are UTC).
        frequency: ``daily`` or ``minute``. Minute bars make daily bars as well.
        kind: ``equity`` or ``future``.
        calendar: Zipline's name of the calendar; ``XNYS`` for equities and ``CMES`` for futures
            unless given.
        metadata: For futures, symbol -> ``root_symbol``, ``tick_size``, ``multiplier``,
            ``expiration_date``, ``auto_close_date``, ``notice_date``, ``asset_name``. What is
            left out comes from the table of contracts.
        outside: What to do with bars at times that the calendar does not trade.
        daily: For minute bars, symbol -> daily bars of the sessions before the first minute
            (stock Zipline's slippage of futures looks 20 sessions back).
        environ: Where ``ZIPLINE_ROOT`` is looked up; the process's environment by default.
        csv: Options of `CsvBars` for paths: ``time_column``, ``timezone``, ``stamp``,
            ``interval``.

    Returns:
        The name, so that ``bundle=ingest(...)`` reads well.

    Raises:
        ConfigError: A column is missing, a bar falls outside the calendar, a price is not
            positive (bundles cannot hold it), or a future's metadata is not known.
        DataError: A row of a CSV is wrong.
    """
    if frequency not in ("daily", "minute"):
        raise ConfigError(f"frequency={shorten(frequency)}: must be daily or minute")
    if kind not in ("equity", "future"):
        raise ConfigError(f"kind={shorten(kind)}: must be equity or future")
    where = os.environ if environ is None else environ
    trading = get_calendar(calendar or ("CMES" if kind == "future" else "XNYS"))
    given = bars if isinstance(bars, Mapping) else {name.upper(): bars}
    if not given:
        raise ConfigError("bars={}: must hold at least one symbol")

    def read(sources: Mapping[str, Any], length: str) -> dict[str, pd.DataFrame]:
        return {
            str(symbol): _storable(
                str(symbol),
                onto_calendar(str(symbol), frame_of(source, csv), trading, length, outside),
            )
            for symbol, source in sources.items()
        }

    frames, days = read(given, frequency), read(daily or {}, "daily")
    if frequency == "minute":
        days = {symbol: _days(frames[symbol], days.get(symbol), trading) for symbol in frames}
    else:
        days = frames
    table = (
        futures_table(days, trading, metadata or {})
        if kind == "future"
        else equity_table(days, trading)
    )
    note = {
        "calendar_name": trading.name,
        "minutes_per_day": _minutes_per_day(trading),
        "frequency": frequency,
    }
    minutes = frames if frequency == "minute" else {}
    _register(name, note, lambda *writers: _write(writers, minutes, days, table, trading))
    bundles.ingest(name, environ=where)
    folder = Path(data_path([name], environ=where))
    (folder / _NOTE).write_text(json.dumps(note), "utf-8")
    return name


def register_bundles(environ: Mapping[str, str] | None = None) -> list[str]:
    """Register every bundle that `ingest` left under ``ZIPLINE_ROOT``.

    Args:
        environ: Where ``ZIPLINE_ROOT`` is looked up; the process's environment by default.

    Returns:
        The names, sorted.
    """
    root = Path(data_path([], environ=os.environ if environ is None else environ))
    names = []
    for path in sorted(root.glob(f"*/{_NOTE}")):
        names.append(path.parent.name)
        if path.parent.name not in bundles.bundles:
            _register(path.parent.name, json.loads(path.read_text("utf-8")), _again)
    return names


def benchmark(closes: Any) -> pd.Series:
    """Daily returns as `run_algorithm(benchmark_returns=...)` needs them.

    Stock Zipline turns a benchmark with a time zone into zeros without a word; this index has none.

    Args:
        closes: Closing prices: a Series by date, a DataFrame with a close column, or a CSV's path.
    """
    series = closes if isinstance(closes, pd.Series) else frame_of(closes, {})["close"]
    index = pd.DatetimeIndex(series.index)
    days = index.tz_localize(None) if index.tz is not None else index
    values = pd.Series(series.to_numpy(dtype="float64"), index=days.normalize())
    return values.pct_change().fillna(0.0)


def _register(name: str, note: Mapping[str, Any], writer: Any) -> None:
    if name in bundles.bundles:
        bundles.unregister(name)
    bundles.register(
        name, writer, calendar_name=note["calendar_name"], minutes_per_day=note["minutes_per_day"]
    )


def _again(*_: Any) -> None:
    raise ConfigError("this bundle was made by sim2live.zipline.ingest; call that again instead")


def _minutes_per_day(calendar: Any) -> int:
    return 390 if calendar.name in ("XNYS", "NYSE", "XNAS") else 1440


def _storable(symbol: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Bundles hold positive prices with three decimals and volumes below 2**32."""
    prices = frame[list(PRICES)].to_numpy()
    if not (prices > 0).all():
        raise ConfigError(f"{symbol}: a bundle holds positive prices only")
    lost = int((np.abs(prices - prices.round(_DECIMALS)) > 1e-9).any(axis=1).sum())
    if lost:
        log.warning("%s: %d bars lose digits, a bundle holds %d decimals", symbol, lost, _DECIMALS)
    big = int((frame["volume"] > _MAX_VOLUME).sum())
    if big:
        log.warning("%s: %d volumes are cut to %d, a bundle's largest", symbol, big, _MAX_VOLUME)
    return frame.assign(volume=frame["volume"].clip(upper=_MAX_VOLUME).round())


def _days(minutes: pd.DataFrame, earlier: pd.DataFrame | None, calendar: Any) -> pd.DataFrame:
    """Daily bars: those of the minutes, after the given ones of earlier sessions."""
    days = sessions_of(minutes, calendar)
    return days if earlier is None else pd.concat([earlier[earlier.index < days.index[0]], days])


def _write(
    writers: tuple[Any, ...],
    minutes: Mapping[str, pd.DataFrame],
    days: Mapping[str, pd.DataFrame],
    table: Table,
    calendar: Any,
) -> None:
    _, assets, minute_writer, daily_writer, adjustments, *_ = writers
    assets.write(**table.written())
    sids = dict(zip(table.symbols, table.sids, strict=True))
    for symbol, frame in minutes.items():
        minute_writer.write_sid(sids[symbol], frame)
    full = {sids[symbol]: _every_session(frame, calendar) for symbol, frame in days.items()}
    daily_writer.write(sorted(full.items()), assets=set(full))
    adjustments.write()


def _every_session(frame: pd.DataFrame, calendar: Any) -> pd.DataFrame:
    """The daily table has a row for every session; one without a trade is all zeros."""
    sessions = calendar.sessions_in_range(frame.index[0], frame.index[-1])
    return frame.reindex(sessions).fillna(0.0)
