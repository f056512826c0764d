"""How long does a ProjectX token live, and who gets a new one?

A token is good for 24 hours. It is exchanged for a new one before that, and once more when the
server answers 401. What stands in an order's way goes through the transport of orders, so that
one deadline bounds all of it.
"""

from __future__ import annotations

import contextlib
import logging
import ssl
import threading
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from sim2live.clock import Clock
from sim2live.errors import ConfigError, DeliveryError
from sim2live.venues.projectx_dialect import Dialect
from sim2live.venues.transport import Answer, Transport

__all__ = ["Deadline", "RefusedError", "Session", "envelope", "opened"]

#: Seconds; the server forgets a token after 24 hours.
FRESH: Final = 23 * 3600.0
#: Seconds without another login after a refused one: a wrong key must not lock the user out.
_PENANCE: Final = 60.0

_log = logging.getLogger("sim2live.venues")


class RefusedError(DeliveryError):
    """The server understood a question, or a login, and said no.

    Args:
        sentence: What happened, with the server's words.
        code: Its error code, or None where it gave none.
        status: The HTTP status; 0 for no whole answer.
        login: It was a login that was refused.

    Attributes:
        code: As given.
        status: As given.
        login: As given.
    """

    def __init__(
        self, sentence: str, code: int | None = None, status: int = 200, *, login: bool = False
    ) -> None:
        super().__init__(sentence)
        self.code = code
        self.status = status
        self.login = login


class Deadline:
    """A moment that an order's exchanges share.

    Args:
        clock: Its monotonic time counts.
        seconds: From now.
    """

    __slots__ = ("_clock", "_end")

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._end = clock.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self._end - self._clock.monotonic())


