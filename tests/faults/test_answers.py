"""What a server does with a signal, or fails to do: rows 5 to 12, 14, 16, 29, 30, 46 and 50."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.agreed import agreed
from tests.faults.conftest import ONE, POOL, TWO, Desk

from sim2live.clock import NS, ManualClock, SystemClock
from sim2live.gate.ledger import Presumed
from sim2live.gate.receipt import Status
from sim2live.settings import connect
from sim2live.signals import Instrument
from sim2live.testing import ChaosGateway, Fault
from sim2live.venues.base import Profile
from sim2live.venues.evalitup import EvalItUp
from sim2live.venues.outcome import Kind, Outcome
from sim2live.venues.record import Record

Make = Callable[..., Desk]


def assert_unknown_and_safe(desk: Desk, *, executed: bool) -> None:
    """One entry of two contracts went out, and nobody knows what became of it."""
    receipt = desk.want(2)
    assert (receipt.status, receipt.granted) == (Status.UNKNOWN, 2)
    assert desk.line().presumed == Presumed(0, 2)
    assert desk.line().state == "REDUCING"
    assert desk.alarms
    desk.work()
    desk.bar()
    ids = [signal.signal_id for signal in desk.gateway.received]
    assert len(ids) == 1, "an entry of unknown outcome is never sent again"
    assert desk.gateway.executions == ({ids[0]: 1} if executed else {})
    assert ids[0] in "".join(desk.alarms), "the human who looks for it needs its id"


@pytest.mark.parametrize(
    ("fault", "executed"),
    [("drop", True), ("reset", True), ("drop_before", False), ("reset_before", False)],
)
def test_fault_05_a_server_that_takes_it_and_hangs_up(
    desk: Make, fault: str, executed: bool
) -> None:
    made = desk()
    made.gateway.script(fault)
    assert_unknown_and_safe(made, executed=executed)


def test_fault_06_a_truncated_answer(desk: Make) -> None:
    made = desk()
    made.gateway.script("truncate")
    assert_unknown_and_safe(made, executed=True)


def test_fault_07_half_open_socket(desk: Make) -> None:
    made = desk()
    made.gateway.script("half_open")
    assert_unknown_and_safe(made, executed=True)
    made.gateway.freeze()
    made.want(1, of=TWO)
    second = made.want(1, of=TWO, data="other")
    assert second.status in (Status.NOT_SENT, Status.HELD), "it did not wait behind the first"


GATEWAY = """
from sim2live.testing import ChaosGateway
with ChaosGateway() as gateway:
    print(gateway.url, flush=True)
    while ask := input():
        print(sum(gateway.executions.values()), flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="this system cannot stop a process")
