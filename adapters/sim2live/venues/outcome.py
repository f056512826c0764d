"""What an answer proves.

After a signal has been handed to a venue there are three truths: it did not go,
it was answered, or nobody knows. This module is the table that turns an HTTP
answer into one of them. It is pure: no socket, no clock, no state.

The rule behind the table: only an answer that *proves* something may say so.
A refusal that the venue is known to send before it does anything is REJECTED; an
acceptance that names our own signal is ACCEPTED; all the rest is UNKNOWN.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import UTC
from typing import Any, Literal

import msgspec

__all__ = [
    "ChildOutcome",
    "Kind",
    "Outcome",
    "Profile",
    "Proved",
    "classify",
    "classify_200",
    "server_text",
]

Proved = Literal["yes", "no", "unknown"]

#: Answers that a venue gives before it acts on a signal.
_REFUSALS = frozenset({400, 401, 403, 404, 405, 413, 415, 422})
#: Refusals that mean our own configuration is wrong: the next signal would fare no better.
_HALTING = frozenset({401, 403})
_TEXT_LIMIT = 200
#: Ten digits of seconds are three centuries; more is not a time anybody meant.
_SECONDS_DIGITS = 10


class Kind(enum.StrEnum):
    """What became of one signal, as far as anybody can prove."""

    ACCEPTED = "ACCEPTED"  # the venue took it; not: it filled
    REJECTED = "REJECTED"  # the venue answered that it will not act on it
    NOT_SENT = "NOT_SENT"  # not one byte of it reached the venue
    UNKNOWN = "UNKNOWN"  # it may have been acted on


class ChildOutcome(msgspec.Struct, frozen=True, gc=False):
    """What one account of a pool made of a signal.

    On the wire of a gateway that tells, each item of ``accounts`` in the answer
    has exactly these four keys.

    Attributes:
        account: The account's name at the venue.
        kind: Its own outcome.
        reason: A sentence; empty when there is nothing to say.
        filled: Whole contracts filled so far, or None where the venue does not say.
    """

    account: str
    kind: Kind
    reason: str = ""
    filled: int | None = None


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What became of one signal.

    Attributes:
        kind: The class of the outcome.
        reason: A sentence with the venue's own words where it gave any.
        status: The HTTP status, or None if there was no answer.
        retry_after: Seconds that the venue asks us to wait, or None.
        halts: True when the configuration is wrong (401, 403): do not go on.
        children: One outcome for each account, where the venue tells.
        timed_out: True when the deadline ended the exchange.
    """

    kind: Kind
    reason: str = ""
    status: int | None = None
    retry_after: float | None = None
    halts: bool = False
    children: tuple[ChildOutcome, ...] = ()
    timed_out: bool = False


class Profile(msgspec.Struct, frozen=True):
    """What has been proved of a venue by trying it. Nothing is assumed.

    Attributes:
        dedupe: A repeated ``signal_id`` is acted on once.
        close_is_reduce_only: A CLOSE larger than the position does not open the other side.
        close_cancels_legs: A CLOSE cancels the resting legs of the bracket.
        rejects_429: The venue answers 429 before it acts, so 429 means "did not happen".
    """

    dedupe: Proved = "unknown"
    close_is_reduce_only: Proved = "unknown"
    close_cancels_legs: Proved = "unknown"
    rejects_429: bool = False


class _Body(msgspec.Struct):
    """The answer of the signal API; unknown keys are ignored."""

    status: Any = None
    signal_id: Any = None
    accounts: Any = None


_PLAINLY_ACCEPTED = Outcome(Kind.ACCEPTED, "", 200)
_decode_body = msgspec.json.Decoder(_Body).decode


