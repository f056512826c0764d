"""Two strategies on one instrument of one pool, and a start at which one is quicker."""

from __future__ import annotations

import pytest
from tests.agreed import agreed
from tests.gate.conftest import MES, SECOND, Scripted, bar

from sim2live import settings
from sim2live.clock import ManualClock
from sim2live.gate.ledger import Presumed
from sim2live.gate.operator import Operator
from sim2live.gate.receipt import Status
from sim2live.market.bars import Bar
from sim2live.venues.outcome import Kind


class Two:
    """Strategies a and b on one gate."""

    def __init__(self, venue: Scripted, journal) -> None:
        self.venue = venue
        self.a = settings.connect(
            venue, workflow="pool", strategy="a", journal=journal, clock=ManualClock(),
            settings=settings.Settings(),
        )  # fmt: skip
        self.b = self.a.bind(strategy="b")

    def want(self, who, target: int, at: int, nth: int = 0):
        return who.follow(MES, target, data="mes", nth=nth, decided_at=at * SECOND)

    def line(self):
        return self.a.gate.book("pool", MES).line


@pytest.fixture
def stopped(tmp_path):
    """a holds 2 and b holds -1 when the process ends at bar 3."""
    two = Two(Scripted(), tmp_path / "journal.sqlite3")
    for number in (1, 2, 3):
        for who in (two.a, two.b):
            who.on_bar(MES, bar(number))
        if number == 1:
            two.want(two.a, 3, 1)
        if number == 2:
            two.want(two.a, 2, 2)
            two.want(two.b, -1, 2)
    assert two.venue.held == 1
    two.a.close()
    return tmp_path / "journal.sqlite3", two.venue


def test_the_quicker_one_does_not_close_what_is_the_others(stopped) -> None:
    journal, venue = stopped
    two = Two(venue, journal)
    sent = len(venue.tried)
    # a replays and reaches now, while b has not replayed a single bar.
    for number in (1, 2, 3, 4, 5):
        two.a.on_bar(MES, bar(number))
        if number == 1:
            assert two.want(two.a, 3, 1).granted == 3
        if number == 2:
            assert two.want(two.a, 2, 2).granted == 2
    assert (venue.held, len(venue.tried)) == (1, sent)
    # Its decisions go out as what they are.
    assert two.want(two.a, 0, 5).status is Status.ACCEPTED
    assert venue.held == -1
    # b's past moves nothing, and when it is here all add up.
    for number in (1, 2, 3, 4, 5, 6):
        two.b.on_bar(MES, bar(number))
        if number == 2:
            two.want(two.b, -1, 2)
    assert venue.held == -1
    assert two.line().state == "ACTIVE"
    assert two.want(two.b, 0, 6).status is Status.ACCEPTED
    assert two.line().presumed == Presumed(0, 0)
    two.a.close()


def test_an_exit_due_while_the_process_was_away_goes_when_all_are_here(stopped) -> None:
    journal, venue = stopped
    two = Two(venue, journal)
    for number in range(1, 6):
        two.a.on_bar(MES, bar(number))
        if number == 1:
            two.want(two.a, 3, 1)
        if number == 2:
            two.want(two.a, 2, 2)
    # b was changed: it never wants its short, so the pool should hold 2 - which would open.
    for number in range(1, 7):
        two.b.on_bar(MES, bar(number))
    assert venue.held == 1, "nothing is opened late"
    assert two.line().state == "REDUCING"
    two.a.close()


def test_one_strategy_alone_waits_for_nobody(tmp_path) -> None:
    venue = Scripted()
    two = Two(venue, tmp_path / "journal.sqlite3")
    two.a.on_bar(MES, bar(1))
    two.want(two.a, 2, 1)
    two.a.close()
    two = Two(venue, tmp_path / "journal.sqlite3")
    for number in (1, 2):
        two.a.on_bar(MES, bar(number))
    assert venue.held == 0, "the changed strategy wants nothing; its exit goes"
    two.a.close()


def test_a_wish_repeated_at_the_last_bar_of_history_moves_nothing(tmp_path) -> None:
    """Frameworks that run anew at every bar say the same target again, and that leaves no row."""
    journal, venue = tmp_path / "journal.sqlite3", Scripted()
    wanted = {"a": (3, 3, 3), "b": (-1, -1, -1)}
    two = Two(venue, journal)
    for number in (1, 2, 3):
        for who in (two.a, two.b):
            who.on_bar(MES, bar(number))
            two.want(who, wanted[who.strategy][number - 1], number)
    assert venue.held == 2
    two.a.close()
    two = Two(venue, journal)
    sent = len(venue.tried)
    for who in (two.b, two.a):
        for number in (1, 2, 3):
            who.on_bar(MES, bar(number))
            assert two.want(who, wanted[who.strategy][number - 1], number).ok
    for who in (two.a, two.b):
        who.on_bar(MES, bar(4))
        assert two.want(who, wanted[who.strategy][2], 4).ok
    assert (venue.held, len(venue.tried)) == (2, sent)
    assert two.line().state == "ACTIVE"
    two.a.close()


