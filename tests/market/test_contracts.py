"""Contracts: what a tick is worth, when trading ends, and how a symbol is written."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2live.errors import ConfigError
from sim2live.market import businessdays
from sim2live.market.contracts import (
    contract,
    front_month,
    last_trade_date,
    round_to_tick,
    suggest,
)
from sim2live.market.specs import MONTHS, SPECS
from sim2live.signals import Instrument

ON = date(2026, 11, 20)


def known(text: str, on: date | None = ON) -> Any:
    return contract(Instrument.parse(text), on=on)


# ---------------------------------------------------------------- what it is worth


@pytest.mark.parametrize(
    ("root", "point_value"),
    [
        ("ES", 50), ("MES", 5), ("NQ", 20), ("MNQ", 2), ("YM", 5), ("MYM", 0.5), ("RTY", 50),
        ("M2K", 5), ("EMD", 100), ("CL", 1000), ("MCL", 100), ("QM", 500), ("NG", 10_000),
        ("QG", 2500), ("GC", 100), ("MGC", 10), ("SI", 5000), ("SIL", 1000), ("HG", 25_000),
        ("6E", 125_000), ("M6E", 12_500), ("6B", 62_500), ("M6B", 6250), ("6C", 100_000),
        ("6A", 100_000), ("M6A", 10_000), ("6J", 12_500_000), ("E7", 62_500), ("ZB", 1000),
        ("ZN", 1000), ("ZF", 1000), ("ZT", 2000), ("ZC", 50), ("ZM", 100), ("ZL", 600),
        ("HO", 42_000), ("RB", 42_000), ("PL", 50),
    ],
)  # fmt: skip
def test_a_point_is_worth_the_size_of_the_contract(root: str, point_value: float) -> None:
    found = known(f"{SPECS[root].exchange}:{root}Z6")
    assert found.point_value == point_value
    assert found.root == root


def test_a_contract_is_found_on_its_own_exchange_and_on_cme() -> None:
    own, page = known("NYMEX:CLZ6"), known("CME:CLZ6")
    assert own == page
    assert own.exchange == "NYMEX"
    assert (own.tick_size, own.tick_value) == (Decimal("0.01"), Decimal(10))
    assert known("CBOT:CLZ6") is None


@pytest.mark.parametrize(
    "text", ["CME:FOOZ6", "CME:ES", "CME:ESA6", "CME:esz6", "CME:ESZ", "X:ES=F"]
)
def test_what_is_not_in_the_table_is_unknown(text: str) -> None:
    assert known(text) is None


def test_on_sim_any_name_goes_and_nothing_expires() -> None:
    index = known("SIM:SP500", None)
    assert (index.point_value, index.tick_size, index.last_trade_date) == (
        5.0,
        Decimal("0.01"),
        None,
    )
    assert known("SIM:MESU6").point_value == 5.0
    assert known("SIM:MESU6").last_trade_date is None
    assert known("SIM:NQ").point_value == 20.0
    other = known("SIM:my data")
    assert (other.root, other.point_value, other.tick_size) == ("my data", 1.0, Decimal("0.01"))


# ---------------------------------------------------------------- when it ends

# Last trade dates as the exchanges published them, two years and the odd cases.
ENDS: list[tuple[str, str]] = [
    ("ESH5", "2025-03-21"), ("ESM5", "2025-06-20"), ("ESU5", "2025-09-19"),
    ("ESZ5", "2025-12-19"), ("MESH6", "2026-03-20"), ("ESU6", "2026-09-18"),
    ("NQZ6", "2026-12-18"),
    ("ESM6", "2026-06-18"),  # the third Friday is Juneteenth
    ("6EH5", "2025-03-17"), ("6EZ5", "2025-12-15"), ("6EZ6", "2026-12-14"), ("6CZ6", "2026-12-15"),
    ("6BM6", "2026-06-15"),
    ("CLG5", "2025-01-21"), ("CLZ5", "2025-11-20"), ("CLF6", "2025-12-19"),
    ("CLG6", "2026-01-20"), ("CLZ6", "2026-11-20"), ("MCLZ6", "2026-11-19"),
    ("QMZ6", "2026-11-19"),
    ("NGZ5", "2025-11-25"), ("NGF6", "2025-12-29"), ("NGZ6", "2026-11-25"),
    ("QGZ6", "2026-11-24"),
    ("GCZ5", "2025-12-29"), ("GCG6", "2026-02-25"), ("GCZ6", "2026-12-29"),
    ("SIH6", "2026-03-27"), ("HGZ6", "2026-12-29"), ("MHGZ6", "2026-11-25"),
    ("ZNH5", "2025-03-20"), ("ZNZ5", "2025-12-19"), ("ZBZ6", "2026-12-21"),
    ("ZFZ5", "2025-12-31"), ("ZTZ6", "2026-12-31"),
    ("RBZ6", "2026-11-30"), ("ZCZ6", "2026-12-14"),
]  # fmt: skip


@pytest.mark.parametrize(("symbol", "end"), ENDS)
def test_trading_ends_on_the_day_of_the_rule(symbol: str, end: str) -> None:
    year = 2000 + 20 + int(symbol[-1])
    month = MONTHS.index(symbol[-2]) + 1
    assert last_trade_date(symbol[:-2], month, year) == date.fromisoformat(end)
    assert known(f"CME:{symbol}").last_trade_date == date.fromisoformat(end)


def test_a_third_friday_that_is_good_friday_ends_a_day_early() -> None:
    assert last_trade_date("ES", 3, 2008) == date(2008, 3, 20)


@given(
    st.sampled_from([r for r, s in SPECS.items() if s.ending]),
    st.integers(1, 12),
    st.integers(2000, 2060),
)
def test_trading_ends_on_a_business_day_near_its_month(root: str, month: int, year: int) -> None:
    end = last_trade_date(root, month, year)
    assert businessdays.is_business_day(end)
    assert timedelta(-45) < end - date(year, month, 1) < timedelta(31)


def test_the_year_of_one_digit_is_the_one_at_hand() -> None:
    assert known("CME:ESZ6").last_trade_date == date(2026, 12, 18)
    assert known("CME:ESZ5").last_trade_date.year == 2025
    assert known("CME:ESZ2").last_trade_date.year == 2022
    assert known("CME:ESZ1").last_trade_date.year == 2031
    assert known("CME:ESH0", date(2029, 12, 1)).last_trade_date.year == 2030
    assert known("CME:ESZ6", None).last_trade_date is None
    assert known("CME:ESZ26", None).last_trade_date == date(2026, 12, 18)


@pytest.mark.parametrize(("root", "month"), [("FOO", 1), ("SP500", 1), ("ES", 0), ("ES", 13)])
def test_an_end_that_does_not_exist_is_refused(root: str, month: int) -> None:
    with pytest.raises(ConfigError, match=r"^(root|month)="):
        last_trade_date(root, month, 2026)


# ---------------------------------------------------------------- the front month


@pytest.mark.parametrize(
    ("root", "on", "symbol"),
    [
        ("ES", date(2026, 9, 9), "ESU6"),
        ("ES", date(2026, 9, 10), "ESZ6"),
        ("MES", date(2026, 12, 31), "MESH7"),
        ("CL", date(2026, 11, 16), "CLZ6"),
        ("CL", date(2026, 11, 17), "CLF7"),
        ("GC", date(2026, 11, 20), "GCZ6"),
        ("GC", date(2026, 11, 30), "GCG7"),
        ("6E", date(2026, 12, 9), "6EH7"),
        ("ZN", date(2026, 11, 25), "ZNZ6"),
        ("ZN", date(2026, 11, 30), "ZNH7"),
        ("ES", date(2029, 12, 31), "ESH0"),
    ],
)
def test_the_front_month_rolls_ahead_of_the_end(root: str, on: date, symbol: str) -> None:
    assert front_month(root, on) == symbol


@given(
    st.sampled_from([r for r, s in SPECS.items() if s.ending]),
    st.dates(date(2010, 1, 1), date(2050, 1, 1)),
)
def test_the_front_month_is_always_a_contract_that_still_trades(root: str, on: date) -> None:
    found = contract(Instrument("CME", front_month(root, on)), on=on)
    assert found is not None
    assert found.last_trade_date is not None
    assert timedelta(0) < found.last_trade_date - on < timedelta(190)
    assert suggest(Instrument("CME", front_month(root, on)), on=on) is None


def test_what_never_expires_has_no_front_month() -> None:
    with pytest.raises(ConfigError, match="it has no front month"):
        front_month("SP500", ON)
    with pytest.raises(ConfigError, match="is not known; known are ES, MES"):
        front_month("FOO", ON)


# ---------------------------------------------------------------- what to write instead


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("CME:ESZ6", None),
        ("NYMEX:CLF7", None),
        ("SIM:anything", None),
        ("CME:FOOZ6", None),
        ("CME:what is this", None),
        ("CME:SP500", None),
        ("CME:SP500Z6", None),
        ("CME:ESZ26", "CME:ESZ26 is written CME:ESZ6"),
        ("CME:esz6", "CME:esz6 is written CME:ESZ6"),
        ("cme:ESZ6", "cme:ESZ6 is written CME:ESZ6"),
        ("NYSE:CLF7", "NYSE:CLF7 is written NYMEX:CLF7"),
        ("CME:ESU26", "CME:ESU26 last traded on 2026-09-18; the front month is ESZ6"),
        ("CME:ESU6", "CME:ESU6 last traded on 2026-09-18; the front month is ESZ6"),
        ("CME:ESF7", "ES has no F contract; the front month is ESZ6"),
        ("CME:ES=F", "CME:ES=F names no contract month; the front month is ESZ6"),
        ("CME:ES1!", "CME:ES1! names no contract month; the front month is ESZ6"),
        ("CME:/ES", "CME:/ES names no contract month; the front month is ESZ6"),
        ("CME:@M2K", "CME:@M2K names no contract month; the front month is M2KZ6"),
        ("CME:MES", "CME:MES names no contract month; the front month is MESZ6"),
    ],
)
def test_a_wrong_symbol_gets_a_right_one(text: str, sentence: str | None) -> None:
    assert suggest(Instrument.parse(text), on=ON) == sentence


def test_a_contract_is_right_on_its_last_day() -> None:
    assert suggest(Instrument("CME", "ESU6"), on=date(2026, 9, 18)) is None
    assert suggest(Instrument("CME", "ESU6"), on=date(2026, 9, 19)) is not None


# ---------------------------------------------------------------- ticks


@pytest.mark.parametrize(
    ("price", "tick", "nearest", "down", "up"),
    [
        (5070.1, "0.25", 5070.0, 5070.0, 5070.25),
        (5070.13, "0.25", 5070.25, 5070.0, 5070.25),
        (5070.25, "0.25", 5070.25, 5070.25, 5070.25),
        (1.10235, "0.00005", 1.10235, 1.10235, 1.10235),
        (0.3, "0.1", 0.3, 0.3, 0.3),
        (0.1 + 0.2, "0.1", 0.3, 0.3, 0.4),
        (-37.634, "0.01", -37.63, -37.64, -37.63),
        (0.0, "0.01", 0.0, 0.0, 0.0),
        (5070, "0.25", 5070.0, 5070.0, 5070.0),
        (110.0078125, "0.015625", 110.0, 110.0, 110.015625),
    ],
)
def test_a_price_is_moved_to_a_tick(
    price: float, tick: str, nearest: float, down: float, up: float
) -> None:
    step = Decimal(tick)
    assert round_to_tick(price, step) == nearest
    assert round_to_tick(price, step, way="down") == down
    assert round_to_tick(price, step, way="up") == up


@given(st.integers(-(10**6), 10**6), st.sampled_from(sorted({s.tick_size for s in SPECS.values()})))
def test_a_price_on_a_tick_stays_there(ticks: int, tick: Decimal) -> None:
    price = float(ticks * tick)
    for way in ("nearest", "down", "up"):
        assert round_to_tick(price, tick, way=way) == price  # type: ignore[arg-type]


@given(st.floats(-1e6, 1e6), st.sampled_from(sorted({s.tick_size for s in SPECS.values()})))
def test_rounding_down_and_up_enclose_the_price(price: float, tick: Decimal) -> None:
    down = Decimal(repr(round_to_tick(price, tick, way="down")))
    up = Decimal(repr(round_to_tick(price, tick, way="up")))
    assert down <= Decimal(repr(price)) <= up
    assert up - down in (0, tick)


def test_a_price_or_tick_that_is_no_number_is_refused() -> None:
    quarter = Decimal("0.25")
    for price in (float("nan"), float("inf")):
        with pytest.raises(ConfigError, match="price="):
            round_to_tick(price, quarter)
    for tick in ("0", "-1", "NaN", "Infinity"):
        with pytest.raises(ConfigError, match="tick="):
            round_to_tick(1.0, Decimal(tick))
    with pytest.raises(ConfigError, match="way='off': must be one of nearest, down, up"):
        round_to_tick(1.0, quarter, way="off")  # type: ignore[arg-type]
