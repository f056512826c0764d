"""The simulated venue inside this process: no server, no network, the same matching."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from sim2live.clock import Clock, SystemClock
from sim2live.exchange.execution import Behaviour, Result
from sim2live.exchange.venue import Exchange, UnknownPool
from sim2live.signals import Instrument
from sim2live.venues.base import Report, Venue
from sim2live.venues.outcome import ChildOutcome, Kind, Outcome, Profile

if TYPE_CHECKING:
    from sim2live.exchange.accounts import Pool
    from sim2live.exchange.tape import Event
    from sim2live.market.bars import Bar
    from sim2live.signals import Signal

__all__ = ["Paper"]


class Paper(Venue):
    """Simulated accounts in memory. Prices come from the strategy's own bars.

    A market order fills at the last close, or at the open of the first bar where none has come
    yet. Each object is a venue of its own, with a fingerprint that no other one has.

    Args:
        pools: Pools by name; without them every workflow has a pool of one account.
        behaviour: What a CLOSE and a repeated id do.
        clock: Gives orders their time until the first bar has come; from then on it is the
            time of the latest bar.

    Attributes:
        exchange: The venue behind, to look at accounts, orders and trades.
    """

    name = "paper"
    simulated = True
    can_cancel = True
    can_report = True
    here = True

    def __init__(
        self,
        pools: Mapping[str, Pool] | None = None,
        *,
        behaviour: Behaviour | None = None,
        clock: Clock | None = None,
    ) -> None:
        behaviour = Behaviour() if behaviour is None else behaviour
        self.exchange = Exchange(pools or {}, any_pool=pools is None, behaviour=behaviour)
        self.fingerprint = f"paper:{secrets.token_hex(8)}"
        self.profile = Profile(
            dedupe=_proved(behaviour.dedupe),
            close_is_reduce_only=_proved(behaviour.close_is_reduce_only),
            close_cancels_legs=_proved(behaviour.close_cancels_legs),
        )
        self._clock = SystemClock() if clock is None else clock
        self._lock = threading.Lock()
        self._now: int | None = None
        self._told = 0
        self._outcomes: dict[str, Outcome] = {}

    def __repr__(self) -> str:
        return f"Paper({self.fingerprint!r})"

    def send(self, signal: Signal, *, timeout: float) -> Outcome:  # noqa: ARG002 - it is instant
        """Execute a signal now; see :meth:`Venue.send`."""
        with self._lock:
            time = self._clock.now_ns() if self._now is None else self._now
            try:
                done = self.exchange.submit(signal, time)
            except UnknownPool as error:
                return Outcome(Kind.REJECTED, str(error))
            kind = Kind.ACCEPTED if done.accepted else Kind.REJECTED
            children = tuple(_child(result) for result in done.results())
            outcome = Outcome(kind, done.reason, children=children)
            self._outcomes.setdefault(signal.signal_id, outcome)
            return outcome

    def lookup(self, signal: Signal) -> Outcome | None:
        """What became of a signal; NOT_SENT when it was never seen here."""
        with self._lock:
            return self._outcomes.get(signal.signal_id, Outcome(Kind.NOT_SENT, "never seen here"))

    def positions(self, workflow: str) -> dict[Instrument, int] | None:
        """What the pool holds in contracts of a signal; None when its accounts disagree."""
        with self._lock:
            return self.exchange.unit_positions(workflow)

    def on_bar(self, instrument: Instrument, bar: Bar) -> None:
        """Move the market through a bar."""
        with self._lock:
            self._now = bar.time
            self.exchange.on_bar(instrument, bar)

    def reports(self) -> list[Report]:
        """What happened in all accounts since the last call, oldest first."""
        if self._told == self.exchange.cursor:
            return []  # at nearly every bar
        with self._lock:
            events = self.exchange.events(self._told)
            self._told = self.exchange.cursor
        return [_report(event) for event in events]


def _proved(knob: bool) -> Literal["yes", "no"]:
    return "yes" if knob else "no"


def _child(result: Result) -> ChildOutcome:
    kind = Kind.ACCEPTED if result.accepted else Kind.REJECTED
    return ChildOutcome(result.account, kind, result.reason, result.filled)


def _report(event: Event) -> Report:
    return Report(
        id=event.id,
        time=event.time,
        kind=event.kind,
        signal_id=event.signal_id,
        order_id=str(event.order_id),
        account=event.account,
        workflow=event.pool,
        instrument=event.instrument,
        signed_qty=event.signed_qty,
        price=event.price,
        reason=event.reason,
        name=event.tag,
    )
