"""Which orders did a stop make, and where would the venue's own stops stand?

A `vectorbt.Portfolio` forgets its stops: after the run a stop exit is an order like any other.
`capture` keeps the arguments, and from them and the prices the stops are found again. The
behaviour followed is the one that vectorbt documents: a stop stands at a distance from the
entry's reference price, is tested from the next bar on, loss before profit, and beats any signal
of its bar.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np

from sim2live.errors import ConfigError
from sim2live.market import contracts
from sim2live.vectorbt.orders import Floats, Ints, OrderTable
from sim2live.vectorbt.routes import Route

# What decides the shape and the columns of a portfolio, in the order in which they are combined.
_SHAPING: Final = (
    "size", "price", "size_type", "fees", "fixed_fees", "slippage", "min_size", "max_size",
    "size_granularity", "reject_prob", "lock_cash", "allow_partial", "raise_reject", "log",
    "accumulate", "upon_long_conflict", "upon_short_conflict", "upon_dir_conflict",
    "upon_opposite_entry", "val_price", "open", "high", "low", "close", "sl_stop", "sl_trail",
    "tp_stop", "stop_entry_price", "stop_exit_price", "upon_stop_exit", "upon_stop_update",
    "entries", "exits", "short_entries", "short_exits", "direction",
)  # fmt: skip
_NOISE: Final = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Captured:
    """A portfolio together with the arguments it was made from.

    Attributes:
        portfolio: The `vectorbt.Portfolio`.
        arguments: What the constructor was given, by name.
    """

    portfolio: Any
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Brackets:
    """What stops mean for each order of a table.

    Attributes:
        exits: True where a stop made the order.
        take_profit: Limit price of the profit leg of an opening order, NaN without one.
        stop_loss: Trigger price of its loss leg, NaN without one.
    """

    exits: np.ndarray[Any, np.dtype[np.bool_]]
    take_profit: Floats
    stop_loss: Floats


def capture(constructor: Callable[..., Any], *args: Any, **kwargs: Any) -> Captured:
    """Make a portfolio and remember what it was made from.

    Args:
        constructor: Such as ``vbt.Portfolio.from_signals``.
        *args: For the constructor.
        **kwargs: For the constructor.

    Returns:
        The portfolio and its arguments, for `SignalExporter` and `LiveRunner`.
    """
    by_name = inspect.signature(constructor).bind(*args, **kwargs).arguments
    return Captured(constructor(*args, **kwargs), {**by_name, **kwargs})


def read_brackets(orders: OrderTable, captured: Captured, routes: tuple[Route, ...]) -> Brackets:
    """Find the stops of a captured portfolio.

    Args:
        orders: The orders of the portfolio.
        captured: The portfolio with its arguments.
        routes: Of its columns; their contracts give the ticks.

    Returns:
        Stop exits, and the legs of each opening order, rounded to the tick: the loss leg
        toward the entry, the profit leg too.

    Raises:
        ConfigError: There are no stops, they are of a kind that no standing order can express,
            or the tick of an instrument is not known.
    """
    stops = _Arguments(captured)
    _refuse_moving(stops, orders)
    entry = _entries(orders)
    opens = np.flatnonzero((orders.after != 0) & (orders.before * orders.after <= 0))
    levels = {name: _levels(stops, orders, opens, name) for name in ("stop_loss", "take_profit")}
    exits = _exits(stops, orders, entry, levels)
    way_up = {"stop_loss": orders.side > 0, "take_profit": orders.side < 0}
    rounded = {name: _on_ticks(levels[name], way_up[name], orders, routes) for name in levels}
    return Brackets(exits=exits, **rounded)


class _Arguments:
    """Arguments as the simulator sees them: defaults filled in, one value per order asked for."""

    def __init__(self, captured: Captured) -> None:
        import vectorbt as vbt

        self._given = captured.arguments
        self._defaults = vbt.settings["portfolio"]
        self._shape = captured.portfolio.wrapper.shape_2d
        self._arrays: dict[str, Any] = {}

    def raw(self, name: str) -> Any:
        """The argument as given, or the default of vectorbt's settings."""
        value = self._given.get(name)
        return self._defaults.get(name) if value is None else value

    def choice(self, name: str, enum: Any) -> set[str]:
        """The words that an argument of choices uses."""
        from vectorbt.utils.enum_ import map_enum_fields

        value = np.asarray(map_enum_fields(self.raw(name), enum, ignore_type=(int, bool)))
        return {enum._fields[int(number)] for number in np.unique(value.astype(np.int64))}

    def at(self, name: str, bar: Ints, column: Ints) -> Floats:
        """The argument's numbers at the given places."""
        value = self.raw(name)
        if value is None:
            return np.full(len(bar), np.nan)
        if np.ndim(value) == 0:
            return np.full(len(bar), float(value))
        picked: Floats = self._broadcast(name)[bar, column].astype(np.float64)
        return picked

    def _broadcast(self, name: str) -> Any:
        """All arguments broadcast together, as the constructor did it: labels decide columns."""
        if not self._arrays:
            from vectorbt.base.reshape_fns import broadcast

            names = [key for key in _SHAPING if self._given.get(key) is not None]
            values = [self._given[key] for key in names]
            options = {"to_pd": False, **(self._given.get("broadcast_kwargs") or {})}
            arrays = broadcast(*values, **options)
            arrays = arrays if len(names) > 1 else (arrays,)
            for key, array in zip(names, arrays, strict=True):
                table = array if array.ndim == 2 else array[:, None]
                if table.shape != self._shape and table.shape[1] != 1:
                    raise ConfigError(
                        f"{key}: has shape {table.shape}, the portfolio {self._shape}; "
                        "stops='bracket' needs the arguments of the whole portfolio"
                    )
                self._arrays[key] = np.broadcast_to(table, self._shape)
        return self._arrays[name]


