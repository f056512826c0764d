"""Does our own paper gateway answer here? Anything but a clear yes is a real venue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from sim2live.errors import DeliveryError


def paper_store(get: Callable[..., Any], timeout: float) -> str | None:
    """Ask a server whether it is the paper gateway.

    Args:
        get: Asks for a path, as `Transport.get` does.
        timeout: Seconds.

    Returns:
        The id of the gateway's store; None if anything else answers, or nothing.
    """
    try:
        answer = get("/health", timeout=timeout)
        health: Any = msgspec.json.decode(answer.body)
    except (DeliveryError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if answer.status != 200 or not isinstance(health, dict):
        return None
    if health.get("service") != "sim2live-gateway" or health.get("paper") is not True:
        return None
    store = health.get("store")
    return store if isinstance(store, str) and store else None
