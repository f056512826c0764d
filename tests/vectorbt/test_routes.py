"""Each column finds its pool and its instrument, or is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from sim2live import sizing
from sim2live.errors import ConfigError, SignalError
from sim2live.signals import Instrument
from sim2live.vectorbt import SignalExporter
from sim2live.vectorbt.routes import route_columns

GRID = pd.MultiIndex.from_product([[5, 8], [0.5], ["ES", "NQ"]], names=["fast", "stop", "symbol"])


def pools(columns: pd.Index, workflow: Any, **options: Any) -> list[str]:
    return [route.workflow for route in route_columns(columns, None, workflow, **options)]


def traded(columns: pd.Index, instruments: Any) -> list[str]:
    return [str(route.instrument) for route in route_columns(columns, instruments, "w-{column}")]


def test_a_template_names_column_levels_and_positions() -> None:
    assert pools(GRID, "w-{column}")[:2] == ["w-5-0.5-ES", "w-5-0.5-NQ"]
    assert pools(GRID, "w-{fast}") == ["w-5", "w-5", "w-8", "w-8"]
    assert pools(GRID, "{symbol}/{0}")[0] == "ES/5"


def test_a_template_names_the_group() -> None:
    columns = pd.Index(["A", "B", "C"])
    assert pools(columns, "g-{group}", groups=["x", "x", "y"]) == ["g-x", "g-x", "g-y"]


def test_a_mapping_goes_by_label_name_or_level() -> None:
    columns = pd.Index(["A", "B"])
    assert pools(columns, {"A": "one", "B": "two"}) == ["one", "two"]
    assert pools(GRID, {5: "slow", 8: "quick"}) == ["slow", "slow", "quick", "quick"]
    assert traded(GRID, {"ES": "CME:MESZ6", "NQ": Instrument("CME", "MNQZ6")}) == [
        "CME:MESZ6", "CME:MNQZ6", "CME:MESZ6", "CME:MNQZ6",
    ]  # fmt: skip


def test_a_function_gets_the_label() -> None:
    assert traded(GRID, lambda label: f"CME:{label[2]}Z6")[0] == "CME:ESZ6"
    assert pools(GRID, lambda label: f"p{label[0]}")[-1] == "p8"


def test_without_a_map_a_column_trades_its_own_name_on_sim() -> None:
    assert traded(pd.Index(["A", 3]), None) == ["SIM:A", "SIM:3"]
    assert traded(GRID, None)[:2] == ["SIM:ES", "SIM:NQ"]


@pytest.mark.parametrize(
    ("columns", "instruments", "workflow", "words"),
    [
        (pd.Index(["A"]), {"B": "CME:X"}, "w", "column 'A' has no entry"),
        (GRID, {5: "CME:A", "ES": "CME:B"}, "{column}", "more than one entry"),
        (pd.Index(["A"]), None, "{nothing}", "may name {column}, {group}"),
        (pd.Index(["A"]), None, "{0.nothing}", "may name"),
        (pd.Index(["A", "A"]), None, "{column}", "stands for more than one column"),
    ],
)
def test_a_wrong_map_is_named(columns: Any, instruments: Any, workflow: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        route_columns(columns, instruments, workflow)


@pytest.mark.parametrize("workflow", ["", "..", "a\nb", "x" * 129])
def test_a_pool_that_the_wire_refuses_is_refused_here(workflow: str) -> None:
    with pytest.raises(SignalError, match="workflow_id"):
        route_columns(pd.Index(["A"]), None, workflow)


def test_a_grid_into_one_pool_is_refused_live_with_its_columns(make: Callable[[str], Any]) -> None:
    portfolio = make("grid of parameters")
    exporter = SignalExporter(portfolio, workflow="one")
    with pytest.raises(ConfigError, match=r"columns 3-ES, 5-ES, 8-ES .* pool 'one'"):
        exporter.check_live()
    SignalExporter(portfolio, workflow="w-{column}").check_live()


def test_a_group_is_one_pool_with_its_columns_as_instruments(make: Callable[[str], Any]) -> None:
    exporter = SignalExporter(
        make("groups with shared cash"), workflow="pool-{group}", sizing=sizing.target(1.0)
    )
    exporter.check_live()
    frame = exporter.frame()
    assert set(zip(frame["workflow_id"], frame["symbol"], strict=True)) == {
        ("pool-x", "A"), ("pool-x", "B"), ("pool-y", "C"), ("pool-y", "D"),
    }  # fmt: skip


@pytest.mark.parametrize("value", [None, 3, pd.Series([1.0])])
def test_what_is_no_portfolio_is_refused(value: Any) -> None:
    with pytest.raises(ConfigError, match=r"must be a vectorbt\.Portfolio"):
        SignalExporter(value)


def test_words_of_options_are_checked(make: Callable[[str], Any]) -> None:
    with pytest.raises(ConfigError, match="must be 'orders' or 'bracket'"):
        SignalExporter(make("stop loss"), stops="both")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="sizing='half'"):
        SignalExporter(make("stop loss"), sizing="half")
    with pytest.raises(ConfigError, match="timezone='Mars/Olympus'"):
        SignalExporter(make("daily, naive"), timezone="Mars/Olympus")


def test_a_zone_gives_naive_bars_their_time(make: Callable[[str], Any]) -> None:
    naive = SignalExporter(make("daily, naive"))
    zoned = SignalExporter(make("daily, naive"), timezone="America/New_York")
    assert naive.frame()["time"].dt.tz is None
    assert str(zoned.frame()["time"].dt.tz) == "America/New_York"
    assert (zoned.orders.times - naive.orders.times)[0] == 5 * 3_600_000_000_000
