"""Every row of the table "what an answer proves"."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2live.venues.outcome import ChildOutcome, Kind, Outcome, Profile, classify, server_text

NOW = 1_445_412_420_000_000_000  # 2015-10-21 07:27:00 UTC


def judge(
    status: int,
    body: object = b"",
    headers: dict[str, str] | None = None,
    *,
    profile: Profile = Profile(),  # noqa: B008 - frozen
) -> Outcome:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return classify(status, headers or {}, raw, "id-1", profile=profile, now_ns=NOW)


def test_an_acceptance_of_our_signal_is_accepted() -> None:
    outcome = judge(200, {"status": "accepted", "signal_id": "id-1"})
    assert outcome == Outcome(Kind.ACCEPTED, "", 200)


def test_unknown_keys_of_an_acceptance_are_ignored() -> None:
    body = {"status": "accepted", "signal_id": "id-1", "latency": 3, "note": [1]}
    assert judge(200, body).kind is Kind.ACCEPTED


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"accepted"',
        b"<html>accepted id-1</html>",
        b'{"status":"accepted","signal_id":"id-1"',
        b'{"status":"accepted"}',
        b'{"signal_id":"id-1"}',
        b'{"status":"queued","signal_id":"id-1"}',
        b'{"status":"Accepted","signal_id":"id-1"}',
        b'{"status":true,"signal_id":"id-1"}',
        b'{"status":"accepted","signal_id":"id-2"}',
        b'{"status":"accepted","signal_id":1}',
        b'{"status":"accepted","signal_id":"id-1"}\xff',
        b"[" * 100_000,
        b'{"accounts":' + b"[" * 100_000,
    ],
)
def test_any_other_200_is_unknown(body: bytes) -> None:
    outcome = judge(200, body)
    assert outcome.kind is Kind.UNKNOWN
    assert outcome.status == 200
    assert outcome.reason


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 415, 422])
def test_a_refusal_is_rejected_with_the_servers_words(status: int) -> None:
    outcome = judge(status, {"error": "Missing required field: qty"})
    assert outcome.kind is Kind.REJECTED
    assert outcome.status == status
    assert "Missing required field: qty" in outcome.reason
    assert outcome.halts is (status in (401, 403))


@pytest.mark.parametrize(
    "status",
    [
        *(s for s in range(201, 300)),
        *(s for s in range(300, 400)),
        402,
        *(406, 407, 408, 409, 410, 411, 412, 414, 416, 418, 423, 425, 426, 428, 431, 451),
        *range(500, 600),
        600,
        999,
    ],
)
def test_every_other_status_is_unknown_and_does_not_halt(status: int) -> None:
    outcome = judge(status, {"status": "accepted", "signal_id": "id-1"})
    assert outcome.kind is Kind.UNKNOWN
    assert outcome.halts is False


def test_429_is_rejected_only_where_that_is_proved() -> None:
    assert judge(429).kind is Kind.UNKNOWN
    proved = judge(429, {"error": "slow down"}, profile=Profile(rejects_429=True))
    assert proved.kind is Kind.REJECTED
    assert "slow down" in proved.reason


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 120 ", 120.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 60.0),
        ("Wednesday, 21-Oct-15 07:28:00 GMT", 60.0),
        ("Wed Oct 21 07:28:00 2015", 60.0),
        ("Wed, 21 Oct 2015 07:26:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("9" * 11, None),
        ("9" * 5000, None),
        ("Wed, 99 Oct 2015 07:28:00 GMT", None),
        ("Fri, 31 Dec 99999 23:59:59 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_garbage_is_nothing(
    status: int, header: str, seconds: float | None
) -> None:
    assert judge(status, headers={"retry-after": header}).retry_after == seconds


def test_without_retry_after_nothing_is_asked() -> None:
    assert judge(429).retry_after is None


def test_accounts_become_children_in_their_order() -> None:
    accounts = [
        {"account": "SIM-1", "kind": "ACCEPTED", "reason": "", "filled": 2},
        {"account": "SIM-2", "kind": "REJECTED", "reason": "no margin"},
    ]
    outcome = judge(200, {"status": "accepted", "signal_id": "id-1", "accounts": accounts})
    assert outcome.kind is Kind.ACCEPTED
    assert outcome.children == (
        ChildOutcome("SIM-1", Kind.ACCEPTED, "", 2),
        ChildOutcome("SIM-2", Kind.REJECTED, "no margin", None),
    )


def test_an_unreadable_account_is_unknown_and_not_left_out() -> None:
    accounts = [{"account": "SIM-1", "kind": "maybe"}, 7, {"kind": "ACCEPTED"}]
    outcome = judge(200, {"status": "accepted", "signal_id": "id-1", "accounts": accounts})
    assert [child.kind for child in outcome.children] == [Kind.UNKNOWN] * 3
    assert [child.account for child in outcome.children] == ["SIM-1", "?", "?"]
    assert all(child.reason for child in outcome.children)


def test_accounts_that_are_no_list_are_no_children() -> None:
    body = {"status": "accepted", "signal_id": "id-1", "accounts": {"SIM-1": "x"}}
    outcome = judge(200, body)
    assert outcome.kind is Kind.ACCEPTED
    assert outcome.children == ()


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "(no text)"),
        (b'{"error":"Workflow not found: xyz"}', "Workflow not found: xyz"),
        (b'{"error":7}', '{"error":7}'),
        (b"plain words", "plain words"),
        (b"two\r\nlines\x00\x1b[31m", "two lines [31m"),
        ('{"error":"a\u202eb"}'.encode(), "a b"),
        (b"\xff\xfe", "\ufffd\ufffd"),
    ],
)
def test_the_servers_words_are_made_printable(body: bytes, text: str) -> None:
    assert server_text(body) == text


@given(body=st.binary(max_size=3000), status=st.integers(100, 999))
def test_no_answer_breaks_the_table(body: bytes, status: int) -> None:
    outcome = judge(status, body)
    assert outcome.kind in (Kind.REJECTED, Kind.UNKNOWN)
    assert outcome.reason.isprintable()
    assert len(server_text(body)) <= 200


@given(text=st.text(min_size=1, max_size=1000))
def test_a_long_error_is_cut_to_200_printable_characters(text: str) -> None:
    shown = server_text(json.dumps({"error": text}).encode())
    assert 0 < len(shown) <= 200
    assert shown.isprintable()
