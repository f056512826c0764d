"""The id of a signal: the same for the same decision, another for any other."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2live.errors import SignalError
from sim2live.identity import signal_id

PARTS: dict[str, Any] = {
    "strategy": "cross", "run": "r1", "workflow": "python-test", "data": "MES",
    "decided_at": 1_700_000_000_000_000_000, "nth": 0, "leg": "open",
}  # fmt: skip

# Frozen: a change here is a new major version, because a restart would send everything again.
VECTORS: list[tuple[dict[str, Any], str]] = [
    ({}, "3406004d-b67f-5350-8184-22f7a18d0f51"),
    ({"leg": "close"}, "70ae0234-c014-5854-a88c-717f77b198c1"),
    ({"nth": 1}, "9c5503bd-2d3b-50ff-9e2c-068c9954a5db"),
    ({"nth": -1, "leg": "fix"}, "fbdbb740-d809-5462-aa5c-f6a4ef7be48f"),
    ({"run": ""}, "2231f4e0-fe7c-59f6-aee2-b743a1f2f1eb"),
    ({"strategy": "é", "data": "S&P 500"}, "b8dd0d52-7df2-5b2c-a7c5-ab53836c086a"),
    ({"decided_at": 1700000000000000001}, "5d6e755e-b016-515f-b6aa-b17bf58ff51d"),
    ({"workflow": "Pool A", "leg": "cancel"}, "3c048bda-df2d-5308-bec6-e380c5fb026a"),
]


@pytest.mark.parametrize(("change", "expected"), VECTORS)
def test_the_recipe_has_not_changed(change: dict[str, Any], expected: str) -> None:
    assert signal_id(**{**PARTS, **change}) == expected


def test_it_is_a_uuid_of_version_5() -> None:
    made = uuid.UUID(signal_id(**PARTS))
    assert (made.version, made.variant) == (5, uuid.RFC_4122)


words = st.text(max_size=20)
parts = st.fixed_dictionaries(
    {
        "strategy": words,
        "run": words,
        "workflow": words,
        "data": words,
        "decided_at": st.integers(-(2**63), 2**63),
        "nth": st.integers(-1, 10**6),
        "leg": st.sampled_from(["open", "close", "fix", "rest", "cancel", "modify"]),
    }
)


@given(parts, parts)
def test_two_ids_are_equal_exactly_when_their_parts_are(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert (signal_id(**one) == signal_id(**other)) == (one == other)


def test_a_letter_that_moves_to_the_next_field_makes_another_id() -> None:
    one = signal_id(**{**PARTS, "strategy": "ab", "run": "c"})
    assert one != signal_id(**{**PARTS, "strategy": "a", "run": "bc"})


def test_a_name_that_is_no_unicode_has_an_id() -> None:
    assert signal_id(**{**PARTS, "data": "\ud800"}) != signal_id(**{**PARTS, "data": "\ud801"})


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("leg", "entry", "must be one of open, close, fix, rest, cancel, modify"),
        ("strategy", None, "must be text"),
        ("data", 5, "must be text"),
        ("decided_at", 1.7e18, "must be a whole number"),
        ("nth", True, "must be a whole number"),
    ],
)
def test_a_part_of_another_type_is_refused(field: str, value: Any, rule: str) -> None:
    with pytest.raises(SignalError) as caught:
        signal_id(**{**PARTS, field: value})
    assert (caught.value.field, caught.value.value, caught.value.rule) == (field, value, rule)
