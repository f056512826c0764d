"""Live by rerunning: on each closed bar the whole backtest runs again, and the venue follows.

The strategy stays what it was in research, a function from bars to a `vectorbt.Portfolio`. What
it holds at the last closed bar is the target; the gate sends the difference to what the venue is
presumed to hold. So a bar that was missed, or a process that was restarted, heals by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from sim2live.clock import iso, to_ns
from sim2live.errors import ConfigError, shorten
from sim2live.gate.dispatch import Dispatcher
from sim2live.gate.receipt import Receipt
from sim2live.market.bars import Bar
from sim2live.signals import OrderSpec
from sim2live.sizing import Sizing, of
from sim2live.vectorbt.bars import Group, Stamp, Window
from sim2live.vectorbt.cashsizing import refuse_drifting
from sim2live.vectorbt.export import groups_of
from sim2live.vectorbt.orders import Ints, OrderTable, read_orders
from sim2live.vectorbt.routes import Instruments, Route, Workflow, refuse_shared, route_columns
from sim2live.vectorbt.stops import Captured
from sim2live.vectorbt.table import round_positions

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

OnRepaint = Literal["halt", "follow"]
Strategy = Callable[["pd.DataFrame"], Any]

# So many positions already acted on are compared with each new run.
_REMEMBERED: Final = 200


@dataclass(frozen=True, slots=True)
class Step:
    """What one closed bar led to.

    Attributes:
        time: Moment the bar closed, ns UTC.
        targets: Whole contracts wanted of each column, by name.
        receipts: What became of each decision, by name of the column.
        repainted: Moments (ns UTC) at which the strategy now says it held something else than
            what was acted on.
    """

    time: int
    targets: dict[str, int]
    receipts: dict[str, Receipt] = field(default_factory=dict)
    repainted: tuple[int, ...] = ()


class LiveRunner:
    """Runs a strategy function on each closed bar and makes a venue follow it.

    Args:
        strategy: From a frame of bars to a `vectorbt.Portfolio` (or what `capture` returned).
            It gets the columns Open, High, Low, Close and Volume; for several symbols a
            MultiIndex (field, symbol). The index is in UTC.
        bars: Where closed bars come from: anything that yields `Bar` objects, or a mapping of
            symbol to such; None where `step` is called by hand.
        dispatcher: From `sim2live.connect`.
        history: Bars already closed, in the shape that the strategy gets.
        instruments: As for `SignalExporter`. None is refused on a venue that may be real.
        workflow: As for `SignalExporter`; None sends all columns to the dispatcher's pool.
        sizing: As for `SignalExporter`.
        window: How many bars the strategy gets; None for all since the start. See
            `check_window`.
        next_open: True for a strategy that trades at the next bar's open
            (``price=open.shift(-1)``, or shifted signals): the order that waits for that open
            is sent when its bar closes.
        anchor: Moment (aware) of the first bar of the history. It promises that every run,
            also after a restart, starts there; sizes that depend on cash need that.
        cash_sizing: True accepts sizes that depend on simulated cash without an anchor.
        on_repaint: ``"halt"`` lets only exits through once the strategy has changed its past,
            until `Dispatcher.resume`; ``"follow"`` sounds the alarm and goes on.
        stamp: Whether the labels of the index, as the strategy knows them, say when a bar
            starts or when it ends. A decision is always made when the bar ends.
        interval: Length of a bar in seconds; needed where `stamp` is ``start``.

    Raises:
        ConfigError: An argument does not fit. While running: the columns would trade one
            instrument in one pool, or sizes depend on cash without an anchor.
    """

    def __init__(
        self,
        strategy: Strategy,
        bars: Iterable[Bar] | Mapping[str, Iterable[Bar]] | None,
        dispatcher: Dispatcher,
        *,
        history: pd.DataFrame,
        instruments: Instruments | None = None,
        workflow: Workflow | None = None,
        sizing: str | Sizing = "exact",
        window: int | None = None,
        next_open: bool = False,
        anchor: datetime | None = None,
        cash_sizing: bool = False,
        on_repaint: OnRepaint = "halt",
        stamp: Stamp = "end",
        interval: float | None = None,
    ) -> None:
        if on_repaint not in ("halt", "follow"):
            raise ConfigError(f"on_repaint={shorten(on_repaint)}: must be halt or follow")
        if instruments is None and not dispatcher.venue.simulated:
            raise ConfigError("instruments: a venue that may be real needs one for each column")
        self._strategy = strategy
        self._bars = bars
        self._dispatcher = dispatcher
        self._window = Window(history, stamp=stamp, interval=interval, length=window)
        self._instruments = instruments
        self._workflow: Workflow = dispatcher.workflow if workflow is None else workflow
        self._sizing = of(sizing)
        self._next_open = next_open
        self._anchored = _anchored(anchor, window, history)
        self._cash_sizing = cash_sizing
        self._on_repaint = on_repaint
        self._routes: tuple[Route, ...] = ()
        self._followers: list[_Follower] = []
        self._windowed = window is not None
        self._acted: dict[int, Ints] = {}
        self._primed = False

    def run(self) -> Iterator[Step]:
        """Take bars from the source until it ends; yields after each closed bar.

        Raises:
            ConfigError: There is no source.
            DataError: The bars of several symbols do not close at the same moments.
        """
        if self._bars is None:
            raise ConfigError("bars: there is no source; call step with each closed bar")
        if not isinstance(self._bars, Mapping):
            for bar in self._bars:
                yield self.step(bar)
            return
        symbols = list(self._bars)
        for bars in zip(*self._bars.values(), strict=False):
            yield self.step(dict(zip(symbols, bars, strict=True)))

    def prime(self) -> None:
        """Go through the history once, without waiting for a bar.

        On a real venue nothing is sent: the gate knows history by its age. A simulated venue
        runs on the bars' own clock, so there the history is a rehearsal. Called by the first
        `step`; calling it earlier shows a mistake before the first bar.
        """
        if self._primed:
            return
        self._primed = True
        if not len(self._window):
            return
        orders, path = self._rerun()
        changes = dict(_changes(orders, path, len(self._routes)))
        count = len(orders.index) - self._next_open
        # What waits for the next open was decided at the latest bar.
        changes[count - 1] = _at(orders, path, len(orders.index) - 1, len(self._routes))
        for bar in range(count):
            group = self._window.at(len(self._window) - count + bar)
            if self._dispatcher.venue.simulated:
                self._price(group)
            if bar in changes:
                self._follow(group, changes[bar])
        self._remember(orders, path)

    def step(self, bars: Bar | Group) -> Step:
        """Act on one closed bar.

        Args:
            bars: The bar; for several symbols a mapping of symbol to bar, all closing at one
                moment.

        Returns:
            Targets and receipts of each column, and what the strategy changed of its past.

        Raises:
            DataError: The bar is not later than the one before, or a symbol is missing.
            ConfigError: See the class.
            SizingError: The strategy holds a fraction and `sizing` is exact; nothing was sent
                for this bar.
        """
        group = self._window.group(bars)
        self.prime()
        self._window.append(group)
        orders, path = self._rerun()
        self._price(group)
        repainted = self._repainted(orders, path)
        if repainted:
            self._alarm(repainted)
        targets = _at(orders, path, len(orders.index) - 1, len(self._routes))
        receipts = self._follow(group, targets)
        self._remember(orders, path)
        return Step(
            time=next(iter(group.values())).time,
            targets={
                route.name: int(target) for route, target in zip(self._routes, targets, strict=True)
            },
            receipts=receipts,
            repainted=repainted,
        )

    # -- one run -------------------------------------------------------------------------

    def _rerun(self) -> tuple[OrderTable, Ints]:
        """The orders of a run over the bars so far, and the whole contracts after each."""
        result = self._strategy(self._window.frame(ahead=self._next_open))
        portfolio = result.portfolio if isinstance(result, Captured) else result
        orders = read_orders(portfolio, timezone="UTC")
        if not self._routes:
            self._begin(portfolio, orders)
        if not (self._anchored or self._cash_sizing):
            refuse_drifting(result, orders, self._sizing)
        return orders, round_positions(orders, self._routes, self._sizing).after

    def _begin(self, portfolio: Any, orders: OrderTable) -> None:
        """The first run tells the columns; each gets its route and its follower."""
        routes = route_columns(
            orders.columns, self._instruments, self._workflow, groups=groups_of(portfolio)
        )
        refuse_shared(routes)
        handles = {self._dispatcher.workflow: self._dispatcher}
        for pool in {route.workflow for route in routes} - set(handles):
            handles[pool] = self._dispatcher.bind(workflow=pool)
        self._followers = [
            _Follower(handles[route.workflow], route, self._symbol(route)) for route in routes
        ]
        self._routes = routes

    def _symbol(self, route: Route) -> str:
        """Which of the symbols a column trades."""
        symbols = self._window.symbols
        if len(symbols) == 1:
            return symbols[0]
        values = route.label if isinstance(route.label, tuple) else (route.label,)
        for value in values:
            if str(value) in symbols:
                return str(value)
        raise ConfigError(f"column {route.name!r} names none of the symbols {list(symbols)}")

    def _price(self, group: Group) -> None:
        """Hand the bars over before anything is decided on them."""
        for follower in self._followers:
            follower.on_bar(group[follower.symbol])

    def _follow(self, group: Group, targets: Ints) -> dict[str, Receipt]:
        return {
            follower.route.name: follower.follow(int(target), group[follower.symbol])
            for follower, target in zip(self._followers, targets, strict=True)
        }

    # -- the past ------------------------------------------------------------------------

    def _remember(self, orders: OrderTable, path: Ints) -> None:
        """Keep what was acted on at the latest bar."""
        last = len(orders.index) - 1 - self._next_open
        moment = self._window.last
        if last < 0 or moment is None:
            return
        # What waits for the next open is known for certain a bar later, so it is left out.
        self._acted[moment] = _at(orders, path, last - self._next_open, len(self._routes))
        # A moving window forgets how old positions began, so there only the latest is compared.
        while len(self._acted) > (1 if self._windowed else _REMEMBERED):
            del self._acted[next(iter(self._acted))]

    def _repainted(self, orders: OrderTable, path: Ints) -> tuple[int, ...]:
        """Moments at which this run says another position than the one acted on."""
        moments = np.array(list(self._acted), dtype=np.int64)
        closes = orders.times + self._window.shift
        bars = np.searchsorted(closes, moments)
        told = _path(orders, path, bars - self._next_open, len(self._routes))
        acted = np.array(list(self._acted.values()), dtype=np.int64).reshape(told.shape)
        inside = bars > self._next_open
        return tuple(moments[inside & (told != acted).any(axis=1)].tolist())

    def _alarm(self, moments: tuple[int, ...]) -> None:
        text = (
            f"the strategy changed its past: at {iso(moments[0])} and {len(moments) - 1} more bars "
            "it now says it held something else than what was acted on; it looks ahead or redraws "
            "(see check_repaint)"
        )
        now = self._window.last or moments[-1]
        self._dispatcher.gate.alarms.sound(now, self._dispatcher.strategy, text)
        for moment in moments:
            del self._acted[moment]
        if self._on_repaint == "halt":
            for follower in self._followers:
                follower.halt("the strategy changed its past")


class _Follower:
    """One column: what the venue was granted of its target.

    A rerun does not know that an entry was refused; the simulated position goes on. So what was
    granted is kept here. It shrinks with the target and grows with it, but what was refused is
    not tried again before the target was flat or changed sides.
    """

    def __init__(self, dispatcher: Dispatcher, route: Route, symbol: str) -> None:
        self.route = route
        self.symbol = symbol
        self._dispatcher = dispatcher
        self._target = 0
        self._granted = 0

    def on_bar(self, bar: Bar) -> None:
        self._dispatcher.on_bar(self.route.instrument, bar)

    def halt(self, reason: str) -> None:
        self._dispatcher.halt(reason)

    def follow(self, target: int, bar: Bar) -> Receipt:
        wanted = _within(self._granted, self._target, target)
        receipt = self._dispatcher.follow(
            self.route.instrument,
            wanted,
            data=self.route.name,
            nth=0,
            decided_at=bar.time,
            order=OrderSpec(reference=bar.close),
        )
        self._target = target
        self._granted = receipt.granted
        return receipt


def _within(granted: int, before: int, target: int) -> int:
    """The part of a target that may be followed when of the one before only a part was granted."""
    if granted == before or target == 0 or (target > 0) != (before > 0):
        return target
    grown = abs(target) - abs(before)
    size = abs(granted) + grown if grown > 0 else min(abs(granted), abs(target))
    return size if target > 0 else -size


def _at(orders: OrderTable, path: Ints, bar: int, columns: int) -> Ints:
    """Whole contracts of each column after a bar."""
    until = int(np.searchsorted(orders.bar, bar, side="right"))
    held = np.zeros(columns, dtype=np.int64)
    held[orders.column[:until]] = path[:until]
    return held


def _path(orders: OrderTable, path: Ints, bars: Any, columns: int) -> Ints:
    """Whole contracts of each column after each of some bars, in order of time."""
    told = np.zeros((len(bars), columns), dtype=np.int64)
    done, held = 0, np.zeros(columns, dtype=np.int64)
    for row, until in enumerate(np.searchsorted(orders.bar, bars, side="right").tolist()):
        held[orders.column[done:until]] = path[done:until]
        told[row] = held
        done = max(done, until)
    return told


def _changes(orders: OrderTable, path: Ints, columns: int) -> Iterator[tuple[int, Ints]]:
    """Each bar that had orders, with the whole contracts of each column after it."""
    bars = np.unique(orders.bar)
    yield from zip(bars.tolist(), _path(orders, path, bars, columns), strict=True)


def _anchored(anchor: datetime | None, window: int | None, history: pd.DataFrame) -> bool:
    """Whether every run starts at the same bar, by the user's promise."""
    if anchor is None:
        return False
    if window is not None:
        raise ConfigError("anchor: a run cannot start at a fixed bar and have a fixed window")
    if not len(history) or to_ns(anchor) != int(history.index.as_unit("ns").asi8[0]):
        start = history.index[0] if len(history) else "nowhere"
        raise ConfigError(f"anchor={anchor.isoformat()}: the history starts at {start}")
    return True
