"""A venue behind NATS and a relay keeps the contract of every venue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sim2live.exchange.accounts import Pool
from sim2live.exchange.execution import Behaviour
from sim2live.testing import ChaosGateway, VenueContract
from sim2live.venues.base import Venue
from sim2live.venues.evalitup import EvalItUp
from sim2live.venues.nats import Nats
from sim2live.venues.paper import Paper

PATIENCE = 60.0
"""Seconds; four processes and a disk take their time on a busy machine."""


class TestBeforeASignalApi(VenueContract):
    timeout = PATIENCE

    @pytest.fixture
    def venue(self, desk: str, relay: Callable[..., Any]) -> Iterator[Venue]:
        with ChaosGateway(behaviour=Behaviour(dedupe=True)) as gateway:
            relay(desk, EvalItUp(gateway.url))
            made = Nats(desk)
            assert made.meet(PATIENCE)
            assert not made.simulated
            yield made
            made.close()


class TestBeforePaper(VenueContract):
    unknown_workflow = "nobody-made-this"
    timeout = PATIENCE

    @pytest.fixture
    def venue(self, desk: str, relay: Callable[..., Any]) -> Iterator[Venue]:
        relay(desk, Paper({self.workflow: Pool.of(self.workflow)}))
        made = Nats(desk)
        assert made.meet(PATIENCE)
        assert made.simulated
        yield made
        made.close()
