"""Who may use the second door? Tokens that last a day."""

from __future__ import annotations

import hmac
import secrets

from sim2live.clock import Clock
from sim2live.gateway.projectx.envelope import Failure

TOKEN_SECONDS = 24 * 60 * 60
_MOST = 10_000

USER_NOT_FOUND, INVALID_CREDENTIALS = 1, 3


class Tokens:
    """The tokens of one gateway; they die with it.

    Args:
        keys: API keys by user name; None lets everybody in, for nothing here is worth a key.
        clock: Source of the monotonic time.
    """

    def __init__(self, keys: dict[str, str] | None, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock
        self._users: dict[str, tuple[str, float]] = {}

    def __repr__(self) -> str:
        return f"Tokens({len(self._users)} given out)"

    def login(self, user: str, key: str) -> str:
        """A new token; older ones stay good.

        Raises:
            Failure: There is no such user, or the key is not the user's.
        """
        if self._keys is not None:
            wanted = self._keys.get(user, self._keys.get("*"))
            if wanted is None:
                raise Failure(USER_NOT_FOUND, "No such user", 401)
            if not hmac.compare_digest(wanted.encode(), key.encode()):
                raise Failure(INVALID_CREDENTIALS, "Invalid credentials", 401)
        return self.issue(user)

    def issue(self, user: str) -> str:
        """A new token of a user who is known already."""
        now = self._clock.monotonic()
        token = secrets.token_urlsafe(32)
        self._users[token] = (user, now + TOKEN_SECONDS)
        while len(self._users) > _MOST or next(iter(self._users.values()))[1] <= now:
            del self._users[next(iter(self._users))]  # the oldest stands first
        return token

    def user(self, token: str) -> str | None:
        """Whose token it is; None when it is unknown or too old."""
        found = self._users.get(token)
        if found is None or found[1] <= self._clock.monotonic():
            return None
        return found[0]

    def forget(self, token: str) -> None:
        """A token that is not good any more."""
        self._users.pop(token, None)
