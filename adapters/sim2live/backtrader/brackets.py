"""Which brackets can rest at the venue as one signal?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from backtrader import Order

from sim2live.signals import Bracket, StopLoss, TakeProfit


def native(parent: Any, children: Sequence[Any], opened: float) -> Bracket | None:
    """The legs of a bracket, where the wire can say all of it.

    One stop and one limit, each once at most, of the size that the entry opens and against it,
    and good until cancelled: the wire has no trailing leg, no expiry and no size of a leg. The
    profit leg lies beyond the loss leg, else the venue would refuse the entry with them.

    Args:
        parent: The entry.
        children: Its children, all of them.
        opened: Signed size that the entry opens.

    Returns:
        The legs, or None when the bracket must be emulated.
    """
    stops = [child for child in children if child.exectype == Order.Stop]
    limits = [child for child in children if child.exectype == Order.Limit]
    if not children or len(stops) > 1 or len(limits) > 1:
        return None
    if len(stops) + len(limits) != len(children):
        return None
    for child in children:
        if child.size != -opened or child.data is not parent.data or child.valid is not None:
            return None
        if not math.isfinite(child.created.price):
            return None
    profit = float(limits[0].created.price) if limits else None
    loss = float(stops[0].created.price) if stops else None
    if profit is not None and loss is not None and (profit - loss) * opened <= 0:
        return None
    return Bracket(
        take_profit=None if profit is None else TakeProfit(profit),
        stop_loss=None if loss is None else StopLoss(loss),
    )
