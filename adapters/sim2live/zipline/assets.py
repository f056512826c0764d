"""What does Zipline have to know of an asset before it can trade it?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd
from zipline.assets import AssetFinder

from sim2live.errors import ConfigError
from sim2live.zipline.futures import contract_of

_FUTURE_FIELDS = frozenset(
    {
        "root_symbol",
        "tick_size",
        "multiplier",
        "expiration_date",
        "auto_close_date",
        "notice_date",
        "asset_name",
    }
)


class Table(NamedTuple):
    """The assets of a bundle, as Zipline's writer takes them."""

    symbols: list[str]
    sids: list[int]
    kind: str
    place: str
    rows: pd.DataFrame
    roots: pd.DataFrame | None = None

    def written(self) -> dict[str, Any]:
        """Arguments of `AssetDBWriter.write`."""
        place = pd.DataFrame(
            {"exchange": [self.place], "canonical_name": [self.place], "country_code": ["US"]}
        )
        out: dict[str, Any] = {self.kind: self.rows.copy(), "exchanges": place}
        if self.roots is not None:
            out["root_symbols"] = self.roots.copy()
        return out


def equity_table(frames: Mapping[str, pd.DataFrame], calendar: Any) -> Table:
    """Equities with no end: they trade on, live, after the last bar of the file."""
    symbols = list(frames)
    rows = pd.DataFrame(
        {
            "symbol": symbols,
            "asset_name": symbols,
            "start_date": [_first(frames[symbol], calendar) for symbol in symbols],
            "end_date": calendar.last_session,
            # Zipline asks the calendar of this name whether the exchange is open.
            "exchange": calendar.name,
        },
        index=range(len(symbols)),
    )
    return Table(symbols, list(range(len(symbols))), "equities", calendar.name, rows)


def futures_table(
    frames: Mapping[str, pd.DataFrame], calendar: Any, metadata: Mapping[str, Mapping[str, Any]]
) -> Table:
    """Futures with tick, multiplier and last day, from the table of contracts unless given.

    Raises:
        ConfigError: Something is known neither way.
    """
    described = [
        _future(symbol, frame, calendar, dict(metadata.get(symbol, {})))
        for symbol, frame in frames.items()
    ]
    rows = pd.DataFrame(described, index=range(1, len(described) + 1))
    names = sorted({row["root_symbol"] for row in described})
    roots = pd.DataFrame(
        {
            "root_symbol": names,
            "root_symbol_id": range(1, len(names) + 1),
            "description": names,
            "exchange": calendar.name,
        }
    )
    return Table(list(frames), list(rows.index), "futures", calendar.name, rows, roots)


def _future(
    symbol: str, frame: pd.DataFrame, calendar: Any, given: dict[str, Any]
) -> dict[str, Any]:
    unknown = sorted(set(given) - _FUTURE_FIELDS)
    if unknown:
        raise ConfigError(
            f"metadata[{symbol!r}]: {unknown} must be one of {sorted(_FUTURE_FIELDS)}"
        )
    first = _first(frame, calendar)
    contract = contract_of(symbol, on=first.date())
    if contract is not None:
        given.setdefault("root_symbol", contract.root)
        given.setdefault("tick_size", float(contract.tick_size))
        given.setdefault("multiplier", float(contract.point_value))
        given.setdefault("asset_name", contract.description or symbol)
        if contract.last_trade_date is not None:
            given.setdefault("expiration_date", contract.last_trade_date)
    missing = sorted({"root_symbol", "tick_size", "multiplier", "expiration_date"} - set(given))
    if missing:
        raise ConfigError(
            f"metadata[{symbol!r}]: the table of contracts does not know {symbol}; give {missing}"
        )
    expires = pd.Timestamp(given["expiration_date"]).normalize()
    closes = pd.Timestamp(given.get("auto_close_date", expires)).normalize()
    return {
        "symbol": symbol,
        "root_symbol": str(given["root_symbol"]),
        "asset_name": str(given.get("asset_name", symbol)),
        "start_date": first,
        "end_date": max(expires, closes),
        "first_traded": first,
        "exchange": calendar.name,
        "notice_date": pd.Timestamp(given.get("notice_date", expires)).normalize(),
        "expiration_date": expires,
        "auto_close_date": closes,
        "tick_size": float(given["tick_size"]),
        "multiplier": float(given["multiplier"]),
    }


def _first(frame: pd.DataFrame, calendar: Any) -> pd.Timestamp:
    first = frame.index[0]
    return first if first.tz is None else calendar.minute_to_session(first)


class OpenEndedFinder(AssetFinder):
    """Assets of a bundle whose data ends before the live run, kept tradable until `last`.

    A bundle says that an equity ended with the last bar of its data; live, it trades on. Futures
    keep their own last day.

    Args:
        engine: The bundle's database.
        ends: The day of the bundle's last bar; equities that ended before it are gone for good.
        last: Last session of the live run, naive.
    """

    def __init__(self, engine: Any, *, ends: pd.Timestamp, last: pd.Timestamp) -> None:
        super().__init__(engine)
        self._ends, self._last = ends, last

    def _retrieve_asset_dicts(self, sids: Any, asset_tbl: Any, querying_equities: bool) -> Any:
        for row in super()._retrieve_asset_dicts(sids, asset_tbl, querying_equities):
            if querying_equities and self._ends <= row["end_date"] < self._last:
                row = {**row, "end_date": self._last, "auto_close_date": None}
            yield row

    def _compute_asset_lifetimes(self, **kwargs: Any) -> Any:
        lifetimes = super()._compute_asset_lifetimes(**kwargs)
        alive = lifetimes.end >= self._ends.value
        lifetimes.end[alive] = max(self._last.value, int(lifetimes.end.max(initial=0)))
        return lifetimes
