"""The pure tables of the gate, row by row: what goes out, what happens next, what is presumed."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sim2live.gate.delivery import (
    MAX_RESENDS,
    Leg,
    Step,
    covers,
    excess,
    growth,
    legs,
    next_step,
    worst,
)
from sim2live.gate.ledger import LEGS, OWED, UNKNOWN, Line, Presumed, sign
from sim2live.gate.resting import Resting
from sim2live.venues.base import Profile
from sim2live.venues.outcome import ChildOutcome, Kind, Outcome
from sim2live.venues.record import Record

A, R, N, U = Kind.ACCEPTED, Kind.REJECTED, Kind.NOT_SENT, Kind.UNKNOWN


def close(signed: int) -> Leg:
    return Leg(closing=True, signed=signed)


def opening(signed: int) -> Leg:
    return Leg(closing=False, signed=signed)


@pytest.mark.parametrize(
    ("low", "high", "wanted", "expected"),
    [
        (0, 0, 0, ()),
        (0, 0, 2, (opening(2),)),
        (0, 0, -2, (opening(-2),)),
        (2, 2, 2, ()),
        (2, 2, 5, (opening(3),)),
        (-2, -2, -5, (opening(-3),)),
        (5, 5, 2, (close(-3),)),
        (-5, -5, -2, (close(3),)),
        (3, 3, 0, (close(-3),)),
        (3, 3, -2, (close(-3), opening(-2))),
        (-3, -3, 2, (close(3), opening(2))),
        (1, 3, 0, (close(-1),)),
        (1, 3, -2, (close(-1),)),
        (1, 3, 1, ()),
        (1, 3, 9, ()),
        (2, 5, 1, (close(-1),)),
        (-5, -2, -1, (close(1),)),
        (0, 3, 0, ()),
        (-3, 0, 0, ()),
        (-2, 2, 0, ()),
    ],
)
def test_legs(low: int, high: int, wanted: int, expected: tuple[Leg, ...]) -> None:
    assert legs(Presumed(low, high), wanted) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [(0, 0, 0), (0, 2, 2), (0, -2, -2), (1, 3, 2), (-1, -3, -2), (3, 1, 0), (3, 3, 0), (-3, -1, 0),
     (2, -1, -1), (-2, 1, 1), (2, 0, 0), (-1, 1, 1), (1, 2, 1)],
)  # fmt: skip
def test_growth(before: int, after: int, expected: int) -> None:
    assert growth(before, after) == expected


@pytest.mark.parametrize(
    ("low", "high", "before", "after", "expected"),
    [(2, 2, 0, 2, True), (1, 1, 0, 2, True), (3, 3, 0, 2, False), (2, 2, 2, 3, False),
     (-2, -2, 0, -2, True), (2, 2, 0, -2, False), (0, 2, 0, 2, False), (0, 0, 0, 2, False),
     (2, 2, 1, 3, True), (1, 3, 0, 4, False)],
)  # fmt: skip
def test_covers(low: int, high: int, before: int, after: int, expected: bool) -> None:
    assert covers(Presumed(low, high), before, after) is expected


@pytest.mark.parametrize(
    ("low", "high", "wanted", "expected"),
    [(0, 0, 0, 0), (0, 2, 0, 2), (-2, 0, 0, -2), (1, 3, 1, 2), (1, 3, 3, 0), (1, 3, 5, 0),
     (-3, -1, -1, -2), (2, 2, -1, 2), (-2, 2, 0, -2), (-1, 2, 1, 1), (-3, 2, -1, -2), (0, 1, 0, 1)],
)  # fmt: skip
def test_excess(low: int, high: int, wanted: int, expected: int) -> None:
    assert excess(Presumed(low, high), wanted) == expected


def venue(*, reports: bool = False, dedupe: bool = False, reduces: bool = False) -> Record:
    made = Record()
    made.can_report = reports
    made.profile = Profile(
        dedupe="yes" if dedupe else "no", close_is_reduce_only="yes" if reduces else "unknown"
    )
    return made


NOTHING = venue()
# closing, whole, sends, venue, read_failed -> step, for an unknown outcome
UNKNOWNS = [
    (False, False, 1, NOTHING, False, Step.LEAVE),
    (True, True, 1, NOTHING, False, Step.HALT),
    (True, False, 1, NOTHING, False, Step.HALT),
    (False, False, 1, venue(reports=True), False, Step.READ),
    (True, True, 1, venue(reports=True), False, Step.READ),
    (False, False, 1, venue(reports=True), True, Step.LEAVE),
    (True, True, 1, venue(reports=True), True, Step.HALT),
    (False, False, 1, venue(dedupe=True), False, Step.RESEND),
    (False, False, MAX_RESENDS, venue(dedupe=True), False, Step.RESEND),
    (False, False, MAX_RESENDS + 1, venue(dedupe=True), False, Step.LEAVE),
    (True, False, 99, venue(dedupe=True), False, Step.RESEND),
    (True, True, 99, venue(reduces=True), False, Step.RESEND),
    (True, False, 1, venue(reduces=True), False, Step.HALT),
    (False, True, 1, venue(reduces=True), False, Step.LEAVE),
]


@pytest.mark.parametrize(("closing", "whole", "sends", "at", "failed", "step"), UNKNOWNS)
def test_what_happens_after_an_unknown_outcome(
    closing: bool, whole: bool, sends: int, at: Record, failed: bool, step: Step
) -> None:
    found = next_step(U, closing=closing, venue=at, sends=sends, whole=whole, read_failed=failed)
    assert found is step
    if not failed and not at.can_report:
        assert next_step(U, closing=closing, venue=at, sends=sends, whole=whole) is step
    if at.can_report and not failed:
        assert next_step(U, closing=closing, venue=at, sends=sends, whole=whole) is Step.READ


@pytest.mark.parametrize("closing", [True, False])
@pytest.mark.parametrize("at", [NOTHING, venue(reports=True), venue(dedupe=True)])
def test_what_happens_after_a_known_outcome(closing: bool, at: Record) -> None:
    def after(kind: Kind) -> Step:
        return next_step(kind, closing=closing, venue=at, sends=1, whole=True)

    assert after(A) is Step.BOOK
    assert after(R) is after(N) is (Step.OWE if closing else Step.REFUSE)


def test_three_repetitions_of_an_entry_are_the_most() -> None:
    assert MAX_RESENDS == 3


def test_accounts_that_agree_leave_the_outcome_alone() -> None:
    for children in ((), (ChildOutcome("a", A), ChildOutcome("b", A))):
        outcome = Outcome(A, "", 200, children=children)
        assert worst(outcome) is outcome


def test_accounts_that_disagree_make_it_unknown() -> None:
    children = (ChildOutcome("a", A), ChildOutcome("b", R, "no margin"))
    found = worst(Outcome(A, "", 200, children=children))
    assert found.kind is U
    assert found.reason == "the accounts disagree: a ACCEPTED, b REJECTED (no margin)"
    assert worst(Outcome(R, "", children=(ChildOutcome("a", A),))).kind is U


def test_signs() -> None:
    assert [sign(-5), sign(0), sign(7)] == [-1, 0, 1]


def test_presumed_moves_both_ends_or_one() -> None:
    assert Presumed(1, 3).moved(-2) == Presumed(-1, 1, "SENT")
    assert Presumed(1, 1).moved(2, "HUMAN") == Presumed(3, 3, "HUMAN")
    assert Presumed(1, 1, "READ").maybe(2) == Presumed(1, 3, "READ")
    assert Presumed(1, 1).maybe(-2) == Presumed(-1, 1)
    assert Presumed(0, 0).maybe(1).maybe(-1) == Presumed(-1, 1)


@pytest.mark.parametrize("signed", [2, -2])
@pytest.mark.parametrize("start", [0, 3, -3])
def test_settling_takes_back_what_was_maybe(signed: int, start: int) -> None:
    unsure = Presumed(start, start).maybe(signed)
    assert unsure.settled(signed, executed=False) == Presumed(start, start, "READ")
    done = unsure.settled(signed, executed=True, source="HUMAN")
    assert done == Presumed(start + signed, start + signed, "HUMAN")


@pytest.mark.parametrize(
    ("low", "high", "sure", "known", "text"),
    [(0, 0, 0, True, "0"), (2, 2, 2, True, "+2"), (-2, -2, -2, True, "-2"),
     (1, 3, 1, False, "between +1 and +3"), (-3, -1, -1, False, "between -3 and -1"),
     (0, 3, 0, False, "between +0 and +3"), (-1, 2, 0, False, "between -1 and +2")],
)  # fmt: skip
def test_what_is_sure(low: int, high: int, sure: int, known: bool, text: str) -> None:
    presumed = Presumed(low, high)
    assert (presumed.sure, presumed.known, str(presumed)) == (sure, known, text)


def test_an_exit_of_everything_is_whole() -> None:
    assert Presumed(2, 2).emptied_by(-2)
    assert Presumed(-2, -2).emptied_by(2)
    assert not Presumed(2, 2).emptied_by(-1)
    assert not Presumed(2, 2).emptied_by(2)
    assert not Presumed(2, 3).emptied_by(-2)


def test_a_line_is_active_until_there_is_a_reason() -> None:
    assert Line().state == "ACTIVE"
    assert Line().blocked == ""
    assert Line() == Line(Presumed(0, 0), fixes=0)
    owed = Line(Presumed(2, 2)).because(OWED)
    assert (owed.state, owed.blocked) == ("REDUCING", "exits only while OWED (+2 presumed)")
    assert owed.because(UNKNOWN).because(OWED).reasons == (OWED, UNKNOWN)
    assert "OWED, UNKNOWN" in owed.because(UNKNOWN).blocked
    assert owed.without(OWED).state == "ACTIVE"
    assert owed.without(UNKNOWN) is owed
    halted = Line(halted="lunch")
    assert halted.state == "HALTED"
    assert halted.blocked == "halted: lunch; `sim2live resume` lifts it"
    assert Line(waiting=1).state == Line(flat=True).state == "REDUCING"
    assert Line(waiting=1).blocked == Line(flat=True).blocked == ""


def test_only_exits_go_exactly_as_long_as_something_rests_that_should_not() -> None:
    rests = Resting(strategy="s", data="d", run="", name="order", signed=1)
    line = Line(resting=(rests, replace(rests, name="old", ending="it was cancelled"))).tidied()
    assert line.reasons == (LEGS,)
    assert line.tidied() is line
    assert replace(line, resting=(rests,)).tidied().reasons == ()


@pytest.mark.parametrize(("held", "left"), [(2, ["legs", "order"]), (0, ["order"])])
def test_what_a_human_has_looked_at_rests_only_where_it_should(held: int, left: list[str]) -> None:
    def one(name: str, *legs: str, ending: str = "") -> Resting:
        return Resting(
            strategy="s", data="d", run="", name=name, signed=-2, legs=legs, ending=ending
        )

    resting = (
        one("legs", "stop_loss"),
        one("old legs", "stop_loss", ending="its position was closed"),
        one("order"),
        one("old order", ending="it was cancelled"),
    )
    line = Line(Presumed(held, held), resting=resting).tidied().looked_at()
    assert [one.name for one in line.resting] == left
    assert line.reasons == ()


@pytest.mark.parametrize(
    ("low", "high", "target", "wants"),
    [(0, 0, 3, 0), (2, 2, 3, 2), (2, 2, 1, 1), (2, 2, -1, 0), (-2, -2, -3, -2), (1, 3, 5, 1),
     (2, 2, 0, 0), (-2, -2, -1, -1)],
)  # fmt: skip
def test_a_line_that_waits_keeps_what_is_sure(low: int, high: int, target: int, wants: int) -> None:
    assert Line(Presumed(low, high), waiting=1).wants(target) == wants
    assert Line(Presumed(low, high)).wants(target) == target
    assert Line(Presumed(low, high), flat=True).wants(target) == 0


@pytest.mark.parametrize(
    ("before", "after", "waiting", "flat"),
    [(2, 3, 1, True), (2, 1, 1, True), (2, 0, 0, False), (2, -1, 0, False), (0, 2, 0, False),
     (-1, 2, 0, False)],
)  # fmt: skip
def test_waiting_ends_when_the_target_is_flat_or_turns(
    before: int, after: int, waiting: int, flat: bool
) -> None:
    line = Line(waiting=1, flat=True).turned(before, after)
    assert (line.waiting, line.flat) == (waiting, flat)
    assert Line(flat=True).turned(before, after).flat is flat
    assert Line().turned(before, after) == Line()
    assert Line(waiting=1).turned(before, after).waiting == waiting


@pytest.mark.parametrize(
    ("held", "target", "opens"),
    [(0, 0, False), (2, 2, False), (2, 1, False), (2, 0, False), (-2, -1, False), (0, 2, True),
     (1, 2, True), (2, -1, True), (-1, -2, True), (-2, -2, False)],
)  # fmt: skip
def test_a_start_never_opens_by_itself(held: int, target: int, opens: bool) -> None:
    line = Line(Presumed(held, held))

    def start(policy: str, *, first: bool) -> Line:
        return line.started(target, policy, first=first)  # type: ignore[arg-type]

    waits = Line(Presumed(held, held), waiting=sign(target)) if opens else line
    assert start("wait", first=True) == start("wait", first=False) == waits
    for policy in ("adopt", "send_difference", "refuse"):
        assert start(policy, first=False) == waits
    if not opens:
        assert start("adopt", first=True) is start("refuse", first=True) is line
        return
    assert start("adopt", first=True).presumed == Presumed(target, target, "HUMAN")
    assert start("send_difference", first=True) is line
    refused = start("refuse", first=True)
    assert refused.halted == f"the strategy starts at {target:+d}, the venue at {line.presumed}"
    assert refused.waiting == 0


@pytest.mark.parametrize("value", [Leg(closing=True, signed=1), Presumed(), Line()])
def test_what_is_written_down_is_not_changed_in_place(value: object) -> None:
    for name in type(value).__struct_fields__:  # type: ignore[attr-defined]
        with pytest.raises(AttributeError):
            setattr(value, name, None)
