"""Until a human has confirmed a strategy, it opens nothing where money moves."""

from __future__ import annotations

import logging

import pytest

from sim2live import settings
from sim2live.clock import NS, ManualClock
from sim2live.errors import JournalError
from sim2live.gate.facts import Facts
from sim2live.gate.journal import open_journal
from sim2live.gate.preflight import Preflight, confirm
from sim2live.gate.rules import Entry
from sim2live.market.bars import Bar
from sim2live.signals import Instrument
from sim2live.venues.record import Record

ONE = Instrument("SIM", "ONE")
START = 1_767_625_200 * NS


class Real(Record):
    """Records, and claims to be a real venue."""

    name = "real"
    simulated = False

    def __init__(self) -> None:
        super().__init__()
        self.fingerprint = "real"


class Life:
    """One process after the other on one journal, at one venue."""

    def __init__(self, folder) -> None:
        self.venue = Real()
        self.clock = ManualClock(START)
        self.path = str(folder / "journal.sqlite3")
        self.nth = 0

    def start(self, strategy="cross", **changes):
        self.dispatcher = settings.connect(
            self.venue, workflow="pool", strategy=strategy, journal=self.path, clock=self.clock,
            settings=settings.Settings(**changes),
        )  # fmt: skip
        return self.dispatcher

    def want(self, target, dispatcher=None):
        self.nth += 1
        return (dispatcher or self.dispatcher).follow(
            ONE, target, data="one", nth=self.nth, decided_at=self.clock.now_ns()
        )

    def confirm(self, strategy="cross", workflow="pool"):
        """As another program does it."""
        kept = open_journal(self.path, "real", self.clock)
        confirm(kept.facts, workflow, strategy, "yes")
        kept.close()


@pytest.fixture
def life(tmp_path):
    return Life(tmp_path)


def test_the_first_entry_is_refused_with_what_to_type(life):
    with life.start():
        receipt = life.want(1)
    assert (receipt.status.value, receipt.granted) == ("HELD", 0)
    assert receipt.reason == (
        "preflight: nobody has confirmed live orders of 'cross' to 'pool' yet; type: sim2live "
        f"doctor --preflight --venue real --journal {life.path} --pool pool --strategy cross "
        "--instrument SIM:ONE"
    )
    assert life.venue.signals == []


def test_it_is_said_when_the_strategy_starts(life, caplog):
    with caplog.at_level(logging.WARNING, "sim2live.gate"), life.start():
        assert "no entry will go: preflight: nobody has confirmed" in caplog.text
    life.confirm()
    caplog.clear()
    with caplog.at_level(logging.WARNING, "sim2live.gate"), life.start():
        assert "preflight" not in caplog.text


def test_confirmed_before_the_start_the_journal_is_not_asked_again(life, monkeypatch):
    life.start().close()
    life.confirm()
    with life.start():
        asked = []
        get = Facts.get
        monkeypatch.setattr(
            Facts, "get", lambda own, pool, name: asked.append(name) or get(own, pool, name)
        )
        assert life.want(1).status.value == "ACCEPTED"
        assert life.want(3).status.value == "ACCEPTED"


def test_confirmed_beside_a_running_strategy_the_next_entry_goes(life):
    with life.start():
        assert life.want(1).status.value == "HELD"
        life.confirm()
        assert life.want(1).status.value == "ACCEPTED"


@pytest.mark.parametrize(("strategy", "workflow"), [("other", "pool"), ("cross", "other")])
def test_a_confirmation_is_for_one_strategy_in_one_pool(life, strategy, workflow):
    with life.start():
        life.confirm(strategy, workflow)
        assert life.want(1).status.value == "HELD"


def test_a_sibling_is_another_strategy(life, caplog):
    with life.start() as first:
        life.confirm()
        assert life.want(1).status.value == "ACCEPTED"
        with caplog.at_level(logging.WARNING, "sim2live.gate"):
            second = first.bind(strategy="second")
        assert "of 'second' to 'pool'" in caplog.text
        assert "of 'second' to 'pool'" in life.want(1, second).reason


def test_an_exit_needs_no_confirmation(life):
    with life.start():
        life.confirm()
        life.want(2)
        kept = open_journal(life.path, "real", life.clock)
        kept.facts.put("pool", "preflight:cross", None)
        kept.close()
    with life.start(start="adopt", confirm="SIM:ONE=+2") as again:
        assert again.position(ONE).low == 2
        life.want(2)  # what history rebuilt
        assert life.want(0).status.value == "ACCEPTED"
        assert life.want(-1).status.value == "HELD"
    assert [signal.signed for signal in life.venue.signals] == [2, -2]


def test_of_a_flip_only_the_closing_part_goes(life):
    with life.start(start="adopt", confirm="SIM:ONE=+2"):
        life.want(2)
        receipt = life.want(-2)
    assert (receipt.status.value, receipt.granted) == ("HELD", 0)
    assert [signal.signed for signal in life.venue.signals] == [-2]


def test_a_journal_in_memory_cannot_keep_it(life):
    life.path = ":memory:"
    with life.start():
        assert "name a file for the journal" in life.want(1).reason


def test_it_can_be_switched_off_by_name(life):
    with life.start(rules=settings.Rules(preflight=False)):
        assert life.want(1).status.value == "ACCEPTED"


@pytest.mark.parametrize("target", ["record", "paper"])
def test_a_simulated_venue_asks_for_nothing(target, caplog):
    with settings.connect(target, settings=settings.Settings()) as dispatcher:
        dispatcher.on_bar(ONE, Bar(START, 1.0, 1.0, 1.0, 1.0))
        receipt = dispatcher.follow(ONE, 1, data="one", nth=0, decided_at=START)
    assert receipt.status.value == "ACCEPTED"
    assert "preflight" not in caplog.text


def test_a_journal_that_cannot_be_read_confirms_nothing(life):
    class Broken(Facts):
        def get(self, workflow, name):
            raise JournalError("disk")

    rule = Preflight(Broken.__new__(Broken), "j", target="t", fingerprint="f")
    entry = Entry(
        workflow="pool", instrument=ONE, signed=1, held=0, held_total=0, decided_at=0, time=0
    )
    assert "does not tell" in rule.refuses(entry)


def test_names_that_a_shell_would_split_are_quoted(life):
    with life.start(strategy="my 'own'"):
        assert """--strategy 'my '"'"'own'"'"''""" in life.want(1).reason
