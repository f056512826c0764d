"""A session on a running gateway, and the header of a script that is connected to it."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from sim2live.gateway.server import Gateway, running_gateway
from sim2live.playground.api import Header


def ask(gateway: Gateway, path: str, token: str = "", **fields: Any) -> Any:
    request = urllib.request.Request(
        f"{gateway.url}/api/topstep-sim/{path}",
        data=json.dumps(fields).encode(),
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    """What the platform sets before a script starts: a session of 390 synthetic minutes."""
    with running_gateway({}) as gateway:
        token = ask(gateway, "Auth/loginKey", userName="me", apiKey="key")["token"]
        day = {"startDate": "2025-01-15", "timeframe": "1m", "instrumentSymbol": "NQ"}
        begun = ask(gateway, "Replay/start", token, **day)
        yield {
            "TESTMAX_API_URL": f"{gateway.url}/api/topstep-sim",
            "TESTMAX_TOKEN": token,
            "INSTRUMENT": "NQ",
            "START_DATE": "2025-01-15",
            "END_DATE": "2025-01-15",
            "TIMEFRAME": "1m",
            "STEP_DELAY": "0",
            "ACCOUNT_ID": str(begun["accountId"]),
            "CONTRACT_ID": begun["contractId"],
            "TOTAL_BARS": str(begun["totalBars"]),
        }


@pytest.fixture
def header(environment: dict[str, str]) -> Iterator[Callable[..., dict[str, Any]]]:
    """`header(NAME="text")`: the names of a script, with some variables set otherwise."""
    with ExitStack() as stack:

        def make(**changed: str) -> dict[str, Any]:
            made = Header({**environment, **changed})
            stack.callback(made.close)
            return made.names

        yield make


@pytest.fixture
def names(header: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """The names of a script."""
    return header()


@pytest.fixture
def snippets(required: Callable[[bool, str], None]) -> Path:
    """The page's own snippets, which lie beside the checkout and not in it."""
    place = os.environ.get("SIM2LIVE_REFERENCE")
    root = Path(place) if place else Path(__file__).parents[3] / "shared" / "reference"
    folder = root / "snippets" / "playground"
    required(folder.is_dir(), "the page's snippets (reference/snippets/playground)")
    return folder
