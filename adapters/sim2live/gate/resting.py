"""What rests at the venue: the legs of native brackets, and resting orders. Pure.

An order that rests has not moved a position yet, so it is no part of what is presumed. It is
remembered by its name with the ledger's line, because it may do so at any time: when the
simulator fills its copy the same is presumed of it, and when its reason is gone it has to go.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from sim2live.signals import Signal

STOP_LOSS = "stop_loss"
TAKE_PROFIT = "take_profit"


class Resting(Struct, frozen=True, kw_only=True, gc=False):
    """An order, or the legs of one bracket, of which one fill ends all.

    Attributes:
        strategy: whose it is.
        data: name of the strategy's data.
        run: name of the run that placed it.
        name: what the venue calls it; for legs that of their entry.
        legs: which legs of a bracket are left; empty for an order of its own.
        signed: whole contracts that a fill buys (positive) or sells.
        prices: for people: where it stands.
        done: contracts (signed) that the venue has filled and the simulator has not booked yet.
        ending: why it should be gone; empty while it should rest.
        tries: how often a cancel was tried.
    """

    strategy: str
    data: str
    run: str
    name: str
    signed: int
    legs: tuple[str, ...] = ()
    prices: str = ""
    done: int = 0
    ending: str = ""
    tries: int = 0

    @property
    def owner(self) -> tuple[str, str]:
        """Strategy and data."""
        return self.strategy, self.data

    @property
    def names(self) -> tuple[str, ...]:
        """What the venue calls each order of it."""
        return tuple(f"{self.name}/{leg}" for leg in self.legs) or (self.name,)

    @property
    def filled(self) -> bool:
        """True when the venue has filled all of it."""
        return self.done == self.signed

    def booked(self, moved: int) -> tuple[int, Resting | None]:
        """The simulator has booked a fill of it.

        Args:
            moved: whole contracts, signed.

        Returns:
            How many of them the venue had told of before, and what is left to fill.
        """
        known = self.done if abs(self.done) < abs(moved) else moved
        left = replace(self, signed=self.signed - moved, done=self.done - known)
        return known, left if left.signed and not self.legs else None

    def without(self, name: str) -> Resting | None:
        """What is left when one of its orders is gone; None for nothing."""
        left = tuple(leg for leg in self.legs if f"{self.name}/{leg}" != name)
        return replace(self, legs=left) if left else None

    def __str__(self) -> str:
        return f"{self.signed:+d} {self.prices} ({', '.join(self.names)})"


def legs_of(signal: Signal, *, strategy: str, data: str, run: str) -> Resting | None:
    """The legs that rest at the venue once this signal is taken; None for none."""
    bracket = signal.bracket
    if bracket is None:
        return None
    stop, take = bracket.stop_loss, bracket.take_profit
    legs, prices = [], []
    if stop is not None:
        legs.append(STOP_LOSS)
        prices.append(f"stop {stop.trigger_price:g}")
    if take is not None:
        legs.append(TAKE_PROFIT)
        prices.append(f"target {take.limit_price:g}")
    return Resting(
        strategy=strategy,
        data=data,
        run=run,
        name=signal.order_id or signal.signal_id,
        signed=-signal.signed,
        legs=tuple(legs),
        prices=" ".join(prices),
    )


def found(resting: Iterable[Resting], name: str) -> Resting | None:
    """The one that has an order of this name."""
    return next((one for one in resting if name in (one.name, *one.names)), None)


def changed(resting: Iterable[Resting], old: Resting, new: Resting | None) -> tuple[Resting, ...]:
    """The same with one put in another's place, or taken out."""
    swapped = (new if one is old else one for one in resting)
    return tuple(one for one in swapped if one is not None)


def orphaned(resting: Iterable[Resting], reason: str) -> tuple[Resting, ...]:
    """The same when a position was closed without its legs: they have to go."""
    return tuple(
        replace(one, ending=reason) if one.legs and not one.ending else one for one in resting
    )


def leftover(resting: Iterable[Resting]) -> list[Resting]:
    """Those that should be gone."""
    return [one for one in resting if one.ending]
