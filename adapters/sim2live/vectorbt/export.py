"""From a portfolio to signals: the exporter that a user holds."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sim2live.errors import ConfigError, shorten
from sim2live.signals import Signal
from sim2live.sizing import Sizing, of
from sim2live.vectorbt import files
from sim2live.vectorbt.orders import OrderTable, read_orders
from sim2live.vectorbt.plan import Plan
from sim2live.vectorbt.routes import Instruments, Route, Workflow, refuse_shared, route_columns
from sim2live.vectorbt.stops import Brackets, Captured, read_brackets
from sim2live.vectorbt.table import Contracts, SignalTable, make_signals, round_positions

if TYPE_CHECKING:
    import pandas as pd

Stops = Literal["orders", "bracket"]


class SignalExporter:
    """The signals of a portfolio, as a frame, as objects, as a plan or as files.

    Positions are rounded, never orders, so the venue holds the rounded position of each column
    after every bar. An order that crosses zero becomes a CLOSE and an OPEN.

    Args:
        portfolio: A `vectorbt.Portfolio`, or what `capture` returned.
        instruments: From a column's label, its name, or the value of one of its levels, to an
            `Instrument` or ``CME:MESZ6``; or a function of the label. None trades the column's
            own name on the exchange ``SIM``.
        workflow: The pool of each column: a template with ``{column}``, ``{group}`` or names of
            levels, a mapping, or a function of the label.
        sizing: ``"exact"``, `sizing.target(ratio)` or `sizing.direction(n)`.
        stops: ``"orders"`` sends every simulated order; ``"bracket"`` sends stops along with
            the entry and leaves out the exits that they make (needs `capture`).
        strategy: Name of the strategy; part of every id.
        run: Name of the run; part of every id. Equal decisions of one run have equal ids, also
            after bars were appended.
        timezone: Zone of an index that has none. Without it such times stay as they are, and
            ids read them as UTC.

    Raises:
        ConfigError: A column has no route, the index is not sorted, stops cannot be sent as
            brackets, or an argument is none of its words.
        SizingError: `exact`, and a position is no whole number. Names column, bar and size.
    """

    def __init__(
        self,
        portfolio: Any,
        *,
        instruments: Instruments | None = None,
        workflow: Workflow = "{column}",
        sizing: str | Sizing = "exact",
        stops: Stops = "orders",
        strategy: str = "vectorbt",
        run: str = "",
        timezone: str | None = None,
    ) -> None:
        if stops not in ("orders", "bracket"):
            raise ConfigError(f"stops={shorten(stops)}: must be 'orders' or 'bracket'")
        captured = portfolio if isinstance(portfolio, Captured) else None
        self.portfolio = captured.portfolio if captured else portfolio
        self.sizing = of(sizing)
        self.strategy = strategy
        self.run = run
        self.orders: OrderTable = read_orders(self.portfolio, timezone=timezone)
        self.routes: tuple[Route, ...] = route_columns(
            self.orders.columns, instruments, workflow, groups=groups_of(self.portfolio)
        )
        self._contracts: Contracts = round_positions(self.orders, self.routes, self.sizing)
        self._brackets: Brackets | None = None
        if stops == "bracket":
            if captured is None:
                raise ConfigError(
                    "stops='bracket': a portfolio forgets its stops; make it with "
                    "capture(vbt.Portfolio.from_signals, ...) and hand over the result"
                )
            self._brackets = read_brackets(self.orders, captured, self.routes)

    @cached_property
    def table(self) -> SignalTable:
        """The signals as arrays, made once."""
        return make_signals(
            self.orders,
            self.routes,
            self._contracts,
            strategy=self.strategy,
            run=self.run,
            brackets=self._brackets,
        )

    def frame(self) -> pd.DataFrame:
        """One row for each signal, in the order of sending.

        Returns:
            A DataFrame with the columns ``time`` (as in the portfolio's index), ``column``,
            ``signal_id``, ``workflow_id``, ``exchange``, ``symbol``, ``side``, ``qty``,
            ``open_close``, ``order_type``, ``limit_price``, ``trigger_price``,
            ``take_profit``, ``stop_loss`` (points, NaN for none) and ``position`` (whole
            contracts of the column after the signal).
        """
        return self.table.frame()

    def signals(self) -> Iterator[Signal]:
        """The same as `Signal` objects, each made when it is asked for."""
        return self.table.signals()

    def plan(self) -> Plan:
        """What would be sent and why, order by order, with the rounding errors."""
        return Plan(
            table=self.table,
            contracts=self._contracts,
            sizing=self.sizing,
            brackets=self._brackets,
            close=self.portfolio.close,
        )

    def check_live(self) -> None:
        """Refuse what must not go to live pools.

        Raises:
            ConfigError: Several columns would trade one instrument in one pool.
        """
        refuse_shared(self.routes)

    def to_jsonl(self, path: str | Path, *, provenance: bool = True) -> Path:
        """Write the signals as they go over the wire, one JSON object in each line.

        Args:
            path: The file; replaced if it exists.
            provenance: Also write a side file, see `to_parquet`.

        Returns:
            The path.
        """
        return self._write(files.write_jsonl, path, provenance)

    def to_csv(self, path: str | Path, *, provenance: bool = True) -> Path:
        """Write the rows of `frame` as CSV, times in ISO 8601 (UTC where the index has a zone).

        Args:
            path: The file; replaced if it exists.
            provenance: Also write a side file, see `to_parquet`.

        Returns:
            The path.
        """
        return self._write(files.write_csv, path, provenance)

    def to_parquet(self, path: str | Path, *, provenance: bool = True) -> Path:
        """Write the rows of `frame` as Parquet.

        Args:
            path: The file; replaced if it exists.
            provenance: Also write ``<name>.provenance.parquet`` beside it: for each signal its
                id, time, column, bar number, the simulated price and fees, the order's size and
                the position, both before rounding.

        Returns:
            The path.
        """
        return self._write(files.write_parquet, path, provenance)

    def _write(self, write: Any, path: str | Path, provenance: bool) -> Path:
        path = Path(path)
        write(self.table, path)
        if provenance:
            files.write_provenance(self.table, path)
        return path

    def __repr__(self) -> str:
        return (
            f"<SignalExporter {len(self.orders)} orders, {len(self.routes)} columns, "
            f"sizing={self.sizing.name}>"
        )


def groups_of(portfolio: Any) -> list[Any] | None:
    """The group of each column; None where the portfolio has none."""
    grouper = portfolio.wrapper.grouper
    if not grouper.is_grouped():
        return None
    groups, labels = grouper.get_groups_and_columns()
    return [labels[number] for number in groups]
