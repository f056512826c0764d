"""How does a venue follow a Zipline algorithm? `MirrorBlotter`.

The stock simulation keeps the books. Each hook below computes one number, the position that the
algorithm wants now (position plus open market orders), and hands it to the gate; what the gate
refuses is rejected with Zipline's own means.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from zipline.assets import Future
from zipline.errors import UnsupportedOrderParameters
from zipline.finance.blotter import SimulationBlotter
from zipline.finance.order import Order
from zipline.utils.api_support import get_algo_instance

from sim2live.errors import ConfigError
from sim2live.signals import OrderSpec
from sim2live.zipline.expiry import cutoff_of
from sim2live.zipline.following import Following, Instruments, Line, log
from sim2live.zipline.futures import FuturesCommission, only_futures, tick_of
from sim2live.zipline.orders import counts, grows, is_market, kept
from sim2live.zipline.prices import Prices

if TYPE_CHECKING:
    from sim2live.gate.dispatch import Dispatcher
    from sim2live.gate.receipt import Receipt
    from sim2live.sizing import Sizing


class MirrorBlotter(SimulationBlotter):
    """Zipline's simulation blotter, followed by a venue.

    Orders, transactions and portfolio are those of the plain run. Market orders go out at the
    bar of the decision; limit and stop orders are held here and go out as market orders when the
    simulation fills them. An order that a rule or the venue refuses becomes ``REJECTED`` with the
    reason on it; an exit is never refused.

    Args:
        dispatcher: The strategy's handle, from `sim2live.connect`.
        instruments: Symbol or root -> contract (``{"ES": "CME:MESZ6"}``), or a function of the
            asset, or None for the asset's own symbol at exchange ``SIM`` on a simulated venue.
        sizing: How many contracts stand for a position: ``"exact"``, ``target(ratio)`` or
            ``direction(n)``.
        simulation_blotter_params: As for `SimulationBlotter`: ``equity_slippage``,
            ``future_slippage``, ``equity_commission``, ``future_commission``, ``cancel_policy``.
            Futures commissions default to `FuturesCommission`, which knows every root.

    Raises:
        ConfigError: The venue is real (that is for `run_live`), or there is no instrument map for
            it.
    """

    live = False
    _bar_data: Any

    def __init__(
        self,
        dispatcher: Dispatcher,
        *,
        instruments: Instruments = None,
        sizing: Sizing | str = "exact",
        **simulation_blotter_params: Any,
    ) -> None:
        if not (self.live or dispatcher.venue.simulated):
            raise ConfigError(
                f"dispatcher.venue={dispatcher.venue.name}: run_algorithm replays history, so it "
                "dispatches to simulated venues only; a real one needs sim2live.zipline.run_live"
            )
        self._params = {"future_commission": None, **simulation_blotter_params}
        self._prices = Prices()
        self._following = Following(dispatcher, instruments, sizing, self._prices)
        self._algorithm: Any = None
        self._fresh()

    @property
    def dispatcher(self) -> Dispatcher:
        """The handle that this blotter speaks to."""
        return self._following.dispatcher

    # ---- orders -------------------------------------------------------------------------------

    def order(self, asset: Any, amount: int, style: Any, order_id: str | None = None) -> str | None:
        """Place an order; a market order goes out at once.

        Returns:
            The order's id, also when it was rejected, or None for an amount of 0.
        """
        if type(asset).__name__ == "ContinuousFuture":
            raise UnsupportedOrderParameters(
                msg=f"{asset} is a continuous future, which nobody can trade; order its current "
                "contract: data.current(continuous, 'contract')"
            )
        self._bind()
        self._count += 1
        name = order_id or self._id(asset)
        made: str | None = super().order(asset, amount, self._on_tick(asset, style), name)
        if made is not None:
            order = self.orders[made]
            if order.stop is None and order.limit is None:
                self._dispatch(order)
            else:
                self._line(order)
        return made

    def cancel(self, order_id: Any, relay_status: bool = True) -> None:
        """Cancel an order; an id that is not known, or is no id at all, is ignored."""
        try:
            order = self.orders.get(order_id)
        except TypeError:
            return
        if order is not None:
            counted = counts(order)
            super().cancel(order_id, relay_status)
            if counted:
                self._undone(order)

    def reject(self, order_id: Any, reason: str = "") -> None:
        """Reject an order; an unknown id is ignored."""
        order = self.orders.get(order_id)
        if order is not None:
            counted = counts(order)
            super().reject(order_id, reason)
            if counted:
                self._undone(order)

    def process_splits(self, splits: list[tuple[Any, float]]) -> None:
        """Scale open orders by splits; the venue is presumed to scale with them."""
        super().process_splits(splits)
        for asset, ratio in splits:
            line = self._following.lines.get(asset)
            if line is not None:
                # The books are split right after this; the same whole-share rule as theirs.
                held = float(int(self._position(asset) / ratio))
                line.raw = held + self._open_market(asset)
                self._following.presume(line, line.raw, "a split")

    def set_date(self, dt: Any) -> None:
        """Take the simulation's time; a new run after a finished one starts with empty books."""
        if self._algorithm is not None and self._algorithm.metrics_tracker is None:
            self._fresh()
        self.current_dt = dt

    # ---- fills --------------------------------------------------------------------------------

    def get_transactions(self, bar_data: Any) -> tuple[list[Any], list[Any], list[Any]]:
        """Match open orders against the bar; an entry that the gate refuses is not filled."""
        self._bar_data = bar_data
        self._bind()
        if self._active:
            self._look(bar_data)
        if self._at >= self._prices.last:
            self._following.catch_up_all()
        before = self._resting() if self.open_orders else None
        transactions, commissions, closed = super().get_transactions(bar_data)
        if transactions and before:
            self._approve(before, transactions, commissions, closed)
        if self._algorithm is None:
            for txn in transactions:
                self._own[txn.asset] = self._own.get(txn.asset, 0) + txn.amount
        if self._active:
            self._compare()
        return transactions, commissions, closed

    def _approve(
        self,
        before: dict[str, tuple[int, float, Any]],
        transactions: list[Any],
        commissions: list[Any],
        closed: list[Any],
    ) -> None:
        """Ask the gate for each fill of a limit or stop order, before the books see it."""
        for txn in list(transactions):
            if txn.order_id not in before:
                continue
            order = self.orders[txn.order_id]
            line = self._line(order)
            if line is None:
                continue
            receipt, wanted = self._ask(line, line.raw + txn.amount, txn.price)
            if receipt.granted == wanted:
                line.raw += txn.amount
                continue
            keep = kept(line.raw, txn.amount, receipt.granted)
            order.filled, order.commission, order.dt = before[order.id]
            commissions[:] = [cost for cost in commissions if cost["order"] is not order]
            if order in closed:
                closed.remove(order)
            if not keep:
                transactions.remove(txn)
                super().reject(order.id, receipt.reason)
                continue
            txn.amount = keep
            self._split_off(order, order.filled + keep, receipt.reason)
            cost = self.commission_models[type(order.asset)].calculate(order, txn)
            if cost > 0:
                commissions.append({"asset": order.asset, "order": order, "cost": cost})
            order.filled += keep
            order.commission += cost
            order.dt = txn.dt
            closed.append(order)
            line.raw += keep

    def _look(self, bar_data: Any) -> None:
        """Take the bar of what is held, and see whether a position moved without an order."""
        at = self._at
        for line in self._active.values():
            self._hear(line, bar_data, at)
            raw = self._position(line.asset) + self._open_market(line.asset)
            if raw != line.raw:
                line.raw = raw
                self._following.presume(line, raw, "the simulation")

    def _compare(self) -> None:
        """Once a bar: is the venue where the algorithm wants it? Flat lines are let go."""
        at = self._at
        following = self._following
        for asset, line in list(self._active.items()):
            if not line.settled or at >= line.cutoff:
                if at >= line.cutoff and line.target:
                    log.warning(
                        "%s: leaving %+d at the venue, Zipline closes it on %s",
                        line.data,
                        line.target,
                        asset.auto_close_date,
                    )
                if line.target or not line.settled:
                    following.follow(line, line.raw, at, call=False)
            if not line.raw and line.settled and not line.target and asset not in self.open_orders:
                del self._active[asset]

    # ---- one order ----------------------------------------------------------------------------

    def _dispatch(self, order: Any) -> None:
        line = self._line(order)
        if line is None:
            return
        at = self._at
        if self._bar_data is not None:
            self._hear(line, self._bar_data, at)
        self._following.catch_up(line)
        raw = self._position(order.asset) + self._open_market(order.asset)
        if at >= line.cutoff and not self._following.simulated and grows(raw, order.amount):
            super().reject(order.id, f"{line.data} is about to expire: no more entries")
            return
        receipt, wanted = self._ask(line, raw, line.close)
        if receipt.granted == wanted:
            line.raw = raw
            return
        line.raw = raw - order.amount
        keep = kept(line.raw, order.amount, receipt.granted)
        if keep:
            self._split_off(order, keep, receipt.reason)
            line.raw += keep
        else:
            super().reject(order.id, receipt.reason)

    def _ask(self, line: Line, raw: float, price: float | None) -> tuple[Receipt, int]:
        """The gate's answer to a raw position, and the target that stands for it."""
        at = self._at
        spec = OrderSpec(reference=price) if price is not None else None
        receipt = self._following.follow(line, raw, at, order=spec)
        try:
            return receipt, self._following.wanted(line, raw, at)
        except ConfigError:
            return receipt, receipt.granted + 1  # no whole number stands for it: refused

    def _undone(self, order: Any) -> None:
        """A market order died before it was filled: what is left of it leaves the target."""
        line = self._line(order)
        if line is not None:
            line.raw = self._position(order.asset) + self._open_market(order.asset)
            self._following.follow(line, line.raw, self._at)

    def _split_off(self, order: Any, amount: int, reason: str) -> None:
        """Cut an order to `amount`; the rest is a second order, rejected with the reason."""
        rest = Order(
            dt=self.current_dt,
            asset=order.asset,
            amount=order.amount - amount,
            stop=order.stop,
            limit=order.limit,
            id=self._id(order.asset, "rest"),
        )
        order.amount = amount
        rest.reject(reason=reason)
        self.orders[rest.id] = rest
        self.new_orders.append(rest)

    def _line(self, order: Any) -> Line | None:
        """The order's line, or None (and a rejected order) where no contract follows the asset."""
        try:
            line = self._following.line(order.asset)
        except ConfigError as wrong:
            log.error("%s", wrong)
            super().reject(order.id, str(wrong))
            return None
        if order.asset not in self._active:
            self._active[order.asset] = line
            if self._algorithm is not None:
                line.cutoff = cutoff_of(order.asset, self._algorithm)
        return line

    def _on_tick(self, asset: Any, style: Any) -> Any:
        """A style made without its asset is rounded to 0.01; give it the contract's tick."""
        if isinstance(asset, Future) and getattr(style, "asset", style) is None and tick_of(asset):
            copied = object.__new__(type(style))
            copied.__dict__.update(style.__dict__, asset=asset)
            return copied
        return style

    # ---- the books ----------------------------------------------------------------------------

    def _fresh(self) -> None:
        """Stock state for a run that begins."""
        params = dict(self._params)
        params["future_commission"] = params["future_commission"] or FuturesCommission()
        SimulationBlotter.__init__(self, **params)
        self._following.forget()
        self._algorithm = self._prices.algorithm = None
        self._bar_data = None
        self._active: dict[Any, Line] = {}
        self._own: dict[Any, float] = {}
        self._count = 0

    def _bind(self) -> None:
        """Find the algorithm that runs now; a blotter on its own has none."""
        algorithm = get_algo_instance()
        if algorithm is not self._algorithm and getattr(algorithm, "blotter", None) is self:
            self._algorithm = self._prices.algorithm = algorithm
            if algorithm.trading_calendar.name in ("XNYS", "NYSE") and only_futures(algorithm):
                log.warning(
                    "trading_calendar=%s: this bundle holds futures; pass "
                    "trading_calendar=get_calendar('CMES') or 'us_futures'",
                    algorithm.trading_calendar.name,
                )

    @property
    def _at(self) -> int:
        """The simulation's time, ns UTC; 0 before it has one."""
        return 0 if self.current_dt is None else int(self.current_dt.value)

    @property
    def _waits(self) -> bool:
        """Whether bars may wait to be read together later."""
        return not self.live and self._prices.minutes

    def _position(self, asset: Any) -> float:
        """What the simulation holds, from the framework's own ledger."""
        if self._algorithm is None:
            return self._own.get(asset, 0)
        held = self._algorithm.metrics_tracker.positions.get(asset)
        return 0 if held is None else held.amount

    def _open_market(self, asset: Any) -> float:
        """What open market orders will still buy (+) or sell (-)."""
        orders = self.open_orders.get(asset)
        return sum(order.open_amount for order in orders if counts(order)) if orders else 0

    def _resting(self) -> dict[str, tuple[int, float, Any]]:
        """What a refused fill is taken back to, for each limit or stop order."""
        return {
            order.id: (order.filled, order.commission, order.dt)
            for orders in self.open_orders.values()
            for order in orders
            if not is_market(order)
        }

    def _hear(self, line: Line, bar_data: Any, at: int) -> None:
        """Hand a bar on, or keep it until something is decided."""
        if line.pushed == at:
            return
        # Live nobody can tell how long a bar would wait.
        if line.calm or (self._waits and self._following.calm(line)):
            self._following.keep(line, at)
        else:
            bar = self._prices.bar(line.asset, self.current_dt, bar_data)
            self._following.push(line, at, bar)

    def _id(self, asset: Any, part: str = "") -> str:
        """An order id that a restart makes again, so that replayed orders keep theirs."""
        at = self._at
        dispatcher = self._following.dispatcher
        name = f"{dispatcher.strategy}\0{dispatcher.run}\0{at}\0{int(asset)}\0{self._count}\0{part}"
        return hashlib.blake2b(name.encode(), digest_size=16).hexdigest()
