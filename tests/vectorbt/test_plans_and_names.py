"""The plan shows itself safely, and the room's names load when they are used."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

import sim2live.vectorbt
from sim2live import sizing
from sim2live.errors import ConfigError, DataError, SignalError
from sim2live.vectorbt import SignalExporter, read_signals


def test_a_plan_escapes_what_it_shows_and_hides_the_rest(price_frame: Any, crossing: Any) -> None:
    close = price_frame(("<img onerror=x>",), bars=300)
    plan = SignalExporter(crossing({"Close": close})).plan()
    html = plan._repr_html_()
    assert "<img" not in html
    assert "&lt;img" in html
    assert "earlier orders are not shown" in html
    assert repr(plan).startswith("<Plan: orders ")


def test_a_plan_without_orders_shows_itself(make: Callable[[str], Any]) -> None:
    plan = SignalExporter(make("no order at all")).plan()
    assert plan.summary["largest error"] is None
    assert "orders" in plan._repr_html_()


def test_a_figure_has_price_signals_and_stops(make: Callable[[str], Any]) -> None:
    plan = SignalExporter(make("several symbols, both")).plan()
    figure = plan.figure("B")
    buys = next(trace for trace in figure.data if trace.name == "BUY")
    frame = plan.table.frame()
    assert len(buys.x) == ((frame["column"] == "B") & (frame["side"] == "BUY")).sum() > 0
    with pytest.raises(ConfigError, match="must be one of A, B, C"):
        plan.figure()


def test_signs_have_no_rounding_error(make: Callable[[str], Any]) -> None:
    plan = SignalExporter(make("all in, long"), sizing=sizing.direction(2)).plan()
    assert plan.frame["error"].isna().all()
    assert set(plan.frame["contracts"]) == {0, 2}


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("a.txt", b"", DataError),
        ("a.csv", b"one,two\n1,2\n", DataError),
        ("a.parquet", b"nothing", DataError),
        ("a.jsonl", b"{}\n", SignalError),
    ],
)
def test_a_file_that_is_none_of_ours_is_refused(
    name: str, content: bytes, error: type[Exception], tmp_path: Any
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(error):
        list(read_signals(tmp_path / name))


def test_a_wrong_line_is_named(tmp_path: Any, make: Callable[[str], Any]) -> None:
    path = SignalExporter(make("stop loss")).to_jsonl(tmp_path / "a.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], b'{"qty": 1}\n', *lines[2:]]))
    signals = read_signals(path)
    next(signals), next(signals)
    with pytest.raises(SignalError) as caught:
        next(signals)
    assert caught.value.__notes__ == [f"{path}, line 3"]


@pytest.mark.parametrize("name", sim2live.vectorbt.__all__)
def test_each_name_is_there_twice(name: str) -> None:
    assert getattr(sim2live.vectorbt, name) is getattr(sim2live.vectorbt, name)
    assert name in dir(sim2live.vectorbt)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        sim2live.vectorbt.no_such_name  # noqa: B018


def test_the_room_itself_loads_no_framework() -> None:
    program = "import sys, sim2live.vectorbt; print('pandas' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=200, check=True
    )
    assert done.stdout.strip() == "False"
