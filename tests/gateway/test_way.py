"""How a signal came over a relay is kept for the page, and only what can be shown is taken."""

from __future__ import annotations

import time
from typing import Any

import pytest

WAY = {"signal_id": "s1", "host": "quant-1", "left_at": 1, "relay": "desk", "taken_at": 2}


def shown(client: Any, number: int = 1) -> Any:
    """The line's way, once the line is there."""
    for _ in range(500):
        status, _, found = client.request("GET", f"/activity/signal?number={number}")
        if status == 200:
            return found["way"]
        time.sleep(0.01)
    raise AssertionError("the line never came")


def test_a_signal_that_came_directly_has_no_way(client: Any) -> None:
    assert client.signal("s1")[0] == 200
    assert client.post("/activity/way", {**WAY, "signal_id": "another"})[0] == 200
    assert shown(client) is None


@pytest.mark.parametrize("first", [True, False])
def test_a_way_is_shown_whether_it_comes_before_its_line_or_after(client: Any, first: bool) -> None:
    if first:
        assert client.post("/activity/way", WAY)[0] == 200
    assert client.signal("s1")[0] == 200
    if not first:
        assert client.post("/activity/way", WAY)[0] == 200
    assert shown(client) == WAY


def test_a_refused_signal_does_not_borrow_the_way_of_its_name(client: Any) -> None:
    assert client.post("/activity/way", WAY)[0] == 200
    assert client.signal("s1", workflow_id="nobody")[0] == 404
    assert shown(client) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "a\nb"},
        {"relay": "\u202egnp"},
        {"relay": "x" * 65},
        {"host": 1},
        {"signal_id": ""},
        {"signal_id": "x" * 129},
        {"left_at": -1},
        {"taken_at": 2**63},
        {"taken_at": 1.5},
        {"more": 1},
    ],
)
def test_what_cannot_be_shown_is_refused_by_its_field(client: Any, wrong: dict[str, Any]) -> None:
    status, answer = client.post("/activity/way", {**WAY, **wrong})
    assert status == 400
    assert next(iter(wrong)) in answer["error"]
    assert client.signal("s1")[0] == 200
    assert shown(client) is None


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"signal_id":"\\ud800"}', b"[" * 9000])
def test_what_is_no_way_is_refused(client: Any, body: bytes) -> None:
    assert client.post("/activity/way", body)[0] == 400