def _refuse_moving(stops: _Arguments, orders: OrderTable) -> None:
    """Refuse what no standing order can do, with the reason."""
    from vectorbt.portfolio.enums import AccumulationMode, StopEntryPrice, StopExitMode

    def refuse(argument: str, reason: str) -> None:
        raise ConfigError(f"{argument}: {reason}; use stops='orders'")

    def unset(name: str) -> bool:
        value = stops.raw(name)
        return value is None or bool(np.isnan(np.asarray(value, dtype=float)).all())

    if stops.raw("use_stops") is False or (unset("sl_stop") and unset("tp_stop")):
        refuse("sl_stop, tp_stop", "the portfolio has no stops to send as brackets")
    if np.any(np.asarray(stops.raw("sl_trail"), dtype=bool)):
        refuse("sl_trail", "a trailing stop moves, and a bracket's leg stays where it is")
    for name in ("adjust_sl_func_nb", "adjust_tp_func_nb"):
        if stops.raw(name) is not None:
            refuse(name, "a stop that is adjusted moves, and a bracket's leg stays where it is")
    if stops.choice("accumulate", AccumulationMode) != {"Disabled"}:
        refuse("accumulate", "one bracket cannot follow a position that grows in steps")
    if stops.choice("upon_stop_exit", StopExitMode) != {"Close"}:
        refuse("upon_stop_exit", "a bracket's leg closes the position and does nothing else")
    if not stops.choice("stop_entry_price", StopEntryPrice) <= {"Close", "FillPrice"}:
        refuse("stop_entry_price", "the reference must be the close or the fill price")
    held, wanted = np.abs(orders.before), np.abs(orders.after)
    in_steps = (orders.before * orders.after > 0) & (held != wanted)
    if in_steps.any():
        bar = orders.index[int(orders.bar[np.argmax(in_steps)])]
        refuse(f"bar {bar}", "the position changes in steps, which one bracket cannot follow")


def _entries(orders: OrderTable) -> Ints:
    """For each order, the row of the order of its column before it; -1 for the first."""
    by_column = np.argsort(orders.column, kind="stable")
    entry = np.full(len(orders), -1, dtype=np.int64)
    same = orders.column[by_column][1:] == orders.column[by_column][:-1]
    entry[by_column[1:][same]] = by_column[:-1][same]
    return entry


