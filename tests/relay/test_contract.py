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


class TestBeforeASignalApi(VenueContract):
    @pytest.fixture
    def venue(self, desk: str, relay: Callable[..., Any]) -> Iterator[Venue]:
        with ChaosGateway(behaviour=Behaviour(dedupe=True)) as gateway:
            relay(desk, EvalItUp(gateway.url))
            made = Nats(desk)
            assert made.meet(5.0)
            assert not made.simulated
            yield made
            made.close()


class TestBeforePaper(VenueContract):
    unknown_workflow = "nobody-made-this"

    @pytest.fixture
    def venue(self, desk: str, relay: Callable[..., Any]) -> Iterator[Venue]:
        relay(desk, Paper({self.workflow: Pool.of(self.workflow)}))
        made = Nats(desk)
        assert made.meet(5.0)
        assert made.simulated
        yield made
        made.close()
