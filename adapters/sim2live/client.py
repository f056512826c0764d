"""Sends single signals from a script.

The methods have the names and defaults of the class on EvalItUp's Python page
(https://evalitup.com/en/python-trade-copier), so a script of that kind changes its import and
its two ``except`` lines: ``NotSentError`` is also a builtin ``ConnectionError``, and
``UnknownOutcomeError`` also a builtin ``TimeoutError``. Unlike there, a price of 0 is a price.

Nothing is ever sent twice. A signal whose outcome is unknown may have been executed: look at
the venue before sending another.
"""

from __future__ import annotations

import math
import os
import uuid
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

import msgspec

from sim2live.clock import SystemClock
from sim2live.errors import ConfigError, UnknownOutcomeError
from sim2live.signals import Bracket, Instrument, Signal, StopLoss, TakeProfit
from sim2live.venues.evalitup import DEFAULT_URL, signal_path
from sim2live.venues.outcome import Kind, Outcome, Profile, classify, server_text
from sim2live.venues.transport import Answer, Transport

if TYPE_CHECKING:
    import ssl

    from sim2live.signals import OpenClose, OrderType, Side

__all__ = ["AsyncEvalItUpClient", "EvalItUpClient"]

_PROFILE: Final = Profile()


class EvalItUpClient:
    """Sends signals to a server of the signal API; safe to share between threads.

    Use it as a context manager, or call :meth:`close` at the end.

    Args:
        base_url: Where the API listens.
        token: Bearer token, where the application asks for one. It is never shown.
        timeout: Seconds for each signal, connecting included.
        ssl_context: For an https URL; the default context verifies the certificate.

    Raises:
        ConfigError: An argument breaks a rule.
    """

    def __init__(
        self,
        base_url: str = DEFAULT_URL,
        token: str | None = None,
        timeout: float = 5.0,
        *,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._timeout = _checked_timeout(timeout)
        self._clock = SystemClock()
        self._transport = Transport(
            base_url, token=token, clock=self._clock, ssl_context=ssl_context
        )

    @property
    def base_url(self) -> str:
        """Where the API listens, in its normal spelling."""
        return self._transport.endpoint.url

    def __repr__(self) -> str:
        return f"EvalItUpClient({self.base_url!r})"

    def __enter__(self) -> EvalItUpClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def send_signal(
        self,
        pool: str,
        symbol: str,
        side: Side,
        qty: int,
        exchange: str = "CME",
        order_type: OrderType = "MARKET",
        limit_price: float | None = None,
        trigger_price: float | None = None,
        tp_price: float | None = None,
        sl_price: float | None = None,
        *,
        open_close: OpenClose | None = None,
        signal_id: str | None = None,
    ) -> dict[str, Any]:
        """Send one signal, once.

        Args:
            pool: Exact name of the pool (workflow); case counts.
            symbol: Contract, such as ``MESZ6``.
            side: ``BUY`` or ``SELL`` (``LONG`` and ``SHORT`` are synonyms).
            qty: Whole contracts, 1 or more.
            exchange: Such as ``CME``.
            order_type: ``MARKET``, ``LIMIT``, ``STOP`` or ``STOP_LIMIT``.
            limit_price: For ``LIMIT`` and ``STOP_LIMIT``.
            trigger_price: For ``STOP`` and ``STOP_LIMIT``.
            tp_price: Take profit of a bracket, an absolute price.
            sl_price: Stop loss of a bracket, an absolute price.
            open_close: ``OPEN`` or ``CLOSE``; None leaves it to the venue.
            signal_id: Unique id; None draws a random UUID.

        Returns:
            The answer's JSON: ``{"status": "accepted", "signal_id": ...}``, or
            ``{"error": ...}`` when the venue refused. Accepted does not mean filled.

        Raises:
            SignalError: An argument breaks a rule; no byte has left.
            NotSentError: Nothing reached the venue.
            UnknownOutcomeError: The signal may or may not be executed.
        """
        signal = _signal(
            pool,
            symbol,
            side,
            qty,
            exchange,
            order_type,
            limit_price,
            trigger_price,
            tp_price,
            sl_price,
            open_close,
            signal_id,
        )
        return self._send(signal)

    def close_position(
        self,
        pool: str,
        symbol: str,
        side: Side,
        qty: int,
        exchange: str = "CME",
        *,
        signal_id: str | None = None,
    ) -> dict[str, Any]:
        """Send a closing market order, once.

        Args:
            pool: Exact name of the pool.
            symbol: Contract.
            side: The side of the closing order: ``SELL`` closes a long position.
            qty: Whole contracts to close.
            exchange: Such as ``CME``.
            signal_id: Unique id; None draws a random UUID.

        Returns:
            As in :meth:`send_signal`.

        Raises:
            SignalError: An argument breaks a rule; no byte has left.
            NotSentError: Nothing reached the venue.
            UnknownOutcomeError: The signal may or may not be executed.
        """
        return self.send_signal(
            pool, symbol, side, qty, exchange, open_close="CLOSE", signal_id=signal_id
        )

    def close(self) -> None:
        """Close the idle connections. Closing twice does no harm."""
        self._transport.close()

    def _send(self, signal: Signal) -> dict[str, Any]:
        path = signal_path(signal.workflow_id)
        answer = self._transport.post(path, signal.encode(), timeout=self._timeout)
        return _read(answer, signal.signal_id, self._clock.now_ns())


class AsyncEvalItUpClient:
    """The same for asyncio: signals of several tasks go out side by side.

    Use it as ``async with``, within one event loop.

    Args:
        base_url: Where the API listens.
        token: Bearer token, where the application asks for one. It is never shown.
        timeout: Seconds for each signal, connecting included.
        ssl_context: For an https URL; the default context verifies the certificate.

    Raises:
        ConfigError: An argument breaks a rule.
    """

    def __init__(
        self,
        base_url: str = DEFAULT_URL,
        token: str | None = None,
        timeout: float = 5.0,
        *,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        # Here, so that a blocking script does not wait for asyncio to be loaded.
        from sim2live.venues.transport_async import AsyncTransport

        self._timeout = _checked_timeout(timeout)
        self._clock = SystemClock()
        self._transport = AsyncTransport(
            base_url, token=token, clock=self._clock, ssl_context=ssl_context
        )

    @property
    def base_url(self) -> str:
        """Where the API listens, in its normal spelling."""
        return self._transport.endpoint.url

    def __repr__(self) -> str:
        return f"AsyncEvalItUpClient({self.base_url!r})"

    async def __aenter__(self) -> AsyncEvalItUpClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def send_signal(
        self,
        pool: str,
        symbol: str,
        side: Side,
        qty: int,
        exchange: str = "CME",
        order_type: OrderType = "MARKET",
        limit_price: float | None = None,
        trigger_price: float | None = None,
        tp_price: float | None = None,
        sl_price: float | None = None,
        *,
        open_close: OpenClose | None = None,
        signal_id: str | None = None,
    ) -> dict[str, Any]:
        """Send one signal, once; see :meth:`EvalItUpClient.send_signal`."""
        signal = _signal(
            pool,
            symbol,
            side,
            qty,
            exchange,
            order_type,
            limit_price,
            trigger_price,
            tp_price,
            sl_price,
            open_close,
            signal_id,
        )
        path = signal_path(signal.workflow_id)
        answer = await self._transport.post(path, signal.encode(), timeout=self._timeout)
        return _read(answer, signal.signal_id, self._clock.now_ns())

    async def close_position(
        self,
        pool: str,
        symbol: str,
        side: Side,
        qty: int,
        exchange: str = "CME",
        *,
        signal_id: str | None = None,
    ) -> dict[str, Any]:
        """Send a closing market order, once; see :meth:`EvalItUpClient.close_position`."""
        return await self.send_signal(
            pool, symbol, side, qty, exchange, open_close="CLOSE", signal_id=signal_id
        )

    async def close(self) -> None:
        """Close the idle connections. Closing twice does no harm."""
        await self._transport.close()


def _signal(
    pool: str,
    symbol: str,
    side: Side,
    qty: int,
    exchange: str,
    order_type: OrderType,
    limit_price: float | None,
    trigger_price: float | None,
    tp_price: float | None,
    sl_price: float | None,
    open_close: OpenClose | None,
    signal_id: str | None,
) -> Signal:
    bracket = None
    if tp_price is not None or sl_price is not None:
        bracket = Bracket(
            take_profit=None if tp_price is None else TakeProfit(tp_price),
            stop_loss=None if sl_price is None else StopLoss(sl_price),
        )
    if signal_id is None:
        signal_id = str(uuid.UUID(bytes=os.urandom(16), version=4))
    return Signal(
        signal_id=signal_id,
        workflow_id=pool,
        instrument=Instrument(exchange, symbol),
        side=side,
        qty=qty,
        order_type=order_type,
        limit_price=limit_price,
        trigger_price=trigger_price,
        bracket=bracket,
        open_close=open_close,
    )


def _read(answer: Answer, signal_id: str, now_ns: int) -> dict[str, Any]:
    """The answer as a script wants it: its JSON if it says something, else an error."""
    outcome = classify(
        answer.status, answer.headers, answer.body, signal_id, profile=_PROFILE, now_ns=now_ns
    )
    if answer.status == 200 or 400 <= answer.status <= 499:
        found = _json_object(answer.body)
        if found is None and outcome.kind is Kind.REJECTED:
            return {"error": server_text(answer.body)}  # a proxy's page, but a refusal all the same
        if found is not None and not _accepts_another(found, outcome):
            return found
    raise UnknownOutcomeError(outcome.reason)


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _accepts_another(found: dict[str, Any], outcome: Outcome) -> bool:
    # Scripts look at `status` alone, so an acceptance of some other signal must not reach them.
    return found.get("status") == "accepted" and outcome.kind is not Kind.ACCEPTED


def _checked_timeout(timeout: float) -> float:
    if isinstance(timeout, bool) or not isinstance(timeout, int | float):
        raise ConfigError(f"timeout={timeout!r}: must be a number of seconds")
    if not 0 < timeout < math.inf:
        raise ConfigError(f"timeout={timeout!r}: must be more than 0 and finite")
    return float(timeout)
