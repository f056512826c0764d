"""What a start finds: an unclean end, a venue that can be read, a contract that has rolled."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.agreed import agreed

from sim2live import settings
from sim2live.clock import NS, ManualClock, to_ns
from sim2live.errors import ConfigError
from sim2live.gate.duties import ReadAgain
from sim2live.gate.operator import Operator, parse_positions
from sim2live.gate.receipt import Status
from sim2live.market.bars import Bar
from sim2live.signals import Bracket, Instrument, OrderSpec, StopLoss
from sim2live.venues.outcome import Kind, Outcome
from sim2live.venues.record import Record

MES = Instrument("CME", "MESZ6")
NEXT = Instrument("CME", "MESH7")
NOON = to_ns(datetime(2026, 12, 10, 18, tzinfo=UTC))


class Real(Record):
    """A venue that is not simulated; it may be blind, or say what it holds."""

    name = "real"
    simulated = False

    def __init__(self) -> None:
        super().__init__(
            answer=lambda _: Outcome(self.script.pop(0) if self.script else Kind.ACCEPTED)
        )
        self.script: list[Kind] = []
        self.fingerprint = "real"
        self.read: dict[Instrument, int] | None = None

    def positions(self, workflow: str):
        return self.read


class Life:
    """One process after the other on one journal; `kill` leaves no good-bye."""

    def __init__(self, folder) -> None:
        self.venue = Real()
        self.clock = ManualClock(NOON)
        self._path = folder / "journal.sqlite3"
        self.dispatcher = None

    def start(self, **changes):
        confirm = changes.pop("confirm", None)
        self.dispatcher = settings.connect(
            self.venue, workflow="pool", strategy="cross", journal=self._path, clock=self.clock,
            confirm=confirm, settings=agreed(**changes),
        )  # fmt: skip
        return self.dispatcher

    def kill(self) -> None:
        """What a SIGKILL leaves: files without a word, locks that are free."""
        gate = self.dispatcher.gate
        gate.journal.close()
        gate.shelf.release()
        gate._closed = True

    def want(
        self,
        target: int,
        instrument: Instrument = MES,
        *,
        minutes: int = 1,
        order: OrderSpec | None = None,
    ):
        self.clock.advance(60 * minutes)
        now = self.clock.now_ns()
        self.dispatcher.on_bar(instrument, Bar(now, 1.0, 1.0, 1.0, 1.0))
        return self.dispatcher.follow(
            instrument, target, data="mes", nth=0, decided_at=now, order=order
        )

    def line(self, instrument: Instrument = MES):
        return self.dispatcher.gate.book("pool", instrument).line

    @property
    def alarms(self) -> list[str]:
        return [alarm.text for alarm in self.dispatcher.gate.alarms.raised]

    @property
    def sent(self) -> list[tuple[str, int]]:
        return [(signal.instrument.symbol, signal.signed) for signal in self.venue.signals]


@pytest.fixture
def life(tmp_path):
    made = Life(tmp_path)
    yield made
    if made.dispatcher is not None:
        made.dispatcher.close()


# -- an unclean end --------------------------------------------------------------------------


def test_after_a_kill_a_blind_venue_with_something_presumed_is_asked_about(life) -> None:
    life.start()
    life.want(2)
    life.kill()
    life.start()
    assert life.line().reasons == ("UNCONFIRMED",)
    assert "`sim2live position MESZ6=N`" in life.alarms[0]
    assert not life.dispatcher.standing().clean
    life.dispatcher.follow(MES, 2, data="mes", nth=0, decided_at=life.clock.now_ns())
    assert life.want(3).status is Status.HELD
    assert life.want(1).status is Status.ACCEPTED, "an exit goes"


def test_the_question_stands_until_it_is_answered(life) -> None:
    life.start()
    life.want(2)
    life.kill()
    life.start()
    life.dispatcher.close()
    life.start()
    assert life.line().reasons == ("UNCONFIRMED",)


@pytest.mark.parametrize(
    ("answer", "presumed"), [("MESZ6=+1", "+1"), ("CME:MESZ6=0", "0"), ("presumed", "+2")]
)
def test_a_human_answers_at_the_start(life, answer: str, presumed: str) -> None:
    life.start()
    life.want(2)
    life.kill()
    life.start(confirm=answer)
    assert (str(life.line().presumed), life.line().reasons) == (presumed, ())


def test_a_clean_end_asks_nothing(life) -> None:
    life.start()
    life.want(2)
    life.dispatcher.close()
    life.start()
    assert life.line().reasons == ()
    assert life.dispatcher.standing().clean


def test_a_kill_with_nothing_presumed_asks_nothing(life) -> None:
    life.start()
    life.want(2)
    life.want(0)
    life.kill()
    life.start()
    assert life.line().state == "ACTIVE"


def test_a_simulated_venue_asks_nothing(life) -> None:
    life.venue.simulated = True
    life.start()
    life.want(2)
    life.kill()
    life.start()
    assert life.line().state == "ACTIVE"


@pytest.mark.parametrize("text", ["MESZ6", "MESZ6=one", "=1", "", "MNQZ6=1"])
def test_an_answer_that_is_not_understood_is_named(text: str) -> None:
    with pytest.raises(ConfigError, match="position="):
        parse_positions(text, (MES,))


def test_several_positions_are_said_at_once() -> None:
    other = Instrument("CME", "MNQZ6")
    assert parse_positions("MESZ6=+1, CME:MNQZ6=-2", (MES,)) == [(MES, 1), (other, -2)]


# -- a venue that can be read ----------------------------------------------------------------


def test_a_venue_that_agrees_is_asked_no_more(life) -> None:
    life.venue.read = {}
    life.start()
    life.want(2)
    life.kill()
    life.venue.read = {MES: 2}
    life.start()
    assert life.line().state == "ACTIVE"
    (line,) = life.dispatcher.standing().lines
    assert (line.venue, line.presumed) == (2, "+2")


def test_a_difference_stops_entries_until_a_human_has_looked(life) -> None:
    life.venue.read = {MES: 3}
    life.start()
    assert life.line().reasons == ("DRIFT",)
    assert "the venue holds +3, presumed was 0" in life.alarms[0]
    assert life.want(1).status is Status.HELD
    Operator(life.dispatcher.gate).set_position("pool", MES, 3)
    assert life.line().reasons == ()
    life.want(0)
    assert life.sent == [("MESZ6", -3)]


def test_a_difference_lifts_itself_when_it_is_gone(life) -> None:
    life.venue.read = {MES: 1}
    gate = life.start().gate
    again = ReadAgain()
    again.look(gate, life.clock.now_ns())
    assert life.line().reasons == ("DRIFT",)
    life.venue.read = {}
    again.look(gate, life.clock.now_ns() + 29 * NS)
    assert life.line().reasons == ("DRIFT",), "not read at every look"
    again.look(gate, life.clock.now_ns() + 30 * NS)
    assert life.line().reasons == ()
    assert life.want(1).status is Status.ACCEPTED


def test_what_is_read_can_be_adopted(life) -> None:
    life.venue.read = {MES: 3}
    life.start(drift="adopt", start="send_difference")
    assert str(life.line().presumed) == "+3"
    life.want(0)
    assert life.sent == [("MESZ6", -3)]


def test_or_brought_to_zero(life) -> None:
    life.venue.read = {MES: -3}
    life.start(drift="flatten")
    life.want(0)
    assert life.sent == [("MESZ6", 3)]
    assert life.want(2).status is Status.ACCEPTED


def test_a_position_that_cannot_be_read_is_not_flat(life) -> None:
    life.start()
    life.want(2)
    life.dispatcher.close()
    life.venue.read = None
    life.start()
    assert str(life.line().presumed) == "+2"
    assert life.dispatcher.standing().lines[0].venue is None


def test_an_unknown_position_is_not_compared(life) -> None:
    life.start()
    life.venue.script = [Kind.UNKNOWN]
    life.want(2)
    life.dispatcher.close()
    life.venue.read = {MES: 2}
    life.start()
    assert life.line().reasons == ("UNKNOWN",)


# -- how it stands ---------------------------------------------------------------------------


def test_the_report_names_everything_that_is_not_settled(life) -> None:
    life.start()
    assert life.dispatcher.standing().settled
    life.want(2)
    assert life.dispatcher.standing().settled
    life.venue.script = [Kind.NOT_SENT]
    life.want(1)
    report = life.dispatcher.standing()
    (line,) = report.lines
    assert not report.settled
    assert (line.mirror, line.presumed, line.reasons) == (1, "+2", ("OWED",))
    text = report.text()
    assert text.startswith("pool at real; the venue cannot be read\n  CME:MESZ6: wanted +1")
    assert f"exit owed {line.owed}" in text
    life.dispatcher.halt("lunch")
    assert "lunch" in life.dispatcher.standing().text()


def test_refuse_starts_nothing_that_differs(life) -> None:
    life.start(start="refuse")
    past = life.clock.now_ns() - 3_600 * NS
    life.dispatcher.follow(MES, 2, data="mes", nth=0, decided_at=past)
    life.want(2)
    assert life.line().state == "HALTED"
    assert life.line().halted == "the strategy starts at +2, the venue at 0"
    assert life.sent == []


# -- a contract that rolls -------------------------------------------------------------------


def test_exits_go_to_the_contract_that_is_open(life) -> None:
    life.start()
    life.want(2)
    assert life.want(1, NEXT).status is Status.ACCEPTED
    assert life.want(0, NEXT).status is Status.ACCEPTED
    assert life.want(2, NEXT).status is Status.ACCEPTED
    assert life.sent == [("MESZ6", 2), ("MESZ6", -1), ("MESZ6", -1), ("MESH7", 2)]


def test_what_turns_opens_in_the_next_contract(life) -> None:
    life.start()
    life.want(2)
    receipt = life.want(-1, NEXT)
    assert (receipt.status, receipt.granted) == (Status.ACCEPTED, -1)
    assert life.sent == [("MESZ6", 2), ("MESZ6", -2), ("MESH7", -1)]
    assert len(receipt.signals) == 2
    life.want(0, NEXT)
    assert life.sent[-1] == ("MESH7", 1)


def test_nothing_opens_in_the_next_contract_while_the_exit_of_the_old_is_owed(life) -> None:
    life.start()
    life.want(2)
    life.venue.script = [Kind.NOT_SENT]
    receipt = life.want(-1, NEXT)
    assert (receipt.status, receipt.granted) == (Status.HELD, 0)
    assert "the exit of CME:MESZ6 has to go before CME:MESH7 is opened" in receipt.reason
    life.dispatcher.gate.work()
    assert life.line().presumed.low == 0
    assert life.want(-1, NEXT).status is Status.ACCEPTED


def test_a_restart_after_the_roll_still_exits_the_old_contract(life) -> None:
    life.start()
    life.want(2)
    opened = life.clock.now_ns()
    life.dispatcher.close()
    life.start()
    # The framework replays its history, mapped to the next contract from the first bar on.
    for past, target in [(opened - 600 * NS, -1), (opened - 300 * NS, 0), (opened, 2)]:
        life.dispatcher.on_bar(NEXT, Bar(past, 1.0, 1.0, 1.0, 1.0))
        life.dispatcher.follow(NEXT, target, data="mes", nth=0, decided_at=past)
    assert life.sent == [("MESZ6", 2)]
    life.want(0, NEXT)
    life.want(1, NEXT)
    assert life.sent[1:] == [("MESZ6", -2), ("MESH7", 1)]


def test_a_leg_that_fills_belongs_to_the_contract_that_is_open(life) -> None:
    life.start()
    life.want(2, order=OrderSpec(bracket=Bracket(stop_loss=StopLoss(0.5))))
    assert life.dispatcher.presume(NEXT, 0, data="mes", decided_at=life.clock.now_ns())
    assert str(life.line().presumed) == "0"
    assert str(life.line(NEXT).presumed) == "0"


def test_two_datas_are_pinned_one_by_one(life) -> None:
    life.start()
    life.want(2)
    now = life.clock.now_ns()
    life.dispatcher.follow(NEXT, 1, data="other", nth=0, decided_at=now)
    life.want(0, NEXT)
    assert life.sent == [("MESZ6", 2), ("MESH7", 1), ("MESZ6", -2)]


@pytest.mark.parametrize("rolls_on", range(8, 18))
def test_over_the_days_of_a_roll_each_exit_meets_its_entry(life, rolls_on: int) -> None:
    """Opened on 10 December, closed on the 17th; the mapping rolls on one of the days."""
    life.start(rules=settings.Rules(last_trade_days=1))
    for day in range(10, 18):
        life.clock.set_wall(to_ns(datetime(2026, 12, day, 18, tzinfo=UTC)))
        life.want(0 if day == 17 else 1, NEXT if day >= rolls_on else MES)
    held: dict[str, int] = {}
    for symbol, signed in life.sent:
        held[symbol] = held.get(symbol, 0) + signed
    assert set(held.values()) == {0}
    assert len(life.sent) == 2
