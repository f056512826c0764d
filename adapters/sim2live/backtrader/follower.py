"""How does a position of the simulator become a target of the gate?"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from sim2live.backtrader.instruments import InstrumentMap
from sim2live.errors import ConfigError, SizingError
from sim2live.signals import OrderSpec
from sim2live.sizing import toward_zero

if TYPE_CHECKING:
    from sim2live.gate.dispatch import Dispatcher
    from sim2live.gate.receipt import Receipt
    from sim2live.sizing import Sizing

_log = logging.getLogger("sim2live.backtrader")


class Answer(NamedTuple):
    """What the simulator may do.

    Attributes:
        allowed: The position, in the simulator's own units, that it may reach.
        reason: A sentence when that is not what it asked for.
        receipt: The gate's word; None when the gate was not asked.
    """

    allowed: float
    reason: str = ""
    receipt: Receipt | None = None


class Follower:
    """Rounds positions to whole contracts and asks the gate. Positions are rounded, never orders.

    Args:
        dispatcher: The handle on the gate.
        instruments: What each data stands for.
        size: Whole contracts for a position.
    """

    def __init__(self, dispatcher: Dispatcher, instruments: InstrumentMap, size: Sizing) -> None:
        self._dispatcher = dispatcher
        self._map = instruments
        self._size = size
        self._told: dict[int, tuple[Any, int]] = {}
        self._warned = False

    @property
    def told(self) -> list[Any]:
        """The datas whose target the gate knows."""
        return [data for data, _ in self._told.values()]

    def level(self, data: Any, position: float, *, when: Callable[[], int]) -> None:
        """At the end of a bar: tell the position if the gate knows another one."""
        if self.whole(data, position) != self._told[id(data)][1]:
            self.tell(data, position, when=when())

    def ask(
        self, data: Any, base: float, wanted: float, *, when: int, nth: int, spec: OrderSpec
    ) -> Answer:
        """May the position move from `base` to `wanted`? What can be sent is sent.

        Args:
            data: The data that holds the position.
            base: Position that the gate knows of, open market orders included.
            wanted: Position that the order leads to.
            when: Moment of the decision, nanoseconds UTC.
            nth: Number of the framework's call at that moment.
            spec: What the order adds to an opening part.
        """
        try:
            instrument = self._map.of(data)
        except ConfigError as error:
            _log.error("order refused: %s", error)
            return Answer(base, str(error))
        turns = base * wanted < 0.0
        try:
            target = self._size(wanted)
        except SizingError as error:
            if not self._dispatcher.venue.simulated and (turns or abs(wanted) > abs(base)):
                reason = (
                    f"{error}; a venue takes whole contracts only: trade whole sizes, or pass "
                    "sizing=sim2live.sizing.target(ratio) or sizing.direction(n)"
                )
                if not turns:
                    return Answer(base, reason)
                # The closing half of a turn is an exit, and an exit is never refused.
                self._follow(data, instrument, 0, when=when, nth=nth, spec=None)
                return Answer(0.0, reason)
            target = self._toward_zero(data, wanted)
        receipt = self._follow(data, instrument, target, when=when, nth=nth, spec=spec)
        if receipt.granted == target:
            return Answer(wanted, receipt.reason, receipt)
        reason = receipt.reason or f"{receipt.status.value} at the gate"
        return Answer(0.0 if turns else base, reason, receipt)

    def tell(self, data: Any, position: float, *, when: int) -> None:
        """The position is what it is; let the gate bring the venue there. Cannot be refused."""
        try:
            instrument = self._map.of(data)
        except ConfigError as error:
            _log.error("not followed: %s", error)
            return
        self._follow(data, instrument, self.whole(data, position), when=when, nth=-1, spec=None)

    def presume(self, data: Any, position: float, *, when: int, name: str) -> bool:
        """The simulator fills what rests at the venue under this name: so has the venue.

        Returns:
            False when it rests there no more; then nothing was presumed.
        """
        target = self.whole(data, position)
        known = self._dispatcher.presume(
            self._map.of(data),
            target,
            data=self._map.label(data),
            decided_at=when,
            name=name,
        )
        if known:
            self._told[id(data)] = (data, target)
        return known

    def _follow(
        self,
        data: Any,
        instrument: Any,
        target: int,
        *,
        when: int,
        nth: int,
        spec: OrderSpec | None,
    ) -> Receipt:
        receipt = self._dispatcher.follow(
            instrument,
            target,
            data=self._map.label(data),
            nth=nth,
            decided_at=when,
            order=spec,
        )
        self._told[id(data)] = (data, receipt.granted)
        return receipt

    def whole(self, data: Any, position: float) -> int:
        """Whole contracts for a position; with `exact` a fraction is cut, and said once."""
        try:
            return self._size(position)
        except SizingError:
            return self._toward_zero(data, position)

    def _toward_zero(self, data: Any, position: float) -> int:
        if not self._warned:
            self._warned = True
            _log.warning(
                "%s: the position %r is no whole number of contracts; the simulator keeps the "
                "fraction and the venue follows the whole part (see sim2live.sizing)",
                self._map.label(data),
                position,
            )
        return toward_zero(position)
