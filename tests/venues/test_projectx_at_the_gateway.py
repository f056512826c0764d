"""The same venue at our own gateway, in both of its dialects."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from sim2live import settings
from sim2live.clock import SystemClock
from sim2live.errors import ConfigError
from sim2live.exchange.accounts import Pool
from sim2live.gateway.server import Gateway, running_gateway
from sim2live.market.bars import Bar
from sim2live.signals import Bracket, Instrument, Signal, StopLoss, TakeProfit
from sim2live.testing import VenueContract
from sim2live.venues.base import Report
from sim2live.venues.evalitup import EvalItUp
from sim2live.venues.outcome import Kind
from sim2live.venues.projectx import ProjectX
from sim2live.venues.projectx_dialect import PROJECTX, TESTMAX, Dialect

MES = Instrument("CME", "MESZ6")
ACCOUNTS = {"python-test": ["python-test-1"]}


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with running_gateway() as running:
        yield running


def venue_at(gateway: Gateway, dialect: Dialect, workflow: str = "python-test") -> ProjectX:
    accounts = {workflow: [f"{workflow}-1"]}
    return ProjectX(
        gateway.url, user_name="me", api_key="k", accounts=accounts, dialect=dialect, poll=None
    )


class TestProjectXContract(VenueContract):
    unknown_workflow = "nowhere"

    @pytest.fixture
    def venue(self) -> Iterator[ProjectX]:
        with running_gateway() as running:
            made = venue_at(running, PROJECTX)
            assert made.prove_paper(2.0)
            yield made
            made.close()


class TestTestMaxContract(VenueContract):
    unknown_workflow = "nowhere"

    @pytest.fixture
    def venue(self) -> Iterator[ProjectX]:
        with running_gateway() as running:
            made = venue_at(running, TESTMAX)
            yield made
            made.close()


def signal(name: str, side: str = "BUY", qty: int = 1, **more: object) -> Signal:
    return Signal(
        signal_id=name, workflow_id="python-test", instrument=MES, side=side, qty=qty, **more
    )  # type: ignore[arg-type]


@pytest.mark.parametrize("dialect", [PROJECTX, TESTMAX], ids=lambda d: d.name)
def test_an_entry_with_a_bracket_and_its_exit_leave_nothing_behind(dialect: Dialect) -> None:
    with running_gateway() as gateway:
        venue = venue_at(gateway, dialect)
        venue.on_bar(MES, Bar(1, 5070.0, 5070.0, 5070.0, 5070.0))
        bracket = Bracket(TakeProfit(5170.0), StopLoss(4970.0))
        assert venue.send(signal("in", bracket=bracket), timeout=30.0).kind is Kind.ACCEPTED
        assert venue.positions("python-test") == {MES: 1}
        out = signal("out", "SELL", open_close="CLOSE")
        assert venue.send(out, timeout=30.0).kind is Kind.ACCEPTED
        assert venue.positions("python-test") == {}
        fills = [report for report in venue.reports() if report.kind == "fill"]
        assert [report.signed_qty for report in fills] == [1, -1]
        assert [report.signal_id for report in fills] == ["in", "out"]
        if dialect.tags:
            rows = gateway.desk.exchange.orders("python-test")
            assert {str(row.state) for row in rows if row.role != "entry"} == {"CANCELLED"}
        venue.close()


def test_both_doors_meet_in_the_same_account() -> None:
    with running_gateway() as gateway:
        first, second = EvalItUp(gateway.url), venue_at(gateway, PROJECTX)
        assert first.send(signal("one", qty=3), timeout=30.0).kind is Kind.ACCEPTED
        assert second.positions("python-test") == {MES: 3}
        out = signal("two", "SELL", 2, open_close="CLOSE")
        assert second.send(out, timeout=30.0).kind is Kind.ACCEPTED
        assert gateway.desk.exchange.unit_positions("python-test") == {MES: 1}
        first.close()
        second.close()


def test_a_pool_of_three_fans_out() -> None:
    with running_gateway({"p": Pool.of("p", (1, 1, 1))}) as gateway:
        venue = ProjectX(
            gateway.url,
            user_name="me",
            api_key="k",
            accounts={"all": ["p-1", "p-2", "p-3"]},
            poll=None,
        )
        entry = Signal(signal_id="x", workflow_id="all", instrument=MES, side="SELL", qty=2)
        outcome = venue.send(entry, timeout=30.0)
        assert [child.account for child in outcome.children] == ["p-1", "p-2", "p-3"]
        assert venue.positions("all") == {MES: -2}
        assert sorted(report.account for report in venue.reports()) == ["p-1", "p-2", "p-3"]
        venue.close()


@pytest.mark.skipif(find_spec("pysignalr") is None, reason="the hubs need pysignalr")
def test_the_gateways_own_hubs_tell_fills_and_quotes() -> None:
    with running_gateway() as gateway:
        _hear(gateway)


def _hear(gateway: Gateway) -> None:
    venue = ProjectX(gateway.url, user_name="me", api_key="k", accounts=ACCOUNTS, poll=3600.0)
    instrument = Instrument("CME", "MNQZ6")
    assert venue.prove_paper(2.0)
    listener = venue.listen("python-test", [instrument])
    found: list[Report] = []

    def until(what: Callable[[], object]) -> bool:
        end = time.monotonic() + 60.0
        while not what() and time.monotonic() < end:
            time.sleep(0.01)
        return bool(what())

    def told() -> object:
        found.extend(venue.reports())
        return found

    assert until(lambda: all(hub.opened for hub in listener.hubs))
    entry = Signal(
        signal_id="hub", workflow_id="python-test", instrument=instrument, side="BUY", qty=1
    )
    assert venue.send(entry, timeout=30.0).kind is Kind.ACCEPTED
    assert until(told)
    assert [(report.kind, report.signal_id) for report in found] == [("fill", "hub")]
    bracketed = Signal(
        signal_id="hub-2",
        workflow_id="python-test",
        instrument=instrument,
        side="BUY",
        qty=1,
        bracket=Bracket(stop_loss=StopLoss(100.0)),
    )
    # Its bracket can be measured because a quote has come; no bar ever did.
    assert until(lambda: venue.send(bracketed, timeout=30.0).kind is Kind.ACCEPTED)
    venue.close()


# -- settings ------------------------------------------------------------------------------------
def test_a_target_opens_the_venue_with_a_key_from_the_environment(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = settings.Settings(user_name="me", accounts={"python-test": ["python-test-1"]})
    monkeypatch.setenv("SIM2LIVE_API_KEY", "from-the-environment")
    target = f"projectx:{gateway.url}"
    with settings.connect(target, journal=":memory:", settings=chosen) as dispatcher:
        assert dispatcher.venue.name == "projectx"
        assert dispatcher.venue.simulated
        dispatcher.on_bar(MES, Bar(1_000_000_000, 5070.0, 5070.0, 5070.0, 5070.0))
        receipt = dispatcher.follow(MES, 2, data="MES", nth=0, decided_at=1_000_000_000)
        assert receipt.status.value == "ACCEPTED"
        assert dispatcher.venue.positions("python-test") == {MES: 2}
        flat = dispatcher.follow(MES, 0, data="MES", nth=1, decided_at=1_000_000_000)
        assert flat.status.value == "ACCEPTED"


@pytest.mark.parametrize(
    ("user", "key", "words"), [("", "k", "user_name"), ("me", "", "SIM2LIVE_API_KEY")]
)
def test_without_name_or_key_nothing_is_opened(
    monkeypatch: pytest.MonkeyPatch, user: str, key: str, words: str
) -> None:
    monkeypatch.setenv("SIM2LIVE_API_KEY", key)
    chosen = settings.Settings(user_name=user)
    with pytest.raises(ConfigError, match=words):
        settings.open_venue("projectx:topstepx", token=None, clock=SystemClock(), settings=chosen)


def test_a_key_in_the_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "sim2live.toml"
    file.write_text('user_name = "me"\napi_key = "oops"\n')
    with pytest.raises(ConfigError, match="SIM2LIVE_API_KEY"):
        settings.load(file)
    file.write_text('user_name = "me"\n[accounts]\npool = ["P-1", 77]\n')
    assert settings.load(file).accounts == {"pool": ["P-1", 77]}
