"""Would this size be another one if the history began at another bar?"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from sim2live.errors import ConfigError
from sim2live.sizing import Sizing
from sim2live.vectorbt.orders import OrderTable
from sim2live.vectorbt.stops import Captured

_WAYS_OUT: Final = (
    "start every run at one bar and say so with anchor=, or follow the sign only with "
    "sizing.direction(n), or accept it with cash_sizing=True"
)
_FROM_CASH: Final = frozenset({"Value", "Percent", "TargetValue", "TargetPercent"})


def refuse_drifting(result: Any, orders: OrderTable, sizing: Sizing) -> None:
    """Refuse sizes that depend on simulated cash, which depends on where the history begins.

    Where the arguments were captured they tell. Else fractional sizes are taken for it: that is
    what all-in and percent sizing give.

    Args:
        result: What the strategy returned.
        orders: Its orders.
        sizing: The rule in use; one that looks at the sign only is safe.

    Raises:
        ConfigError: Says why, and the ways out.
    """
    if hasattr(sizing, "contracts"):
        return
    if isinstance(result, Captured):
        if _from_cash(result):
            raise ConfigError(f"size: depends on simulated cash (percent or all-in); {_WAYS_OUT}")
        return
    if (orders.size != np.round(orders.size)).any():
        raise ConfigError(f"size: fractions look like percent or all-in sizing; {_WAYS_OUT}")


def _from_cash(result: Captured) -> bool:
    import vectorbt as vbt
    from vectorbt.portfolio.enums import SizeType
    from vectorbt.utils.enum_ import map_enum_fields

    settings = vbt.settings["portfolio"]
    size, size_type = (
        settings[name] if result.arguments.get(name) is None else result.arguments[name]
        for name in ("size", "size_type")
    )
    kinds = np.unique(np.asarray(map_enum_fields(size_type, SizeType)))
    if {SizeType._fields[int(kind)] for kind in kinds.ravel()} & _FROM_CASH:
        return True
    return bool(np.isinf(np.asarray(size, dtype=float)).any())
