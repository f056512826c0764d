"""How does Backtrader's own broker carry a venue along?

`MirrorBroker` fills, margins, expires and notifies exactly as the stock broker, because it is the
stock broker. At four moments the gate is asked or told what the position leads to:

1. a market order is *submitted* and the cash check to come will pass it: asked, and a refusal is
   the framework's own rejection;
2. any other order is about to be *filled*: asked, before the fill is booked;
3. a market order that was sent *dies* without its fill (margin, cancel): told, so the venue is
   brought back;
4. a bar is over: told, should the position have moved in any other way.
"""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any, Literal

from backtrader import Order

from sim2live import sizing as sizings
from sim2live.backtrader import brackets, forecast
from sim2live.backtrader.barclock import moment
from sim2live.backtrader.booking import key_of
from sim2live.backtrader.calls import Calls
from sim2live.backtrader.contract_broker import ContractBroker
from sim2live.backtrader.follower import Answer, Follower
from sim2live.backtrader.instruments import InstrumentMap, Instruments
from sim2live.backtrader.natives import Natives
from sim2live.backtrader.quiet import Quiet
from sim2live.backtrader.rejection import announce, explain, reject
from sim2live.errors import ConfigError
from sim2live.signals import OrderSpec

if TYPE_CHECKING:
    from sim2live.gate.dispatch import Dispatcher
    from sim2live.sizing import Sizing

_log = logging.getLogger("sim2live.backtrader")
_NOISE = 1e-9


