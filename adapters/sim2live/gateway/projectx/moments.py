"""When does a request mean? ISO 8601, UTC where no zone is named, and dates without a time."""

from __future__ import annotations

from datetime import UTC, datetime

from sim2live.clock import to_ns
from sim2live.errors import shorten
from sim2live.gateway.answers import Refused


def moment(field: str, text: str) -> int:
    """A time of a request in UTC epoch nanoseconds.

    Args:
        field: Its name in the request.
        text: Its value.

    Raises:
        Refused: It is no time (400).
    """
    try:
        found = datetime.fromisoformat(text)
        return to_ns(found.replace(tzinfo=UTC) if found.tzinfo is None else found)
    except (ValueError, OverflowError):
        raise Refused(400, f"{field}={shorten(text)}: must be a time as in ISO 8601") from None


def optional_moment(field: str, text: str | None) -> int | None:
    """The same for a field that may be missing."""
    return None if text is None else moment(field, text)
