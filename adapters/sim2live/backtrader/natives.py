"""Which of the simulator's orders rest at the venue too, and what do they have to hear?

The legs of a native bracket ride on their entry; with ``resting="native"`` limit, stop and
trailing orders are placed there by themselves. The simulator keeps its copy of each. The copy's
fill is presumed of the venue, its death (cancel, expiry, OCO) is a cancel there, its moves too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from backtrader import Order

from sim2live.backtrader.follower import Follower
from sim2live.backtrader.instruments import InstrumentMap
from sim2live.gate.receipt import Status
from sim2live.signals import OrderSpec

if TYPE_CHECKING:
    from sim2live.gate.dispatch import Dispatcher
    from sim2live.gate.receipt import Receipt

_TAKEN: Final = frozenset({Status.ACCEPTED, Status.UNKNOWN})
_LIMITS: Final = frozenset({Order.Limit, Order.StopLimit, Order.StopTrailLimit})
_STOPS: Final = frozenset({Order.Stop, Order.StopLimit, Order.StopTrail, Order.StopTrailLimit})
_TRAILS: Final = frozenset({Order.StopTrail, Order.StopTrailLimit})
_WORDS: Final = {
    (True, False): "LIMIT",
    (False, True): "STOP",
    (True, True): "STOP_LIMIT",
}


def can_rest(order: Any) -> bool:
    """Whether the wire has a word for an order like this."""
    return order.exectype in _LIMITS or order.exectype in _STOPS


class Natives:
    """The orders of one run that rest at the venue.

    Args:
        dispatcher: The handle on the gate.
        instruments: What each data stands for.
        follower: Rounds positions.
    """

    def __init__(
        self, dispatcher: Dispatcher, instruments: InstrumentMap, follower: Follower
    ) -> None:
        self._dispatcher = dispatcher
        self._map = instruments
        self._follower = follower
        self._names: dict[int, str] = {}
        self._trailing: dict[int, tuple[Any, float]] = {}
        self._dated: dict[int, Any] = {}

    def __contains__(self, order: object) -> bool:
        return getattr(order, "ref", None) in self._names

    def takes(self, order: Any) -> bool:
        """Whether an order can rest at the venue by itself, and does not yet."""
        return (
            can_rest(order)
            and order.parent is None
            and order.data._compensate is None
            and order not in self
        )

    def place(self, order: Any, base: float, *, when: int, nth: int) -> Receipt | None:
        """Let an order rest at the venue.

        Args:
            order: The order.
            base: Position before it.
            when: Moment of the decision, nanoseconds UTC.
            nth: Number of the framework's call.

        Returns:
            The gate's word; None when it rests in the simulator only, because it moves no
            whole contract, or because the bar is history.
        """
        key = order.data
        signed = self._follower.whole(key, base + order.executed.remsize)
        signed -= self._follower.whole(key, base)
        if not signed:
            return None
        receipt = self._dispatcher.rest(
            self._map.of(key),
            signed,
            data=self._map.label(key),
            nth=nth,
            decided_at=when,
            order=_spec(order),
        )
        if receipt.status in _TAKEN:
            self._names[order.ref] = receipt.signals[0].signal_id
            if order.exectype in _TRAILS:
                self._trailing[order.ref] = (order, order.created.price)
            if order.valid:
                self._dated[order.ref] = order
        return None if receipt.status is Status.SHADOW else receipt

    def ride(self, children: Sequence[Any], receipt: Receipt) -> None:
        """The children of an entry rest at the venue as legs of its bracket, if it went."""
        for signal in receipt.signals:
            if signal.bracket is not None:
                for child in children:
                    leg = "take_profit" if child.exectype == Order.Limit else "stop_loss"
                    self._names[child.ref] = f"{signal.signal_id}/{leg}"

    def filled(self, order: Any, key: Any, position: float, *, when: int) -> bool:
        """The simulator is about to fill an order that rests.

        Returns:
            False when the venue has it no more: the fill has to be asked for.
        """
        return self._follower.presume(key, position, when=when, name=self._names[order.ref])

    def died(self, order: Any, key: Any, *, when: int) -> None:
        """The simulator is done with an order; one that was not filled goes at the venue too."""
        name = self._names.get(order.ref)
        self.forget(order)
        if name is not None and order.status != Order.Completed:
            self._dispatcher.cancel(
                self._map.of(key), name, data=self._map.label(key), decided_at=when
            )

    def name(self, order: Any) -> str:
        """What the venue calls an order that rests there."""
        return self._names[order.ref]

    def withdraw(self, order: Any, *, when: int) -> None:
        """Ask for an order back, and remember it until the venue has told its end."""
        self._dispatcher.cancel(
            self._map.of(order.data),
            self._names[order.ref],
            data=self._map.label(order.data),
            decided_at=when,
        )

    def forget(self, order: Any) -> None:
        """The venue has told the end of an order."""
        for known in (self._names, self._trailing, self._dated):
            known.pop(order.ref, None)

    def expire(self, when: Callable[[], int]) -> None:
        """Take back what the new bars are too late for, before a venue matches it with them.

        The simulator comes to the same end when it matches these bars.
        """
        for order in tuple(self._dated.values()):
            if order.data.datetime[0] > order.valid:
                self.died(order, order.data, when=when())

    @property
    def trail(self) -> bool:
        """Whether a trailing stop rests at the venue."""
        return bool(self._trailing)

    def follow_trails(self, *, when: int) -> None:
        """Tell the venue of trailing stops that have moved in this bar."""
        for ref, (order, price) in self._trailing.items():
            if order.created.price != price:
                self._trailing[ref] = (order, order.created.price)
                self._dispatcher.modify(
                    self._map.of(order.data),
                    self._names[ref],
                    _spec(order),
                    data=self._map.label(order.data),
                    decided_at=when,
                )


def _spec(order: Any) -> OrderSpec:
    limits, stops = order.exectype in _LIMITS, order.exectype in _STOPS
    price, limit = order.created.price, order.created.pricelimit
    reference = float(order.created.pclose)
    return OrderSpec(
        order_type=_WORDS[limits, stops],  # type: ignore[arg-type]
        limit_price=float(limit if stops else price) if limits else None,
        trigger_price=float(price) if stops else None,
        reference=reference if math.isfinite(reference) else None,
    )
