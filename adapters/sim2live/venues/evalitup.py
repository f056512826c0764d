"""EvalItUp's local signal API, and the paper gateway that speaks the same words.

The API is described at https://evalitup.com/en/python-trade-copier: one POST for each signal,
``accepted`` or a refusal as the answer, and nothing to ask afterwards. So this venue can
neither cancel nor report.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import msgspec

from sim2live.clock import NS, Clock, SystemClock
from sim2live.errors import DeliveryError, NotSentError, SignalError, UnknownOutcomeError
from sim2live.signals import Instrument
from sim2live.venues.base import Venue
from sim2live.venues.health import paper_store
from sim2live.venues.outcome import Kind, Outcome, Profile, classify, classify_200
from sim2live.venues.transport import Transport

if TYPE_CHECKING:
    import ssl

    from sim2live.market.bars import Bar
    from sim2live.signals import Signal
    from sim2live.venues.relay_words import Slip

__all__ = ["DEFAULT_URL", "EvalItUp", "signal_path"]

DEFAULT_URL: Final = "http://127.0.0.1:8080"
_NOTHING_PROVED: Final = Profile()
_BAR_TIMEOUT: Final = 1.0
_MAX_PATHS: Final = 256
_MAX_NAME: Final = 64  # of a host, as the gateway shows it
#: A gateway that did not take a bar in time is left alone for a while, so that a frozen one
#: does not hold up the strategy at every bar.
_BAR_PAUSE_NS: Final = 5 * NS

_log = logging.getLogger("sim2live.venues")


class EvalItUp(Venue):
    """A server of the signal API. It counts as real until :meth:`prove_paper` says otherwise.

    Args:
        base_url: Where the API listens.
        token: Bearer token, where the application asks for one.
        profile: What has been proved of this server.
        clock: For deadlines and dates.
        ssl_context: For an https URL; the default context verifies the certificate.

    Attributes:
        bars_missed: How many bars a paper gateway did not take.

    Raises:
        ConfigError: The URL or the token breaks a rule.
    """

    name = "evalitup"

    def __init__(
        self,
        base_url: str = DEFAULT_URL,
        *,
        token: str | None = None,
        profile: Profile = _NOTHING_PROVED,
        clock: Clock | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._transport = Transport(
            base_url, token=token, clock=self._clock, ssl_context=ssl_context
        )
        self.profile = profile
        self.fingerprint = f"evalitup:{self._transport.endpoint.url}"
        self.bars_missed = 0
        self._bars_paused_until = 0
        self._paths: dict[str, str] = {}

    def __repr__(self) -> str:
        kind = "paper" if self.simulated else "real"
        return f"EvalItUp({self._transport.endpoint.url!r}, {kind})"

    def prove_paper(self, timeout: float) -> bool:
        """Ask the server whether it is the paper gateway of sim2live.

        Only a clear yes makes this venue simulated; its fingerprint then is the
        gateway's store, so that paper and live never share a journal row.

        Args:
            timeout: Seconds for the whole question.

        Returns:
            True when the server proved to be the paper gateway.
        """
        store = paper_store(self._transport.get, timeout)
        if store is None:
            return False
        self.fingerprint = f"paper:{store}"
        self.simulated = True
        return True

    def send(self, signal: Signal, *, timeout: float) -> Outcome:
        """Hand one signal to the server; see :meth:`Venue.send`."""
        try:
            path = self._paths.get(signal.workflow_id) or self._path(signal.workflow_id)
            answer = self._transport.post(path, signal.encode(), timeout=timeout)
        except SignalError as error:
            return Outcome(Kind.NOT_SENT, str(error))
        except NotSentError as error:
            return Outcome(Kind.NOT_SENT, str(error), timed_out=error.timed_out)
        except UnknownOutcomeError as error:
            return Outcome(Kind.UNKNOWN, str(error), timed_out=error.timed_out)
        if answer.status == 200:  # needs neither the headers nor the time
            outcome = classify_200(answer.body, signal.signal_id)
        else:
            outcome = classify(
                answer.status,
                answer.headers,
                answer.body,
                signal.signal_id,
                profile=self.profile,
                now_ns=self._clock.now_ns(),
            )
        if outcome.reason:  # the server's words, and a server may echo what it was sent
            hidden = self._transport.endpoint.hide(outcome.reason)
            outcome = msgspec.structs.replace(outcome, reason=hidden)
        return outcome

    def probe(self, *, timeout: float) -> bool:
        """Whether an HTTP server answers there, with whatever status."""
        try:
            self._transport.get("/health", timeout=timeout)
        except DeliveryError:
            return False
        return True

    def on_bar(self, instrument: Instrument, bar: Bar) -> None:
        """Give a paper gateway the price of a bar; a real server is told nothing.

        A bar that is not taken is counted and the first one is logged; nothing is raised.
        """
        if not self.simulated:
            return
        if self._clock.monotonic_ns() < self._bars_paused_until:
            self.bars_missed += 1
            return
        body = msgspec.json.encode({"instrument": instrument, "bar": bar})
        try:
            answer = self._transport.post("/bars", body, timeout=_BAR_TIMEOUT)
        except DeliveryError as error:
            if isinstance(error, NotSentError | UnknownOutcomeError) and error.timed_out:
                self._bars_paused_until = self._clock.monotonic_ns() + _BAR_PAUSE_NS
            self._missed(instrument, str(error))
            return
        if answer.status not in (200, 204):
            self._missed(instrument, f"HTTP {answer.status}")

    def on_way(self, slip: Slip, host: str) -> None:
        """Tell a paper gateway how a signal came, for its page; a real server is told nothing.

        What is only shown may be missed: nothing is raised, and a gateway that was too slow for a
        bar or for this is left alone for a while.
        """
        if not self.simulated or self._clock.monotonic_ns() < self._bars_paused_until:
            return
        way = {
            "signal_id": slip.signal_id,
            "host": _shown(host),
            "left_at": slip.sent_at,
            "relay": _shown(slip.relay),
            "taken_at": slip.taken_at,
        }
        try:
            self._transport.post("/activity/way", msgspec.json.encode(way), timeout=_BAR_TIMEOUT)
        except DeliveryError as error:
            if isinstance(error, NotSentError | UnknownOutcomeError) and error.timed_out:
                self._bars_paused_until = self._clock.monotonic_ns() + _BAR_PAUSE_NS
            _log.debug("the paper gateway was not told how %s came: %s", slip.signal_id, error)

    def close(self) -> None:
        """Close the idle connections."""
        self._transport.close()

    def _path(self, workflow: str) -> str:
        if len(self._paths) >= _MAX_PATHS:
            self._paths.clear()
        path = self._paths[workflow] = signal_path(workflow)
        return path

    def _missed(self, instrument: Instrument, why: str) -> None:
        self.bars_missed += 1
        if self.bars_missed == 1:
            _log.warning("the paper gateway did not take a bar of %s: %s", instrument, why)


def _shown(name: str) -> str:
    """A host's name as the gateway shows it; one that does not print is left out."""
    return name[:_MAX_NAME] if name.isprintable() else ""


def signal_path(workflow: str) -> str:
    """The path that a pool's signals go to: the pool's name is one segment of it.

    Args:
        workflow: The pool, any text but ``.`` and ``..``.

    Returns:
        ``/signal/`` and the name percent-encoded as UTF-8.

    Raises:
        SignalError: The name would change the path, or cannot be encoded.
    """
    if workflow in {"", ".", ".."}:
        raise SignalError("workflow_id", workflow, "must be the name of a pool")
    try:
        return "/signal/" + quote(workflow, safe="")
    except UnicodeEncodeError:
        raise SignalError("workflow_id", workflow, "must be encodable as UTF-8") from None
