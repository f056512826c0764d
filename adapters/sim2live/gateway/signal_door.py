"""The signal API: POST /signal/{workflow_id}, as EvalItUp's Python page describes it.

It stands in front of the router, for it is the one path where a microsecond counts.
"""

from __future__ import annotations

import math
from http import HTTPStatus
from urllib.parse import unquote_to_bytes

from sim2live.clock import Clock
from sim2live.errors import JournalError, SignalError, shorten
from sim2live.gateway.answers import (
    Receive,
    Refused,
    Scope,
    Send,
    answer,
    encode,
    refuse,
    whole_body,
)
from sim2live.gateway.chronicle import Chronicle
from sim2live.gateway.desk import Desk
from sim2live.gateway.halts import refusal
from sim2live.gateway.limit import RateLimit
from sim2live.signals import Signal, decode

PREFIX = b"/signal/"


class SignalDoor:
    """Takes signals for the pools of a desk.

    Args:
        desk: Where they go.
        chronicle: Told what was answered, and how fast.
        clock: Measures it.
        limit: Most signals of a pool in a minute, or None for no limit.
    """

    def __init__(
        self, desk: Desk, chronicle: Chronicle, clock: Clock, limit: RateLimit | None = None
    ) -> None:
        self._desk = desk
        self._chronicle = chronicle
        self._clock = clock
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request: 200 when the signal is durable, else a sentence."""
        began = self._clock.monotonic_ns()
        pool, signal, refused = "", None, None
        try:
            if scope["method"] != "POST":
                raise Refused(405, "Signals are sent by POST", ((b"allow", b"POST"),))
            pool = _pool(scope["raw_path"])
            if not self._desk.exchange.has_pool(pool):
                raise Refused(404, f"Workflow not found: {pool}")
            signal = decode(await whole_body(receive))
            self._check(pool, signal)
            await self._desk.accept(signal)
        except Refused as error:
            refused = error
        except SignalError as error:
            refused = Refused(400, str(error))
        except JournalError:
            refused = Refused(503, "The signal could not be stored and was not executed")
        if signal is not None and refused is None:
            try:
                await answer(
                    send, 200, encode({"status": "accepted", "signal_id": signal.signal_id})
                )
            finally:  # it was executed, whether or not its sender still listens
                took = self._clock.monotonic_ns() - began
                self._chronicle.took(self._desk.taken[signal.signal_id], took)
        elif refused is not None:
            await refuse(send, refused)
            took = self._clock.monotonic_ns() - began
            if signal is None and refused.status == HTTPStatus.NOT_FOUND:
                signal = await _readable(receive)
            self._chronicle.refuse(
                self._desk.now(), pool, refused.status, refused.error, signal=signal, latency=took
            )

    def _check(self, pool: str, signal: Signal) -> None:
        if signal.workflow_id != pool:
            rule = f"must be the workflow of the address, {shorten(pool)}"
            raise SignalError("workflow_id", signal.workflow_id, rule)
        if self._desk.knows(signal):
            return
        halted = self._desk.halted and refusal(self._desk.exchange, self._desk.halted, signal)
        if halted:
            raise Refused(422, halted)
        if self._limit is None:
            return
        seconds = self._limit.wait(pool)
        if seconds > 0:
            raise Refused(
                429,
                f"Too many signals: at most {self._limit.most} a minute for a workflow",
                ((b"retry-after", str(math.ceil(seconds)).encode()),),
            )


async def _readable(receive: Receive) -> Signal | None:
    """The signal that nobody takes, so that it can be shown with its name."""
    try:
        return decode(await whole_body(receive))
    except SignalError:
        return None


def _pool(raw_path: bytes) -> str:
    """The one path segment after the prefix, decoded; it may hold an encoded slash."""
    segment = raw_path[len(PREFIX) :]
    try:
        pool = unquote_to_bytes(segment).decode()
    except UnicodeDecodeError:
        raise Refused(404, "Workflow not found: its name is no UTF-8") from None
    if not pool or b"/" in segment:
        raise Refused(404, f"Workflow not found: {pool[:128]}")
    return pool
