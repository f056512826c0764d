"""What a sweep gives back: rows, failures, and the best of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sim2live.errors import ConfigError, shorten
from sim2live.sweep.points import Point
from sim2live.sweep.work import Finished

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 20


class Sweep:
    """The rows of a sweep.

    Attributes:
        frame: One row for each point that went well (for each of its columns, where a portfolio
            has several), in the order of the grid: the parameters, then the measures.
        failures: One row for each point that failed: the parameters, then ``error``.
    """

    def __init__(self, finished: Sequence[Finished]) -> None:
        import pandas as pd

        self._points: list[Point] = [one.point for one in finished for _ in one.rows]
        self._parameters = list(finished[0].point)
        rows = [row for one in finished for row in one.rows]
        clash = sorted({name for row in rows for name in row} & set(self._parameters))
        if clash:
            raise ConfigError(f"measure {clash[0]!r} has the name of a parameter; rename one")
        self.frame: pd.DataFrame = pd.DataFrame(
            [point | row for point, row in zip(self._points, rows, strict=True)],
            columns=None if rows else self._parameters,
        )
        self.failures: pd.DataFrame = pd.DataFrame(
            [one.point | {"error": one.error} for one in finished if one.error],
            columns=[*self._parameters, "error"],
        )

    @property
    def measures(self) -> list[str]:
        """Names of what was measured."""
        return [name for name in self.frame.columns if name not in (*self._parameters, "column")]

    def best(self, k: int = 5, *, by: str | None = None, largest: bool = True) -> pd.DataFrame:
        """The k best rows, the best first; rows without a value come last.

        Args:
            k: How many.
            by: The measure; by default the first one.
            largest: False where less is better.

        Returns:
            Rows of `frame`, with their labels.

        Raises:
            ConfigError: There is no such measure.
        """
        by = by if by is not None else next(iter(self.measures), "")
        if by not in self.measures:
            raise ConfigError(f"by={by!r}: must be one of {', '.join(self.measures)}")
        ordered = self.frame.sort_values(by, ascending=not largest, kind="stable")
        return ordered.head(k)

    def parameters(self, row: Any) -> Point:
        """The parameters of a row, as they stood in the grid.

        Args:
            row: A label of `frame`, or a row of it, such as ``sweep.best(1).iloc[0]``.

        Raises:
            ConfigError: There is no such row.
        """
        label = getattr(row, "name", row)
        if label not in self.frame.index:
            raise ConfigError(f"row={shorten(label)}: must be a row of the sweep's frame")
        return dict(self._points[int(label)])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {len(self.frame)} rows, {len(self.failures)} failures>"

    def _repr_html_(self) -> str:
        """First rows and failures, for notebooks; every text is escaped."""
        from html import escape

        shown = [self.frame, self.failures] if len(self.failures) else [self.frame]
        tables = (part.head(_SHOWN).to_html(escape=True, border=0) for part in shown)
        return f"<p><b>{escape(repr(self)[1:-1])}</b></p>{''.join(tables)}"
