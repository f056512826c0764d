"""A small ProjectX firm on loopback that answers as told: orders rest, fill, or get lost."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sim2live.clock import ManualClock, iso
from sim2live.venues.projectx import ProjectX

CONTRACTS = [
    ("CON.F.US.MES.Z26", "MESZ6", 0.25),
    ("CON.F.US.EP.Z26", "ESZ6", 0.25),
    ("CON.F.US.EP.H27", "ESH7", 0.25),
    ("CON.F.US.MNQ.Z26", "MNQZ6", 0.25),
    ("CON.F.US.ENQ.Z26", "NQZ6", 0.25),
]
Answer = tuple[int, Any]
Script = Callable[[dict[str, Any]], Answer | str]


class Firm:
    """What the server knows, and how it misbehaves.

    Attributes:
        scripts: Per call, answers for the next requests; a text closes the connection instead.
        calls: Every call with its body, in order.
        fills: Whether a market order fills at once, and how much of it.
    """

    def __init__(self, clock: ManualClock, names: tuple[str, ...] = ("P-1",)) -> None:
        self.clock = clock
        self.accounts = {100 + n: name for n, name in enumerate(names)}
        self.orders: dict[int, list[dict[str, Any]]] = {number: [] for number in self.accounts}
        self.trades: dict[int, list[dict[str, Any]]] = {number: [] for number in self.accounts}
        self.scripts: dict[str, list[Script]] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.tokens: list[str] = []
        self.good: set[str] = set()
        self.key = "the-key"
        self.price = 5000.0
        self.fills: int | None = None
        self.url = ""
        self._lock = threading.Lock()
        self._number = 0

    # -- what tests do -----------------------------------------------------------------------
    def script(self, call: str, *answers: Script) -> None:
        self.scripts.setdefault(call, []).extend(answers)

    def count(self, call: str) -> int:
        return Counter(name for name, _ in self.calls)[call]

    def bodies(self, call: str) -> list[dict[str, Any]]:
        return [body for name, body in self.calls if name == call]

    def expire(self) -> None:
        """All tokens are too old from now on."""
        self.good.clear()

    def order(self, number: int) -> dict[str, Any]:
        return next(o for orders in self.orders.values() for o in orders if o["id"] == number)

    def fill(self, number: int, size: int | None = None, price: float | None = None) -> None:
        """Fill an order, or a part of it."""
        order = self.order(number)
        size = order["size"] - order["fillVolume"] if size is None else size
        order["fillVolume"] += size
        order["filledPrice"] = self.price if price is None else price
        order["status"] = 2 if order["fillVolume"] == order["size"] else 1
        order["updateTimestamp"] = iso(self.clock.now_ns())
        self._number += 1
        self.trades[order["accountId"]].append(
            {
                "id": self._number,
                "accountId": order["accountId"],
                "contractId": order["contractId"],
                "creationTimestamp": iso(self.clock.now_ns()),
                "price": order["filledPrice"],
                "profitAndLoss": None,
                "fees": 0.37,
                "side": order["side"],
                "size": size,
                "voided": False,
                "orderId": order["id"],
            }
        )
        for leg in self.orders[order["accountId"]]:
            if leg["parentOrderId"] == number and leg["status"] == 8:
                leg["status"] = 1

    def held(self, account: int, contract: str = "CON.F.US.MES.Z26") -> int:
        return sum(
            trade["size"] * (-1 if trade["side"] == 1 else 1)
            for trade in self.trades[account]
            if trade["contractId"] == contract
        )

    def by_hand(self, account: int, side: int, size: int) -> None:
        """Somebody trades on the platform itself."""
        self.fill(self.new({"accountId": account, "contractId": "CON.F.US.MES.Z26",
                            "type": 2, "side": side, "size": size}))  # fmt: skip

    def new(self, body: dict[str, Any], **more: Any) -> int:
        self._number += 1
        now = iso(self.clock.now_ns())
        row = {
            "id": self._number,
            "accountId": body["accountId"],
            "contractId": body["contractId"],
            "symbolId": "F.US.MES",
            "creationTimestamp": now,
            "updateTimestamp": now,
            "status": 1,
            "type": body["type"],
            "side": body["side"],
            "size": body["size"],
            "limitPrice": body.get("limitPrice"),
            "stopPrice": body.get("stopPrice"),
            "fillVolume": 0,
            "filledPrice": None,
            "customTag": body.get("customTag"),
            "parentOrderId": None,
            **more,
        }
        self.orders[body["accountId"]].append(row)
        return self._number

    # -- what the server answers -------------------------------------------------------------
    def answer(self, call: str, body: dict[str, Any], token: str) -> Answer | str:
        with self._lock:
            self.calls.append((call, body))
            scripted = self.scripts.get(call)
            if scripted:
                return scripted.pop(0)(body)
            if call == "Auth/loginKey":
                return self._login(body)
            if call == "Status/ping":
                return 200, {"success": True}
            if token not in self.good:
                return 401, ""
            return getattr(self, "_" + call.replace("/", "_"))(body)  # type: ignore[no-any-return]

    def _login(self, body: dict[str, Any]) -> Answer:
        if body.get("apiKey") != self.key:
            return 200, refused(3, f"wrong key {body.get('apiKey')}")
        return ok(token=self._token())

    def _token(self) -> str:
        self.tokens.append(f"token-{len(self.tokens)}")
        self.good.add(self.tokens[-1])
        return self.tokens[-1]

    def _Auth_validate(self, body: dict[str, Any]) -> Answer:
        return ok(newToken=self._token())

    def _Account_search(self, body: dict[str, Any]) -> Answer:
        return ok(accounts=[
            {"id": number, "name": name, "balance": 50000.0, "canTrade": True, "isVisible": True,
             "simulated": True}
            for number, name in self.accounts.items()
        ])  # fmt: skip

    def _Contract_search(self, body: dict[str, Any]) -> Answer:
        text = body["searchText"]
        found = [c for c in CONTRACTS if text in c[0] or text in c[1]]
        return ok(contracts=[contract(*c) for c in found])

    def _Contract_searchById(self, body: dict[str, Any]) -> Answer:
        found = [c for c in CONTRACTS if c[0] == body["contractId"]]
        return ok(contract=contract(*found[0])) if found else (200, refused(1, "none"))

    def _Order_place(self, body: dict[str, Any]) -> Answer:
        orders = self.orders[body["accountId"]]
        tag = body.get("customTag")
        if tag is not None and any(order["customTag"] == tag for order in orders):
            return 200, refused(2, "customTag is in use")
        number = self.new(body)
        for field, kind in (("stopLossBracket", 4), ("takeProfitBracket", 1)):
            if body.get(field):
                leg = {**body, "type": kind, "side": 1 - body["side"], "customTag": None}
                self.new(leg, status=8, parentOrderId=number)
        if body["type"] == 2 and self.fills != 0:
            self.fill(number, self.fills)
        return ok(orderId=number)

    def _Order_modify(self, body: dict[str, Any]) -> Answer:
        order = self.order(body["orderId"])
        for field in ("size", "limitPrice", "stopPrice"):
            if body.get(field) is not None:
                order[field] = body[field]
        return ok()

    def _Order_cancel(self, body: dict[str, Any]) -> Answer:
        order = self.order(body["orderId"])
        if order["status"] not in (1, 6, 8):
            return 200, refused(3, "the order is done")
        order["status"] = 3
        return ok()

    def _Order_search(self, body: dict[str, Any]) -> Answer:
        return ok(orders=self.orders[body["accountId"]])

    def _Order_searchOpen(self, body: dict[str, Any]) -> Answer:
        return ok(orders=[o for o in self.orders[body["accountId"]] if o["status"] == 1])

    def _Trade_search(self, body: dict[str, Any]) -> Answer:
        return ok(trades=self.trades[body["accountId"]])

    def _Position_searchOpen(self, body: dict[str, Any]) -> Answer:
        account = body["accountId"]
        held = {c[0]: self.held(account, c[0]) for c in CONTRACTS}
        return ok(positions=[
            {"id": n, "accountId": account, "contractId": name,
             "creationTimestamp": iso(self.clock.now_ns()), "type": 1 if qty > 0 else 2,
             "size": abs(qty), "averagePrice": self.price}
            for n, (name, qty) in enumerate(held.items())
            if qty
        ])  # fmt: skip


def ok(**data: Any) -> Answer:
    return 200, {**data, "success": True, "errorCode": 0, "errorMessage": None}


def refused(code: int, words: str) -> dict[str, Any]:
    return {"success": False, "errorCode": code, "errorMessage": words}


def contract(number: str, name: str, tick: float) -> dict[str, Any]:
    return {
        "id": number, "name": name, "description": name, "tickSize": tick, "tickValue": 1.25,
        "activeContract": True, "symbolId": "F.US.X",
    }  # fmt: skip


def done_then_lost(firm: Firm) -> Script:
    """The order is executed, and its answer never comes."""

    def script(body: dict[str, Any]) -> str:
        firm._Order_place(body)
        return "lost"

    return script


def lost(body: dict[str, Any]) -> str:
    """Nothing is executed, and no answer comes."""
    return "lost"


@contextmanager
def running(firm: Firm) -> Iterator[Firm]:
    """The firm behind a socket."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = json.loads(self.rfile.read(length) or b"{}")
            token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
            self._tell(firm.answer(self.path.removeprefix("/api/"), body, token))

        def do_GET(self) -> None:
            self._tell(firm.answer(self.path.removeprefix("/api/"), {}, ""))

        def _tell(self, answer: Answer | str) -> None:
            if isinstance(answer, str):
                self.close_connection = True
                return
            status, data = answer
            content = data.encode() if isinstance(data, str) else json.dumps(data).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    firm.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield firm
    finally:
        server.shutdown()
        server.server_close()
        thread.join(60)


def venue_of(firm: Firm, **options: Any) -> ProjectX:
    """A venue at the firm; it looks when reports are asked for."""
    options = {"user_name": "me", "api_key": firm.key, "poll": None, "clock": firm.clock, **options}
    return ProjectX(firm.url, **options)
