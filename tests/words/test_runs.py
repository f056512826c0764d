"""The record of a run: written, read and written again, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2live.errors import DataError
from sim2live.runs import Decision, FillAt, Holding, Run
from sim2live.signals import Instrument

MES = Instrument("CME", "MESZ6")


def a_run() -> Run:
    return Run(
        name="simulated",
        decisions=[
            Decision(time=1, data="MES", instrument=MES, side="BUY", qty=1, order_type="Market"),
            Decision(time=2, data="MES", side="SELL", qty=0.5, order_type="Stop", price=-3.25,
                     status="Rejected", reason="too \"much\"\n"),
        ],
        positions=[Holding(time=1, data="MES", size=1), Holding(time=2, data="MES", size=0)],
        fills=[FillAt(time=2, data="MES", size=-1, price=0)],
        equity=[(1, 50_000), (2, 49_999.875)],
    )  # fmt: skip


def test_a_run_comes_back_and_its_bytes_stay(tmp_path: Path) -> None:
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    a_run().write(one)
    read = Run.read(one)
    assert read == a_run()
    read.write(two)
    assert one.read_bytes() == two.read_bytes()
    assert one.read_text().splitlines()[0] == '{"kind":"run","name":"simulated"}'
    assert len(one.read_text().splitlines()) == 1 + 2 + 2 + 1 + 2


def test_runs_do_not_share_their_lists() -> None:
    one, two = Run(name="a"), Run(name="b")
    one.equity.append((1, 1.0))
    assert two.equity == []


numbers = st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.text(st.characters(exclude_categories=("Cs",))),
    st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), numbers)),
)
def test_any_finite_equity_comes_back(
    tmp_path_factory: pytest.TempPathFactory, name: str, equity: list[tuple[int, float]]
) -> None:
    path = tmp_path_factory.mktemp("runs") / "run.jsonl"
    run = Run(name=name, equity=equity)
    run.write(path)
    assert Run.read(path) == run


@pytest.mark.parametrize(
    "run",
    [
        Run(name="x", equity=[(1, float("nan"))]),
        Run(name="x", fills=[FillAt(time=1, data="d", size=1, price=float("inf"))]),
        Run(name="x", positions=[Holding(time=1.5, data="d", size=1)]),  # type: ignore[arg-type]
        Run(name="x", positions=[Holding(time=1, data="d", size=object())]),  # type: ignore[arg-type]
        Run(name="x", decisions=[
            Decision(time=1, data="d", side="BUY", qty=1, order_type="M", price=float("nan")),
        ]),
    ],
)  # fmt: skip
def test_what_could_not_be_read_back_is_not_written(run: Run, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="event="):
        run.write(tmp_path / "run.jsonl")
    assert not (tmp_path / "run.jsonl").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "holds no run"),
        (b'{"kind":"equity","time":1,"value":1.0}\n', "line 1: the first line must name the run"),
        (b'{"kind":"run","name":"a"}\n{"kind":"run","name":"b"}\n', "line 2: a second run"),
        (b'{"kind":"run","name":"a"}\n{"kind":"what"}\n', "line 2: .*what"),
        (b'{"kind":"run","name":"a"}\nnothing\n', "line 2: b'nothing'"),
        (b'{"kind":"run","name":"\xff"}\n', "line 1"),
    ],
)
def test_a_broken_file_is_refused_by_line(text: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(text)
    with pytest.raises(DataError, match=message) as caught:
        Run.read(path)
    assert str(path) in str(caught.value)
