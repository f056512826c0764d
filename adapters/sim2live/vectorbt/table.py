"""Which signals do the orders of a portfolio become?

Positions are rounded, never orders: a signal is the difference between two rounded positions.
Everything is arrays; a `Signal` object is only made when somebody asks for one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sim2live.errors import SignalError, SizingError
from sim2live.signals import Bracket, Signal, StopLoss, TakeProfit
from sim2live.sizing import Sizing
from sim2live.vectorbt.ids import WIDTH, Bytes, bulk_ids
from sim2live.vectorbt.orders import Floats, Ints, OrderTable
from sim2live.vectorbt.rounding import first_fraction, whole
from sim2live.vectorbt.routes import Route

if TYPE_CHECKING:
    import pandas as pd

    from sim2live.vectorbt.stops import Brackets

FRAME_COLUMNS: Final = (
    "time",
    "column",
    "signal_id",
    "workflow_id",
    "exchange",
    "symbol",
    "side",
    "qty",
    "open_close",
    "order_type",
    "limit_price",
    "trigger_price",
    "take_profit",
    "stop_loss",
    "position",
)
_OPEN: Final = 0
_CLOSE: Final = 1
_WORDS: Final = ("OPEN", "CLOSE")


@dataclass(frozen=True, slots=True, eq=False)
class Contracts:
    """The position of each order's column in whole contracts, before and after the order."""

    before: Ints
    after: Ints


@dataclass(frozen=True, slots=True, eq=False)
class SignalTable:
    """Signals as arrays of one length, in the order in which they are to be sent.

    Attributes:
        orders: The orders they come from.
        routes: Of the portfolio's columns.
        order: Row of `orders`.
        leg: 0 opens, 1 closes.
        side: +1 buys, -1 sells.
        qty: Whole contracts, 1 or more.
        position: Whole contracts of the column after the signal.
        take_profit: Limit price of the profit leg, NaN without one.
        stop_loss: Trigger price of the loss leg, NaN without one.
        ids: Text of each id, shape (rows, 36).
    """

    orders: OrderTable
    routes: tuple[Route, ...]
    order: Ints
    leg: Ints
    side: Ints
    qty: Ints
    position: Ints
    take_profit: Floats
    stop_loss: Floats
    ids: Bytes

    def __len__(self) -> int:
        return len(self.order)

    @property
    def column(self) -> Ints:
        """Column of each signal, as a position in `routes`."""
        return self.orders.column[self.order]

    @property
    def bar(self) -> Ints:
        """Bar of each signal, as a position in the index."""
        return self.orders.bar[self.order]

    def texts(self) -> list[str]:
        """The ids as Python texts."""
        joined = self.ids.tobytes().decode("ascii")
        return [joined[at : at + WIDTH] for at in range(0, len(joined), WIDTH)]

    def signals(self) -> Iterator[Signal]:
        """The same as objects, one after the other."""
        rows = zip(
            self.column.tolist(),
            self.leg.tolist(),
            self.side.tolist(),
            self.qty.tolist(),
            self.take_profit.tolist(),
            self.stop_loss.tolist(),
            strict=True,
        )
        for row, (column, leg, side, qty, profit, loss) in enumerate(rows):
            route = self.routes[column]
            yield Signal(
                signal_id=self.ids[row].tobytes().decode("ascii"),
                workflow_id=route.workflow,
                instrument=route.instrument,
                side="BUY" if side > 0 else "SELL",
                qty=qty,
                bracket=bracket(profit, loss),
                open_close="CLOSE" if leg == _CLOSE else "OPEN",
            )

    def frame(self) -> pd.DataFrame:
        """The same as a pandas DataFrame with the columns `FRAME_COLUMNS`."""
        import pandas as pd

        nothing = np.full(len(self), np.nan)
        data: dict[str, Any] = {
            "time": self.orders.index[self.bar],
            "column": self._each([route.name for route in self.routes]),
            "signal_id": self.texts(),
            "workflow_id": self._each([route.workflow for route in self.routes]),
            "exchange": self._each([route.instrument.exchange for route in self.routes]),
            "symbol": self._each([route.instrument.symbol for route in self.routes]),
            "side": _words(("SELL", "BUY"), self.side > 0),
            "qty": self.qty,
            "open_close": _words(_WORDS, self.leg),
            "order_type": _words(("MARKET",), np.zeros(len(self), dtype=np.int64)),
            "limit_price": nothing,
            "trigger_price": nothing,
            "take_profit": self.take_profit,
            "stop_loss": self.stop_loss,
            "position": self.position,
        }
        return pd.DataFrame(data, columns=list(FRAME_COLUMNS))

    def _each(self, values: list[str]) -> Any:
        return _words(values, self.column)


