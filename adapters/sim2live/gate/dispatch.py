"""One strategy's handle on the gate: what an adapter, a script or a notebook holds."""

from __future__ import annotations

import logging
import math
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from types import TracebackType

from msgspec.structs import replace

from sim2live.clock import Clock
from sim2live.gate.arrivals import Arrivals
from sim2live.gate.book import Decision
from sim2live.gate.desk import Desk
from sim2live.gate.gate import Gate
from sim2live.gate.ledger import Presumed
from sim2live.gate.operator import Operator
from sim2live.gate.pins import Pins
from sim2live.gate.receipt import Receipt, Status
from sim2live.gate.rules import Mark
from sim2live.gate.standing import Overview, standing
from sim2live.market.bars import Bar
from sim2live.market.stretch import Row
from sim2live.signals import Instrument, OrderSpec
from sim2live.venues.base import Report, Venue

logger = logging.getLogger("sim2live.gate")


class Dispatcher:
    """One strategy's handle on the gate. Made by `sim2live.connect`.

    A dispatcher may be used from the strategy's thread; siblings made by `bind` may be used
    from others.

    Attributes:
        gate: shared by all siblings.
        strategy: name of the strategy instance; part of every signal id.
        run: name of the run; the same run resumes, a fresh one starts anew.
        workflow: the pool that signals go to.
    """

    def __init__(
        self,
        gate: Gate,
        *,
        strategy: str,
        run: str,
        workflow: str,
        clock: Clock,
        shift: int = 0,
        pins: Pins | None = None,
    ) -> None:
        gate.enter(workflow, strategy)
        self.gate = gate
        # Bars that bear the time of their beginning close this many ns later.
        self._shift = shift
        self._pins = Pins(gate) if pins is None else pins
        self._at: tuple[Instrument, int] | None = None
        self.strategy = strategy
        self.run = run
        self.workflow = workflow
        self._clock = clock
        self._desk = Desk(gate)
        self._arrivals = Arrivals(gate, clock)
        self._news = gate.news.queue(workflow, strategy)
        self._counts: Counter[Status] = Counter()
        self._counting = threading.Lock()
        self._equity: float | None = None

    @property
    def venue(self) -> Venue:
        """Where signals go."""
        return self.gate.venue

    def bind(self, *, strategy: str | None = None, workflow: str | None = None) -> Dispatcher:
        """A sibling on the same gate, for another strategy or another pool."""
        return Dispatcher(
            self.gate,
            strategy=self.strategy if strategy is None else strategy,
            run=self.run,
            workflow=self.workflow if workflow is None else workflow,
            clock=self._clock,
            shift=self._shift,
            pins=self._pins,
        )

    def follow(
        self,
        instrument: Instrument,
        target: int,
        *,
        data: str,
        nth: int,
        decided_at: int,
        order: OrderSpec | None = None,
    ) -> Receipt:
        """Make the venue follow this strategy's target for one data.

        What goes out is the difference to what the venue is presumed to hold, before this
        returns. An entry goes at most once and only when every rule agrees; an exit is never
        refused, only owed.

        Args:
            instrument: what is traded.
            target: whole contracts wanted now, negative for a short position.
            data: name of the framework's data, column or asset.
            nth: which call of the framework it is, for that data at that time, from 0;
                -1 for a correction without a call.
            decided_at: ns UTC, the stamp of the bar of the decision: when it closed, or
                where `stamp` is ``start`` when it began.
            order: what the framework's order adds to the opening part.

        Returns:
            What became of it, as a value; no outcome of a delivery is an exception.
        """
        receipt = self._pins.follow(
            Decision(
                strategy=self.strategy,
                run=self.run,
                workflow=self.workflow,
                instrument=instrument,
                target=target,
                data=data,
                nth=nth,
                decided_at=decided_at + self._shift,
                order=order,
            )
        )
        with self._counting:
            self._counts[receipt.status] += 1
        return receipt

    def presume(
        self,
        instrument: Instrument,
        target: int,
        *,
        data: str,
        decided_at: int,
        name: str | None = None,
    ) -> bool:
        """The simulator filled what rests at the venue: presume the same there.

        Args:
            instrument: what is traded.
            target: whole contracts after the fill.
            data: name of the framework's data.
            decided_at: ns UTC of the bar that filled it.
            name: of the resting order, or the id of the entry whose leg was filled; None for
                the oldest one of this data that fits.

        Returns:
            False when nothing of that name rests there any more. Then nothing is presumed:
            the fill has to be followed like any other.
        """
        owner = (self.strategy, data)
        held = self._pins.of(self.workflow, owner, instrument)
        at = decided_at + self._shift
        return self._desk.presume(self.workflow, held, owner, target, decided_at=at, name=name)

    def adjust(self, instrument: Instrument, target: int, *, data: str) -> None:
        """A position changed without an order: a split, a dividend in shares, an expiry.

        Nothing is sent; the venue is presumed to have changed with the simulator.

        Args:
            instrument: what is held.
            target: whole contracts after the change.
            data: name of the framework's data.
        """
        owner = (self.strategy, data)
        held = self._pins.of(self.workflow, owner, instrument)
        seen = self._at is not None and self.gate.present.replays(self.run, *self._at)
        self._desk.adjust(self.workflow, held, owner, target, seen=seen)

    def rest(
        self,
        instrument: Instrument,
        signed: int,
        *,
        data: str,
        nth: int,
        decided_at: int,
        order: OrderSpec,
    ) -> Receipt:
        """Place an order that rests at the venue, where it can be cancelled.

        The target does not change; when the simulator fills its copy, call `presume`.

        Args:
            instrument: what is traded.
            signed: whole contracts, positive to buy.
            data: name of the framework's data.
            nth: which call of the framework it is.
            decided_at: ns UTC, as for `follow`.
            order: type, prices and bracket.

        Returns:
            The receipt; the id of its one signal is the name of the order from now on. SHADOW
            for history: it rests nowhere, and its fill has to be followed.
        """
        decision = Decision(
            strategy=self.strategy,
            run=self.run,
            workflow=self.workflow,
            instrument=self._pins.of(self.workflow, (self.strategy, data), instrument),
            target=0,
            data=data,
            nth=nth,
            decided_at=decided_at + self._shift,
            order=order,
        )
        return self._desk.rest(decision, signed)

    def modify(
        self, instrument: Instrument, name: str, order: OrderSpec, *, data: str, decided_at: int
    ) -> Receipt:
        """Give a resting order of this name other prices."""
        held = self._pins.of(self.workflow, (self.strategy, data), instrument)
        return self._desk.modify(self.workflow, held, name, order, decided_at + self._shift)

    def cancel(self, instrument: Instrument, name: str, *, data: str, decided_at: int) -> Receipt:
        """Take a resting order, or a leg of a bracket, off the market.

        It may be called again, and for what is gone already. What could not go is tried again
        by the gate; a venue that cannot cancel leaves the instrument to exits only, and an
        alarm names what may still rest there.

        Args:
            instrument: what is traded.
            name: of the order; for a leg the entry's id, ``/`` and ``stop_loss`` or
                ``take_profit``.
            data: name of the framework's data.
            decided_at: ns UTC, as for `follow`.
        """
        held = self._pins.of(self.workflow, (self.strategy, data), instrument)
        return self._desk.cancel(self.workflow, held, name, decided_at + self._shift)

    def on_bar(self, instrument: Instrument, bar: Bar) -> None:
        """Hand over a bar before the simulator matches on it.

        A simulated venue is priced by it, the journal records it, and the gate compares once
        more what the strategies want with what the venue is presumed to hold.
        """
        if self._shift:
            bar = replace(bar, time=bar.time + self._shift)
        self._at = (instrument, bar.time)
        self._arrivals.one(self.workflow, self.run, instrument, bar, strategy=self.strategy)

    def on_bars(self, instrument: Instrument, bars: Sequence[Row]) -> None:
        """Hand over bars that were `calm` when they came, together and in their order.

        Args:
            instrument: what they price.
            bars: rows of plain numbers that obey the rules of `Bar`; see
                `sim2live.market.stretch.sound`.
        """
        if not bars:
            return
        if self._shift:
            bars = [(bar[0] + self._shift, *bar[1:]) for bar in bars]
        self._at = (instrument, bars[-1][0])
        self._arrivals.many(self.workflow, self.run, instrument, bars, strategy=self.strategy)

    def calm(self, instrument: Instrument) -> bool:
        """Whether the next bar of an instrument would only be recorded.

        So it is on a simulated venue that does nothing with a bar, while nothing is owed,
        unknown, waiting or resting and the venue holds what is wanted. Until this strategy
        decides something, bars may then be kept back and handed over by `on_bars`.
        """
        return self._arrivals.calm(self.gate.book(self.workflow, instrument), self.strategy)

    @property
    def weighs(self) -> bool:
        """Whether a rule looks at the equity, so that each mark counts."""
        return self.gate.doorkeeper.weighs

    def mark(self, equity: float) -> None:
        """Tell the strategy's equity (account currency) as its simulator sees it.

        Rules about losses count with it, from the first bar on. What is not finite is no
        equity; the last one that was stays.
        """
        if not math.isfinite(equity):
            logger.warning("%s: equity=%r is not a finite number", self.strategy, equity)
            return
        self._equity = equity
        doorkeeper = self.gate.doorkeeper
        if self._at is None or not doorkeeper.weighs:
            return
        instrument, time = self._at
        doorkeeper.marked(
            Mark(
                workflow=self.workflow,
                strategy=self.strategy,
                equity=equity,
                day=self.gate.timetable.sessions_for(instrument).session_of(time),
                live=self.gate.present.is_live(self.run, instrument, time),
            )
        )

    @property
    def equity(self) -> float | None:
        """The latest marked equity; presumed, because the simulator keeps these books."""
        return self._equity

    def position(self, instrument: Instrument) -> Presumed:
        """What the venue is presumed to hold of an instrument of this workflow."""
        return self.gate.book(self.workflow, instrument).line.presumed

    def state(self, instrument: Instrument) -> str:
        """``ACTIVE``, ``REDUCING`` or ``HALTED``."""
        return self.gate.book(self.workflow, instrument).line.state

    def standing(self) -> Overview:
        """How this workflow stands: wanted, presumed, read, states, what is owed or unknown.

        At the start, before the first bar, it is what the process before has left.
        """
        return standing(self.gate, self.workflow)

    def held(self) -> dict[Instrument, int] | None:
        """What the venue says it holds, or None when it cannot tell.

        Where the venue is not in this process this asks over the network.
        """
        return self.venue.positions(self.workflow)

    def reconcile(self, held: Mapping[Instrument, int]) -> None:
        """Take what was read at the venue for true, instead of what is presumed.

        For adapters whose books are the venue's own.

        Args:
            held: signed whole contracts by instrument, with those of market orders that the
                venue has taken and not filled yet; what is left out is flat.
        """
        books = [self.gate.book(self.workflow, instrument) for instrument in held]
        self.gate.news.read({*books, *self.gate.books_of(self.workflow)}, held)

    def reports(self) -> list[Report]:
        """News of this strategy from a venue that can report, oldest first, each one once."""
        if self.venue.here:
            self.gate.news.collect()
        news = self._news
        return [news.popleft() for _ in range(len(news))]

    def summary(self) -> dict[str, int]:
        """How many decisions of this handle ended under each status."""
        with self._counting:
            return {status.value: count for status, count in self._counts.items()}

    def halt(self, reason: str = "halt was asked for") -> None:
        """Exits only for this workflow, until `resume`."""
        Operator(self.gate).halt(self.workflow, reason)

    def resume(self) -> None:
        """Lift a halt of this workflow."""
        Operator(self.gate).resume(self.workflow)

    def flatten(self) -> None:
        """Bring this workflow to zero and halt it."""
        Operator(self.gate).flatten(self.workflow, self._clock.now_ns())

    def close(self) -> None:
        """Close the gate with its journal and venue, for all siblings."""
        self.gate.close()

    def __enter__(self) -> Dispatcher:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return (
            f"<Dispatcher {self.strategy!r} run={self.run!r} workflow={self.workflow!r} "
            f"venue={self.venue.name}>"
        )

    def _repr_html_(self) -> str:
        """Who it is, how its decisions ended and how the pool stands; every text is escaped."""
        from html import escape

        ends = ", ".join(f"{count} {status}" for status, count in sorted(self.summary().items()))
        head = f"<code>{escape(repr(self))}</code> {escape(ends or 'no decision yet')}"
        return f"<div>{head}{self.standing()._repr_html_()}</div>"
