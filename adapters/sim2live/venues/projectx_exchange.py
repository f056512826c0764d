"""One order to a ProjectX server, and what is known of it afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from sim2live.errors import DeliveryError, NotSentError, UnknownOutcomeError
from sim2live.venues.outcome import Kind, Outcome
from sim2live.venues.projectx_orders import Verdict, judge
from sim2live.venues.projectx_session import Deadline, RefusedError, Session

__all__ = ["exchange", "failed"]

#: Answers to a login that mean that name or key is wrong.
_WRONG_KEY = frozenset({200, 401, 403})


def exchange(
    session: Session, call: str, body: Mapping[str, Any], deadline: Deadline, *, now_ns: int
) -> Verdict:
    """Make a call that changes something: once, whatever comes of it.

    Args:
        session: Gives the token.
        call: Such as ``Order/place``.
        body: Encoded as JSON.
        deadline: For the exchange, and a login before it.
        now_ns: Now, UTC epoch nanoseconds.

    Returns:
        What is known. After a 401 the order is REJECTED and the session is a new one; only a
        login that is refused as well halts.
    """
    try:
        answer, token = session.post(call, body, deadline)
    except DeliveryError as error:
        return Verdict(failed(error))
    verdict = judge(answer, call, now_ns=now_ns)
    if answer.status == 401:
        verdict = Verdict(_expired(session, token, deadline, verdict.outcome))
    if verdict.outcome.reason:
        reason = session.hide(verdict.outcome.reason)
        verdict = replace(verdict, outcome=replace(verdict.outcome, reason=reason))
    return verdict


def failed(error: DeliveryError) -> Outcome:
    """The outcome of an order when this happened before, or while, it went."""
    if isinstance(error, UnknownOutcomeError):
        return Outcome(Kind.UNKNOWN, str(error), timed_out=error.timed_out)
    late = isinstance(error, NotSentError) and error.timed_out
    wrong = isinstance(error, RefusedError) and error.login and error.status in _WRONG_KEY
    return Outcome(Kind.NOT_SENT, str(error), timed_out=late, halts=wrong)


def _expired(session: Session, token: str, deadline: Deadline, refused: Outcome) -> Outcome:
    try:
        session.renew(token, deadline)
    except DeliveryError as error:
        return replace(refused, reason=f"{refused.reason}; {error}", halts=failed(error).halts)
    return replace(refused, reason=f"{refused.reason}; logged in again", halts=False)