class Session:
    """One user at one ProjectX server; safe to share between threads.

    Args:
        url: The address, without the dialect's prefix.
        dialect: What the server speaks.
        user_name: The platform's login, or the e-mail address at TestMax.
        api_key: Never shown.
        clock: Its monotonic time ages the token.
        ssl_context: For https; the default context verifies the certificate.

    Attributes:
        url: The address, in one spelling.
        simulated: The server's time is that of its bars, and no money is behind it.

    Raises:
        ConfigError: The address breaks a rule, or name or key is empty.
    """

    def __init__(
        self,
        url: str,
        *,
        dialect: Dialect,
        user_name: str,
        api_key: str,
        clock: Clock,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        if not user_name:
            raise ConfigError("user_name is missing: name the login at the platform")
        if not api_key:
            raise ConfigError("api_key is missing: the environment gives it as SIM2LIVE_API_KEY")
        self.dialect = dialect
        self.simulated = dialect.simulated
        self.user_name = user_name
        self._api_key = api_key
        self._clock = clock
        self._url = url
        # One context for all tokens: making one reads the certificates of the machine.
        self._context = ssl_context or (
            ssl.create_default_context() if url[:6] == "https:" else None
        )
        self._bare = self._transport(None)
        self.url = self._bare.endpoint.url
        self._lock = threading.Lock()
        self._token: str | None = None
        self._since = 0.0
        self._with_token = self._bare
        self._former: Transport | None = None
        self._refusal: tuple[float, RefusedError] | None = None

    def __repr__(self) -> str:
        return f"Session({self.url!r}, {self.dialect.name})"

    def path(self, call: str) -> str:
        """The path of a call such as ``Order/place``."""
        return f"{self.dialect.prefix}/{call}"

    # -- the token ---------------------------------------------------------------------------
    def token(self, deadline: Deadline) -> str:
        """A token that is good for a while; logs in or refreshes where needed.

        Raises:
            RefusedError: The login was refused.
            DeliveryError: No login could be had in time.
        """
        token = self._token
        if token is not None and self._clock.monotonic() - self._since < FRESH:
            return token
        return self._replace(token, deadline, extend=token is not None)

    def renew(self, stale: str, deadline: Deadline) -> str:
        """Another token in the place of one that the server refused; whoever asks first.

        Args:
            stale: The token that was refused.
            deadline: For all of it.

        Raises:
            RefusedError: The login was refused.
            DeliveryError: No login could be had in time.
        """
        return self._replace(stale, deadline, extend=False)

    def _replace(self, stale: str | None, deadline: Deadline, *, extend: bool) -> str:
        with self._locked(deadline):
            if self._token is not None and self._token != stale:
                return self._token  # another thread was faster
            token = self._validate(deadline) if extend else None
            return self._use(self._login(deadline) if token is None else token)

    def _validate(self, deadline: Deadline) -> str | None:
        try:
            answer = self._with_token.post(self.path("Auth/validate"), b"{}", timeout=deadline.left)
            token = envelope(answer, "Auth/validate").get("newToken")
        except DeliveryError as error:
            _log.info("the session at %s was not extended: %s", self.url, error)
            return None
        return token if isinstance(token, str) and token else None

    def _login(self, deadline: Deadline) -> str:
        if self._refusal is not None and self._clock.monotonic() < self._refusal[0]:
            raise self._refusal[1]
        body = msgspec.json.encode({"userName": self.user_name, "apiKey": self._api_key})
        answer = self._bare.post(self.path("Auth/loginKey"), body, timeout=deadline.left)
        try:
            token = envelope(answer, "Auth/loginKey").get("token")
            if not isinstance(token, str) or not token:
                raise RefusedError("Auth/loginKey gave no token", None, answer.status)
        except RefusedError as error:
            sentence = str(error).replace(self._api_key, "***")
            hidden = RefusedError(sentence, error.code, error.status, login=True)
            if error.status in (200, 401, 403):  # our name or key; anything else may pass
                self._refusal = (self._clock.monotonic() + _PENANCE, hidden)
            raise hidden from None
        self._refusal = None
        return token

    def _use(self, token: str) -> str:
        # The transport before the last is idle by now; the last may still carry an exchange.
        if self._former is not None:
            self._former.close()
        if self._with_token is not self._bare:
            self._former = self._with_token
        self._with_token = self._transport(token)
        self._token = token
        self._since = self._clock.monotonic()
        return token

    @contextlib.contextmanager
    def _locked(self, deadline: Deadline) -> Iterator[None]:
        if not self._lock.acquire(timeout=deadline.left):
            raise RefusedError("another login took all the time", None, 0)
        try:
            yield
        finally:
            self._lock.release()

    # -- exchanges ---------------------------------------------------------------------------
    def post(self, call: str, body: Mapping[str, Any], deadline: Deadline) -> tuple[Answer, str]:
        """Make a call once, with a good token; never repeated.

        Args:
            call: Such as ``Order/place``.
            body: Encoded as JSON.
            deadline: For the exchange, and for a login before it.

        Returns:
            The whole answer, and the token that was shown.

        Raises:
            RefusedError: The login was refused; the call was not made.
            NotSentError: Not one byte of the call was written, or the login was not answered.
            UnknownOutcomeError: It may have been acted on, or not.
        """
        token = self.ready(deadline)
        data = msgspec.json.encode(body)
        return self._with_token.post(self.path(call), data, timeout=deadline.left), token

    def ready(self, deadline: Deadline) -> str:
        """As :meth:`token`; a login without an answer means that no order was sent.

        Raises:
            RefusedError: There is no session, for whatever reason.
        """
        try:
            return self.token(deadline)
        except RefusedError:
            raise
        except DeliveryError as error:
            raise RefusedError(f"no session: {error}", None, 0) from error

    def ask(self, call: str, body: Mapping[str, Any], deadline: Deadline) -> dict[str, Any]:
        """Ask what an order needs to know; after a 401 once more with a new token.

        Raises:
            RefusedError: The answer is no, or no whole answer.
            DeliveryError: No answer in time.
        """
        answer, token = self.post(call, body, deadline)
        if answer.status == 401:
            self.renew(token, deadline)
            answer, _ = self.post(call, body, deadline)
        return envelope(answer, call)

    def get(self, path: str, *, timeout: float) -> Answer:
        """GET a path of the server without a token; errors as of the transport."""
        return self._bare.get(path, timeout=timeout)

    def hide(self, text: str) -> str:
        """The same text without secrets that a server may have echoed."""
        return self._with_token.endpoint.hide(text).replace(self._api_key, "***")

    def close(self) -> None:
        """Close the idle connections; closing twice does no harm."""
        for transport in (self._bare, self._with_token, self._former):
            if transport is not None:
                transport.close()

    def _transport(self, token: str | None) -> Transport:
        return Transport(self._url, token=token, clock=self._clock, ssl_context=self._context)


def envelope(answer: Answer, call: str) -> dict[str, Any]:
    """The data of an answer that says success.

    Args:
        answer: Whole.
        call: What was asked, for the sentence.

    Raises:
        RefusedError: It is no envelope, or says that it failed.
    """
    return opened(answer.status, answer.body, call)


def opened(status: int, body: bytes, call: str) -> dict[str, Any]:
    """As :func:`envelope`, of an answer in parts."""
    try:
        data = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise RefusedError(f"{call}: HTTP {status} without a JSON object", None, status)
    if status in (200, 201) and data.get("success") is True:
        return data
    code = data.get("errorCode")
    words = data.get("errorMessage") or data.get("error") or "(no text)"
    sentence = f"{call}: HTTP {status}, code {code}: {str(words)[:200]}"
    raise RefusedError(sentence, code if isinstance(code, int) else None, status)
