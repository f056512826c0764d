"""Until when is an order good? What stock means by `valid`, and loses in a local variable.

In backtrader 1.9.78 ``valid=0`` never expires and ``valid=2.0`` has expired at once, because
``Order.__init__`` computes the moment and does not keep it. `MirrorBroker` leaves both as they
are, since it has to equal the stock broker byte for byte.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

_OFFSETS: Final = 10_000.0
"""Days; a smaller `valid` is an offset, the date of today is above 700,000."""


def mend(order: Any) -> None:
    """Give an order the end that its `valid` asks for: 0 is the end of today, small is from now.

    Args:
        order: A new order; a date, a time span or None is right already.
    """
    given = order.p.valid
    if given is None or isinstance(given, (dt.date, dt.timedelta)):
        return
    if given == 0:
        last = dt.datetime.combine(order.data.datetime.date(), dt.time(23, 59, 59, 9999))
        order.valid = order.data.date2num(last)
    elif given < _OFFSETS:
        order.valid = order.data.datetime[0] + given