class MirrorBroker(ContractBroker):
    """Backtrader's simulator with a venue that follows its positions.

    The simulator keeps the books: cash, positions, fills and notices are those of a plain
    backtest. The venue is made to hold what the strategy holds. An entry that does not go is
    rejected in the simulator too, with the sentence in ``order.info.sim2live``; an exit is never
    refused.

    Take a fresh broker for each run. Several strategies in one cerebro share Backtrader's net
    position of a data: the exit of one may be an entry of the net position, which can be refused.

    Args:
        dispatcher: The handle on the gate, from `sim2live.connect`.
        instruments: What each data is at the venue: a dict from the data's name to an
            `Instrument` or ``"CME:MESZ6"``, a function of the data, or None (its own name on the
            exchange SIM; on simulated venues only).
        sizing: ``"exact"``, or a `sim2live.sizing.Sizing`: whole contracts for a position.
        resting: ``"emulated"`` or ``"auto"``: limits, stops and trailing orders rest in the
            simulator and go out as market orders when it triggers them. ``"native"``: they are
            placed at the venue, which must be able to cancel, with their cancels, expiries,
            OCO ends and trailing moves; a parent with children stays emulated, and so does
            everything while a volume filler is set.
        bracket: ``"native"``: a bracket is one signal and its legs rest at the venue.
            ``"emulated"``: legs rest in the simulator; for strategies that also exit on their own.
        kwargs: Parameters of ``BackBroker``, such as ``cash``.

    Raises:
        ConfigError: An argument is none of its words, or `instruments` is None on a real venue.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        *,
        instruments: Instruments = None,
        sizing: str | Sizing = "exact",
        resting: Literal["auto", "emulated", "native"] = "auto",
        bracket: Literal["native", "emulated"] = "native",
    ) -> None:
        for name, value, words in (
            ("resting", resting, ("auto", "emulated", "native")),
            ("bracket", bracket, ("native", "emulated")),
        ):
            if value not in words:
                raise ConfigError(f"{name}={value!r}: must be one of {', '.join(words)}")
        self._map = InstrumentMap(instruments, simulated=dispatcher.venue.simulated)
        self._dispatcher: Dispatcher | None = dispatcher
        self._sizing = sizings.of(sizing)
        self._native_brackets = bracket == "native"
        self._native_resting = resting == "native"
        if self._native_resting and not dispatcher.venue.can_cancel:
            raise ConfigError(
                f"resting='native': {dispatcher.venue.name} cannot cancel what rests there"
            )
        super().__init__()

    @property
    def dispatcher(self) -> Dispatcher | None:
        """The handle on the gate; None in a copy that only simulates."""
        self._speak()
        return self._dispatcher

    # -- life of a run ------------------------------------------------------------------------

    def init(self) -> None:
        """Forget every order and position (Backtrader calls this before each run)."""
        super().init()
        self._following = False
        self._quiet: Quiet | None = None
        self._open: dict[int, Any] = {}  # market orders that the target counts, by ref
        self._caps: dict[int, float] = {}  # what is left to them where the opening was refused
        self._calls = Calls()

    def start(self) -> None:
        """Begin a run.

        Raises:
            ConfigError: An optimisation on a real venue.
        """
        super().start()
        if getattr(self.cerebro, "_dooptimize", False):
            self._refuse_copies("an optimisation")
            return
        if self._dispatcher is None:  # a copy in a worker process: plain simulation
            return
        self._following = True
        self._follower = Follower(self._dispatcher, self._map, self._sizing)
        self._natives = Natives(self._dispatcher, self._map, self._follower)

    def __getstate__(self) -> dict[str, Any]:
        """State without the gate: a copy in another process is a plain simulation."""
        self._refuse_copies("a copy of the broker in another process")
        state = vars(self).copy()
        state["_dispatcher"] = None
        state["_following"] = False
        state["_quiet"] = None
        for name in ("_follower", "_natives"):
            state.pop(name, None)
        return state

    def _refuse_copies(self, what: str) -> None:
        if self._dispatcher is not None and not self._dispatcher.venue.simulated:
            raise ConfigError(f"{what} would send real orders; optimise with the stock broker")

    def add_order_history(self, orders: Any, notify: bool = True) -> None:
        """Add orders that were executed in the past; they cannot be refused.

        Raises:
            ConfigError: On a real venue, which they would reach today.
        """
        if self._dispatcher is not None and not self._dispatcher.venue.simulated:
            raise ConfigError("add_order_history: past orders must not reach a real venue")
        self._speak()
        super().add_order_history(orders, notify)

    # -- each bar -----------------------------------------------------------------------------

    def next(self) -> None:
        """Match the new bars; an idle poll of a live feed matches nothing."""
        if not self._following:
            super().next()
            return
        assert self._dispatcher is not None
        if (quiet := self._quiet) is None:  # the datas are complete only now
            quiet = self._quiet = Quiet(self._dispatcher, self._map, self.cerebro.datas)
        moved = quiet.moved()
        if moved and quiet.lasts:
            super().next()
            quiet.passed(self)
            return
        self._speak()
        for report in self._dispatcher.reports():
            _log.info("venue reports: %s", report)
        if not moved:
            return
        self._natives.expire(self._now)
        quiet.speak(moved)
        super().next()
        if self._natives.trail:
            self._natives.follow_trails(when=self._now())
        for data in self._follower.told:
            self._follower.level(data, self.target(data), when=self._now)
        quiet.begin(self)

    def _speak(self) -> None:
        """The gate hears of every bar, before something is decided or somebody looks."""
        if self._quiet is not None and self._quiet.lasts:
            self._quiet.end(self)

    def stop(self) -> None:
        """The run is over."""
        self._speak()
        super().stop()

    # -- orders on their way in ---------------------------------------------------------------

    def submit(self, order: Any, check: bool = True) -> Any:
        """Queue an order; when it transmits, send what must be sent now."""
        self._speak()
        if (kin := self._take_children(order)) is None:
            return order
        self._pchildren[kin].append(order)
        if not order.transmit:
            return order
        # Refusing an order empties this queue, so the walk needs a list of its own.
        group = list(self._pchildren[kin])
        for i, member in enumerate(group):
            if kin not in self._pchildren:  # its parent was refused a moment ago
                announce(self, member, "the parent was refused")
                member.reject()
                self.notify(member)
            elif self._admit(member, group[i:], check):
                self.transmit(member, check=check)
        return order

    def _admit(self, order: Any, group: list[Any], check: bool) -> bool:
        """Ask the gate about a market order at the moment it is transmitted.

        Returns:
            False when it was refused and is done with.
        """
        if not self._following:
            return True
        owner, label, when = self._identity(order)
        nth = self._calls.order(owner, label, when)
        market = order.exectype == Order.Market
        if (
            not (market or (self._rests() and len(group) == 1 and self._natives.takes(order)))
            or not order.active()
            or order.ref in self._open
            or not order.executed.remsize
            or self.p.coo  # matched before the strategy's bar is over: its fill asks
            or (check and self.p.checksubmit and order.ref in forecast.doomed(self, group))
        ):
            return True
        size = order.executed.remsize
        base = self.target(order.data)
        if not market:
            return self._rest(order, base, when=when, nth=nth)
        answer = self._ask(order, base, base + size, when=when, nth=nth)
        granted = answer.allowed - base
        if answer.allowed == base + size:
            granted = size
        if not granted:
            announce(self, order, answer.reason)
            reject(self, order)
            return False
        self._open[order.ref] = order
        if granted != size:
            explain(order, answer.reason)
            self._caps[order.ref] = granted
        return True

    def _rests(self) -> bool:
        return self._native_resting and self.p.filler is None

    def _rest(self, order: Any, base: float, *, when: int, nth: int) -> bool:
        """Place an order at the venue; False when it was refused, which an exit never is."""
        try:
            receipt = self._natives.place(order, base, when=when, nth=nth)
        except ConfigError as error:
            announce(self, order, str(error))
        else:
            opens = abs(base + order.executed.remsize) > abs(base)
            if receipt is None or receipt.ok or not opens:
                return True
            announce(self, order, receipt.reason)
        reject(self, order)
        return False

    # -- fills --------------------------------------------------------------------------------

    def _execute(
        self,
        order: Any,
        ago: int | None = None,
        price: float | None = None,
        cash: float | None = None,
        position: Any = None,
        dtcoc: float | None = None,
    ) -> Any:
        """Book a fill, after the gate has agreed to it."""
        if ago is None or price is None or not self._following:
            return super()._execute(order, ago, price, cash, position, dtcoc)
        offered = self._offered(order, price, ago)
        size = offered
        if order.ref in self._caps:
            size = min(size, self._caps[order.ref], key=abs)
        elif order.ref not in self._open:
            size = self._trigger(order, offered, price)
            if offered and not size:
                reject(self, order)
                return None
        held = order.executed.remsize
        self._book(order, size, ago, price, dtcoc)
        if order.ref in self._caps:
            self._caps[order.ref] -= held - order.executed.remsize
            if abs(self._caps[order.ref]) < _NOISE:
                self._forget(order)
                reject(self, order)
        elif size != offered and order.alive():
            reject(self, order)
        return None

    def _offered(self, order: Any, price: float, ago: int) -> Any:
        """Signed size that matching offers; a filler is asked once, it may draw on a budget."""
        if self.p.filler is None:
            return order.executed.remsize
        volume = self.p.filler(order, price, ago)
        return volume if order.isbuy() else -volume

    def _book(self, order: Any, size: Any, ago: int, price: float, dtcoc: float | None) -> None:
        filler = self.p.filler
        if filler is not None or size != order.executed.remsize:
            volume = size if order.isbuy() else -size
            self.p.filler = lambda *_: volume
        try:
            super()._execute(order, ago, price, dtcoc=dtcoc)
        finally:
            self.p.filler = filler

    def _trigger(self, order: Any, offered: Any, price: float) -> Any:
        """Ask the gate about a fill that the target does not count yet.

        Returns:
            Signed size that may be filled.
        """
        size = forecast.executed(self, order, offered, price)
        if not size:
            return offered  # nothing will be booked: stock says margin
        base = self.target(order.data)
        when = self._now()
        key = key_of(order.data)
        if order in self._natives and self._natives.filled(order, key, base + size, when=when):
            return offered
        if order.exectype == Order.Historical:
            self._follower.tell(key, base + size, when=when)
            return offered
        nth = self._calls.fill(*self._identity(order))
        answer = self._ask(order, base, base + size, when=when, nth=nth, price=price)
        if answer.allowed == base + size:
            return offered
        explain(order, answer.reason)
        return answer.allowed - base

    def notify(self, order: Any) -> None:
        """Queue a notice; a counted order that died without its fill is undone at the venue."""
        super().notify(order)
        if not order.alive():
            if self._following and order in self._natives:
                self._natives.died(order, key_of(order.data), when=self._now())
            if order.ref in self._open:
                self._forget(order)
                if order.status != Order.Completed:
                    key = key_of(order.data)
                    self._follower.tell(key, self.target(key), when=self._now())

    def _forget(self, order: Any) -> None:
        self._open.pop(order.ref, None)
        self._caps.pop(order.ref, None)

    # -- the gate -----------------------------------------------------------------------------

    def target(self, data: Any) -> Any:
        """Position of a data with its open market orders: what the venue should hold."""
        key = key_of(data)
        held = self.positions.get(key)
        total = held.size if held is not None else 0
        for ref, order in self._open.items():
            if key_of(order.data) is key:
                total += self._caps.get(ref, order.executed.remsize)
        return total

    def _ask(
        self, order: Any, base: Any, wanted: Any, *, when: int, nth: int, price: float | None = None
    ) -> Answer:
        legs = None
        children: list[Any] = []
        if self._native_brackets and order.parent is None:
            children = [o for o in self._pchildren.get(order.ref, ()) if o is not order]
            opened = wanted if base * wanted < 0 else wanted - base
            legs = brackets.native(order, children, opened)
        reference = float(price if price is not None else order.created.pclose)
        spec = OrderSpec(bracket=legs, reference=reference if math.isfinite(reference) else None)
        answer = self._follower.ask(key_of(order.data), base, wanted, when=when, nth=nth, spec=spec)
        receipt = answer.receipt
        if legs and receipt:
            self._natives.ride(children, receipt)
        return answer

    def _identity(self, order: Any) -> tuple[int, str, int]:
        return getattr(order.owner, "_id", 0), self._map.label(order.data), self._now()

    def _now(self) -> int:
        return moment(self.cerebro.datas)
