"""What a message broker has to do, so that signals can cross from one host to another.

Both ends speak to this interface only: the venue that puts signals in, and the relay that takes
them out. A broker promises little. What it has stored may be gone after a crash of its host, what
was taken may come again, and what was asked may stay without an answer. What must not be lost is
in a journal at either end.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping

from msgspec import Struct

from sim2live.errors import DeliveryError

__all__ = ["Broker", "ConflictError", "Entry", "GoneError", "Parcel", "Responder"]

Responder = Callable[[bytes], bytes | None]
"""Answers a question; None leaves it to somebody else."""


class ConflictError(DeliveryError):
    """Another writer was first."""


class GoneError(DeliveryError):
    """The queue has to be begun anew: the broker, or the line to it, was away."""


class Entry(Struct, frozen=True):
    """A value that writers compare and swap.

    Attributes:
        value: the bytes.
        revision: grows with each writing; the next writer names it.
        time: when it was written, by the broker's clock, ns UTC.
    """

    value: bytes
    revision: int
    time: int


class Parcel(Struct, frozen=True):
    """A message taken from the queue.

    Attributes:
        data: its body.
        headers: what its sender wrote on it.
        stored_at: when the broker stored it, by the broker's clock, ns UTC.
        done: called when it need not come again.
    """

    data: bytes
    headers: Mapping[str, str]
    stored_at: int
    done: Callable[[], None]


class Broker(abc.ABC):
    """Stores messages by subject, asks and answers, and guards one value.

    Safe to use from several threads. Subjects are those of `sim2live.venues.relay_words`.
    """

    @abc.abstractmethod
    def put(
        self, subject: str, data: bytes, *, id_: str, headers: Mapping[str, str], timeout: float
    ) -> bool:
        """Store a message. One that bears the id of an earlier one may be dropped by the broker.

        Returns:
            False when it was dropped.

        Raises:
            NotSentError: it is certain that nothing was stored.
            UnknownOutcomeError: it may have been stored.
        """

    @abc.abstractmethod
    def last(self, subject: str, *, timeout: float) -> bytes | None:
        """The message stored last under a subject, or None.

        Raises:
            DeliveryError: the broker cannot be asked.
        """

    @abc.abstractmethod
    def watch(self, subject: str, then: Callable[[bytes], None], *, stored: bool) -> None:
        """Hand on each message under a subject from now on, across lost connections.

        Args:
            subject: may end in ``>``.
            then: called on a thread of the broker; must not wait.
            stored: True to hand on first what is stored already, after each reconnect again.
        """

    @abc.abstractmethod
    def ask(self, subject: str, data: bytes, *, timeout: float) -> bytes:
        """Put a question to whoever serves a subject.

        Raises:
            NotSentError: nobody serves it, or there is no connection.
            UnknownOutcomeError: no answer came in time.
        """

    @abc.abstractmethod
    def serve(self, subject: str, answer: Responder) -> None:
        """Answer questions under a subject."""

    @abc.abstractmethod
    def begin(self) -> None:
        """Begin the queue of signals anew: everything that is not done comes again.

        Raises:
            DeliveryError: the broker cannot be reached.
        """

    @abc.abstractmethod
    def take(self, *, timeout: float) -> list[Parcel]:
        """Signals that have come; empty when none came in time.

        Raises:
            GoneError: the queue has to be begun anew.
        """

    @abc.abstractmethod
    def read(self) -> Entry | None:
        """The guarded value.

        Raises:
            DeliveryError: the broker cannot be asked.
        """

    @abc.abstractmethod
    def write(self, value: bytes, revision: int) -> Entry:
        """Change the guarded value, if nobody else has.

        Args:
            value: the new one.
            revision: of the value that was read; 0 where there was none.

        Raises:
            ConflictError: somebody else has.
            DeliveryError: it may have been written, or not.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Let go of the connection. Closing twice does no harm."""
