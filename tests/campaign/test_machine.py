"""Hypothesis looks for the shortest story in which the gate and the venue part."""

from __future__ import annotations

import logging
import shutil

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.campaign.sequences import folder
from tests.campaign.venue import DEATHS, FAULTS
from tests.campaign.world import Order, World

from sim2live.exchange.execution import Behaviour

# What befalls the next two exchanges.
LUCK = st.lists(st.sampled_from(["accept", "accept", *FAULTS, *DEATHS]), max_size=2)
SIZES = st.sampled_from([-3, -2, -1, 1, 2, 3])


class Following(RuleBasedStateMachine):
    """A strategy trades, the venue fails, processes die; the invariants are in `World.check`."""

    @initialize(
        knobs=st.tuples(st.booleans(), st.booleans(), st.booleans()),
        proves=st.booleans(),
        bars=st.booleans(),
        shared=st.booleans(),
    )
    def begin(self, knobs: tuple[bool, bool, bool], proves: bool, bars: bool, shared: bool) -> None:
        logging.disable(logging.CRITICAL)
        self.place = folder()
        dedupe, reduces, cancels = knobs
        behaviour = Behaviour(
            dedupe=dedupe, close_is_reduce_only=reduces, close_cancels_legs=cancels
        )
        self.world = World(
            self.place, behaviour=behaviour, proves=proves, simulated=bars, shared=shared
        )
        self.world.bar()

    @rule(luck=LUCK)
    def bar(self, luck: list[str]) -> None:
        self.world.bar(*luck)

    @rule(size=SIZES, luck=LUCK, data=st.sampled_from(["mes", "mes", "slow"]), legs=st.booleans())
    def reach(self, size: int, luck: list[str], data: str, legs: bool) -> None:
        self.world.order(Order("reach", size, data, legs), *luck)

    @rule(size=SIZES, luck=LUCK)
    def add(self, size: int, luck: list[str]) -> None:
        self.world.order(Order("add", size), *luck)

    @rule(luck=LUCK)
    def close(self, luck: list[str]) -> None:
        self.world.order(Order("close"), *luck)

    @rule(luck=LUCK)
    def unhappen(self, luck: list[str]) -> None:
        self.world.order(Order("unhappen"), *luck)

    @rule(luck=LUCK)
    def work(self, luck: list[str]) -> None:
        self.world.work(*luck)

    @rule(
        kill=st.booleans(),
        missed=st.integers(0, 3),
        lag=st.integers(0, 2),
        last=st.sampled_from(["mes", "slow"]),
        luck=LUCK,
    )
    def restart(self, kill: bool, missed: int, lag: int, last: str, luck: list[str]) -> None:
        self.world.restart(*luck, kill=kill, missed=missed, lag=lag, last=last)

    @precondition(lambda self: self.world.book.unknown or self.world.book.line.halted)
    @rule()
    def human(self) -> None:
        self.world.human()

    @rule()
    def intruder(self) -> None:
        self.world.intruder()

    @invariant()
    def holds(self) -> None:
        if hasattr(self, "world"):
            self.world.check()

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            self.world.finish()
        finally:
            if not self.world.dispatcher.gate._closed:
                self.world.abandon()
            shutil.rmtree(self.place, ignore_errors=True)
            logging.disable(logging.NOTSET)


TestFollowing = Following.TestCase
TestFollowing.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
