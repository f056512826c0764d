"""From backtest to live without a framework: the strategy stays, the execution handler changes.

    python examples/backtest_to_live.py                                    # both, compared
    SIM2LIVE_TARGET=http://127.0.0.1:8080 python examples/backtest_to_live.py

A strategy says which position it wants. A handler says what happens then: `Simulated` books a
fill, `Live` makes the venue follow.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import sim2live
from sim2live.market.bars import Bar, CsvBars

PRICES = Path(__file__).parent / "data" / "sp500_daily.csv"
SP500 = sim2live.Instrument("SIM", "SP500")


class Breakout:
    """Long above the highest close of 20 days, flat below the lowest of 10."""

    def __init__(self) -> None:
        self.closes: deque[float] = deque(maxlen=20)
        self.target = 0

    def on_bar(self, bar: Bar) -> int:
        if len(self.closes) == 20:
            if bar.close > max(self.closes):
                self.target = 1
            elif bar.close < min(list(self.closes)[-10:]):
                self.target = 0
        self.closes.append(bar.close)
        return self.target


class Handler(Protocol):
    """What a position that is wanted leads to; answers with the position that is held."""

    def execute(self, bar: Bar, target: int) -> int: ...


class Simulated:
    """The backtest: filled at the close, every time."""

    def __init__(self) -> None:
        self.held = 0
        self.cash = 0.0

    def execute(self, bar: Bar, target: int) -> int:
        self.cash -= (target - self.held) * bar.close
        self.held = target
        return self.held


class Live:
    """The gate sends the difference to what the venue is presumed to hold."""

    def __init__(self, dispatcher: sim2live.Dispatcher) -> None:
        self.dispatcher = dispatcher

    def execute(self, bar: Bar, target: int) -> int:
        self.dispatcher.on_bar(SP500, bar)
        receipt = self.dispatcher.follow(SP500, target, data="SP500", nth=0, decided_at=bar.time)
        return receipt.granted  # less than the target where an entry was refused


def run(strategy: Breakout, handler: Handler, bars: Iterable[Bar]) -> list[int]:
    """The position after each bar."""
    return [handler.execute(bar, strategy.on_bar(bar)) for bar in bars]


def main(days: int = 750) -> tuple[list[int], list[int]]:
    bars = list(CsvBars(PRICES))[-days:]
    simulated = Simulated()
    backtest = run(Breakout(), simulated, bars)
    with sim2live.connect(strategy="breakout", run="example", journal=":memory:") as dispatcher:
        live = run(Breakout(), Live(dispatcher), bars)
        print("venue:", dispatcher.venue.fingerprint, dispatcher.summary())
    value = simulated.cash + simulated.held * bars[-1].close
    print(f"backtest: {value:+,.2f} points over {days} days")
    print("positions agree" if live == backtest else "positions DIFFER")
    return backtest, live


if __name__ == "__main__":
    main()
