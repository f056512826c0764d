"""How does a signal look as a ProjectX order, and what does the answer prove? Pure.

A bracket's legs travel as distances in ticks from the fill, not as prices. They are measured
from the entry's own price, or for a market order from the last price known here, so the legs
lie off by as much as the fill differs from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from sim2live.errors import SignalError
from sim2live.signals import BUY, CLOSE, LIMIT, MARKET, STOP, STOP_LIMIT, Signal
from sim2live.venues.outcome import ChildOutcome, Kind, Outcome, Profile, classify
from sim2live.venues.projectx_contracts import Listing
from sim2live.venues.projectx_dialect import (
    ALIVE,
    ASK,
    BID,
    STOP_LEG,
    TARGET_LEG,
    TRAILING,
    TYPES,
    Dialect,
)
from sim2live.venues.projectx_rows import OrderRow
from sim2live.venues.projectx_session import RefusedError, opened
from sim2live.venues.transport import Answer

__all__ = ["Verdict", "change", "judge", "of_order", "place", "together"]

#: Code of a refused place: any reason, a tag used before among them.
REFUSED: Final = 2
#: Codes of a place that leave open whether there is an order: "pending" and "unknown error".
_OPEN_CODES: Final = frozenset({6, 7})


def place(
    signal: Signal,
    account: int,
    listing: Listing,
    dialect: Dialect,
    *,
    size: int,
    reference: float | None,
    trailing: bool = False,
) -> dict[str, Any]:
    """The body of ``Order/place`` for one account.

    Args:
        signal: What is wanted.
        account: Number of the account.
        listing: The contract, with its tick.
        dialect: What the server speaks.
        size: Contracts; for a close at most what is held.
        reference: Last price known, in points; needed for a bracket of a market order.
        trailing: The trigger price follows the market at the distance that it has now.

    Raises:
        SignalError: A price is off the tick, or a bracket cannot be measured or lies on the
            wrong side of the price that it is measured from.
    """
    body: dict[str, Any] = {
        "accountId": account,
        "contractId": listing.id,
        "type": TRAILING if trailing else TYPES[signal.order_type],
        "side": BID if signal.side == BUY else ASK,
        "size": size,
        "limitPrice": _aligned("limit_price", signal.limit_price, listing),
        "stopPrice": None if trailing else _aligned("trigger_price", signal.trigger_price, listing),
    }
    if trailing:
        if signal.order_type != STOP:
            raise SignalError("order_type", signal.order_type, "must be STOP to trail")
        body["trailPrice"] = _aligned("trigger_price", signal.trigger_price, listing)
    body.update(dialect.tagged(signal.signal_id))
    if signal.bracket is not None:
        body.update(_bracket(signal, listing, dialect, reference))
    return body


def change(
    signal: Signal, account: int, order: int | str, listing: Listing, size: int
) -> dict[str, Any]:
    """The body of ``Order/modify``: the size and the prices that the signal names.

    Raises:
        SignalError: A price is off the tick.
    """
    body: dict[str, Any] = {"accountId": account, "orderId": order, "size": size}
    limit = _aligned("limit_price", signal.limit_price, listing)
    trigger = _aligned("trigger_price", signal.trigger_price, listing)
    if limit is not None:
        body["limitPrice"] = limit
    if trigger is not None:
        body["stopPrice"] = trigger
    return body


def _aligned(field: str, price: float | None, listing: Listing) -> float | None:
    if price is None:
        return None
    if Decimal(repr(price)) % listing.tick:
        rule = f"must be a multiple of the tick {listing.tick} of {listing.name}"
        raise SignalError(field, price, rule)
    return price


def _bracket(
    signal: Signal, listing: Listing, dialect: Dialect, reference: float | None
) -> dict[str, Any]:
    bracket = signal.bracket
    assert bracket is not None
    entry = {MARKET: reference, LIMIT: signal.limit_price, STOP_LIMIT: signal.limit_price}.get(
        signal.order_type, signal.trigger_price
    )
    if entry is None:
        rule = "cannot be measured: no price of the contract has been seen yet"
        raise SignalError("bracket", None, rule)
    fields: dict[str, Any] = {}
    up = 1 if signal.side == BUY else -1
    if bracket.stop_loss is not None:
        price = bracket.stop_loss.trigger_price
        ticks = _ticks("bracket.stop_loss.trigger_price", price, entry, -up, listing)
        fields["stopLossBracket"] = dialect.leg(ticks, STOP_LEG)
    if bracket.take_profit is not None:
        price = bracket.take_profit.limit_price
        ticks = _ticks("bracket.take_profit.limit_price", price, entry, up, listing)
        fields["takeProfitBracket"] = dialect.leg(ticks, TARGET_LEG)
    return fields


def _ticks(field: str, price: float, entry: float, way: int, listing: Listing) -> int:
    distance = (Decimal(repr(price)) - Decimal(repr(entry))) / listing.tick
    ticks = int(distance.to_integral_value(ROUND_HALF_EVEN))
    if ticks * way <= 0:
        side = "above" if way > 0 else "below"
        raise SignalError(field, price, f"must lie {side} the entry at {entry!r} by a tick or more")
    return ticks


# -- answers -------------------------------------------------------------------------------------
class Verdict(Struct, frozen=True):
    """What the answer to an order proves.

    Attributes:
        outcome: UNKNOWN where the order has to be looked for.
        order_id: Of the new order, where the answer gives one.
        state: Number of its state, where the answer gives one.
        doubted: It was refused with a code that also means "this one is here already".
    """

    outcome: Outcome
    order_id: int | str | None = None
    state: int | None = None
    doubted: bool = False


def judge(answer: Answer, call: str, *, now_ns: int) -> Verdict:
    """What the answer to an order proves.

    Args:
        answer: Whole.
        call: ``Order/place``, ``Order/modify`` or ``Order/cancel``.
        now_ns: Now, UTC epoch nanoseconds, to read a Retry-After date.
    """
    status = answer.status
    if status not in (200, 201):
        return Verdict(
            classify(status, answer.headers, answer.body, "", profile=Profile(), now_ns=now_ns)
        )
    try:
        data = opened(status, answer.body, call)
    except RefusedError as error:
        placing = call == "Order/place"
        doubted = placing and error.code == REFUSED
        unsure = error.code in (None, 0) or doubted or (placing and error.code in _OPEN_CODES)
        kind = Kind.UNKNOWN if unsure else Kind.REJECTED
        return Verdict(Outcome(kind, str(error), status), doubted=doubted)
    number, state = data.get("orderId"), data.get("orderStatus")
    return Verdict(
        Outcome(Kind.ACCEPTED, "", status),
        number if isinstance(number, int | str) else None,
        state if isinstance(state, int) else None,
    )


def of_order(row: OrderRow, dialect: Dialect) -> Outcome | None:
    """What an order that was found tells of its signal; None when it does not say."""
    state = dialect.state(row.status)
    if state == "filled" or state in ALIVE or row.filled:
        return Outcome(Kind.ACCEPTED, f"order {row.id} is {state}")
    if state in ("rejected", "cancelled", "expired"):
        return Outcome(Kind.REJECTED, f"order {row.id} is {state} without a fill")
    return None


def together(children: Iterable[tuple[str, Outcome, int | None]], signal: Signal) -> Outcome:
    """One outcome of what all accounts of a workflow made of a signal.

    One account that nobody knows of makes the whole UNKNOWN. An entry that any account took is
    ACCEPTED, because there is a position now and its exit must go; what the others said stands
    in the children. An exit is ACCEPTED when every account took it; where some did not it is
    owed, and its repetition closes only what is still held.

    Args:
        children: Account name, outcome, and contracts filled where known.
        signal: What was sent.
    """
    told = list(children)
    if len(told) == 1:
        return replace(told[0][1], children=_named(told))
    kinds = {outcome.kind for _, outcome, _ in told}
    if len(kinds) == 1:
        kind = kinds.pop()
    elif Kind.UNKNOWN in kinds:
        kind = Kind.UNKNOWN
    elif signal.open_close == CLOSE:
        kind = Kind.NOT_SENT
    else:
        kind = Kind.ACCEPTED if Kind.ACCEPTED in kinds else Kind.REJECTED
    waits = [outcome.retry_after for _, outcome, _ in told if outcome.retry_after is not None]
    return Outcome(
        kind,
        "; ".join(f"{name}: {outcome.reason}" for name, outcome, _ in told if outcome.reason),
        max((o.status for _, o, _ in told if o.status is not None), default=None),
        max(waits, default=None),
        halts=any(outcome.halts for _, outcome, _ in told),
        children=_named(told),
        timed_out=any(outcome.timed_out for _, outcome, _ in told),
    )


def _named(told: list[tuple[str, Outcome, int | None]]) -> tuple[ChildOutcome, ...]:
    return tuple(ChildOutcome(name, out.kind, out.reason, filled) for name, out, filled in told)