def classify(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    signal_id: str,
    *,
    profile: Profile,
    now_ns: int,
) -> Outcome:
    """Say what a complete HTTP answer to a signal proves.

    Args:
        status: The HTTP status.
        headers: The answer's headers, names in lower case.
        body: The whole body.
        signal_id: The id of the signal that was sent; the answer has to echo it.
        profile: What is proved of the venue.
        now_ns: Now, UTC epoch nanoseconds, to read a Retry-After date.

    Returns:
        The outcome. Never NOT_SENT: an answer proves that bytes arrived.
    """
    if status == 200:
        return classify_200(body, signal_id)
    if status in _REFUSALS:
        return Outcome(
            Kind.REJECTED,
            f"The venue rejected the signal (HTTP {status}): {server_text(body)}",
            status,
            halts=status in _HALTING,
        )
    wait = _retry_after(headers.get("retry-after"), now_ns) if status in (429, 503) else None
    if status == 429 and profile.rejects_429:
        return Outcome(
            Kind.REJECTED,
            f"The venue refused the signal, too many at once (HTTP 429): {server_text(body)}",
            status,
            wait,
        )
    if 300 <= status <= 399:
        reason = f"The venue answered with a redirect (HTTP {status}), which is never followed."
    else:
        reason = f"HTTP {status} does not prove what became of the signal: {server_text(body)}"
    return Outcome(Kind.UNKNOWN, reason, status, wait)


def classify_200(body: bytes, signal_id: str) -> Outcome:
    """What an answer with status 200 proves; it says all in its body. See :func:`classify`."""
    try:
        answer = _decode_body(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        reason = f"HTTP 200 without a readable JSON answer: {server_text(body)}"
        return Outcome(Kind.UNKNOWN, reason, 200)
    if answer.status != "accepted":
        reason = f'HTTP 200 without "status": "accepted": {server_text(body)}'
        return Outcome(Kind.UNKNOWN, reason, 200)
    if answer.signal_id != signal_id:
        reason = f"HTTP 200 accepted another signal than {signal_id}: {server_text(body)}"
        return Outcome(Kind.UNKNOWN, reason, 200)
    if answer.accounts is None:
        return _PLAINLY_ACCEPTED
    return Outcome(Kind.ACCEPTED, "", 200, children=_children(answer.accounts))


def _children(accounts: object) -> tuple[ChildOutcome, ...]:
    # A child that cannot be read is UNKNOWN, never left out: leaving it out would hide an account.
    if not isinstance(accounts, list):
        return ()
    return tuple(_child(item) for item in accounts)


def _child(item: object) -> ChildOutcome:
    try:
        return msgspec.convert(item, ChildOutcome)
    except msgspec.ValidationError as error:
        name = item.get("account") if isinstance(item, dict) else None
        account = _printable(name) if isinstance(name, str) else "?"
        return ChildOutcome(account, Kind.UNKNOWN, f"The account's outcome is unreadable: {error}")


def server_text(body: bytes) -> str:
    """The venue's own words: its ``error`` sentence if it has one, else the body.

    Args:
        body: The answer's body, any bytes.

    Returns:
        Printable text of at most 200 characters; "(no text)" when there is none.
    """
    text = body[: 8 * _TEXT_LIMIT].decode("utf-8", "replace")
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        answer = None
    if isinstance(answer, dict) and isinstance(answer.get("error"), str):
        text = answer["error"]
    return _printable(text) or "(no text)"


def _printable(text: str) -> str:
    clean = "".join(char if char.isprintable() else " " for char in text[: 8 * _TEXT_LIMIT])
    clean = " ".join(clean.split())
    return clean if len(clean) <= _TEXT_LIMIT else clean[: _TEXT_LIMIT - 3] + "..."


def _retry_after(value: str | None, now_ns: int) -> float | None:
    """Read Retry-After (RFC 9110, 10.2.3): whole seconds or an HTTP date; else None."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text) if len(text) <= _SECONDS_DIGITS else None
    # Loaded here: it brings a whole mail package, and a server that names a date is rare.
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = moment.timestamp() - now_ns / 1e9
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return max(0.0, seconds)
