"""Sweeps of vectorbt portfolios."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sim2live.errors import ConfigError, shorten
from sim2live.sweep.conduct import conduct
from sim2live.sweep.made_of import code_digest, data_digest
from sim2live.sweep.points import Grid, Point, points_of
from sim2live.sweep.results import Sweep
from sim2live.sweep.work import Finished, Row, Work, plain_rows
from sim2live.vectorbt.export import SignalExporter
from sim2live.vectorbt.repaint import check_repaint
from sim2live.vectorbt.stops import Captured

if TYPE_CHECKING:
    import pandas as pd

Call = Literal["point", "chunk"]
Measure = Callable[[Any], Mapping[str, Any]]


def usual_measures(portfolio: Any) -> dict[str, Any]:
    """What is measured unless the user says otherwise.

    Args:
        portfolio: A `vectorbt.Portfolio`.

    Returns:
        ``total_return`` (0.1 is ten percent), ``sharpe_ratio`` (a year's; NaN where the index
        has no frequency), ``max_drawdown`` (-0.1 is ten percent) and ``trades`` (how many,
        an open one included).
    """
    known = portfolio.wrapper.freq is not None
    total = portfolio.total_return()
    return {
        "total_return": total,
        "sharpe_ratio": portfolio.sharpe_ratio() if known else total * float("nan"),
        "max_drawdown": portfolio.max_drawdown(),
        "trades": portfolio.trades.count(),
    }


class GridSweep(Sweep):
    """What `grid` gives back.

    Attributes:
        frame: See `Sweep`.
        failures: See `Sweep`.
    """

    def __init__(self, finished: Sequence[Finished], work: _Portfolios) -> None:
        super().__init__(finished)
        self._work = work

    def strategy(self, row: Any) -> Callable[[Any], Any]:
        """The function from data to portfolio with a row's parameters filled in.

        It is what `check_repaint`, `check_window` and `LiveRunner` take.

        Args:
            row: As for `parameters`.
        """
        return partial(self._work.portfolio, self.parameters(row))

    def exporter(self, row: Any, **options: Any) -> SignalExporter:
        """The signals of a row: its portfolio on the sweep's data, in a `SignalExporter`.

        Args:
            row: As for `parameters`.
            options: Arguments of `SignalExporter`.
        """
        return SignalExporter(self.strategy(row)(self._work.data), **options)

    def check(
        self, k: int = 5, *, by: str | None = None, largest: bool = True, **options: Any
    ) -> pd.DataFrame:
        """Do the k best rows repaint? A parameter that looks ahead wins every sweep.

        Args:
            k: As for `best`.
            by: As for `best`.
            largest: As for `best`.
            options: Arguments of `check_repaint`.

        Returns:
            The rows with ``vanished``, ``late`` and ``resized`` orders, and ``ok``.
        """
        best = self.best(k, by=by, largest=largest)
        reports = [
            check_repaint(self.strategy(label), self._work.data, **options) for label in best.index
        ]
        counts = {
            kind: [r.counts[kind] for r in reports] for kind in ("vanished", "late", "resized")
        }
        return best.assign(**counts, ok=[report.ok for report in reports])


def grid(
    make_portfolio: Callable[..., Any],
    grid: Grid,
    data: Any,
    on: str = "local",
    *,
    call: Call = "point",
    measure: Measure = usual_measures,
    keep: str | Path | None = None,
    workers: int | None = None,
    memory: float | None = None,
    progress: bool = True,
) -> GridSweep:
    """Make a portfolio for each point of a grid, and measure it.

    A point that raises is a failure with its parameters; the sweep goes on. So it does when a
    worker's process dies: the point that killed it is found and named.

    Args:
        make_portfolio: From data and parameters (by name) to a `vectorbt.Portfolio`, or to what
            `capture` returned. Defined at the top of a file, or in a notebook.
        grid: From names to values, of which every combination is a point; or a list of points.
            Values are numbers, texts, booleans or None.
        data: A pandas object, or a mapping of names to such; goes to each worker once.
        on: ``local``: processes of this machine. ``ray``: the cluster that Ray finds
            (``RAY_ADDRESS``, one started on this machine, else a new one), or the one it is
            initialised with. ``ray://host:port``: that cluster.
        call: ``point``: the function gets one value for each parameter. ``chunk``: it gets a
            list for each, as many as memory allows, and returns the columns of all these points
            in their order; much faster where one point is little work.
        measure: From a portfolio to numbers or texts by name: one value, or a pandas Series
            with one for each column.
        keep: A file of finished rows. With the same file a sweep that was killed goes on, and
            one that failed in places tries these again.
        workers: How many at most; by default one for each core.
        memory: Bytes that the workers may use together; by default half of what is free here,
            or what the cluster offers. Fewer workers run, and chunks are smaller, to keep it.
        progress: Show a bar.

    Returns:
        The rows and the failures.

    Raises:
        ConfigError: An argument is wrong, the function cannot be sent to a worker, or `keep`
            holds rows of other code, other data or other parameters.
        LockedError: Another process writes `keep`.
        MissingExtraError: ``ray`` is not installed.
    """
    if call not in ("point", "chunk"):
        raise ConfigError(f"call={shorten(call)}: must be 'point' or 'chunk'")
    points = points_of(grid)
    work = _Portfolios(make_portfolio, data, call, measure, tuple(points[0]))
    finished = conduct(
        work,
        points,
        on=on,
        workers=workers,
        memory=memory,
        keep=keep,
        progress=progress,
    )
    return GridSweep(finished, work)


class _Portfolios(Work):
    """Makes portfolios and measures them."""

    def __init__(
        self,
        make: Callable[..., Any],
        data: Any,
        call: Call,
        measure: Measure,
        names: tuple[str, ...],
    ) -> None:
        self._make = make
        self.data = data
        self.together = call == "chunk"
        self._measure = measure
        self._names = names

    @property
    def made_of(self) -> dict[str, str]:
        return {
            "code": code_digest(self._make, self._measure),
            "data": data_digest(self.data),
            "parameters": " ".join(self._names),
        }

    def portfolio(self, point: Point, data: Any) -> Any:
        """What the user's function makes of one point."""
        return self._make(data, **(_listed([point]) if self.together else point))

    def run(self, points: Sequence[Point]) -> list[list[Row]]:
        if self.together:
            return self._measured(self._make(self.data, **_listed(points)), len(points))
        return [self._measured(self.portfolio(point, self.data), 1)[0] for point in points]

    def _measured(self, made: Any, count: int) -> list[list[Row]]:
        portfolio = made.portfolio if isinstance(made, Captured) else made
        return plain_rows(self._measure(portfolio), count)


def _listed(points: Sequence[Point]) -> dict[str, list[Any]]:
    """One list for each parameter."""
    return {name: [point[name] for point in points] for name in points[0]}
