"""What a person may do to a pool from the Activity page: halt it, resume it, flatten it.

Flattening is done with signals of its own, through the same inbox as all others, so that a
restart does it again in the same place and the page shows it.
"""

from __future__ import annotations

import asyncio

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from sim2live.errors import JournalError, SignalError
from sim2live.exchange.orders import OrderRow
from sim2live.exchange.tickets import Ticket
from sim2live.gateway.answers import Refused, encode
from sim2live.gateway.chronicle import Chronicle
from sim2live.gateway.desk import Desk
from sim2live.gateway.observer import Observer
from sim2live.signals import BUY, CANCEL, CLOSE, SELL, Signal


class _Order(msgspec.Struct, forbid_unknown_fields=True):
    """Which pool, and its name again: nobody flattens by a slip of the finger."""

    pool: str
    confirm: str = ""


_ORDER = msgspec.json.Decoder(_Order)


class Control:
    """Carries out what a person asks.

    Args:
        desk: Where it is done.
        chronicle: Shows the signals of a flattening.
        observer: Told to look again at once.
    """

    def __init__(self, desk: Desk, chronicle: Chronicle, observer: Observer) -> None:
        self._desk, self._chronicle, self._observer = desk, chronicle, observer

    async def answer(self, request: Request) -> Response:
        """POST /control/halt, /control/resume or /control/flatten."""
        verb = request.path_params["verb"]
        if verb not in ("halt", "resume", "flatten"):
            raise Refused(404, "Not Found")
        try:
            order = _ORDER.decode(await request.body())
        except (msgspec.MsgspecError, ValueError) as error:
            raise Refused(400, f"control: {error}") from None
        if order.pool not in self._desk.exchange.pools:
            raise Refused(404, f"Workflow not found: {order.pool[:128]}")
        if verb == "flatten" and order.confirm != order.pool:
            raise Refused(400, "confirm: must repeat the name of the pool")
        done: dict[str, object] = {"status": "done", "pool": order.pool}
        try:
            self._desk.halt(order.pool, verb != "resume")
            if verb == "flatten":
                done |= await self._flatten(order.pool)
        except JournalError:
            raise Refused(503, "It could not be stored; nothing was done") from None
        finally:
            self._observer.refresh()
        return Response(encode(done), media_type="application/json")

    async def _flatten(self, pool: str) -> dict[str, int]:
        """Take every order off the market, then close every position."""
        held = self._desk.exchange.unit_positions(pool)
        if held is None:
            return self._flatten_each(pool)
        now, signals = self._desk.now(), list[Signal]()
        for tag, row in self._working(pool).items():
            try:
                signals.append(
                    Signal(
                        schema_version="1.1",
                        signal_id=f"flatten-{len(signals) + 1}-{now}",
                        workflow_id=pool,
                        instrument=row.instrument,
                        side=row.side,
                        qty=row.qty,
                        action=CANCEL,
                        order_id=tag,
                    )
                )
            except SignalError:  # a name too long to be named again
                return self._flatten_each(pool)
        cancels = len(signals)
        for instrument, qty in held.items():
            signals.append(
                Signal(
                    signal_id=f"flatten-{len(signals) + 1}-{now}",
                    workflow_id=pool,
                    instrument=instrument,
                    side=SELL if qty > 0 else BUY,
                    qty=abs(qty),
                    open_close=CLOSE,
                )
            )
        await asyncio.gather(*(self._take(signal) for signal in signals))
        for signal in signals:
            self._chronicle.took(self._desk.taken[signal.signal_id])
        return {"cancelled": cancels, "closed": len(signals) - cancels}

    async def _take(self, signal: Signal) -> None:
        done: asyncio.Future[JournalError | None] = asyncio.get_running_loop().create_future()
        self._desk.take(signal, lambda error: None if done.done() else done.set_result(error))
        error = await done
        if error is not None:
            raise error

    def _working(self, pool: str) -> dict[str, OrderRow]:
        """Orders to cancel, by name; legs that wait go with their entry."""
        return {row.tag: row for row in self._desk.exchange.orders(pool) if row.state == "WORKING"}

    def _flatten_each(self, pool: str) -> dict[str, int]:
        """Account by account, where the accounts of a pool hold different things."""
        desk, cancels = self._desk, 0
        for row in desk.exchange.orders(pool):
            if row.state in ("WORKING", "INACTIVE"):
                cancels += desk.cancel_order(row.order_id, desk.now()) == ""
        positions = desk.exchange.positions(pool)
        for held in positions:
            ticket = Ticket(
                held.instrument, SELL if held.qty > 0 else BUY, abs(held.qty), tag="flatten"
            )
            desk.place(held.account, ticket, desk.now())
        return {"cancelled": cancels, "closed": len(positions)}
