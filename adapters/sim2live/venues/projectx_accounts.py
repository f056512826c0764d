"""Which accounts of a ProjectX server trade a workflow's signals?"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from sim2live.errors import ConfigError, Sim2LiveError
from sim2live.venues.projectx_contracts import Ask
from sim2live.venues.projectx_session import RefusedError

__all__ = ["Account", "Accounts", "UnknownWorkflowError"]


class Account(Struct, frozen=True):
    """An account at the server.

    Attributes:
        id: Its number.
        name: Its name.
    """

    id: int
    name: str


class UnknownWorkflowError(Sim2LiveError):
    """No account is meant by a workflow's name."""


class Accounts:
    """Accounts by workflow; what was found once is remembered.

    Args:
        pools: Names or numbers of accounts by workflow. A workflow that is not in it is the
            name or number of one account.

    Raises:
        ConfigError: A workflow has no account, or one twice.
    """

    def __init__(self, pools: Mapping[str, Sequence[str | int]] | None) -> None:
        self._pools = {name: tuple(map(str, wanted)) for name, wanted in (pools or {}).items()}
        for name, wanted in self._pools.items():
            if not wanted or len(set(wanted)) != len(wanted):
                raise ConfigError(f"accounts of {name[:80]!r}: must be one or more, each once")
        self._lock = threading.Lock()
        self._found: dict[str, tuple[Account, ...]] = {}

    def of(self, workflow: str, ask: Ask) -> tuple[Account, ...]:
        """The accounts of a workflow, in the order they are configured in.

        Raises:
            UnknownWorkflowError: The server knows no such active account.
            DeliveryError: The server did not answer.
        """
        known = self._found.get(workflow)
        if known is not None:
            return known
        listed = _listed(ask("Account/search", {"onlyActiveAccounts": True}))
        names = {account.name: account for account in listed}
        numbers = {str(account.id): account for account in listed}
        found: list[Account] = []
        for wanted in self._pools.get(workflow, (workflow,)):
            account = names.get(wanted) or numbers.get(wanted)
            if account is None:
                shown = ", ".join(sorted(names)[:8]) or "none"
                raise UnknownWorkflowError(
                    f"Workflow not found: {workflow}: no active account {wanted!r}; active are "
                    f"{shown}"
                )
            found.append(account)
        with self._lock:
            return self._found.setdefault(workflow, tuple(found))


def _listed(answer: Mapping[str, Any]) -> list[Account]:
    listed = answer.get("accounts")
    if not isinstance(listed, list):
        raise RefusedError("Account/search gave no list of accounts")
    return [
        Account(row["id"], row["name"])
        for row in listed
        if isinstance(row, dict)
        and isinstance(row.get("id"), int)
        and isinstance(row.get("name"), str)
    ]