def test_what_was_never_taken_is_nobody_elses(tmp_path) -> None:
    """A waiting line holds less than is wanted; the rest does not stand for the absent one."""
    journal, venue = tmp_path / "journal.sqlite3", Scripted()
    two = Two(venue, journal)
    for who in (two.a, two.b):
        who.on_bar(MES, bar(1))
    two.want(two.b, 1, 1)
    two.want(two.b, 0, 1, nth=1)
    venue.script = [Kind.UNKNOWN]
    two.want(two.a, 3, 1)
    (unknown,) = two.a.gate.book("pool", MES).unknown
    Operator(two.a.gate).resolve(unknown, executed=False)
    two.a.close()
    two = Two(venue, journal)
    for number in (1, 2):
        two.a.on_bar(MES, bar(number))
        if number == 1:
            assert two.want(two.a, 3, 1).granted == 3
    sent = len(venue.tried)
    assert two.want(two.a, 0, 2).granted == 0
    assert (venue.held, len(venue.tried)) == (0, sent), "there was nothing to close"
    two.a.close()


def test_one_that_never_traded_closes_nothing_of_the_other(tmp_path) -> None:
    journal, venue = tmp_path / "journal.sqlite3", Scripted()
    two = Two(venue, journal)
    two.a.on_bar(MES, bar(1))
    two.want(two.a, 2, 1)
    two.a.close()
    two = Two(venue, journal)
    for number in (1, 2, 3):
        two.b.on_bar(MES, bar(number))
    assert (venue.held, two.line().state) == (2, "ACTIVE")
    assert two.want(two.b, 1, 3).status is Status.ACCEPTED
    for number in (1, 2, 3, 4):
        two.a.on_bar(MES, bar(number))
        if number == 1:
            assert two.want(two.a, 2, 1).granted == 2
    assert (venue.held, two.line().state) == (3, "ACTIVE")
    two.a.close()


class Walls:
    """Strategies a and b on a venue that is real: the wall says what is history."""

    NOON = 1_767_625_200

    def __init__(self, journal) -> None:
        self.clock = ManualClock(self.NOON * SECOND)
        self.venue = Scripted()
        self.venue.simulated = False
        self.a = settings.connect(
            self.venue, workflow="pool", strategy="a", journal=journal, clock=self.clock,
            settings=agreed(max_age=60.0),
        )  # fmt: skip
        self.b = self.a.bind(strategy="b")

    def bar(self, who, ago: int) -> None:
        """A bar that closed so many seconds ago."""
        self.at = self.clock.now_ns() - ago * SECOND
        who.on_bar(MES, Bar(self.at, 100.0, 100.0, 100.0, 100.0))

    def want(self, who, target: int):
        return who.follow(MES, target, data="mes", nth=0, decided_at=self.at)

    @property
    def line(self):
        return self.a.gate.book("pool", MES).line


def test_a_history_that_is_run_through_beside_a_live_strategy_moves_nothing(tmp_path) -> None:
    two = Walls(tmp_path / "journal.sqlite3")
    two.bar(two.a, 5)
    assert two.want(two.a, 1).status is Status.ACCEPTED
    two.bar(two.b, 600)
    assert two.want(two.b, 3).status is Status.SHADOW
    two.bar(two.a, 4)
    assert (two.venue.held, two.line.state) == (1, "ACTIVE"), "b's history was never asked for"
    two.bar(two.b, 3)
    assert (two.venue.held, two.line.waiting) == (1, 1), "and it is not opened late"
    assert two.want(two.b, 0).granted == 0
    two.bar(two.a, 2)
    assert (two.venue.held, two.line.state) == (1, "ACTIVE")
    two.a.close()


def test_a_decision_of_a_bar_that_came_late_is_never_made_up_for(tmp_path) -> None:
    """An entry of a stale bar is dropped; its exit goes with the next bar that is fresh."""
    one = Walls(tmp_path / "journal.sqlite3")
    one.bar(one.a, 5)
    assert one.want(one.a, 2).status is Status.ACCEPTED
    one.clock.advance(600)
    one.bar(one.a, 300)
    assert one.want(one.a, 3).status is Status.SHADOW
    one.bar(one.a, 5)
    assert (one.venue.held, one.line.waiting) == (2, 1)
    one.clock.advance(600)
    one.bar(one.a, 300)
    assert one.want(one.a, 1).status is Status.SHADOW
    assert one.venue.held == 2
    one.bar(one.a, 5)
    assert one.venue.held == 1
    one.bar(one.a, 4)
    assert one.line.state == "ACTIVE", "the venue holds what is wanted again"
    one.a.close()


