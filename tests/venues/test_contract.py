"""Every venue of the project keeps the contract that a venue's author may inherit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sim2live.exchange.accounts import Pool
from sim2live.exchange.execution import Behaviour
from sim2live.signals import CLOSE, OPEN
from sim2live.testing import Account, ChaosGateway, VenueContract
from sim2live.venues.base import Profile, Venue
from sim2live.venues.evalitup import EvalItUp
from sim2live.venues.paper import Paper
from sim2live.venues.record import Record


class TestRecord(VenueContract):
    @pytest.fixture
    def venue(self) -> Venue:
        return Record()


class TestPaper(VenueContract):
    unknown_workflow = "nobody-made-this"

    @pytest.fixture
    def venue(self) -> Venue:
        return Paper({self.workflow: Pool.of(self.workflow)}, behaviour=Behaviour(dedupe=True))


class TestEvalItUp(VenueContract):
    @pytest.fixture
    def venue(self) -> Iterator[Venue]:
        with ChaosGateway(behaviour=Behaviour(dedupe=True)) as gateway:
            made = EvalItUp(gateway.url, profile=Profile(dedupe="yes"))
            yield made
            made.close()


def test_an_account_tells_an_exit_that_went_too_far() -> None:
    account, words = Account(), VenueContract()
    account.execute(words.signal("in"))
    account.execute(words.signal("out", closing=True))
    account.execute(words.signal("out-again", closing=True))
    assert [e.signal.open_close for e in account.executions] == [OPEN, CLOSE, CLOSE]
    assert [e.exit_went_too_far for e in account.executions] == [False, False, True]
    assert account.held(words.workflow, words.instrument) == -1


def test_a_gateway_says_who_it_is_and_may_be_down_and_up_again() -> None:
    with ChaosGateway() as gateway:
        assert str(gateway.port) in repr(gateway)
        venue = EvalItUp(gateway.url)
        assert venue.probe(timeout=1.0)
        gateway.down()
        assert not venue.probe(timeout=1.0)
        gateway.up()
        assert venue.probe(timeout=1.0)
        gateway.freeze()
        assert not venue.probe(timeout=0.2)
        gateway.thaw()
        assert venue.probe(timeout=1.0)
        venue.close()
