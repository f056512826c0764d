"""What every answer of the second door has in common, and how a refusal is told.

A request that can be read gets 200, also when it is refused in the ProjectX dialect: the error
code in the envelope says so. The TestMax dialect refuses with an HTTP status. Codes mean
something for one endpoint only.
"""

from __future__ import annotations

from msgspec import Struct

from sim2live.gateway.answers import Refused, Reply, encode

SUCCESS = 0
INTERNAL = 99


class Answer(Struct, rename="camel", kw_only=True):
    """The envelope.

    Attributes:
        success: Whether it was done.
        error_code: 0, or a number whose meaning depends on the endpoint.
        error_message: A sentence where it was not done.
    """

    success: bool = True
    error_code: int = SUCCESS
    error_message: str | None = None


class Failure(Exception):  # noqa: N818 - an answer, not a fault
    """A request that was understood and not done.

    Args:
        code: ProjectX number of the reason, for the endpoint at hand.
        message: A sentence for the sender.
        status: HTTP status in the TestMax dialect.
    """

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def refusal_in_envelope(refused: Refused) -> Reply:
    """How a refusal with an HTTP status of its own is told; the envelope repeats the status."""
    body = Answer(success=False, error_code=refused.status, error_message=refused.error)
    return Reply(refused.status, encode(body), refused.headers)
