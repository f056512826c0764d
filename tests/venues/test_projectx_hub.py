"""The hubs: subscriptions after each connection, and a look at the accounts after each of them."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.venues.projectx_firm import Firm, running, venue_of

from sim2live.clock import ManualClock, SystemClock
from sim2live.signals import Instrument, Signal
from sim2live.venues.outcome import Kind
from sim2live.venues.projectx import ProjectX
from sim2live.venues.projectx_dialect import hub_url
from sim2live.venues.projectx_hub import Hub

websockets = pytest.importorskip("websockets.sync.server", reason="pysignalr brings websockets")
pytest.importorskip("pysignalr", reason="the hubs need pysignalr")

MES = Instrument("CME", "MESZ6")
END = "\x1e"


class HubServer:
    """A SignalR hub that keeps what was invoked, and says what it is told to say."""

    def __init__(self) -> None:
        self.invoked: list[tuple[str, list[Any]]] = []
        self.paths: list[str] = []
        self.refuse = 0
        self.ends: list[int | None] = []
        self._links: list[Any] = []
        self.server = websockets.serve(
            self._serve, "127.0.0.1", 0, process_request=self._request, close_timeout=0.2
        )
        self.port = self.server.socket.getsockname()[1]
        self._thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self._thread.start()

    def _request(self, connection: Any, request: Any) -> Any:
        self.paths.append(request.path)
        if self.refuse:
            self.refuse -= 1
            return connection.respond(401, "no\n")
        return None

    def _serve(self, link: Any) -> None:
        assert json.loads(link.recv().rstrip(END)) == {"protocol": "json", "version": 1}
        link.send("{}" + END)
        self._links.append(link)
        try:
            for text in link:
                for part in text.split(END):
                    message = json.loads(part) if part else {}
                    if message.get("type") == 1:
                        self.invoked.append((message["target"], message["arguments"]))
        finally:
            self.ends.append(link.close_code)

    def say(self, event: str, *arguments: Any) -> None:
        text = json.dumps({"type": 1, "target": event, "arguments": arguments}) + END
        self._links[-1].send(text)

    def close_message(self) -> None:
        self._links[-1].send(json.dumps({"type": 7}) + END)

    def drop(self) -> None:
        self._links[-1].close()

    def close(self) -> None:
        self.server.shutdown()
        self._thread.join(60)


def until(what: Callable[[], object], seconds: float = 60.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.01)
    return False


@pytest.fixture
def server() -> Iterator[HubServer]:
    made = HubServer()
    yield made
    made.close()


@pytest.fixture
def firm(manual_clock: ManualClock) -> Iterator[Firm]:
    with running(Firm(manual_clock)) as one:
        yield one


@pytest.fixture
def venue(firm: Firm, server: HubServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProjectX]:
    """A venue whose hubs are at another port than its REST, as those of live firms are."""

    def at_the_server(root: str, hub: str, token: str) -> str:
        return hub_url(f"http://127.0.0.1:{server.port}", hub, token)

    monkeypatch.setattr("sim2live.venues.projectx_hub.hub_url", at_the_server)
    made = venue_of(firm, clock=SystemClock(), poll=3600.0)
    yield made
    made.close()


def entry(name: str = "11111111-1111-5111-8111-111111111111") -> Signal:
    return Signal(signal_id=name, workflow_id="P-1", instrument=MES, side="BUY", qty=1)


def collect(venue: ProjectX, found: list[Any]) -> Callable[[], object]:
    def look() -> object:
        found.extend(venue.reports())
        return found

    return look


def test_live_hubs_stand_beside_the_api() -> None:
    assert hub_url("https://api.topstepx.com", "user", "t") == (
        "wss://rtc.topstepx.com/hubs/user?access_token=t"
    )
    assert hub_url("https://api.e8.projectx.com", "market", "t") == (
        "wss://rtc.e8.projectx.com/hubs/market?access_token=t"
    )
    assert hub_url("http://127.0.0.1:8080", "user", "t") == (
        "ws://127.0.0.1:8080/hubs/user?access_token=t"
    )


def test_each_connection_subscribes_anew_and_reads_the_accounts(
    firm: Firm, venue: ProjectX, server: HubServer
) -> None:
    listener = venue.listen("P-1")
    assert until(lambda: listener.hubs[0].opened == 1)
    wanted = [
        ("SubscribeAccounts", []),
        ("SubscribeOrders", [100]),
        ("SubscribePositions", [100]),
        ("SubscribeTrades", [100]),
    ]
    assert until(lambda: server.invoked == wanted)
    assert until(lambda: firm.count("Position/searchOpen") == 1)
    server.drop()
    assert until(lambda: listener.hubs[0].opened == 2)
    assert until(lambda: server.invoked == wanted * 2)
    assert until(lambda: firm.count("Position/searchOpen") == 2)
    server.close_message()
    assert until(lambda: listener.hubs[0].opened == 3)


def test_a_fill_while_nobody_listened_is_told_after_the_reconnection(
    firm: Firm, venue: ProjectX, server: HubServer
) -> None:
    listener = venue.listen("P-1")
    assert until(lambda: firm.count("Position/searchOpen") == 1)
    firm.fills = 0
    assert venue.send(entry(), timeout=30.0).kind is Kind.ACCEPTED
    server.drop()
    firm.fill(1)
    assert until(lambda: listener.hubs[0].opened == 2)
    found: list[Any] = []
    assert until(collect(venue, found))
    assert [(r.kind, r.signed_qty) for r in found if r.kind == "fill"] == [("fill", 1)]


@pytest.mark.parametrize("wrapping", ["flat", "wrapped", "list"])
def test_a_fill_is_told_at_once_and_not_again_by_the_look(
    firm: Firm, venue: ProjectX, server: HubServer, wrapping: str
) -> None:
    venue.listen("P-1")
    assert until(lambda: firm.count("Position/searchOpen") == 1)
    assert venue.send(entry(), timeout=30.0).kind is Kind.ACCEPTED
    row = firm.trades[100][0]
    data = {
        "flat": row,
        "wrapped": {"action": 1, "data": row},
        "list": [{"action": 1, "data": row}],
    }
    found: list[Any] = []
    server.say("GatewayUserTrade", data[wrapping])
    assert until(collect(venue, found))
    assert until(lambda: firm.count("Position/searchOpen") >= 2)
    time.sleep(0.2)
    found.extend(venue.reports())
    assert [(r.kind, r.signed_qty) for r in found if r.kind == "fill"] == [("fill", 1)]


def test_a_partial_event_makes_the_venue_look(
    firm: Firm, venue: ProjectX, server: HubServer
) -> None:
    venue.listen("P-1")
    assert until(lambda: firm.count("Position/searchOpen") == 1)
    venue.send(entry(), timeout=30.0)
    found: list[Any] = []
    server.say("GatewayUserTrade", {"action": 1, "data": {"accountId": 100, "id": 2}})
    assert until(collect(venue, found))
    assert [r.signed_qty for r in found if r.kind == "fill"] == [1]


def test_quotes_become_the_price_of_brackets_and_may_be_partial(
    firm: Firm, venue: ProjectX, server: HubServer
) -> None:
    listener = venue.listen("P-1", [MES])
    assert until(lambda: all(hub.opened for hub in listener.hubs))
    assert until(lambda: ("SubscribeContractQuotes", ["CON.F.US.MES.Z26"]) in server.invoked)
    prices: list[float] = []
    quote = venue.quote
    listener._quote = lambda of, price: (prices.append(price), quote(of, price))  # type: ignore[assignment, func-returns-value]
    for data in (
        {"bestBid": 4999.75},
        {"lastPrice": 5000.0},
        [{"lastPrice": 5000.25}, {"bestAsk": 5000.5}],
        {"lastPrice": None},
    ):
        for link in server._links:
            text = {"type": 1, "target": "GatewayQuote", "arguments": ["CON.F.US.MES.Z26", data]}
            link.send(json.dumps(text) + END)
    assert until(lambda: prices == [5000.0, 5000.25])


def test_a_refused_token_is_replaced(firm: Firm, venue: ProjectX, server: HubServer) -> None:
    server.refuse = 1
    listener = venue.listen("P-1")
    assert until(lambda: listener.hubs[0].opened == 1)
    assert firm.count("Auth/loginKey") == 2
    first, second = (path.partition("access_token=")[2] for path in server.paths)
    assert first != second


def test_a_hub_that_is_closed_says_goodbye_and_leaves_no_socket(
    venue: ProjectX, server: HubServer
) -> None:
    listener = venue.listen("P-1")
    assert until(lambda: listener.hubs[0].opened == 1)
    gc.disable()  # or a cycle that is collected would close what we left open
    try:
        listener.hubs[0].close()
        sockets = [one for one in gc.get_objects() if issubclass(type(one), asyncio.Transport)]
        assert [one for one in sockets if not one.is_closing()] == []
    finally:
        gc.enable()
    assert until(lambda: server.ends)
    assert server.ends[0] != 1006  # which a websocket is told that ended without a word


def test_a_hub_that_is_not_there_ends_when_it_is_closed(
    firm: Firm, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "sim2live.venues.projectx_hub.hub_url",
        lambda root, hub, token: hub_url(f"http://127.0.0.1:{free_port}", hub, token),
    )
    venue = venue_of(firm, clock=SystemClock(), poll=None)
    listener = venue.listen("P-1")
    time.sleep(0.3)
    assert listener.hubs[0].opened == 0
    venue.close()
    assert isinstance(listener.hubs[0], Hub)
    assert not listener.hubs[0]._thread.is_alive()
