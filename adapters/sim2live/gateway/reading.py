"""What can be read from the gateway, and how bars are pushed into it."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sim2live import __version__
from sim2live.errors import JournalError
from sim2live.gateway.answers import Refused, encode
from sim2live.gateway.desk import Desk
from sim2live.gateway.taken import Taken
from sim2live.market.bars import Bar
from sim2live.signals import Instrument

SERVICE = "sim2live-gateway"
_ROWS, _MOST_ROWS = 100, 1_000
_FLAT_FORMAT = (
    "The flat format of POST /signal is not spoken here; "
    "send schema 1.0 to POST /signal/{workflow_id}"
)


class _Push(msgspec.Struct, forbid_unknown_fields=True):
    instrument: Instrument
    bar: Bar | None = None
    bars: list[Bar] = []


_PUSH = msgspec.json.Decoder(_Push)


def routes(desk: Desk) -> list[Route]:
    """The routes behind the signal door.

    Args:
        desk: What is shown.
    """

    async def health(_: Request) -> Response:
        return _json(
            {
                "service": SERVICE,
                "paper": True,
                "store": desk.store,
                "version": __version__,
            }
        )

    async def signals(request: Request) -> Response:
        pool, limit = _filters(request)
        found = (t for t in reversed(desk.taken.values()) if pool in (None, t.signal.workflow_id))
        return _json({"signals": [_signal_row(taken) for taken, _ in zip(found, range(limit))]})  # noqa: B905 - whichever ends first

    async def orders(request: Request) -> Response:
        return _json({"orders": desk.exchange.orders(*_filters(request))})

    async def trades(request: Request) -> Response:
        return _json({"trades": desk.exchange.trades(*_filters(request))})

    async def positions(request: Request) -> Response:
        pool, limit = _filters(request)
        return _json({"positions": desk.exchange.positions(pool)[:limit]})

    async def accounts(request: Request) -> Response:
        pool, limit = _filters(request)
        return _json({"accounts": desk.exchange.accounts(pool)[:limit]})

    async def prices(_: Request) -> Response:
        return _json({"prices": desk.prices()})

    async def bars(request: Request) -> Response:
        try:
            push = _PUSH.decode(await request.body())
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise Refused(400, f"bars: {error}") from None
        given = push.bars if push.bar is None else [push.bar, *push.bars]
        if not given:
            raise Refused(400, "Missing required field: bar")
        try:
            count = desk.push((push.instrument, bar) for bar in given)
        except JournalError:
            raise Refused(503, "The bars could not be stored and were not used") from None
        return _json({"status": "accepted", "bars": count})

    async def flat_format(_: Request) -> Response:
        raise Refused(404, _FLAT_FORMAT)

    reads = [health, signals, orders, trades, positions, accounts, prices]
    return [
        *(Route(f"/{read.__name__}", read, methods=["GET"]) for read in reads),
        Route("/bars", bars, methods=["POST"]),
        Route("/signal", flat_format, methods=["GET", "POST"]),
        Route("/signal/", flat_format, methods=["GET", "POST"]),
    ]


def _filters(request: Request) -> tuple[str | None, int]:
    unknown = set(request.query_params) - {"pool", "limit"}
    if unknown:
        raise Refused(400, f"{min(unknown)[:80]}: unknown filter; there are pool and limit")
    text = request.query_params.get("limit", str(_ROWS))
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= _MOST_ROWS):
        raise Refused(400, f"limit={text[:80]!r}: must be a whole number from 1 to {_MOST_ROWS}")
    return request.query_params.get("pool"), int(text)


def _signal_row(taken: Taken) -> dict[str, object]:
    return {
        "time": taken.time,
        "signal": taken.signal,
        "state": taken.submission.state,
        "reason": taken.submission.reason,
    }


def _json(content: object) -> Response:
    return Response(encode(content), media_type="application/json")