def test_fault_07_a_gateway_process_that_is_stopped_holds_nobody_up(tmp_path: Path) -> None:
    """Its kernel still takes connections and bytes; no answer comes until it may go on."""
    names = [Instrument("SIM", name) for name in ("A", "B", "C")]
    with subprocess.Popen(
        [sys.executable, "-c", GATEWAY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        url = process.stdout.readline().strip()
        with connect(
            EvalItUp(url), workflow=POOL, journal=tmp_path / "journal.sqlite3", timeout=0.5,
            clock=SystemClock(), settings=agreed(),
        ) as dispatcher:  # fmt: skip

            def want(target: int, of: Instrument) -> Status:
                now = SystemClock().now_ns()
                return dispatcher.follow(of, target, data=of.symbol, nth=0, decided_at=now).status

            assert want(1, ONE) is Status.ACCEPTED
            process.send_signal(signal.SIGSTOP)
            ends = [want(1, of) for of in names]
            process.send_signal(signal.SIGCONT)
            assert ends == [Status.UNKNOWN, Status.NOT_SENT, Status.NOT_SENT]
            while not dispatcher.venue.probe(timeout=5.0):
                pass
            process.stdin.write("executed?\n")
            process.stdin.flush()
            assert process.stdout.readline() == "2\n", "the first of the three went through late"
            dispatcher.gate.work()
            assert dispatcher.position(names[0]) == Presumed(0, 1)
            assert want(1, TWO) is Status.ACCEPTED, "and it is spoken to again"
        process.stdin.close()


def test_fault_08_an_answer_that_comes_late(desk: Make) -> None:
    made = desk(timeout=0.15)
    made.gateway.script(Fault(delay=0.3))
    assert_unknown_and_safe(made, executed=True)
    made.work()
    SystemClock().sleep(0.3)
    # The late answer must not be taken for the answer to the next signal.
    assert made.want(1, of=TWO).status is Status.ACCEPTED
    assert made.line().presumed == Presumed(0, 2)


def test_fault_09_a_trickle_of_bytes(desk: Make) -> None:
    made = desk()
    made.gateway.script(Fault(way="trickle", pace=0.04))
    # Without a deadline the whole answer would arrive, and be taken.
    assert_unknown_and_safe(made, executed=True)


@pytest.mark.parametrize("fault", ["broken", "broken_after", "unavailable"])
def test_fault_10_a_server_error_for_ever_makes_no_storm(desk: Make, fault: str) -> None:
    made = desk()
    made.gateway.always(fault)
    assert made.want(2).status is Status.UNKNOWN
    for _ in range(20):
        made.bar()
        made.work()
        made.want(3)
    assert len(made.gateway.received) == 1
    assert made.line().state == "REDUCING"


@pytest.mark.parametrize("fault", ["bad_request", "not_found"])
def test_fault_11_a_refusal_is_told_in_the_servers_words_and_not_repeated(
    desk: Make, fault: str
) -> None:
    made = desk()
    made.gateway.script(fault)
    receipt = made.want(2)
    assert (receipt.status, receipt.granted) == (Status.REJECTED, 0)
    assert "scripted 40" in receipt.reason
    made.bar()
    made.work()
    assert len(made.gateway.received) == 1
    assert made.line().state == "ACTIVE"


@pytest.mark.parametrize("fault", ["unauthorized", "forbidden"])
def test_fault_12_a_wrong_token_halts_and_is_never_shown(
    desk: Make, fault: str, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    made = desk(token="a-very-secret-token")
    made.want(1)
    made.gateway.script(fault)
    assert made.want(2).status is Status.REJECTED
    assert made.line().state == "HALTED"
    assert made.want(2).status is Status.HELD
    assert made.want(0).status is Status.ACCEPTED, "an exit is tried all the same"
    made.dispatcher.gate.journal.bars.flush()
    shown = caplog.text + repr(made.dispatcher) + "".join(made.alarms)
    assert "a-very-secret-token" not in shown
    for file in tmp_path.iterdir():
        assert b"a-very-secret-token" not in file.read_bytes()


@pytest.mark.parametrize(
    ("fault", "waits"),
    [("too_many", 0.0), ("too_many_seconds", 2.0), ("too_many_date", 60.0),
     ("too_many_garbage", 0.0)],
)  # fmt: skip
def test_fault_14_too_many_requests(
    chaos: Callable[..., ChaosGateway], fault: str, waits: float
) -> None:
    gateway = chaos()
    clock = ManualClock(SystemClock().now_ns())
    venue = EvalItUp(gateway.url, profile=Profile(rejects_429=True), clock=clock)
    with connect(
        venue, workflow=POOL, journal=":memory:", clock=clock, settings=agreed()
    ) as dispatcher:

        def want(target: int, nth: int) -> Any:
            now = SystemClock().now_ns()
            return dispatcher.follow(ONE, target, data="mes", nth=nth, decided_at=now)

        assert want(1, 0).status is Status.ACCEPTED
        gateway.script(fault)
        assert want(2, 1).status is Status.REJECTED
        if waits:
            refused = want(2, 2)
            assert refused.status is Status.NOT_SENT
            assert "asked to wait" in refused.reason
            assert want(0, 3).status is Status.PENDING
            assert dispatcher.gate.work(), "the exit stays owed"
            assert gateway.held(POOL, ONE) == 1
            clock.advance(waits)
            # The exit goes first; the entry that was refused has expired.
            assert not dispatcher.gate.work()
        else:
            assert want(0, 3).status is Status.ACCEPTED
        assert gateway.held(POOL, ONE) == 0
        assert want(1, 4).status is Status.ACCEPTED


def test_fault_14_without_a_profile_too_many_requests_proves_nothing(desk: Make) -> None:
    made = desk()
    made.gateway.script("too_many")
    assert_unknown_and_safe(made, executed=False)


@pytest.mark.parametrize("fault", ["wrong_id", Fault(executes=True, status=202)])
def test_fault_16_an_answer_that_is_not_ours(desk: Make, fault: Any) -> None:
    made = desk()
    made.gateway.script(fault)
    assert_unknown_and_safe(made, executed=True)


def test_fault_29_a_proxy_of_the_environment_is_ignored(
    desk: Make, monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    made = desk()
    assert made.want(1).status is Status.ACCEPTED
    assert made.held() == 1


def test_fault_30_a_redirect_is_not_followed(
    desk: Make, chaos: Callable[..., ChaosGateway]
) -> None:
    elsewhere = chaos()
    made = desk()
    location = ("Location", f"{elsewhere.url}/signal/{POOL}")
    made.gateway.script(Fault(executes=False, status=307, headers=(location,)))
    assert_unknown_and_safe(made, executed=False)
    assert elsewhere.received == []


def test_fault_46_a_gateway_that_restarts_in_the_middle(desk: Make) -> None:
    made = desk()
    assert made.want(1).status is Status.ACCEPTED
    made.gateway.down()
    receipt = made.want(2)
    assert receipt.status is Status.NOT_SENT
    assert receipt.granted == 1
    made.gateway.up()
    assert made.want(2).status is Status.ACCEPTED
    assert made.held() == 2


def test_fault_46_another_program_on_the_port_is_not_taken_for_the_venue() -> None:
    from tests.venues.conftest import RawServer

    def other(connection: Any) -> None:
        while connection.read():
            connection.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")

    server = RawServer(other)
    try:
        with connect(
            server.url, workflow=POOL, journal=":memory:", clock=SystemClock(), settings=agreed()
        ) as dispatcher:
            assert not dispatcher.venue.simulated
            now = SystemClock().now_ns()
            receipt = dispatcher.follow(ONE, 1, data="mes", nth=0, decided_at=now)
            assert receipt.status is Status.UNKNOWN
    finally:
        server.close()


def test_fault_50_an_exit_due_while_the_gateway_is_down_is_delivered_once(desk: Make) -> None:
    made = desk()
    made.want(2)
    made.gateway.down()
    assert made.want(0).status is Status.PENDING
    assert made.want(1).status is Status.HELD, "entries wait while an exit is owed"
    assert made.work() is True
    made.gateway.up()
    while made.work():
        pass
    assert made.held() == 0
    assert len(made.gateway.received) == 2
    assert max(made.gateway.executions.values()) == 1
    assert made.line().state == "ACTIVE"
    assert made.want(1).status is Status.ACCEPTED


def test_what_a_dead_venue_costs_the_strategy() -> None:
    """Three orders of one bar: the first waits for its deadline, the others do not."""
    tried: list[Any] = []

    def silent(signal: Any) -> Outcome:
        tried.append(signal)
        return Outcome(Kind.UNKNOWN, "no answer", timed_out=True)

    with connect(Record(answer=silent), journal=":memory:", clock=ManualClock()) as dispatcher:
        for nth, symbol in enumerate(("MESZ6", "MNQZ6", "MGCZ6")):
            of = type(ONE)("CME", symbol)
            dispatcher.follow(of, 1, data=symbol, nth=nth, decided_at=NS)
        assert len(tried) == 1
