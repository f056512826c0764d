"""The Activity page: what it is made of, and the figures that it draws.

The page is fixed text; names and figures come to it as JSON and are shown as text only. News is
pushed as server-sent events, which ``curl -N`` can read as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from importlib.resources import files

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from sim2live import __version__
from sim2live.clock import Clock, SystemClock
from sim2live.errors import SignalError
from sim2live.exchange.orders import OrderRow
from sim2live.gateway.answers import Refused, encode
from sim2live.gateway.chart import chart
from sim2live.gateway.chronicle import KEPT, Chronicle, Line
from sim2live.gateway.control import Control
from sim2live.gateway.desk import Desk
from sim2live.gateway.metrics import CONTENT_TYPE, exposition
from sim2live.gateway.observer import Observer
from sim2live.gateway.way import read_way
from sim2live.signals import Instrument

#: Nothing from outside, nothing inline, and no text that is ever read as HTML.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_LOOK_SECONDS = 0.25
_QUIET_LOOKS = 60
_CHUNK = 250
_MOST_WATCHERS = 16
_MOST_BARS = 20_000


class Activity:
    """Everything behind the page.

    Args:
        desk: What is shown.
        clock: Source of time.

    Attributes:
        chronicle: The signal door tells it what it answers.
        observer: Follows the exchange.
    """

    def __init__(self, desk: Desk, clock: Clock | None = None) -> None:
        clock = SystemClock() if clock is None else clock
        self.chronicle = Chronicle(desk.taken.values())
        self.observer = Observer(desk, self.chronicle, clock)
        self._control = Control(desk, self.chronicle, self.observer)
        self._desk = desk
        self._files = dict(_page_files())
        self._watchers = 0
        self._closed = False

    def close(self) -> None:
        """Let the streams end, so that the server can."""
        self._closed = True

    def routes(self) -> list[Route]:
        """The routes of the page."""
        return [
            Route("/", self._page, methods=["GET"]),
            Route("/page/{name}", self._page, methods=["GET"]),
            Route("/activity/stream", self._stream, methods=["GET"]),
            Route("/activity/signal", self._signal, methods=["GET"]),
            Route("/activity/way", self._way, methods=["POST"]),
            Route("/activity/chart", self._chart, methods=["GET"]),
            Route("/control/{verb}", self._control.answer, methods=["POST"]),
            Route("/metrics", self._metrics, methods=["GET"]),
        ]

    async def _page(self, request: Request) -> Response:
        name = request.path_params.get("name", "activity.html")
        found = self._files.get(name)
        if found is None:
            raise Refused(404, "Not Found")
        body, kind = found
        return Response(body, media_type=kind, headers={"content-security-policy": _POLICY})

    async def _metrics(self, _: Request) -> Response:
        text = exposition(self.chronicle, self.observer, self._watchers)
        return Response(text, headers={"content-type": CONTENT_TYPE})

    async def _signal(self, request: Request) -> Response:
        text = request.query_params.get("number", "")
        line = self.chronicle.find(int(text)) if text.isdecimal() and len(text) < 16 else None
        if line is None:
            raise Refused(404, "This signal is not kept any more")
        orders: list[OrderRow] = []
        if line.signal is not None and line.submission is not None:
            orders = self.observer.orders_of(line.signal.signal_id)
        return _json({"signal": _row(line), "way": self.chronicle.way(line), "orders": orders})

    async def _way(self, request: Request) -> Response:
        try:
            way = read_way(await request.body())
        except ValueError as error:
            raise Refused(400, f"way: {error}") from None
        self.chronicle.came(way)
        return _json({"status": "accepted"})

    async def _chart(self, request: Request) -> Response:
        query = request.query_params
        pool, last = query.get("pool") or None, query.get("last", "300")
        try:
            instrument = Instrument.parse(query.get("instrument", ""))
        except SignalError as error:
            raise Refused(400, str(error)) from None
        if not (last.isdecimal() and len(last) < 6 and 1 <= int(last) <= _MOST_BARS):
            raise Refused(400, f"last={last[:20]!r}: must be a whole number from 1 to {_MOST_BARS}")
        self.observer.follow()
        walking = {row.instrument for row in self._desk.prices() if row.source == "synthetic"}
        drawn = chart(
            self._desk.seen.bars(instrument)[-int(last) :],
            [
                mark
                for mark in self.observer.marks
                if mark.instrument == instrument and pool in (None, mark.pool)
            ],
            self.observer.working(instrument, pool),
            walk=instrument in walking,
            met=self._met,
        )
        return _json({"chart": drawn, "equity": self.observer.curve(pool)})

    def _met(self, signal_id: str) -> int | None:
        taken = self._desk.taken.get(signal_id)
        return None if taken is None else taken.bar

    # -- the stream --------------------------------------------------------------------------
    async def _stream(self, _: Request) -> Response:
        if self._watchers >= _MOST_WATCHERS:
            raise Refused(503, f"{_MOST_WATCHERS} Activity pages are open already; close one")
        return StreamingResponse(self._news(), media_type="text/event-stream")

    async def _news(self) -> AsyncIterator[bytes]:
        self._watchers += 1
        try:
            self.observer.follow()
            change, sequence, quiet = self.chronicle.change, -1, 0
            yield _event("hello", {"version": __version__, "store": self._desk.store, "kept": KEPT})
            for rows in _chunks(list(self.chronicle.lines())):
                yield self._signals(rows)
                await asyncio.sleep(0)  # signals come first
            yield _event("ready", {})
            while not self._closed:
                self.observer.follow()
                news, change = self.chronicle.since(change), self.chronicle.change
                for rows in _chunks(news):
                    yield self._signals(rows)
                money = self.observer.money()
                if self.observer.sequence != sequence:
                    sequence = self.observer.sequence
                    yield _event("money", money)
                    quiet = 0
                quiet = 0 if news else quiet + 1
                if quiet == _QUIET_LOOKS:
                    yield b": still here\n\n"
                    quiet = 0
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            self._watchers -= 1

    def _signals(self, lines: list[Line]) -> bytes:
        counts = {"accepted": self.chronicle.accepted, "refused": self.chronicle.refused}
        return _event("signals", {**counts, "rows": [_row(line) for line in lines]})


def is_page(path: str) -> bool:
    """Whether a path is one of the fixed parts of the page, which hold no figure."""
    return path == "/" or path.startswith("/page/")


def _chunks(lines: list[Line]) -> Iterable[list[Line]]:
    return (lines[at : at + _CHUNK] for at in range(0, len(lines), _CHUNK))


def _row(line: Line) -> dict[str, object]:
    """A line as the page reads it; times in milliseconds, latency in microseconds."""
    row: dict[str, object] = {
        "n": line.number,
        "t": line.time / 1_000_000,
        "pool": line.pool,
        "state": line.outcome,
        "status": line.status,
        "reason": line.reason or (line.submission.reason if line.submission else ""),
        "us": None if line.latency is None else line.latency / 1_000,
    }
    signal = line.signal
    if signal is not None:
        bracket = signal.bracket
        target = None if bracket is None else bracket.take_profit
        stop = None if bracket is None else bracket.stop_loss
        row |= {
            "id": signal.signal_id,
            "inst": str(signal.instrument),
            "side": signal.side,
            "qty": signal.qty,
            "type": signal.order_type,
            "limit": signal.limit_price,
            "trigger": signal.trigger_price,
            "target": None if target is None else target.limit_price,
            "stop": None if stop is None else stop.trigger_price,
            "oc": signal.open_close,
            "action": signal.action,
        }
    return row


def _event(kind: str, content: object) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), _ENCODE(content))


_ENCODE = msgspec.json.Encoder().encode


def _json(content: object) -> Response:
    return Response(encode(content), media_type="application/json")


def _page_files() -> Iterable[tuple[str, tuple[bytes, str]]]:
    """The parts of the page by name, read once."""
    for part in (files("sim2live.gateway") / "page").iterdir():
        dot = part.name.rfind(".")
        kind = _KINDS.get(part.name[dot:])
        if kind is not None:
            yield part.name, (part.read_bytes(), kind)
