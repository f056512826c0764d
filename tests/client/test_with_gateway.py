"""Clients and venue against the real paper gateway, over HTTP."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from sim2live import AsyncEvalItUpClient, EvalItUpClient
from sim2live.gateway.server import Gateway, running_gateway
from sim2live.market.bars import Bar
from sim2live.signals import Instrument, Signal
from sim2live.venues.evalitup import EvalItUp
from sim2live.venues.outcome import Kind

TOKEN = "s3cret-token"
ABC = Instrument("SIM", "ABC")


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with running_gateway(token=TOKEN) as running:
        yield running


def read(gateway: Gateway, path: str) -> Any:
    with closing(http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)) as plain:
        plain.request("GET", path, headers={"Authorization": f"Bearer {TOKEN}"})
        return json.loads(plain.getresponse().read())


def test_the_blocking_client_is_accepted_and_refused_as_the_page_says(gateway: Gateway) -> None:
    with EvalItUpClient(gateway.url, token=TOKEN) as client:
        assert client.send_signal("python-test", "MESU6", "BUY", 1, signal_id="a") == {
            "status": "accepted",
            "signal_id": "a",
        }
        assert "Workflow not found" in client.send_signal("xyz", "MESU6", "BUY", 1)["error"]
        again = client.send_signal("python-test", "MESU6", "BUY", 2, signal_id="a")
        assert "error" in again
    with EvalItUpClient(gateway.url) as stranger:
        assert "error" in stranger.send_signal("python-test", "MESU6", "BUY", 1)


def test_the_asyncio_client_sends_side_by_side(gateway: Gateway) -> None:
    async def main() -> list[dict[str, Any]]:
        async with AsyncEvalItUpClient(gateway.url, token=TOKEN) as client:
            calls = (client.send_signal("python-test", "MESU6", "BUY", 1) for _ in range(10))
            return await asyncio.gather(*calls)

    answers = asyncio.run(main())
    assert [answer["status"] for answer in answers] == ["accepted"] * 10
    assert len({answer["signal_id"] for answer in answers}) == 10


def test_the_gateway_proves_to_be_paper_and_fills_at_the_bars_it_is_given(
    gateway: Gateway,
) -> None:
    with closing(EvalItUp(gateway.url, token=TOKEN)) as venue:
        assert venue.prove_paper(5)
        assert venue.simulated
        assert venue.fingerprint.startswith("paper:")
        venue.on_bar(ABC, Bar(1_767_625_200_000_000_000, 100.0, 101.0, 99.0, 100.5))
        assert venue.bars_missed == 0
        signal = Signal(
            signal_id="s-1", workflow_id="python-test", instrument=ABC, side="BUY", qty=2
        )
        assert venue.send(signal, timeout=30.0).kind is Kind.ACCEPTED
        assert venue.send(signal, timeout=30.0).kind is Kind.ACCEPTED
    positions = read(gateway, "/positions?pool=python-test")["positions"]
    assert "ABC" in json.dumps(positions)
    trades = read(gateway, "/trades?pool=python-test")["trades"]
    assert len(trades) == 1, "a repeated signal is executed once"


def test_a_gateway_that_asks_for_a_token_is_not_proved_paper_without_it(gateway: Gateway) -> None:
    with closing(EvalItUp(gateway.url)) as venue:
        assert not venue.prove_paper(5)
        assert not venue.simulated
        outcome = venue.send(
            Signal(signal_id="x", workflow_id="python-test", instrument=ABC, side="BUY", qty=1),
            timeout=30.0,
        )
    assert (outcome.kind, outcome.halts) == (Kind.REJECTED, True)
