"""How many trades were there, and how many of them won?"""

from __future__ import annotations

from collections.abc import Iterable

from sim2live.exchange.accounts import TradeRow


def tally(trades: Iterable[TradeRow]) -> tuple[int, float]:
    """Trades and win rate as TestMax's run history counts them.

    Args:
        trades: Fills in any order.

    Returns:
        The number of fills, where one that turns the position counts as two (a close and an
        open), and the share of winners among the fills that closed something, in percent.
    """
    count = closing = winners = 0
    for row in trades:
        count += 1
        if row.closed:
            closing += 1
            winners += (row.profit or 0.0) > 0
            count += row.closed < abs(row.signed_qty)
    return count, round(100 * winners / closing, 4) if closing else 0.0
