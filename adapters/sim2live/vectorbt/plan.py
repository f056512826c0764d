"""What would be sent, and why: a portfolio's orders beside the signals they become."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sim2live.errors import ConfigError
from sim2live.sizing import Sizing
from sim2live.vectorbt.orders import Floats
from sim2live.vectorbt.stops import Brackets
from sim2live.vectorbt.table import Contracts, SignalTable

if TYPE_CHECKING:
    import pandas as pd

_SHOWN: Final = 20
_OPENS, _ADDS, _CUTS, _CLOSES, _FLIPS, _ROUNDED, _BRACKET = range(7)
_REASONS: Final = (
    "opens",
    "adds",
    "reduces",
    "closes",
    "flips: closes, then opens",
    "rounded away: no whole contract changes",
    "left to the bracket at the venue",
)


@dataclass(frozen=True, eq=False)
class Plan:
    """What would be sent, order by order; shows itself in a notebook.

    Attributes:
        table: The signals.
        contracts: Positions in whole contracts.
        sizing: The rule they were rounded by.
        brackets: The stops, where they are sent as brackets.
        close: Closing prices of the portfolio, for `figure`.
    """

    table: SignalTable
    contracts: Contracts
    sizing: Sizing
    brackets: Brackets | None
    close: Any

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row for each simulated order.

        Returns:
            A DataFrame with the columns ``time``, ``column``, ``side``, ``size`` and ``price``
            (as simulated), ``position`` (simulated, after it), ``contracts`` (whole, after it),
            ``error`` (contracts less the exact number; NaN where the sizing looks at the sign
            only), ``signals`` (how many) and ``reason``.
        """
        import pandas as pd

        orders = self.table.orders
        names = np.array([route.name for route in self.table.routes], dtype=object)
        reasons = np.array(_REASONS, dtype=object)
        return pd.DataFrame(
            {
                "time": orders.index[orders.bar],
                "column": names[orders.column],
                "side": np.array(["SELL", "BUY"], dtype=object)[(orders.side > 0).astype(int)],
                "size": orders.size,
                "price": orders.price,
                "position": orders.after,
                "contracts": self.contracts.after,
                "error": self._errors(),
                "signals": np.bincount(self.table.order, minlength=len(orders)),
                "reason": reasons[self._reasons()],
            }
        )

    @property
    def summary(self) -> dict[str, Any]:
        """Counts, the largest and the mean rounding error in contracts, first and last time."""
        errors = np.abs(self._errors())
        known = errors[~np.isnan(errors)]
        times = self.frame["time"]
        return {
            "orders": len(self.table.orders),
            "signals": len(self.table),
            "without signal": int((self.frame["signals"] == 0).sum()),
            "columns": len(self.table.routes),
            "sizing": self.sizing.name,
            "largest error": float(known.max()) if len(known) else None,
            "mean error": float(known.mean()) if len(known) else None,
            "first": times.iloc[0] if len(times) else None,
            "last": times.iloc[-1] if len(times) else None,
        }

    def figure(self, column: Any = None) -> Any:
        """The price of one column with the signals on it.

        Args:
            column: Name of the column; None where there is only one.

        Returns:
            A plotly Figure.

        Raises:
            ConfigError: There are several columns and none was named, or none has this name.
        """
        import plotly.graph_objects as go

        names = [route.name for route in self.table.routes]
        if column is None and len(names) == 1:
            column = names[0]
        if str(column) not in names:
            raise ConfigError(f"column={column!r}: must be one of {', '.join(names[:12])}")
        position = names.index(str(column))
        close = self.close if self.close.ndim == 1 else self.close.iloc[:, position]
        figure = go.Figure(
            go.Scatter(x=close.index, y=close, name="close", line={"color": "#5b6b7b", "width": 1})
        )
        for side, word, symbol, color in (
            (1, "BUY", "triangle-up", "#1a7f4b"),
            (-1, "SELL", "triangle-down", "#b3382c"),
        ):
            figure.add_trace(self._markers(go, position, side, word, symbol, color))
        for legs, word, color in (
            (self.table.take_profit, "take profit", "#1a7f4b"),
            (self.table.stop_loss, "stop loss", "#b3382c"),
        ):
            rows = np.flatnonzero((self.table.column == position) & ~np.isnan(legs))
            if len(rows):
                figure.add_trace(
                    go.Scatter(
                        x=self.table.orders.index[self.table.bar[rows]],
                        y=legs[rows],
                        name=word,
                        mode="markers",
                        marker={"symbol": "line-ew-open", "size": 12, "color": color},
                    )
                )
        title = f"{column} → {self.table.routes[position].workflow}"
        figure.update_layout(title=title, hovermode="x unified", template="plotly_white")
        return figure

    def _markers(
        self, go: Any, position: int, side: int, word: str, symbol: str, color: str
    ) -> Any:
        table = self.table
        rows = np.flatnonzero((table.column == position) & (table.side == side))
        text = [
            f"{word} {qty} {'CLOSE' if leg else 'OPEN'} → {held}"
            for qty, leg, held in zip(
                table.qty[rows].tolist(),
                table.leg[rows].tolist(),
                table.position[rows].tolist(),
                strict=True,
            )
        ]
        return go.Scatter(
            x=table.orders.index[table.bar[rows]],
            y=table.orders.price[table.order[rows]],
            name=word,
            text=text,
            mode="markers",
            marker={"symbol": symbol, "size": 10, "color": color},
        )

    def _errors(self) -> Floats:
        """Contracts less the exact number, after each order."""
        positions = self.table.orders.after
        ratio = getattr(self.sizing, "ratio", None)
        if ratio is None and hasattr(self.sizing, "contracts"):
            return np.full(len(positions), np.nan)
        exact = positions * (1.0 if ratio is None else ratio)
        return self.contracts.after.astype(np.float64) - exact

    def _reasons(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        before, after = self.contracts.before, self.contracts.after
        reasons = np.select(
            [
                before == after,
                before * after < 0,
                before == 0,
                after == 0,
                abs(after) > abs(before),
            ],
            [_ROUNDED, _FLIPS, _OPENS, _CLOSES, _ADDS],
            _CUTS,
        )
        if self.brackets is not None:
            reasons[self.brackets.exits & (before != after)] = _BRACKET
        return reasons

    def __repr__(self) -> str:
        told = ", ".join(f"{name} {value}" for name, value in self.summary.items())
        return f"<Plan: {told}>"

    def _repr_html_(self) -> str:
        """Summary and the latest rows, for notebooks; every text is escaped."""
        told = "".join(
            f"<tr><th style='text-align:left'>{escape(str(name))}</th>"
            f"<td style='text-align:left'>{escape(str(value))}</td></tr>"
            for name, value in self.summary.items()
        )
        rows = self.frame.tail(_SHOWN)
        hidden = len(self.frame) - len(rows)
        note = f"<p>{hidden} earlier orders are not shown.</p>" if hidden else ""
        table: str = rows.to_html(index=False, escape=True, border=0)
        return f"<table>{told}</table>{note}{table}"
