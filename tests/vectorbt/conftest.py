"""Portfolios of every shape that vectorbt can make, on seeded synthetic prices.

The first run of a simulation compiles it for the types of its arguments, which takes seconds on a
quick machine and half a minute on a slow one. So what is compiled is kept, portfolios are small,
and numbers are floats where it makes no difference: sizes 3 and 3.0 are two simulations.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

BARS = 90
RICH = 1e7


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/vectorbt" in item.path.as_posix():
            # Raised inside vectorbt and its compiler; nothing here can change them.
            for noise in (
                "ignore::DeprecationWarning:vectorbt.*",
                "ignore::FutureWarning:vectorbt.*",
                "ignore::PendingDeprecationWarning:vectorbt.*",
                "ignore::numba.core.errors.NumbaPendingDeprecationWarning",
                "ignore:.*inplace.*:Warning:vectorbt.*",
                "ignore:direction has no effect:UserWarning",
            ):
                item.add_marker(pytest.mark.filterwarnings(noise))


@pytest.fixture(scope="session", autouse=True)
def compiled_once() -> None:
    """vectorbt keeps on disk what it compiles, for the next process, but not this simulation."""
    from vectorbt.portfolio import nb

    nb.simulate_from_signals_nb.enable_caching()


def prices(
    columns: Any = ("A",),
    *,
    bars: int = BARS,
    freq: str = "h",
    tz: str | None = "UTC",
    seed: int = 7,
) -> pd.DataFrame:
    """A random walk around 100 in steps of a cent, one column for each name."""
    index = pd.date_range("2024-03-04", periods=bars, freq=freq, tz=tz)
    steps = np.random.default_rng(seed).normal(0, 0.8, (bars, len(columns)))
    return pd.DataFrame((100 + steps.cumsum(0)).round(2), index=index, columns=columns)


def ohlc(close: pd.Series, seed: int = 3) -> pd.DataFrame:
    """Open, high and low around a close."""
    rng = np.random.default_rng(seed)
    first = close.shift(1, fill_value=close.iloc[0])
    top = np.maximum(first, close) + rng.uniform(0, 0.4, len(close)).round(2)
    bottom = np.minimum(first, close) - rng.uniform(0, 0.4, len(close)).round(2)
    return pd.DataFrame(
        {"Open": first, "High": top, "Low": bottom, "Close": close, "Volume": 1.0},
        index=close.index,
    )


def cross(close: Any, fast: int = 4, slow: int = 11) -> tuple[Any, Any]:
    """Entries and exits of a moving-average cross."""
    above = close.rolling(fast).mean() > close.rolling(slow).mean()
    below = close.rolling(fast).mean() < close.rolling(slow).mean()
    return above, below


def sizes(close: pd.DataFrame, *, whole: bool, seed: int = 5, share: float = 0.4) -> pd.DataFrame:
    """Random order sizes, most bars without an order."""
    rng = np.random.default_rng(seed)
    size = rng.normal(0, 2.3, close.shape)
    size = np.round(size) if whole else size
    size[(rng.random(close.shape) > share) | (size == 0)] = np.nan
    return pd.DataFrame(size, index=close.index, columns=close.columns)


def _signals(close: Any, **options: Any) -> Any:
    import vectorbt as vbt

    entries, exits = cross(close)
    options = {"init_cash": RICH, "size": 3.0, "freq": "h", **options}
    return vbt.Portfolio.from_signals(close, entries, exits, **options)


def _orders(close: Any, size: Any, **options: Any) -> Any:
    import vectorbt as vbt

    options = {"init_cash": RICH, "freq": "h", **options}
    return vbt.Portfolio.from_orders(close, size, **options)


def _grid() -> Any:
    import vectorbt as vbt

    close = prices(("ES", "NQ"))
    close.columns.name = "symbol"
    fast = vbt.MA.run(close, [3, 5, 8], short_name="fast")
    slow = vbt.MA.run(close, [12, 12, 20], short_name="slow")
    return vbt.Portfolio.from_signals(
        close.vbt.tile(3, keys=fast.wrapper.columns.droplevel("symbol").unique()),
        fast.ma_crossed_above(slow).to_numpy(),
        fast.ma_crossed_below(slow).to_numpy(),
        size=2.0,
        init_cash=RICH,
        direction="both",
        freq="h",
    )


def _two_sided(close: Any, **options: Any) -> Any:
    import vectorbt as vbt

    above, below = cross(close)
    strong, weak = cross(close, 2, 7)
    return vbt.Portfolio.from_signals(
        close, above & strong, ~strong, short_entries=below & weak, short_exits=~weak,
        size=2.0, init_cash=RICH, freq="h", **options,
    )  # fmt: skip


def _order_func() -> Any:
    import vectorbt as vbt
    from vectorbt.portfolio import nb

    def order(c: Any, wanted: Any) -> Any:
        return nb.order_nb(size=wanted[c.i, c.col], price=c.close[c.i, c.col], size_type=3)

    close = prices(("A", "B"))
    wanted = sizes(close, whole=True, share=1.0).fillna(0.0).to_numpy()
    # Without numba: a function of one's own would be compiled in every run of the tests.
    return vbt.Portfolio.from_order_func(
        close, order, wanted, use_numba=False, init_cash=RICH, freq="h"
    )


def _several_in_a_bar() -> Any:
    import vectorbt as vbt
    from vectorbt.portfolio import nb

    def orders(c: Any) -> Any:
        # Two orders in every third bar: more is bought than is sold again.
        if c.call_idx < 2 and c.i % 3 == 0:
            size = 3.0 if c.call_idx == 0 else -2.0
            return c.from_col, nb.order_nb(size=size, price=c.close[c.i, c.from_col])
        return -1, nb.order_nothing_nb()

    return vbt.Portfolio.from_order_func(
        prices(), orders, flexible=True, use_numba=False, max_orders=4 * BARS,
        init_cash=RICH, freq="h",
    )  # fmt: skip


def _random(n: int, **options: Any) -> Any:
    import vectorbt as vbt

    return vbt.Portfolio.from_random_signals(
        prices(("A", "B")), n=n, seed=11, init_cash=RICH, freq="h", **options
    )


def _holding(**options: Any) -> Any:
    import vectorbt as vbt

    return vbt.Portfolio.from_holding(prices(("A", "B")), freq="h", **options)


def _stops(**options: Any) -> Any:
    bars = ohlc(prices()["A"])
    return _signals(bars["Close"], open=bars["Open"], high=bars["High"], low=bars["Low"], **options)


def _weekly_rebalance(**options: Any) -> Any:
    close = prices(("A", "B", "C"))
    weight = pd.DataFrame(np.nan, index=close.index, columns=close.columns)
    weight.iloc[::12] = np.random.default_rng(2).dirichlet((1, 1, 1), size=len(weight.iloc[::12]))
    return _orders(
        close, weight, size_type="targetpercent", cash_sharing=True, group_by=True,
        call_seq="auto", init_cash=10_000.0, **options,
    )  # fmt: skip


def _pairs() -> Any:
    close = prices(("A", "B", "C", "D"))
    size = sizes(close, whole=True)
    return _orders(close, size, cash_sharing=True, group_by=np.array(["x", "x", "y", "y"]))


def _numbered() -> Any:
    return _signals(prices()["A"].reset_index(drop=True), direction="both", freq=None)


def _flipping(**options: Any) -> Any:
    close = prices()["A"]
    size = pd.Series(np.where(np.arange(BARS) % 5 == 0, 1.0, np.nan), index=close.index)
    size.iloc[::10] = -1.0
    return _orders(close, size * 3, size_type="targetamount", **options)


ZOO: dict[str, Callable[[], Any]] = {
    "one column, long": lambda: _signals(prices()["A"]),
    "a frame of one column": lambda: _signals(prices()),
    "one column, short": lambda: _signals(prices()["A"], direction="shortonly"),
    "one column, both": lambda: _signals(prices()["A"], direction="both"),
    "several symbols, both": lambda: _signals(prices(("A", "B", "C")), direction="both"),
    "long and short signals": lambda: _two_sided(prices(("A", "B"))),
    "long and short, reversing": lambda: _two_sided(
        prices(("A", "B")), upon_opposite_entry="reverse"
    ),
    "all in, long": lambda: _signals(prices()["A"], size=np.inf, init_cash=100.0),
    "all in, both": lambda: _signals(prices()["A"], size=np.inf, init_cash=500.0, direction="both"),
    "all in, whole units": lambda: _signals(
        prices()["A"], size=np.inf, init_cash=1000.0, size_granularity=1.0, direction="both"
    ),
    "percent of cash": lambda: _signals(
        prices()["A"], size=0.5, size_type="percent", init_cash=1000.0
    ),
    "value": lambda: _signals(prices()["A"], size=437.0, size_type="value", init_cash=5000.0),
    "accumulating": lambda: _signals(prices()["A"], accumulate=True, direction="both", size=1.0),
    "accumulating, only adding": lambda: _signals(prices()["A"], accumulate="addonly", size=1.0),
    "stop loss": lambda: _stops(sl_stop=0.01),
    "stop loss and take profit": lambda: _stops(sl_stop=0.01, tp_stop=0.015, direction="both"),
    "trailing stop": lambda: _stops(sl_stop=0.012, sl_trail=True),
    "stop that reverses": lambda: _stops(sl_stop=0.01, upon_stop_exit="reverse"),
    "grid of parameters": _grid,
    "whole amounts": lambda: _orders(prices(("A", "B")), sizes(prices(("A", "B")), whole=True)),
    "fractional amounts": lambda: _orders(
        prices(("A", "B")), sizes(prices(("A", "B")), whole=False)
    ),
    "target amounts": lambda: _orders(
        prices(("A", "B")), sizes(prices(("A", "B")), whole=True), size_type="targetamount"
    ),
    "target values": lambda: _orders(
        prices(), sizes(prices(), whole=False) * 150, size_type="targetvalue"
    ),
    "target percents, shared cash": _weekly_rebalance,
    "groups with shared cash": _pairs,
    "flips every few bars": _flipping,
    "flips with slippage and fees": lambda: _flipping(slippage=0.001, fees=0.002),
    "an order function": _order_func,
    "several orders in a bar": _several_in_a_bar,
    "buy and hold": _holding,
    "buy and hold, whole": lambda: _holding(size=1.0),
    "random signals": lambda: _random(8, size=2.0),
    "random signals, both": lambda: _random(6, size=1.0, direction="both"),
    "daily, naive": lambda: _signals(prices(freq="D", tz=None)["A"], direction="both", freq="D"),
    "minutes, New York": lambda: _signals(
        prices(freq="min", tz="America/New_York")["A"], direction="both", freq="min"
    ),
    "numbered bars": _numbered,
    "no order at all": lambda: _orders(prices(), sizes(prices(), whole=True, share=0.0)),
    "next open": lambda: _signals(prices()["A"], price=prices()["A"].shift(-1), direction="both"),
}


@cache
def made(name: str) -> Any:
    """A portfolio of the zoo, made once for each process."""
    return ZOO[name]()


@pytest.fixture(params=sorted(ZOO))
def portfolio(request: pytest.FixtureRequest) -> Any:
    """Each portfolio of the zoo, one after the other."""
    return made(request.param)


@pytest.fixture
def make() -> Callable[[str], Any]:
    """A portfolio of the zoo by its name."""
    return made


@pytest.fixture
def price_frame() -> Callable[..., pd.DataFrame]:
    """`prices`, for tests in other files."""
    return prices


@pytest.fixture
def bar_frame() -> Callable[..., pd.DataFrame]:
    """A frame of bars with Open, High, Low, Close and Volume."""

    def build(bars: int = BARS, *, freq: str = "h", seed: int = 7) -> pd.DataFrame:
        return ohlc(prices(bars=bars, freq=freq, seed=seed)["A"])

    return build


@pytest.fixture
def crossing() -> Callable[..., Any]:
    """A strategy: moving-average cross, long and short, whole sizes."""

    def strategy(data: pd.DataFrame, **options: Any) -> Any:
        return _signals(data["Close"], direction="both", **options)

    return strategy
