"""When must a venue leave a contract, so that it is flat before Zipline closes it?

Zipline closes an expired future inside its own books, at the end of the session of its
``auto_close_date``, and tells the blotter nothing. On that day the real contract may have stopped
trading in the morning. So the venue leaves in the session before.
"""

from __future__ import annotations

from typing import Any

from zipline.assets import Future

from sim2live.zipline.following import FOREVER

LEAVE_BEFORE_CLOSE_NS = 15 * 60_000_000_000
"""Minute bars: this long before the end of that session. Daily bars: at that session's bar."""


def cutoff_of(asset: Any, algorithm: Any) -> int:
    """The moment (ns UTC) from which the venue holds nothing of an asset.

    Args:
        asset: Any asset; only futures with an auto-close date have a moment.
        algorithm: The running algorithm, for its calendar and bar length.
    """
    if not isinstance(asset, Future) or asset.auto_close_date is None:
        return FOREVER
    calendar = algorithm.trading_calendar
    place = calendar.sessions.searchsorted(asset.auto_close_date) - 1
    if place < 0:
        return FOREVER
    session = calendar.sessions[place]
    if algorithm.data_frequency == "daily":
        return int(session.value)
    return int(calendar.session_close(session).value) - LEAVE_BEFORE_CLOSE_NS
