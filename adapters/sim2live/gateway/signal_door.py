"""The signal API: POST /signal/{workflow_id}, as EvalItUp's Python page describes it.

It is the one path where a microsecond counts.
"""

from __future__ import annotations

import math
from functools import partial
from urllib.parse import unquote_to_bytes

from sim2live.clock import Clock
from sim2live.errors import JournalError, SignalError, shorten
from sim2live.gateway.answers import Refused, Reply, Request, Then, encode, refusal
from sim2live.gateway.chronicle import Chronicle
from sim2live.gateway.desk import Desk
from sim2live.gateway.halts import refusal as halted_refusal
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
        # Names of signals that were answered, with nanoseconds; told when they are executed.
        self._answered: list[tuple[str, int]] = []
        desk.watchers.append(self._tell)

    @staticmethod
    def owns(path: bytes) -> bool:
        """Whether a path is this door's."""
        return path.startswith(PREFIX) and len(path) > len(PREFIX)

    def __call__(self, request: Request, then: Then) -> None:
        """Answer one request: 200 when the signal is durable, else a sentence."""
        began = self._clock.monotonic_ns()
        pool, signal = "", None
        try:
            if request.method != "POST":
                raise Refused(405, "Signals are sent by POST", ((b"allow", b"POST"),))
            pool = _pool(request.path)
            if not self._desk.exchange.has_pool(pool):
                signal = _readable(request.body)
                raise Refused(404, f"Workflow not found: {pool}")
            signal = decode(request.body)
            self._check(pool, signal)
            self._desk.take(signal, partial(self._taken, signal, then, began))
        except Refused as refused:
            self._refuse(refused, pool, signal, then, began)
        except SignalError as error:
            self._refuse(Refused(400, str(error)), pool, signal, then, began)

    def _taken(self, signal: Signal, then: Then, began: int, error: JournalError | None) -> None:
        if error is not None:
            told = Refused(503, "The signal could not be stored and was not executed")
            self._refuse(told, signal.workflow_id, signal, then, began)
            return
        then(Reply(200, encode({"status": "accepted", "signal_id": signal.signal_id})))
        self._answered.append((signal.signal_id, self._clock.monotonic_ns() - began))
        if signal.signal_id in self._desk.taken:  # it came before
            self._tell()

    def _tell(self) -> None:
        """Tell the chronicle what was answered and is executed by now."""
        for name, took in self._answered:
            self._chronicle.took(self._desk.taken[name], took)
        self._answered.clear()

    def _refuse(
        self, refused: Refused, pool: str, signal: Signal | None, then: Then, began: int
    ) -> None:
        then(refusal(refused))
        took, now = self._clock.monotonic_ns() - began, self._desk.now()
        self._chronicle.refuse(
            now, pool, refused.status, refused.error, signal=signal, latency=took
        )

    def _check(self, pool: str, signal: Signal) -> None:
        if signal.workflow_id != pool:
            rule = f"must be the workflow of the address, {shorten(pool)}"
            raise SignalError("workflow_id", signal.workflow_id, rule)
        if self._desk.knows(signal):
            return
        halted = self._desk.halted and halted_refusal(
            self._desk.exchange, self._desk.halted, signal
        )
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


def _readable(body: bytes) -> Signal | None:
    """The signal that nobody takes, so that it can be shown with its name."""
    try:
        return decode(body)
    except SignalError:
        return None


def _pool(raw_path: bytes) -> str:
    """The one path segment after the prefix, decoded; it may hold an encoded slash."""
    segment = raw_path[len(PREFIX) :]
    try:
        pool = (unquote_to_bytes(segment) if b"%" in segment else segment).decode()
    except UnicodeDecodeError:
        raise Refused(404, "Workflow not found: its name is no UTF-8") from None
    if not pool or b"/" in segment:
        raise Refused(404, f"Workflow not found: {pool[:128]}")
    return pool
