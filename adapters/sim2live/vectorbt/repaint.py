"""Can a strategy be trusted with running live, bar by bar?

Both checks run the strategy on parts of the data and compare with the run on all of it. A
strategy that looks ahead says something else about a bar once later bars are known; live, it
would act on what it takes back afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sim2live.errors import ConfigError, shorten
from sim2live.vectorbt.orders import OrderTable, read_orders
from sim2live.vectorbt.stops import Captured

if TYPE_CHECKING:
    import pandas as pd

_SHOWN: Final = 20
_EQUAL: Final = 1e-9
# An order as it is compared: column, bar, number in the bar, side; then its size.
_Order = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class RepaintReport:
    """What `check_repaint` found.

    Attributes:
        frame: One row for each order that changed: ``kind`` (``vanished``: it would have been
            sent and is gone in the whole run; ``late``: it is in the whole run, and was not
            there when its bar closed; ``resized``), ``column``, ``bar`` (label of the order's
            bar), ``seen_at`` (label of the last bar of the shorter run), ``side`` and ``size``.
        prefixes: How many shorter runs were compared.
        orders: How many orders the whole run has.
    """

    frame: pd.DataFrame
    prefixes: int
    orders: int

    @property
    def ok(self) -> bool:
        """True when nothing changed."""
        return len(self.frame) == 0

    @property
    def counts(self) -> dict[str, int]:
        """How many orders vanished, came late or were resized."""
        kinds = self.frame["kind"]
        return {kind: int((kinds == kind).sum()) for kind in ("vanished", "late", "resized")}

    def __repr__(self) -> str:
        verdict = "nothing repaints" if self.ok else "REPAINTS"
        told = ", ".join(f"{count} {kind}" for kind, count in self.counts.items())
        return f"<RepaintReport {verdict}: {told}; {self.prefixes} runs, {self.orders} orders>"

    def _repr_html_(self) -> str:
        """Verdict and first rows, for notebooks; every text is escaped."""
        from html import escape

        table: str = self.frame.head(_SHOWN).to_html(index=False, escape=True, border=0)
        return f"<p><b>{escape(repr(self)[1:-1])}</b></p>{'' if self.ok else table}"


@dataclass(frozen=True, eq=False)
class WindowReport:
    """What `check_window` found.

    Attributes:
        frame: One row for each length: ``window`` (bars), ``compared`` (how many positions) and
            ``different`` (how many were not those of the run on all data).
    """

    frame: pd.DataFrame

    @property
    def safe(self) -> int | None:
        """The shortest window from which on nothing differed; None if each one differed."""
        found = None
        for window, different in zip(
            reversed(self.frame["window"].tolist()),
            reversed(self.frame["different"].tolist()),
            strict=True,
        ):
            if different:
                break
            found = int(window)
        return found

    def __repr__(self) -> str:
        safe = "no window is safe" if self.safe is None else f"{self.safe} bars are enough"
        return f"<WindowReport {safe}>"

    def _repr_html_(self) -> str:
        """Verdict and table, for notebooks."""
        from html import escape

        table: str = self.frame.to_html(index=False, escape=True, border=0)
        return f"<p><b>{escape(repr(self)[1:-1])}</b></p>{table}"


def check_repaint(
    strategy: Callable[[Any], Any],
    data: Any,
    *,
    prefixes: int = 60,
    start: int | None = None,
    next_open: bool = False,
    progress: bool = True,
) -> RepaintReport:
    """Run a strategy on shorter and shorter data, and see whether its past holds.

    Args:
        strategy: From data to a `vectorbt.Portfolio` (or what `capture` returned).
        data: A pandas object, or a mapping of names to such with one index; the strategy gets
            the first n rows in the same form.
        prefixes: How many shorter runs.
        start: Rows of the shortest one; by default a quarter of the data.
        next_open: True for a strategy that trades at the next bar's open: an order of a run's
            last bar cannot be known there yet, so it is not expected.
        progress: Show a progress bar.

    Returns:
        The orders that vanished, came late or changed their size, and by which bar.

    Raises:
        ConfigError: There is too little data, or an argument is out of range.
    """
    rows = _length(data)
    start = max(2, rows // 4) if start is None else start
    if prefixes < 1 or not 1 < start < rows:
        raise ConfigError(
            f"prefixes={prefixes!r}, start={start!r}: must be 1 or more, and from 2 to {rows - 1}"
        )
    whole = _run(strategy, data)
    expected = _sizes(whole)
    ends = np.unique(np.linspace(start, rows - 1, prefixes).round().astype(int)).tolist()
    found: list[dict[str, Any]] = []
    for end in _shown(ends, "repaint check", progress):
        known = end - 1 if next_open else end
        told = _sizes(_run(strategy, _head(data, end)), known)
        wanted = {order: size for order, size in expected.items() if order[1] < known}
        for kind, order, size in _differences(told, wanted):
            column, bar, _, side = order
            found.append(
                {
                    "kind": kind,
                    "column": whole.columns[column],
                    "bar": whole.index[bar],
                    "seen_at": whole.index[end - 1],
                    "side": "BUY" if side > 0 else "SELL",
                    "size": size,
                }
            )
    return RepaintReport(_report(found), prefixes=len(ends), orders=len(whole))


def check_window(
    strategy: Callable[[Any], Any],
    data: Any,
    *,
    windows: Sequence[int] | None = None,
    last: int = 100,
    progress: bool = True,
) -> WindowReport:
    """Find how many bars a strategy needs to say the same as with all of them.

    An indicator with a long memory, or a position older than the window, makes the run on a
    window differ.

    Args:
        strategy: As for `check_repaint`.
        data: As for `check_repaint`.
        windows: Lengths to try, in bars; by default doubling from 25.
        last: How many of the latest bars are compared for each length.
        progress: Show a progress bar.

    Returns:
        For each length, how many positions differed.

    Raises:
        ConfigError: A length or `last` is out of range.
    """
    rows = _length(data)
    last = min(last, rows - 1)
    if windows is None:
        windows = [25 * 2**power for power in range(12) if 25 * 2**power <= rows - last]
    lengths = sorted(set(windows))
    if not lengths or last < 1 or lengths[0] < 2 or lengths[-1] > rows:
        raise ConfigError(f"windows={list(windows)!r}: each must be from 2 to {rows} bars")
    whole = _run(strategy, data)
    bars = np.unique(np.linspace(max(lengths[-1], rows - last), rows, last).astype(int) - 1)
    right = [whole.positions(bar) for bar in bars.tolist()]
    found = []
    for window in _shown(lengths, "window check", progress):
        different = 0
        for bar, wanted in zip(bars.tolist(), right, strict=True):
            told = _run(strategy, _slice(data, bar + 1 - window, bar + 1)).positions()
            different += int(not np.allclose(told, wanted, rtol=_EQUAL, atol=_EQUAL))
        found.append({"window": window, "compared": len(bars), "different": different})
    import pandas as pd

    return WindowReport(pd.DataFrame(found))


def _differences(
    told: Mapping[_Order, float], wanted: Mapping[_Order, float]
) -> Iterable[tuple[str, _Order, float]]:
    """What a shorter run said and the whole one does not, and the other way round."""
    for order, size in told.items():
        if order not in wanted:
            yield "vanished", order, size
        elif abs(size - wanted[order]) > _EQUAL * max(abs(size), abs(wanted[order])):
            yield "resized", order, size
    for order, size in wanted.items():
        if order not in told:
            yield "late", order, size


def _sizes(orders: OrderTable, until: int | None = None) -> dict[_Order, float]:
    """Orders before a bar, by what they are, with their sizes."""
    count = len(orders) if until is None else int(np.searchsorted(orders.bar, until))
    keys = zip(
        orders.column[:count].tolist(),
        orders.bar[:count].tolist(),
        orders.nth[:count].tolist(),
        orders.side[:count].tolist(),
        strict=True,
    )
    return dict(zip(keys, orders.size[:count].tolist(), strict=True))


def _run(strategy: Callable[[Any], Any], data: Any) -> OrderTable:
    result = strategy(data)
    return read_orders(result.portfolio if isinstance(result, Captured) else result)


def _length(data: Any) -> int:
    if isinstance(data, Mapping):
        lengths = {len(value) for value in data.values()}
        if len(lengths) != 1:
            raise ConfigError("data: all its parts must have the same number of rows")
        return lengths.pop()
    if not hasattr(data, "iloc"):
        raise ConfigError(
            f"data={shorten(type(data))}: must be a pandas object or a mapping of such"
        )
    return len(data)


def _slice(data: Any, start: int, end: int) -> Any:
    if isinstance(data, Mapping):
        return {name: value.iloc[start:end] for name, value in data.items()}
    return data.iloc[start:end]


def _head(data: Any, end: int) -> Any:
    return _slice(data, 0, end)


def _shown(items: Sequence[int], title: str, progress: bool) -> Iterable[int]:
    """The items, with a progress bar where one is wanted; it fits notebook and terminal."""
    from tqdm.auto import tqdm  # type: ignore[import-untyped]

    bar: Iterable[int] = tqdm(items, desc=title, disable=not progress, leave=False)
    return bar


def _report(found: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    columns = ["kind", "column", "bar", "seen_at", "side", "size"]
    return pd.DataFrame(found, columns=columns)