def test_an_exit_that_is_owed_does_not_wait_for_a_replay(tmp_path) -> None:
    journal, venue = tmp_path / "journal.sqlite3", Scripted()
    two = Two(venue, journal)
    two.a.on_bar(MES, bar(1))
    two.want(two.a, 2, 1)
    venue.script = [Kind.UNKNOWN]
    two.want(two.a, 0, 1, nth=1)
    (unknown,) = two.a.gate.book("pool", MES).unknown
    two.a.close()
    two = Two(venue, journal)
    Operator(two.a.gate).resolve(unknown, executed=False)
    assert venue.held == 0
    two.a.close()


def test_what_one_wanted_that_never_comes_back_is_told_and_ends_with_a_flatten(stopped) -> None:
    journal, venue = stopped
    two = Two(venue, journal)
    two.b.on_bar(MES, bar(2))
    two.want(two.b, -1, 2)
    two.b.on_bar(MES, bar(4))
    (line,) = two.b.standing().lines
    assert line.reasons == ("a, not here yet, wants +2",)
    two.b.flatten()
    assert venue.held == 0
    two.b.resume()
    (line,) = two.b.standing().lines
    assert (line.mirror, line.reasons) == (-1, ("WAITING",)), "b's own wish waits for its turn"
    two.a.close()


def test_what_was_wanted_last_survives_a_kill_in_the_middle_of_a_flip(tmp_path) -> None:
    """The row was on its way; a stands for what it asked for, whichever way that ends."""
    journal, venue = tmp_path / "journal.sqlite3", Scripted()
    two = Two(venue, journal)
    for who in (two.a, two.b):
        who.on_bar(MES, bar(1))
    two.want(two.a, 2, 1)
    outcome = two.a.gate.journal.outcome
    two.a.gate.journal.outcome = lambda *_: 1 / 0
    with pytest.raises(ZeroDivisionError):
        two.want(two.a, -1, 1, nth=1)
    two.a.gate.journal.outcome = outcome
    two.a.gate.shelf.release()
    assert venue.held == 0, "the closing part was executed"
    two = Two(venue, journal)
    two.b.on_bar(MES, bar(2))
    book = two.a.gate.book("pool", MES)
    assert book.total == -1
    (unknown,) = book.unknown
    Operator(two.a.gate).resolve(unknown, executed=True)
    two.a.gate.work()
    two.b.on_bar(MES, bar(3))
    assert venue.held == 0, "what did not open in time is not opened late"
    two.a.close()


def test_a_refusal_takes_back_what_it_took_back_then(tmp_path) -> None:
    """b's part was nobody's growth but its own; a's history alone cannot tell."""
    journal, venue = tmp_path / "journal.sqlite3", Scripted()
    two = Two(venue, journal)
    for who in (two.a, two.b):
        who.on_bar(MES, bar(1))
    two.want(two.b, -1, 1)
    venue.script = [Kind.ACCEPTED, Kind.REJECTED]
    first = two.want(two.a, 3, 1)
    assert first.granted == 1, "it closed b's contract, and the rest was refused"
    two.a.close()
    two = Two(venue, journal)
    two.a.on_bar(MES, bar(1))
    assert two.want(two.a, 3, 1).granted == 1
    two.a.close()


def test_a_correction_that_a_kill_cut_off_counts_for_what_the_other_decides_then(tmp_path) -> None:
    """b's order un-happened at the last bar; a's next order is not added to what b held."""
    journal, venue = tmp_path / "journal.sqlite3", Scripted()
    two = Two(venue, journal)
    for who in (two.a, two.b):
        who.on_bar(MES, bar(1))
    two.want(two.b, 1, 1)
    two.a.gate.journal.intend = lambda *_: 1 / 0
    with pytest.raises(ZeroDivisionError):
        two.want(two.b, 0, 1, nth=-1)
    two.a.gate.shelf.release()
    two = Two(venue, journal)
    two.b.on_bar(MES, bar(1))
    two.want(two.b, 1, 1)
    two.want(two.b, 0, 1, nth=-1)
    assert venue.held == 1, "a replay sends nothing by itself"
    assert two.want(two.a, 2, 1, nth=1).status is Status.ACCEPTED
    assert venue.held == 2
    two.a.close()
