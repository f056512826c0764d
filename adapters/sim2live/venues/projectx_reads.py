"""How are questions asked that may be repeated, without asking too often?

Accounts, positions, orders, fills and bars are only read, so a question without an answer is
asked again. Orders never come this way. ProjectX allows 50 questions for bars in 30 seconds
and 200 calls of all other kinds in 60 (https://gateway.docs.projectx.com); reading stays below
that, so that an order always finds room.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from sim2live.clock import Clock
from sim2live.errors import DeliveryError, MissingExtraError
from sim2live.venues.projectx_session import Deadline, RefusedError, Session, opened

__all__ = ["Pace", "Reads"]

_CALLS, _CALL_SECONDS = 200, 60.0
_BARS, _BAR_SECONDS = 50, 30.0
#: Calls that reading leaves to orders.
_FOR_ORDERS: Final = 60
_ATTEMPTS: Final = 3
_TIMEOUT: Final = 5.0
_PASSING: Final = frozenset({429, 500, 502, 503, 504})
_LONGEST_PAUSE: Final = 30.0


class Pace:
    """At most so many calls in so many seconds; safe to share between threads.

    Args:
        most: Calls in any stretch of `seconds`.
        seconds: Length of the stretch.
        clock: Counts them, and waits.
    """

    def __init__(self, most: int, seconds: float, clock: Clock) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._calls: deque[float] = deque()

    def note(self) -> None:
        """A call is made now, whatever the pace."""
        with self._lock:
            self._calls.append(self._clock.monotonic())

    def wait(self) -> None:
        """Wait for room, and take it."""
        while (pause := self._take()) > 0:
            self._clock.sleep(pause)

    def _take(self) -> float:
        """Seconds to wait; 0.0 when the room was taken."""
        with self._lock:
            now = self._clock.monotonic()
            while self._calls and now - self._calls[0] >= self._seconds:
                self._calls.popleft()
            if len(self._calls) < self._most:
                self._calls.append(now)
                return 0.0
            oldest = self._calls[len(self._calls) - self._most]
            return max(oldest + self._seconds - now, 0.001)


class Reads:
    """Questions to a ProjectX server; safe to share between threads.

    Args:
        session: Gives the token.
        clock: Waits between two attempts.

    Raises:
        MissingExtraError: The package `requests` is absent.
    """

    def __init__(self, session: Session, clock: Clock) -> None:
        try:
            import requests
        except ImportError as error:
            raise MissingExtraError("requests", "projectx") from error
        self._requests = requests
        self._session = session
        self._clock = clock
        self._calls = Pace(_CALLS - _FOR_ORDERS, _CALL_SECONDS, clock)
        self._bars = Pace(_BARS, _BAR_SECONDS, clock)
        self._idle: list[Any] = []
        self._closed = False

    def order_went(self) -> None:
        """An order took one of the calls that the server allows."""
        self._calls.note()

    def read(self, call: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Ask until there is an answer, at most three times.

        Args:
            call: Such as ``Position/searchOpen``.
            body: Encoded as JSON.

        Returns:
            The whole envelope; it says success.

        Raises:
            DeliveryError: There was no answer, or it was no.
        """
        data = msgspec.json.encode(body)
        pace = self._bars if call == "History/retrieveBars" else self._calls
        renewed = False
        failure: DeliveryError = RefusedError(f"{call}: closed", None, 0)
        for attempt in range(_ATTEMPTS):
            if self._closed:
                break
            pace.wait()
            token = self._session.ready(Deadline(self._clock, _TIMEOUT))
            status, content, wait = self._once(call, data, token)
            if status == 401 and not renewed:
                renewed = True
                token = self._session.renew(token, Deadline(self._clock, _TIMEOUT))
                status, content, wait = self._once(call, data, token)
            if status is not None and status not in _PASSING:
                return opened(status, content, call)
            failure = RefusedError(
                f"{call}: no answer (HTTP {status})" if status else f"{call}: {content.decode()}",
                None,
                status or 0,
            )
            if attempt + 1 < _ATTEMPTS:
                self._clock.sleep(min(max(wait, 0.25 * 2**attempt), _LONGEST_PAUSE))
        raise failure

    def close(self) -> None:
        """Close the idle connections; closing twice does no harm."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def _once(self, call: str, data: bytes, token: str) -> tuple[int | None, bytes, float]:
        """Status (None: no answer), body (or why there is none), and seconds to wait."""
        link = self._take()
        try:
            answer = link.post(
                self._session.url + self._session.path(call),
                data=data,
                headers={
                    "Authorization": f"Bearer {token}",
                    "Content-Type": "application/json",
                    "Accept": "application/json",
                },
                timeout=_TIMEOUT,
                allow_redirects=False,
            )
            content, status = answer.content, int(answer.status_code)
        except (self._requests.RequestException, OSError) as error:
            link.close()
            return None, type(error).__name__.encode(), 0.0
        self._keep(link)
        pause = answer.headers.get("Retry-After", "")
        return status, content, float(pause) if pause.isascii() and pause.isdigit() else 0.0

    def _take(self) -> Any:
        try:
            return self._idle.pop()
        except IndexError:
            link = self._requests.Session()
            link.trust_env = False  # a proxy of the environment is no way to an account
            return link

    def _keep(self, link: Any) -> None:
        self._idle.append(link)
        if self._closed:
            self.close()
