"""What may go wrong with one signal at a server."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from msgspec import Struct

Way = Literal["answer", "drop", "reset", "silent", "trickle", "truncate", "wrong_id", "surplus"]


class Fault(Struct, frozen=True, kw_only=True):
    """What the gateway does with one signal.

    Attributes:
        way: ``answer`` it; ``drop`` the connection in order (FIN) or ``reset`` it (RST)
            without an answer; stay ``silent`` and keep the connection; ``trickle`` the answer
            byte by byte; ``truncate`` its body; echo the ``wrong_id``; send ``surplus`` bytes
            behind it.
        executes: whether the account executes the signal first. An answer of another status
            than 200 normally goes without.
        status: HTTP status of the answer.
        headers: more headers of the answer, such as ``Retry-After``.
        delay: seconds before the answer starts.
        pace: seconds between two bytes of a trickle.
    """

    way: Way = "answer"
    executes: bool = True
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    delay: float = 0.0
    pace: float = 0.05


def _refusal(status: int, *headers: tuple[str, str]) -> Fault:
    return Fault(executes=False, status=status, headers=headers)


FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "accept": Fault(),
        "drop": Fault(way="drop"),
        "drop_before": Fault(way="drop", executes=False),
        "reset": Fault(way="reset"),
        "reset_before": Fault(way="reset", executes=False),
        "half_open": Fault(way="silent"),
        "half_open_before": Fault(way="silent", executes=False),
        "trickle": Fault(way="trickle"),
        "truncate": Fault(way="truncate"),
        "late": Fault(delay=3600.0),
        "slow_start": Fault(delay=0.05),
        "wrong_id": Fault(way="wrong_id"),
        "surplus": Fault(way="surplus"),
        "redirect": _refusal(307, ("Location", "http://127.0.0.1:1/elsewhere")),
        "bad_request": _refusal(400),
        "unauthorized": _refusal(401),
        "forbidden": _refusal(403),
        "not_found": _refusal(404),
        "too_many": _refusal(429),
        "too_many_seconds": _refusal(429, ("Retry-After", "2")),
        "too_many_date": _refusal(429, ("Retry-After", "Wed, 21 Oct 2099 07:28:00 GMT")),
        "too_many_garbage": _refusal(429, ("Retry-After", "soon")),
        "broken": _refusal(500),
        "broken_after": Fault(status=500),
        "unavailable": _refusal(503, ("Retry-After", "1")),
    }
)
"""The faults by name, for scripts: ``gateway.script("drop", "accept")``."""
