"""The simulated venue inside the process, asked as any venue is."""

from __future__ import annotations

import threading
from typing import Any

from sim2live.clock import ManualClock
from sim2live.exchange.accounts import Pool
from sim2live.exchange.execution import Behaviour
from sim2live.market.bars import Bar
from sim2live.signals import Instrument, Signal
from sim2live.venues.outcome import Kind
from sim2live.venues.paper import Paper

MES = Instrument("CME", "MESZ6")


def signal(name: str, side: Any = "BUY", qty: int = 1, pool: str = "p") -> Signal:
    return Signal(signal_id=name, workflow_id=pool, instrument=MES, side=side, qty=qty)


def bar(close: float, time: int = 7) -> Bar:
    return Bar(time, close, close, close, close)


def test_it_takes_signals_of_any_workflow_and_reports_fills() -> None:
    paper = Paper(clock=ManualClock(start_ns=5))
    assert paper.send(signal("a"), timeout=1).kind is Kind.ACCEPTED
    assert paper.positions("p") == {}
    assert [(r.kind, r.time) for r in paper.reports()] == [("accept", 5)]
    paper.on_bar(MES, bar(100))
    (fill,) = paper.reports()
    assert (fill.kind, fill.signed_qty, fill.price, fill.time) == ("fill", 1, 100, 7)
    assert (fill.workflow, fill.account, fill.signal_id) == ("p", "p-1", "a")
    assert paper.reports() == []
    assert paper.positions("p") == {MES: 1}
    assert paper.positions("nobody") == {}


def test_configured_pools_refuse_others_and_answer_for_each_account() -> None:
    paper = Paper({"p": Pool.of("acc", (1, 2))})
    paper.on_bar(MES, bar(100))
    outcome = paper.send(signal("a", qty=3), timeout=1)
    assert [(c.account, c.kind, c.filled) for c in outcome.children] == [
        ("acc-1", Kind.ACCEPTED, 3),
        ("acc-2", Kind.ACCEPTED, 6),
    ]
    assert paper.positions("p") == {MES: 3}  # in contracts of a signal
    refused = paper.send(signal("b", pool="other"), timeout=1)
    assert (refused.kind, refused.reason) == (Kind.REJECTED, "Workflow not found: other")


def test_it_knows_what_became_of_a_signal() -> None:
    paper = Paper()
    sent = signal("a")
    never = paper.lookup(sent)
    assert never is not None
    assert never.kind is Kind.NOT_SENT
    outcome = paper.send(sent, timeout=1)
    assert paper.lookup(sent) == outcome


def test_its_profile_says_how_it_behaves() -> None:
    plain = Paper().profile
    assert (plain.dedupe, plain.close_is_reduce_only, plain.close_cancels_legs) == ("no",) * 3
    paper = Paper(behaviour=Behaviour(dedupe=True, close_is_reduce_only=True))
    assert (paper.profile.dedupe, paper.profile.close_is_reduce_only) == ("yes", "yes")
    paper.on_bar(MES, bar(100))
    for _ in range(2):
        paper.send(signal("a"), timeout=1)
    assert paper.positions("p") == {MES: 1}


def test_each_object_is_a_venue_of_its_own() -> None:
    assert Paper().fingerprint != Paper().fingerprint


def test_threads_may_send_at_once() -> None:
    paper = Paper()
    paper.on_bar(MES, bar(100))

    def send(thread: int) -> None:
        for n in range(50):
            paper.send(signal(f"{thread}-{n}"), timeout=1)

    threads = [threading.Thread(target=send, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert paper.positions("p") == {MES: 200}
    assert sum(r.signed_qty for r in paper.reports()) == 200
