"""What may still pass when a pool is halted? What reduces, and nothing else.

A halt never stands in the way of an exit.
"""

from __future__ import annotations

from sim2live.exchange.venue import Exchange
from sim2live.signals import CANCEL, CLOSE, MODIFY, Signal


def refusal(exchange: Exchange, halted: frozenset[str], signal: Signal) -> str:
    """Why a signal may not pass now.

    Args:
        exchange: Where positions are read.
        halted: Names of the halted pools.
        signal: For a pool that exists.

    Returns:
        A sentence, or an empty string when it may pass.
    """
    pool = signal.workflow_id
    if pool not in halted or signal.action in (CANCEL, MODIFY) or _reduces(exchange, signal):
        return ""
    return f"Halted: {pool} takes only what closes a position, until it is resumed"


def _reduces(exchange: Exchange, signal: Signal) -> bool:
    held = exchange.unit_positions(signal.workflow_id)
    if held is None:  # its accounts differ, so that only the sender's own word is left
        return signal.open_close == CLOSE
    now = held.get(signal.instrument, 0)
    return now != 0 and (now > 0) != (signal.signed > 0) and signal.qty <= abs(now)
