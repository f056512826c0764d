"""Sweeps of Backtrader strategies."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import backtrader as bt

from sim2live.backtrader.mirror import MirrorBroker
from sim2live.errors import ConfigError, shorten
from sim2live.sweep.conduct import conduct
from sim2live.sweep.lookahead import changed_decisions
from sim2live.sweep.made_of import code_digest
from sim2live.sweep.points import Grid, Point, points_of
from sim2live.sweep.results import Sweep
from sim2live.sweep.work import Finished, Row, Work, plain_rows

if TYPE_CHECKING:
    import pandas as pd

    from sim2live.gate.dispatch import Dispatcher

MakeCerebro = Callable[[], Any]
Measure = Callable[[Any], Mapping[str, Any]]


def usual_measures(strategy: Any) -> dict[str, Any]:
    """What is measured unless the user says otherwise.

    Args:
        strategy: The strategy after its run.

    Returns:
        ``total_return`` (0.1 is ten percent of the starting cash), ``value`` (of the account at
        the end), ``max_drawdown`` (-0.1 is ten percent) and ``trades`` (how many, an open one
        included).
    """
    broker, drawdown = strategy.broker, strategy.analyzers.getbyname("sim2live_drawdown")
    trades = strategy.analyzers.getbyname("sim2live_trades").get_analysis()
    value = float(broker.getvalue())
    return {
        "total_return": value / float(broker.startingcash) - 1,
        "value": value,
        "max_drawdown": -float(drawdown.get_analysis().max.drawdown) / 100,
        "trades": int(trades.total.total),
    }


class CerebroSweep(Sweep):
    """What `cerebro` gives back.

    Attributes:
        frame: See `Sweep`.
        failures: See `Sweep`.
    """

    def __init__(self, finished: Sequence[Finished], work: _Cerebros) -> None:
        super().__init__(finished)
        self._work = work

    def simulation(self, row: Any) -> bt.Cerebro:
        """A fresh cerebro with the strategy and a row's parameters.

        Args:
            row: As for `parameters`.
        """
        return self._work.cerebro(self.parameters(row))

    def mirror(
        self,
        row: Any,
        dispatcher: Dispatcher,
        *,
        make_cerebro: MakeCerebro | None = None,
        **options: Any,
    ) -> bt.Cerebro:
        """A row's strategy on a `MirrorBroker`: ``cerebro.run()`` follows it at the venue.

        The mirror takes over the parameters and commissions of the broker that
        `make_cerebro` set up.

        Args:
            row: As for `parameters`.
            dispatcher: The handle on the gate, from `sim2live.connect`.
            make_cerebro: In place of the sweep's, such as one with live datas.
            options: Arguments of `MirrorBroker`.
        """
        made = self._work.cerebro(self.parameters(row), make_cerebro)
        stock = made.broker
        broker = MirrorBroker(dispatcher, **(dict(stock.p._getkwargs()) | options))
        broker.comminfo = dict(stock.comminfo)
        made.setbroker(broker)
        return made

    def check(
        self, k: int = 5, *, by: str | None = None, largest: bool = True, cuts: int = 20
    ) -> pd.DataFrame:
        """Do the k best rows look ahead? Each is run again on shorter data.

        Args:
            k: As for `best`.
            by: As for `best`.
            largest: As for `best`.
            cuts: How many shorter runs for each row.

        Returns:
            The rows with ``vanished`` decisions (a shorter run has them, the whole one has
            not) and ``late`` ones (the other way round), and ``ok``.
        """
        best = self.best(k, by=by, largest=largest)
        found = [changed_decisions(partial(self.simulation, row), cuts) for row in best.index]
        vanished, late = ([each[part] for each in found] for part in (0, 1))
        return best.assign(vanished=vanished, late=late, ok=[each == (0, 0) for each in found])


def cerebro(
    strategy: Any,
    grid: Grid,
    make_cerebro: MakeCerebro,
    on: str = "local",
    *,
    measure: Measure = usual_measures,
    keep: str | Path | None = None,
    workers: int | None = None,
    memory: float | None = None,
    progress: bool = True,
) -> CerebroSweep:
    """Run a Backtrader strategy at each point of a grid, and measure it.

    Args:
        strategy: The strategy's class, from a file that workers can import.
        grid: As for `sim2live.sweep.grid`; the names are the strategy's parameters.
        make_cerebro: Makes a cerebro with datas, cash, commissions, sizers and analyzers, and
            without the strategy. Called in the worker, once for each point.
        on: As for `sim2live.sweep.grid`.
        measure: From the strategy after its run to numbers or texts by name; its analyzers and
            its broker are there.
        keep: As for `sim2live.sweep.grid`. It cannot know whether the data of `make_cerebro`
            has changed.
        workers: As for `sim2live.sweep.grid`.
        memory: As for `sim2live.sweep.grid`; fewer workers run to keep it.
        progress: Show a bar.

    Returns:
        The rows and the failures.

    Raises:
        ConfigError: As for `sim2live.sweep.grid`, or the strategy's class cannot be imported
            by workers.
        LockedError: Another process writes `keep`.
        MissingExtraError: ``ray`` is not installed.
    """
    if not (isinstance(strategy, type) and issubclass(strategy, bt.Strategy)):
        raise ConfigError(f"strategy={shorten(strategy)}: must be a class of Backtrader strategies")
    _refuse_unreachable(strategy, on)
    points = points_of(grid)
    work = _Cerebros(strategy, make_cerebro, measure, tuple(points[0]))
    finished = conduct(
        work,
        points,
        on=on,
        workers=workers,
        memory=memory,
        keep=keep,
        progress=progress,
    )
    return CerebroSweep(finished, work)


class _Cerebros(Work):
    """Runs a strategy and measures it."""

    def __init__(
        self, strategy: Any, make_cerebro: MakeCerebro, measure: Measure, names: tuple[str, ...]
    ) -> None:
        self._strategy = strategy
        self._make_cerebro = make_cerebro
        self._measure = measure
        self._names = names

    @property
    def made_of(self) -> dict[str, str]:
        return {
            "code": code_digest(self._strategy, self._make_cerebro, self._measure),
            "parameters": " ".join(self._names),
        }

    def cerebro(self, point: Point, make_cerebro: MakeCerebro | None = None) -> bt.Cerebro:
        made = (make_cerebro or self._make_cerebro)()
        if not isinstance(made, bt.Cerebro):
            raise ConfigError(f"make_cerebro: must return a cerebro, not {shorten(made)}")
        made.addstrategy(self._strategy, **point)
        return made

    def run(self, points: Sequence[Point]) -> list[list[Row]]:
        return [self._row(point) for point in points]

    def _row(self, point: Point) -> list[Row]:
        made = self.cerebro(point)
        dispatcher = getattr(made.broker, "dispatcher", None)
        if dispatcher is not None and not dispatcher.venue.simulated:
            raise ConfigError("a sweep would send real orders; use the stock broker")
        if self._measure is usual_measures:
            made.addanalyzer(bt.analyzers.DrawDown, _name="sim2live_drawdown")
            made.addanalyzer(bt.analyzers.TradeAnalyzer, _name="sim2live_trades")
        (after,) = made.run(maxcpus=1)
        return plain_rows(self._measure(after), 1)[0]


def _refuse_unreachable(strategy: Any, on: str) -> None:
    """A class of Backtrader's cannot be sent with its code, only by name."""
    main = sys.modules["__main__"]
    if strategy.__module__ == "__main__" and (on != "local" or not hasattr(main, "__file__")):
        raise ConfigError(
            f"strategy={strategy.__name__}: a worker cannot import it from a notebook, nor on a "
            "cluster from the script itself; put it into a file of its own and import it"
        )
