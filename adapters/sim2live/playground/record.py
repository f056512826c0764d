"""What did a run of a script come to? Balance, trades, win rate, and the curve of its equity."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from sim2live.exchange.accounts import TradeRow
from sim2live.market.bars import Bar


class Fill(Struct, frozen=True, kw_only=True):
    """One fill: UTC epoch nanoseconds, signed contracts, price, and what it earned."""

    time: int
    size: int
    price: float
    profit: float | None


class Record(Struct, frozen=True, kw_only=True):
    """One run.

    Attributes:
        script: Name of the file.
        instrument: Symbol as it was asked for.
        contract: Id of the contract.
        timeframe: Such as ``1m``.
        start: First date.
        end: Last date.
        bars: Bars that were delivered.
        total_bars: Bars that there were.
        exit_code: Of the script; 0 is success.
        start_balance: Money at the start, in account currency.
        final_balance: Start plus what closed contracts earned.
        net_pnl: The difference.
        total_trades: Fills; one that turns the position counts twice.
        win_rate: Winners among the closing fills, in percent.
        worst_drawdown: Deepest fall of the equity from a height, in account currency.
        open_position: Contracts still held, negative when short.
        fills: Oldest first.
    """

    script: str
    instrument: str
    contract: str
    timeframe: str
    start: str
    end: str
    bars: int
    total_bars: int
    exit_code: int
    start_balance: float
    final_balance: float
    net_pnl: float
    total_trades: int
    win_rate: float
    worst_drawdown: float
    open_position: int
    fills: list[Fill]


def fills_of(trades: list[TradeRow]) -> list[Fill]:
    """Fills of a run; `trades` stand newest first."""
    return [
        Fill(time=row.time, size=row.signed_qty, price=row.price, profit=row.profit)
        for row in reversed(trades)
    ]


def equity(bars: list[Bar], fills: list[Fill], start: float, point_value: float) -> list[float]:
    """Balance plus open profit at the close of each bar, in account currency.

    Args:
        bars: Those that were delivered, oldest first.
        fills: Oldest first.
        start: Balance at the start.
        point_value: Account currency for a point of a contract.
    """
    return list(_equity(bars, fills, start, point_value))


def _equity(
    bars: list[Bar], fills: list[Fill], start: float, point_value: float
) -> Iterator[float]:
    cash, held, at = start, 0, 0
    for bar in bars:
        while at < len(fills) and fills[at].time <= bar.time:
            fill = fills[at]
            cash -= fill.size * fill.price * point_value
            held += fill.size
            at += 1
        yield round(cash + held * bar.close * point_value, 6)


def worst_drawdown(curve: list[float]) -> float:
    """The deepest fall from a height, not negative."""
    worst, height = 0.0, float("-inf")
    for value in curve:
        height = max(height, value)
        worst = max(worst, height - value)
    return worst
