"""What does one order ask of the position, and what is left of it when the gate says no?"""

from __future__ import annotations

from typing import Any


def is_market(order: Any) -> bool:
    """Whether it is a market order; a stop-limit whose stop was reached is still a limit."""
    return order.stop is None and order.limit is None


def counts(order: Any) -> bool:
    """Whether an order's open amount is part of the target: a market order that still works."""
    return bool(order.open) and is_market(order)


def grows(raw: float, amount: float) -> bool:
    """Whether an order of `amount`, already part of `raw`, moves the position away from zero."""
    return abs(raw) > abs(raw - amount) or raw * (raw - amount) < 0


def kept(before: float, amount: int, granted: int) -> int:
    """How much of a refused order still happens: the closing part of a flip, else nothing."""
    after = before + amount
    return int(-before) if granted == 0 and before * after < 0 else 0
