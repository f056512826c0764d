"""A bundle from a file or a frame, in one call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from zipline.data import bundles
from zipline.utils.calendar_utils import get_calendar

from sim2live.errors import ConfigError, MissingExtraError
from sim2live.zipline import FuturesCommission, benchmark, ingest, register_bundles
from sim2live.zipline.version import complain

SP500 = Path(__file__).parents[2] / "examples" / "data" / "sp500_daily.csv"
FIELDS = ["open", "high", "low", "close", "volume"]


def days(first: str = "2023-01-03", count: int = 5, price: float = 10.0) -> pd.DataFrame:
    index = get_calendar("XNYS").sessions_window(first, count)
    frame = pd.DataFrame(dict.fromkeys(FIELDS[:4], price), index=index)
    frame["close"] += np.arange(count) * 0.5
    frame["high"] = frame["close"]
    return frame


def test_a_csv_becomes_a_bundle_with_the_numbers_of_the_file(root: Path) -> None:
    assert ingest("spx", SP500) == "spx"
    data = bundles.load("spx")
    asset = data.asset_finder.lookup_symbol("SPX", None)
    reader = data.equity_daily_bar_reader
    assert reader.get_value(int(asset), pd.Timestamp("2018-12-31"), "close") == 2506.85
    assert reader.get_value(int(asset), pd.Timestamp("2005-01-03"), "open") == 1211.92


def test_a_bundle_is_found_again_by_a_process_that_did_not_make_it(root: Path) -> None:
    ingest("again", days())
    bundles.unregister("again")
    assert "again" in register_bundles()
    assert bundles.load("again").asset_finder.lookup_symbol("AGAIN", None) is not None


def test_columns_may_be_in_capitals_and_volume_absent(root: Path) -> None:
    frame = days().rename(columns=str.title).drop(columns="Volume", errors="ignore")
    ingest("capitals", {"X": frame})
    reader = bundles.load("capitals").equity_daily_bar_reader
    assert reader.get_value(0, pd.Timestamp("2023-01-04"), "volume") > 0


def test_an_equity_trades_on_after_its_file_ends(root: Path) -> None:
    ingest("open-ended", days())
    asset = bundles.load("open-ended").asset_finder.retrieve_asset(0)
    assert asset.end_date == get_calendar("XNYS").last_session
    assert asset.auto_close_date is None or pd.isna(asset.auto_close_date)


def test_a_session_without_a_bar_is_no_trade(root: Path) -> None:
    frame = days().drop(index=pd.Timestamp("2023-01-05"))
    ingest("hole", frame)
    reader = bundles.load("hole").equity_daily_bar_reader
    assert np.isnan(reader.get_value(0, pd.Timestamp("2023-01-05"), "close"))
    assert reader.get_value(0, pd.Timestamp("2023-01-06"), "close") == 11.5


@pytest.mark.parametrize(
    ("bars", "options", "sentence"),
    [
        (days().drop(columns="low"), {}, "must have low"),
        (days().iloc[::-1], {}, "times must increase"),
        (days() * -1, {}, "positive prices"),
        (days().assign(close=np.nan), {}, "NaN"),
        (days().set_axis(pd.date_range("2023-01-06", periods=5)), {}, "fall outside"),
        (days(), {"frequency": "hourly"}, "frequency="),
        (days(), {"kind": "option"}, "kind="),
        (days(), {"outside": "maybe"}, "outside="),
        ({}, {}, "at least one symbol"),
        ({"ZZZ": days()}, {"kind": "future"}, "does not know ZZZ"),
        ({"ESH24": days()}, {"kind": "future", "metadata": {"ESH24": {"t": 1}}}, "be one of"),
    ],
)  # fmt: skip
def test_what_cannot_be_stored_is_refused_with_its_reason(
    root: Path, bars: Any, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        ingest("refused", bars, **options)


def test_bars_outside_the_calendar_may_be_dropped_when_asked(root: Path) -> None:
    frame = days().set_axis(pd.date_range("2023-01-05", periods=5))
    ingest("dropped", frame, outside="drop")
    reader = bundles.load("dropped").equity_daily_bar_reader
    assert reader.get_value(0, pd.Timestamp("2023-01-09"), "close") == 12.0


def test_futures_know_tick_multiplier_and_last_day_from_the_table_of_contracts(
    daily_futures: str, root: Path
) -> None:
    ingest("mes", {"MESH24": days("2024-01-03")}, kind="future")
    asset = bundles.load("mes").asset_finder.lookup_future_symbol("MESH24")
    assert (asset.tick_size, asset.price_multiplier) == (0.25, 5.0)
    assert asset.expiration_date == pd.Timestamp("2024-03-15")
    assert asset.root_symbol == "MES"
    es = bundles.load(daily_futures).asset_finder.lookup_future_symbol("ESM24")
    assert es.price_multiplier == 50.0


@pytest.mark.parametrize(
    "symbol", ["MES", "MNQ", "MYM", "M2K", "RTY", "MCL", "MGC", "6E", "ZB", "QQQ"]
)
def test_every_root_has_a_commission(symbol: str) -> None:
    assert FuturesCommission()._exchange_fee[symbol] > 0


def test_roots_that_zipline_knows_cost_what_they_cost_there() -> None:
    from zipline.finance.constants import FUTURE_EXCHANGE_FEES_BY_SYMBOL as FEES

    assert {root: FuturesCommission()._exchange_fee[root] for root in FEES} == FEES


def test_a_benchmark_has_no_time_zone_and_starts_at_zero() -> None:
    closes = pd.Series([10.0, 11.0, 9.9], index=pd.date_range("2023-01-03", periods=3, tz="UTC"))
    returns = benchmark(closes)
    assert returns.index.tz is None
    assert returns.round(9).tolist() == [0.0, 0.1, -0.1]
    assert len(benchmark(SP500)) > 3000


def test_an_old_zipline_is_refused_with_the_line_that_mends_it() -> None:
    with pytest.raises(
        ConfigError, match=r"3\.0\.4 is too old .* pip install 'zipline-reloaded>=3\.2\.1'"
    ):
        complain("3.0.4")
    complain("3.2.1")
    complain("3.10.0rc1")
    assert issubclass(MissingExtraError, ImportError)