def _levels(stops: _Arguments, orders: OrderTable, opens: Ints, name: str) -> Floats:
    """Prices at which a stop of each opening order stands, before rounding."""
    from vectorbt.portfolio.enums import StopEntryPrice

    bar, column = orders.bar[opens], orders.column[opens]
    reference = stops.at("close", bar, column)
    if stops.choice("stop_entry_price", StopEntryPrice) != {"Close"}:
        from_fill = _entry_price(stops, bar, column) == StopEntryPrice.FillPrice
        reference = np.where(from_fill, orders.price[opens], reference)
    distance = stops.at("sl_stop" if name == "stop_loss" else "tp_stop", bar, column)
    toward = orders.side[opens] * (-1 if name == "stop_loss" else 1)
    levels = np.full(len(orders), np.nan)
    # Written as the simulator computes it, so that a price on the level compares the same.
    levels[opens] = np.where(toward < 0, reference * (1 - distance), reference * (1 + distance))
    return levels


def _entry_price(stops: _Arguments, bar: Ints, column: Ints) -> Any:
    from vectorbt.portfolio.enums import StopEntryPrice
    from vectorbt.utils.enum_ import map_enum_fields

    value = np.asarray(map_enum_fields(stops.raw("stop_entry_price"), StopEntryPrice))
    return value if value.ndim == 0 else stops.at("stop_entry_price", bar, column)


def _exits(
    stops: _Arguments, orders: OrderTable, entry: Ints, levels: Mapping[str, Floats]
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Closing orders of bars in which a stop of their entry was hit.

    No earlier bar needs a look: had a stop been hit before, that order would stand there.
    """
    exits = np.zeros(len(orders), dtype=bool)
    closes = np.flatnonzero((orders.after == 0) & (entry >= 0))
    closes = closes[orders.bar[closes] > orders.bar[entry[closes]]]
    bar, column = orders.bar[closes], orders.column[closes]
    close = stops.at("close", bar, column)
    first = _or(stops.at("open", bar, column), close)
    high = _or(stops.at("high", bar, column), np.maximum(first, close))
    low = _or(stops.at("low", bar, column), np.minimum(first, close))
    long = orders.before[closes] > 0
    for name, below in (("stop_loss", long), ("take_profit", ~long)):
        level = levels[name][entry[closes]]
        gapped = np.where(below, first <= level, first >= level)
        exits[closes] |= gapped | ((low <= level) & (level <= high))
    return exits


def _on_ticks(levels: Floats, up: Any, orders: OrderTable, routes: tuple[Route, ...]) -> Floats:
    """Round prices to the tick of their contract, up or down."""
    rounded = np.full(len(levels), np.nan)
    for position in np.unique(orders.column[~np.isnan(levels)]).tolist():
        rows = np.flatnonzero((orders.column == position) & ~np.isnan(levels))
        rounded[rows] = on_tick(levels[rows], _tick(routes[position]), up[rows])
    return rounded


def on_tick(prices: Floats, tick: Decimal, up: Any) -> Floats:
    """Prices on the next tick, each up or down as `up` says; one on a tick stays.

    The tick is taken as a fraction of whole numbers, so the result is the float nearest to the
    decimal price, as `market.contracts.round_to_tick` gives it.
    """
    above, below = tick.as_integer_ratio()
    steps = prices * below / above
    noise = _NOISE * np.maximum(1.0, np.abs(steps))
    whole = np.where(up, np.ceil(steps - noise), np.floor(steps + noise))
    on: Floats = whole * above / below
    return on


def _tick(route: Route) -> Decimal:
    contract = contracts.contract(route.instrument)
    if contract is None:
        raise ConfigError(
            f"instrument={route.instrument}: its tick is not known, so no bracket price can be "
            "placed; use stops='orders'"
        )
    return contract.tick_size


def _or(values: Floats, instead: Floats) -> Floats:
    return np.where(np.isnan(values), instead, values)
