"""What is said differently at a ProjectX gateway and at the TestMax simulator?

Both take the same calls; they differ in paths, in a few fields, and in what a number means.
The ProjectX words are those of https://gateway.docs.projectx.com, the simulator's those of
https://test-max.com/docs. Where its pages are silent the ProjectX word is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final

from sim2live.clock import iso
from sim2live.errors import ConfigError, shorten

__all__ = [
    "ALIVE",
    "ASK",
    "BID",
    "LONG",
    "PROJECTX",
    "SHORT",
    "STOPS",
    "STOP_LEG",
    "TARGET_LEG",
    "TESTMAX",
    "TRAILING",
    "TYPES",
    "Dialect",
    "dialect",
    "hub_url",
    "root_url",
]

BID, ASK = 0, 1
LONG, SHORT = 1, 2
TRAILING: Final = 5
TYPES: Final = MappingProxyType({"LIMIT": 1, "MARKET": 2, "STOP_LIMIT": 3, "STOP": 4})
STOP_LEG: Final = 4
TARGET_LEG: Final = 1
#: Types of orders that protect: stop limit, stop, trailing stop.
STOPS: Final = frozenset({3, STOP_LEG, TRAILING})
#: States of an order that may still fill.
ALIVE: Final = frozenset({"open", "pending", "cancelling", "suspended"})

_TOPSTEP: Final = "https://api.topstepx.com"
_TESTMAX_URL: Final = "https://api.test-max.com"


class Dialect:
    """The words of a ProjectX gateway.

    Attributes:
        name: One word for messages and settings.
        prefix: What stands between the address and ``/Order/place``.
        simulated: True when no real money can be behind it.
        tags: An order carries our own name (``customTag``), so it can be found again.
        states: What the number of an order's state means.
    """

    name: ClassVar[str] = "projectx"
    prefix: ClassVar[str] = "/api"
    simulated: ClassVar[bool] = False
    tags: ClassVar[bool] = True
    states: ClassVar[Mapping[int, str]] = MappingProxyType(
        {
            1: "open",
            2: "filled",
            3: "cancelled",
            4: "expired",
            5: "rejected",
            6: "pending",
            7: "cancelling",
            8: "suspended",
        }
    )

    def __repr__(self) -> str:
        return f"<dialect {self.name}>"

    def state(self, number: int | None) -> str:
        """The state of an order as a word; empty for a number that says nothing."""
        return "" if number is None else self.states.get(number, "")

    def tagged(self, tag: str) -> dict[str, Any]:
        """The field that names an order."""
        return {"customTag": tag}

    def leg(self, ticks: int, kind: int) -> dict[str, Any]:
        """A leg of a bracket, `ticks` from the fill: below zero lies below the fill."""
        return {"ticks": ticks, "type": kind}

    def find_contracts(self, text: str) -> dict[str, Any]:
        """The question for contracts."""
        return {"searchText": text, "live": False}

    def find_orders(self, account: int, since: int) -> dict[str, Any]:
        """The question for an account's orders made since a moment (UTC epoch nanoseconds)."""
        return {"accountId": account, "startTimestamp": iso(since)}

    def find_trades(self, account: int, since: int) -> dict[str, Any]:
        """The question for an account's fills since a moment (UTC epoch nanoseconds)."""
        return {"accountId": account, "startTimestamp": iso(since)}

    def find_bars(
        self, contract: str, unit: int, number: int, start: int, end: int, limit: int
    ) -> dict[str, Any]:
        """The question for bars that start in [start, end), UTC epoch nanoseconds."""
        return {
            "contractId": contract,
            "live": False,
            "startTime": iso(start),
            "endTime": iso(end),
            "unit": unit,
            "unitNumber": number,
            "limit": limit,
            "includePartialBar": False,
        }


class _TestMax(Dialect):
    name = "testmax"
    prefix = "/api/topstep-sim"
    simulated = True
    tags = False
    states = MappingProxyType({1: "open", 2: "filled", 3: "cancelled", 6: "pending"})

    def tagged(self, tag: str) -> dict[str, Any]:  # noqa: ARG002 - orders have no name there
        return {}

    def leg(self, ticks: int, kind: int) -> dict[str, Any]:
        return {"ticks": abs(ticks), "type": kind}

    def find_contracts(self, text: str) -> dict[str, Any]:
        return {"searchText": text}

    def find_orders(self, account: int, since: int) -> dict[str, Any]:  # noqa: ARG002
        return {"accountId": account}

    def find_trades(self, account: int, since: int) -> dict[str, Any]:  # noqa: ARG002
        return {"accountId": account}

    def find_bars(
        self,
        contract: str,
        unit: int,
        number: int,
        start: int,
        end: int,
        limit: int,  # noqa: ARG002
    ) -> dict[str, Any]:
        return {
            "contractId": contract,
            "unit": unit,
            "unitNumber": number,
            "startTime": iso(start),
            "endTime": iso(end),
        }


PROJECTX: Final = Dialect()
TESTMAX: Final = _TestMax()


def dialect(name: str) -> Dialect:
    """A dialect by its name.

    Raises:
        ConfigError: There is none of that name.
    """
    for known in (PROJECTX, TESTMAX):
        if known.name == name:
            return known
    raise ConfigError(f"dialect={shorten(name)}: must be projectx or testmax")


def root_url(firm: str) -> tuple[str, Dialect]:
    """Where a firm's API is, and which dialect it speaks.

    Args:
        firm: ``topstepx``, ``testmax``, another firm's name as in
            ``https://api.NAME.projectx.com``, or an address. An address that ends in
            ``/api/topstep-sim`` speaks TestMax.

    Returns:
        The address without the dialect's prefix, and the dialect.

    Raises:
        ConfigError: It is no name and no address.
    """
    if firm.startswith(("http://", "https://")):
        url = firm.rstrip("/")
        if url.endswith(TESTMAX.prefix):
            return url.removesuffix(TESTMAX.prefix), TESTMAX
        return url.removesuffix(PROJECTX.prefix), PROJECTX
    name = firm.lower()
    if name in ("topstepx", "topstep"):
        return _TOPSTEP, PROJECTX
    if name in ("testmax", "test-max"):
        return _TESTMAX_URL, TESTMAX
    if not (name.isascii() and name.replace("-", "").isalnum()):
        raise ConfigError(f"firm={shorten(firm)}: must be a firm's name or an address")
    return f"https://api.{name}.projectx.com", PROJECTX


def hub_url(root: str, hub: str, token: str) -> str:
    """The address of a SignalR hub.

    Live firms serve hubs at ``rtc.`` where the API is at ``api.``; a gateway of one's own
    serves both at one address.

    Args:
        root: As `root_url` gives it.
        hub: ``user`` or ``market``.
        token: Of the session; it travels in the query, as the protocol has it.
    """
    address = root.replace("https://api.", "https://rtc.", 1)
    return "ws" + address.removeprefix("http") + f"/hubs/{hub}?access_token={token}"