def bracket(take_profit: float, stop_loss: float) -> Bracket | None:
    """The bracket of two prices, of which either or both may be NaN for none."""
    profit = None if np.isnan(take_profit) else TakeProfit(limit_price=take_profit)
    loss = None if np.isnan(stop_loss) else StopLoss(trigger_price=stop_loss)
    return None if profit is None and loss is None else Bracket(take_profit=profit, stop_loss=loss)


def round_positions(orders: OrderTable, routes: tuple[Route, ...], sizing: Sizing) -> Contracts:
    """Round the position before and after each order.

    Raises:
        SizingError: The sizing takes no fractions and there is one. Names column, bar and size.
    """
    try:
        after = whole(orders.after, sizing)
    except SizingError:
        row = first_fraction(orders.after)
        if row is None or not np.isfinite(orders.after).all():
            raise
        raise SizingError(_refusal(orders, routes, row)) from None
    return Contracts(before=whole(orders.before, sizing), after=after)


def make_signals(
    orders: OrderTable,
    routes: tuple[Route, ...],
    contracts: Contracts,
    *,
    strategy: str,
    run: str,
    brackets: Brackets | None = None,
) -> SignalTable:
    """Turn differences of rounded positions into signals.

    An order that changes no whole contract becomes none. One that crosses zero becomes two: a
    CLOSE of what is held, then an OPEN of the rest, which alone carries the bracket.

    Args:
        orders: The orders of a portfolio.
        routes: Of its columns.
        contracts: Its positions in whole contracts.
        strategy: Name for the ids.
        run: Name for the ids.
        brackets: Prices of the legs, and the exits that are left to them.

    Raises:
        SignalError: The legs of a bracket contradict each other.
    """
    before, after = contracts.before, contracts.after
    flips = before * after < 0
    held, wanted = np.abs(before), np.abs(after)
    closing = np.where(flips, held, np.maximum(held - wanted, 0))
    opening = np.where(flips, wanted, np.maximum(wanted - held, 0))
    if brackets is not None:
        closing[brackets.exits] = 0
    closes, opens = np.flatnonzero(closing), np.flatnonzero(opening)
    order = np.concatenate((closes, opens))
    leg = np.repeat(np.array([_CLOSE, _OPEN]), (len(closes), len(opens)))
    in_turn = np.argsort(order * 2 + (leg == _OPEN), kind="stable")
    order, leg = order[in_turn], leg[in_turn]
    opens_position = leg == _OPEN
    profit, loss = np.full(len(order), np.nan), np.full(len(order), np.nan)
    side = np.sign(after - before)[order]
    if brackets is not None:
        profit[opens_position] = brackets.take_profit[order[opens_position]]
        loss[opens_position] = brackets.stop_loss[order[opens_position]]
        _check_legs(side, profit, loss)
    return SignalTable(
        orders=orders,
        routes=routes,
        order=order,
        leg=leg,
        side=side,
        qty=np.where(opens_position, opening[order], closing[order]),
        position=np.where(flips[order] & ~opens_position, 0, after[order]),
        take_profit=profit,
        stop_loss=loss,
        ids=bulk_ids(
            routes,
            strategy=strategy,
            run=run,
            column=orders.column[order],
            decided_at=orders.times[orders.bar[order]],
            nth=orders.nth[order],
            leg=leg,
        ),
    )


def _check_legs(side: Ints, profit: Floats, loss: Floats) -> None:
    """What `Signal` asks of the legs of a market entry, for all rows at once."""
    with np.errstate(invalid="ignore"):
        wrong = np.flatnonzero((profit - loss) * side <= 0)
    if len(wrong):
        row = wrong[0]
        word = "above" if side[row] > 0 else "below"
        raise SignalError(
            "bracket.take_profit.limit_price",
            float(profit[row]),
            f"must be {word} the stop loss at {float(loss[row])!r}; "
            "once rounded to the tick the two stops are not apart",
        )


def _refusal(orders: OrderTable, routes: tuple[Route, ...], row: int) -> str:
    """Why a fraction cannot be sent, where it is, and the three ways out."""
    column = routes[int(orders.column[row])].name
    bar = orders.index[int(orders.bar[row])]
    return (
        f"column {column!r}, bar {bar}, size={float(orders.size[row])!r}: is no whole number of "
        f"contracts (position {float(orders.after[row])!r}); either let the portfolio trade whole "
        "units (size_granularity=1), or round positions (sizing.target(ratio)), or follow their "
        "sign only (sizing.direction(n))"
    )


def _words(values: Any, places: Any) -> Any:
    """Texts taken by position; each text exists once, however many rows point to it."""
    return np.asarray([*values], dtype=object)[np.asarray(places, dtype=np.int64)]
