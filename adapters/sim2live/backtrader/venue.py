"""How does Backtrader trade on the venue's truth instead of its own?

`VenueBroker` never matches anything. Orders go to the venue, and what becomes of them comes from
its reports: fills, partial fills, cancels and rejections, and with them cash and positions.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from backtrader import Order

from sim2live.backtrader import brackets
from sim2live.backtrader.barclock import Watch, moment
from sim2live.backtrader.booking import book, foreign, key_of, settle
from sim2live.backtrader.calls import Calls
from sim2live.backtrader.contract_broker import ContractBroker
from sim2live.backtrader.follower import Follower
from sim2live.backtrader.instruments import InstrumentMap, Instruments
from sim2live.backtrader.natives import Natives, can_rest
from sim2live.backtrader.prices import Prices
from sim2live.backtrader.rejection import explain, reject
from sim2live.backtrader.validity import mend
from sim2live.errors import ConfigError, SizingError
from sim2live.gate.receipt import Status
from sim2live.signals import Instrument, OrderSpec
from sim2live.sizing import exact

if TYPE_CHECKING:
    from sim2live.gate.dispatch import Dispatcher
    from sim2live.gate.receipt import Receipt
    from sim2live.venues.base import Report

_log = logging.getLogger("sim2live.backtrader")


class VenueBroker(ContractBroker):
    """Backtrader's broker surface over a venue that reports; nothing is simulated here.

    Orders of history (a feed that backfills) are rejected, since nothing can fill them. Every
    size is a whole number of contracts. Cash starts with ``cash`` and moves with the reported
    fills; nothing is asked over the network while a bar is handled.

    Args:
        dispatcher: The handle on the gate, from `sim2live.connect`.
        instruments: As in `MirrorBroker`.
        account: The account whose fills count, where a pool has several; by default the first
            that reports.
        kwargs: Parameters of ``BackBroker``, such as ``cash``.

    Raises:
        ConfigError: The venue cannot report, or `instruments` is None on a real venue.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        *,
        instruments: Instruments = None,
        account: str | None = None,
    ) -> None:
        venue = dispatcher.venue
        if not (venue.can_report and venue.can_cancel):
            what = "VenueBroker needs one that reports and can cancel; use MirrorBroker"
            raise ConfigError(f"venue={venue.name!r}: {what}")
        self._map = InstrumentMap(instruments, simulated=venue.simulated)
        self._dispatcher = dispatcher
        self._account = account
        super().__init__()

    @property
    def dispatcher(self) -> Dispatcher:
        """The handle on the gate."""
        return self._dispatcher

    # -- life of a run ------------------------------------------------------------------------

    def init(self) -> None:
        """Forget every order and position (Backtrader calls this before each run)."""
        super().init()
        self._calls = Calls()
        self._names: dict[str, Any] = {}  # orders by what the venue calls them
        self._caps: dict[int, int] = {}  # signed contracts that will be filled, where cut
        self._seen: set[int] = set()  # datas whose position at the start is booked
        self._reread = False  # somebody else was at the venue

    def start(self) -> None:
        """Begin a run; positions that the venue holds are booked with each data's first bar.

        Stock `start` wipes whatever was seeded before it, so this comes after it.

        Raises:
            ConfigError: An optimisation.
        """
        super().start()
        if getattr(self.cerebro, "_dooptimize", False):
            raise ConfigError("an optimisation would send real orders; use the stock broker")
        self._follower = Follower(self._dispatcher, self._map, exact)
        self._natives = Natives(self._dispatcher, self._map, self._follower)
        self._watch: Watch | None = None
        self._dispatcher.reports()  # what was told before is part of what is held
        self._opening = self._dispatcher.held() or {}

    def next(self) -> None:
        """Hear what the venue has done; on a new bar also expire, trail and value."""
        if self._watch is None:  # the datas are complete only now
            self._watch = Watch(self.cerebro.datas)
            self._prices = Prices(self._dispatcher, self._map, self.cerebro.datas)
        moved = self._watch.moved()
        if moved:
            self._open(moved)
            self._listen()
            self._expire()  # before a simulated venue matches the bar that comes too late
            self._prices.push(moved)
        self._listen()
        if not moved:
            return
        if self._reread or self._dispatcher.venue.here:
            self.reconcile()
        for order in self.pending:
            if order.exectype in (Order.StopTrail, Order.StopTrailLimit):
                order.trailadjust(order.data.close[0])
        if self._natives.trail:
            self._natives.follow_trails(when=self._now())
        settle(self)
        self._get_value()
        self._dispatcher.mark(self._value)

    def _open(self, datas: list[Any]) -> None:
        """With its first bar a data gets the position that the venue held at the start.

        Before the gate hears of the bar, or it would close what no strategy seems to want.
        """
        for data in datas:
            instrument = self.instrument(data)
            if id(data) in self._seen or instrument is None:
                continue
            self._seen.add(id(data))
            size = self._opening.pop(instrument, 0)
            if size:
                foreign(self, data, size, data.close[0], owner=None, reason="held at the start")
                self._level(data)

    def _expire(self) -> None:
        for order in [o for o in self.pending if o.valid and o.exectype != Order.Market]:
            if order.data.datetime[0] > order.valid and not order.info.ending:
                order.addinfo(ending="expired")
                self._end_there(order)

    # -- orders on their way in ---------------------------------------------------------------

    def submit(self, order: Any, check: bool = True) -> Any:  # noqa: ARG002 - the venue checks
        """Queue an order; when it transmits, send it and its family."""
        kin = self._take_children(order)
        if kin is None:
            return order
        self._pchildren[kin].append(order)
        if not order.transmit:
            return order
        group = [o for o in self._pchildren[kin] if o.status == Order.Created]
        for member in group:
            mend(member)
            member.submit(self)
            self.orders.append(member)
            self.notify(member)
        for member in group:
            if member.alive() and member.active():
                self._send(member, [o for o in group if o is not member])
            elif member.alive():
                member.accept(self)
                self.notify(member)
        return order

    def _send(self, order: Any, children: list[Any]) -> None:
        owner, label, when = self._identity(order)
        nth = self._calls.order(owner, label, when)
        base, size = self.target(order.data), order.executed.remsize
        legs = brackets.native(order, children, size) if children and not base else None
        try:
            exact(size)
            if order.exectype == Order.Market:
                receipt = self._follow(order, base + int(size), when, nth, OrderSpec(bracket=legs))
            elif can_rest(order) and order.data._compensate is None:
                legs = None
                placed = self._natives.place(order, base, when=when, nth=nth)
                if placed is None:
                    raise ConfigError("a bar of history: nothing can be placed at it")
                receipt = placed
            else:
                raise ConfigError(f"{order.getordername()} orders are not for a venue")
        except (ConfigError, SizingError) as error:
            self._refuse(order, str(error))
            return
        if not receipt.ok or (receipt.status is Status.SHADOW and not receipt.signals):
            self._refuse(order, receipt.reason or receipt.status.value)
            return
        if order.exectype == Order.Market and receipt.granted != base + size:
            explain(order, receipt.reason)
            self._caps[order.ref] = receipt.granted - base
        for signal in receipt.signals:
            self._names[signal.signal_id] = order
        if legs is not None:
            self._natives.ride(children, receipt)
            for child in children:
                self._names[self._natives.name(child)] = child
        self.pending.append(order)
        order.accept(self)
        self.notify(order)

    def _follow(self, order: Any, target: int, when: int, nth: int, spec: OrderSpec) -> Receipt:
        key = key_of(order.data)
        return self._dispatcher.follow(
            self._map.of(key),
            target,
            data=self._map.label(key),
            nth=nth,
            decided_at=when,
            order=spec,
        )

    def _refuse(self, order: Any, reason: str) -> None:
        explain(order, reason)
        reject(self, order)

    def cancel(self, order: Any, bracket: bool = False) -> bool:
        """Ask the venue to take an order back; its report says whether that came in time."""
        if not order.alive():
            return False
        if order in self._natives or order not in self.pending:
            order.addinfo(ending="canceled")
            self._end_there(order, bracket)
            return True
        return False  # a market order is on its way and cannot be had back

    def _end_there(self, order: Any, bracket: bool = False) -> None:
        """Take an order off the venue; one that never was there ends here and now."""
        if order in self._natives:
            self._natives.withdraw(order, when=self._now())
        else:
            self._ended(order, bracket)

    def _ended(self, order: Any, bracket: bool = False) -> None:
        if not order.alive():
            return
        if order in self.pending:
            self.pending.remove(order)
        if order.info.ending == "expired":
            order.status = Order.Expired
            order.executed.dt = order.data.datetime[0]
        else:
            order.cancel()
        self._natives.forget(order)
        self.notify(order)
        self._ococheck(order)
        if not bracket:  # else its family is what ends it
            self._bracketize(order, cancel=True)

    def _ococheck(self, order: Any) -> None:
        """The others of a group are cancelled at the venue too."""
        refs = self._ocol.pop(self._ocos.get(self._ocos[order.ref]), None) or ()
        for other in [o for o in self.pending if o.ref in refs and o is not order]:
            self.cancel(other)

    # -- what the venue tells -----------------------------------------------------------------

    def _listen(self) -> None:
        """Hear all there is: a report may send an order, which may be answered at once."""
        while reports := self._dispatcher.reports():
            for report in reports:
                self._hear(report)

    def _hear(self, report: Report) -> None:
        if self._account is None:
            self._account = report.account
        if report.account != self._account or report.kind == "accept":
            return
        order = self._names.get(report.name) or self._names.get(report.signal_id)
        if report.kind == "fill" and report.price is not None:
            data = order.data if order is not None else self._data_of(report.instrument)
            if data is not None:
                self._filled(order, data, report.signed_qty, report.price)
        elif order is not None and order.alive():
            order.addinfo(sim2live=report.reason)
            if report.kind == "reject":
                if order in self.pending:
                    self.pending.remove(order)
                self._natives.forget(order)
                reject(self, order)
            else:
                self._ended(order)
            self._level(order.data)

    def _filled(self, order: Any, data: Any, size: int, price: float) -> None:
        """Book a fill of an order, or of somebody else."""
        if order is None or not order.alive():
            order = self._waiting(data, size)
        if order is None or not len(data):
            reason = "no order of this run: it was done by hand or by another program"
            foreign(self, data, size, price, owner=None, reason=reason)
            self._reread = True
            return
        resting = order in self._natives
        book(self, order, size, price)
        key = key_of(data)
        if resting and not self._natives.filled(order, key, self.target(key), when=self._now()):
            self._level(data)
        left = self._caps.get(order.ref)
        if left is not None:
            self._caps[order.ref] = left = left - size
        if order.alive() and left != 0:
            return
        if order in self.pending:
            self.pending.remove(order)
        self._natives.forget(order)
        if order.alive():  # the rest of it was refused
            reject(self, order)
            return
        self._ococheck(order)
        self._complete(order)

    def _complete(self, order: Any) -> None:
        """What the end of an order means for its family."""
        family = [o for o in self._pchildren.get(order.ref, ()) if o is not order]
        self._bracketize(order)
        if order.parent is None:
            self._toactivate.clear()
            for child in family:
                child.activate()
                if child in self._natives:
                    self.pending.append(child)
                else:
                    self._send(child, [])

    def _waiting(self, data: Any, size: int) -> Any:
        """A market order that waits for such a fill: its exit may have gone under another id."""
        key = key_of(data)
        for order in self.pending:
            fits = order.exectype == Order.Market and key_of(order.data) is key
            if fits and order.executed.remsize * size > 0:
                return order
        return None

    def reconcile(self) -> None:
        """Compare with what the venue holds, and book what no report has told.

        It is done at the start; call it when a connection has come back. Where the venue is
        not in this process it asks over the network.
        """
        self._reread = False
        held = self._dispatcher.held()
        known: dict[Instrument, int] = dict(held or {})
        for data in self.cerebro.datas:
            instrument = self.instrument(data)
            if instrument is None or not len(data) or data._compensate is not None:
                continue
            if held is None or self._data_of(instrument) is not data:
                continue
            missing = held.get(instrument, 0) - self.positions[data].size
            if missing:
                reason, order = "read from the venue", self._waiting(data, missing)
                if order is None:
                    _log.warning("%s: %+d %s", instrument, missing, reason)
                    foreign(self, data, missing, data.close[0], owner=None, reason=reason)
                else:
                    order.addinfo(sim2live=reason)
                    self._filled(order, data, missing, data.close[0])
            known[instrument] = self.target(data)
        if held is not None:
            self._dispatcher.reconcile(known)
            for data in self.positions:
                self._level(data)

    def _level(self, data: Any) -> None:
        """What is held and on its way is what the gate should want, from now on."""
        key = key_of(data)
        self._follower.tell(key, self.target(key), when=self._now())

    # -- helpers ------------------------------------------------------------------------------

    def target(self, data: Any) -> int:
        """Position with what open market orders will add to it."""
        key = key_of(data)
        total = int(self.positions[key].size)
        for order in self.pending:
            if order.exectype == Order.Market and key_of(order.data) is key:
                total += int(self._caps.get(order.ref, order.executed.remsize))
        return total

    def _data_of(self, instrument: Instrument) -> Any:
        """The first data that stands for an instrument."""
        known = (d for d in self.cerebro.datas if self.instrument(d) == instrument)
        return next((d for d in known if d._compensate is None), None)

    def _identity(self, order: Any) -> tuple[int, str, int]:
        return getattr(order.owner, "_id", 0), self._map.label(order.data), self._now()

    def _now(self) -> int:
        return moment(self.cerebro.datas)
