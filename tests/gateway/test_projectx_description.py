"""The second door does what its own description says, and survives what it does not say."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.transport import Response as Answer

from sim2live.gateway.server import running_gateway

PATHS = {
    "ProjectX": [
        "Auth/loginKey", "Auth/validate", "Auth/logout", "Status/ping", "Account/search",
        "Contract/search", "Contract/searchById", "Contract/available", "Order/place",
        "Order/search", "Order/searchOpen", "Order/searchById", "Order/cancel", "Order/modify",
        "Position/searchOpen", "Position/closeContract", "Position/partialCloseContract",
        "Trade/search", "History/retrieveBars",
    ],
    "TestMax": [
        "Auth/loginKey", "Auth/validate", "Auth/logout", "Status/ping", "Account/search",
        "Contract/search", "Contract/searchById", "Order/place", "Order/search",
        "Order/searchOpen", "Order/cancel", "Order/modify", "Position/searchOpen",
        "Position/closeContract", "Position/partialCloseContract", "Trade/search",
        "History/retrieveBars", "Replay/start", "Replay/step", "Replay/play", "Replay/pause",
        "Replay/jumpTo", "Replay/end",
    ],
}  # fmt: skip
PATIENCE = 60.0
"""Seconds for an answer that takes milliseconds, on a machine that stands still now and then."""


def reasons(error: BaseException) -> list[str]:
    """Why it failed, without the frames: a group prints so many that nobody sees its members."""
    if isinstance(error, BaseExceptionGroup):
        return [said for member in error.exceptions for said in reasons(member)]
    return [f"{type(error).__name__}: {error}"]


def test_every_endpoint_of_the_two_services_is_described(second: Any) -> None:
    told = second.client.get("/openapi.json")
    assert told["openapi"].startswith("3.1")
    wanted = {f"/api/{path}" for path in PATHS["ProjectX"]}
    wanted |= {f"/api/topstep-sim/{path}" for path in PATHS["TestMax"]}
    assert set(told["paths"]) == wanted


def test_the_description_needs_no_token(start: Any) -> None:
    _, client = start(token="secret")
    assert client.get("/openapi.json")["info"]["title"]


def test_a_hub_cannot_be_negotiated(second: Any) -> None:
    status, answer = second.client.post("/hubs/user/negotiate", {})
    assert (status, answer["success"]) == (400, False)


@pytest.mark.slow
@pytest.mark.timeout(300)  # a dozen requests for each of three dozen operations
def test_fuzzed_requests_get_the_answers_that_are_described() -> None:
    with running_gateway() as gateway:
        schema = schemathesis.openapi.from_url(f"{gateway.url}/openapi.json")
        token = schema["/api/Auth/loginKey"]["POST"].Case(
            body={"userName": "a", "apiKey": "b"}, media_type="application/json"
        ).call().json()["token"]  # fmt: skip
        bearer = {"Authorization": f"Bearer {token}"}
        tried: set[str] = set()

        def check(case: schemathesis.Case) -> None:
            if case.operation.path.endswith(("logout", "Replay/start")):
                return  # one ends the token, the other may take a minute of bars
            answer: Answer = case.call(headers=bearer, timeout=PATIENCE)
            tried.add(case.operation.path)
            assert answer.status_code < 500, answer.text
            assert {"success", "errorCode", "errorMessage"} <= set(answer.json())
            if answer.status_code == 200:
                case.validate_response(answer)

        for operation in schema.get_all_operations():
            made = operation.ok().as_strategy()
            bounded = settings(
                max_examples=12, deadline=None, database=None, phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )  # fmt: skip

            try:
                bounded(given(case=made)(check))()
            except Exception as error:
                said = "\n".join(reasons(error))
                pytest.fail(f"{operation.ok().label}\n{said}", pytrace=False)
        assert len(tried) >= 38
