"""One request of the second door: who asks, what for, and the answer in its envelope."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from sim2live.errors import JournalError
from sim2live.gateway.answers import Refused, Reply, Request, Then, encode
from sim2live.gateway.limit import RateLimit
from sim2live.gateway.projectx.dialect import Dialect
from sim2live.gateway.projectx.entrance import Bearer
from sim2live.gateway.projectx.envelope import Answer, Failure, refusal_in_envelope
from sim2live.gateway.projectx.tokens import Tokens


class Endpoint:
    """One path of a dialect.

    Args:
        request: Shape of the body, or :class:`Bearer` for the two that ask about a token.
        answer: Shape of the answer, for the description.
        handle: What does it.
        method: POST, or GET for a question without a body.
        open_to_all: Whether it is answered without a token.
    """

    __slots__ = ("answer", "decode", "handle", "method", "open_to_all", "request")

    def __init__(
        self,
        request: type[Any],
        answer: type[Answer],
        handle: Callable[[Any], Answer],
        *,
        method: str = "POST",
        open_to_all: bool = False,
    ) -> None:
        self.request, self.answer, self.handle = request, answer, handle
        self.method, self.open_to_all = method, open_to_all
        self.decode = msgspec.json.Decoder(request).decode


class Door:
    """The endpoints of one dialect.

    Args:
        dialect: Which.
        endpoints: By path below the prefix, in small letters.
        prefix: What all paths begin with.
        tokens: Who may come in.
        limits: For bars and for all else, or None for no limits.
    """

    def __init__(
        self,
        dialect: Dialect,
        endpoints: Mapping[str, Endpoint],
        prefix: bytes,
        tokens: Tokens,
        limits: tuple[RateLimit, RateLimit] | None = None,
    ) -> None:
        self._dialect = dialect
        self._endpoints = {path.lower().encode(): one for path, one in endpoints.items()}
        self._start = len(prefix)
        self._tokens = tokens
        self._limits = limits

    def __call__(self, request: Request, then: Then) -> None:
        """Answer one request."""
        then(self.answer(request))

    def answer(self, request: Request) -> Reply:
        """What there is to say to a request."""
        try:
            path = request.path[self._start :].lower()
            endpoint = self._endpoints.get(path)
            if endpoint is None:
                raise Refused(404, "There is no such endpoint")
            if request.method != endpoint.method:
                allow = ((b"allow", endpoint.method.encode()),)
                raise Refused(405, f"This endpoint is asked by {endpoint.method}", allow)
            bearer = self._bearer(request, endpoint)
            self._limit(path, bearer)
            asked = _read(request.body, endpoint, bearer)
            return Reply(200, encode(endpoint.handle(asked)))
        except Refused as refused:
            return refusal_in_envelope(refused)
        except Failure as failure:
            code, status = self._dialect.code(failure), self._dialect.http_status(failure)
            told = Answer(success=False, error_code=code, error_message=failure.message)
            return Reply(status, encode(told))
        except JournalError:
            sentence = "It could not be stored and was not done"
            return refusal_in_envelope(Refused(503, sentence))

    def _bearer(self, request: Request, endpoint: Endpoint) -> Bearer:
        if endpoint.open_to_all:
            return Bearer("", "")
        shown = next((v for name, v in request.headers if name == b"authorization"), b"")
        scheme, _, token = shown.partition(b" ")
        user = None
        if scheme.lower() == b"bearer":
            user = self._tokens.user(token.decode("latin-1"))
        if user is None:
            challenge = ((b"www-authenticate", b"Bearer"),)
            raise Refused(401, "Token missing, unknown or too old; log in again", challenge)
        return Bearer(user, token.decode("latin-1"))

    def _limit(self, path: bytes, bearer: Bearer) -> None:
        if self._limits is None:
            return
        limit = self._limits[0 if path == b"history/retrievebars" else 1]
        seconds = limit.wait(bearer.user)
        if seconds > 0:
            after = ((b"retry-after", str(math.ceil(seconds)).encode()),)
            rule = f"at most {limit.most} in {limit.seconds:g} seconds"
            raise Refused(429, f"Too many requests: {rule}", after)


def _read(body: bytes, endpoint: Endpoint, bearer: Bearer) -> Any:
    if endpoint.request is Bearer:
        return bearer
    if endpoint.method == "GET":
        return endpoint.request()
    try:
        return endpoint.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Refused(400, f"body: {error}") from None
