"""Coming in and going out: Auth/loginKey, validate and logout."""

from __future__ import annotations

from msgspec import Struct

from sim2live.gateway.projectx import requests, shapes
from sim2live.gateway.projectx.envelope import Answer
from sim2live.gateway.projectx.tokens import Tokens


class Bearer(Struct, frozen=True):
    """Who asks: the user, and the token that was shown."""

    user: str
    token: str


class Entrance:
    """The three endpoints about tokens, the same in both dialects.

    Args:
        tokens: Those of this gateway.
    """

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def login(self, request: requests.Login) -> shapes.TokenAnswer:
        """A token for a name and its key."""
        return shapes.TokenAnswer(token=self._tokens.login(request.user_name, request.api_key))

    def validate(self, bearer: Bearer) -> shapes.NewTokenAnswer:
        """A new token for one that is still good."""
        return shapes.NewTokenAnswer(new_token=self._tokens.issue(bearer.user))

    def logout(self, bearer: Bearer) -> Answer:
        """The token is not good any more."""
        self._tokens.forget(bearer.token)
        return Answer()

    def ping(self, _: requests.Nothing) -> Answer:
        """Somebody is there."""
        return Answer()
