"""The target ``nats://host:4222``: a venue on another host, reached over NATS JetStream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim2live.errors import MissingExtraError
from sim2live.venues.nats_address import NatsAddress
from sim2live.venues.relay_words import Subjects
from sim2live.venues.relayed import Relayed

if TYPE_CHECKING:
    from sim2live.clock import Clock
    from sim2live.venues.broker import Broker

__all__ = ["Nats", "open_broker"]


class Nats(Relayed):
    """The venue behind the relay that stands at a NATS server.

    Args:
        target: ``nats://host[:port][/desk]`` or ``tls://...``.
        token: of a server that asks for one.
        nkey: seed of an nkey user.
        ca: a file of certificates to trust instead of the system's.
        clock: for deadlines.

    Raises:
        ConfigError: the target is written in another way.
        MissingExtraError: nats-py is absent.
    """

    def __init__(
        self,
        target: str,
        *,
        token: str | None = None,
        nkey: str | None = None,
        ca: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        address = NatsAddress(target, token=token, nkey=nkey, ca=ca)
        subjects = Subjects(address.desk)
        broker = open_broker(address, subjects)
        super().__init__(broker, subjects, address=address.text, clock=clock)


def open_broker(address: NatsAddress, subjects: Subjects) -> Broker:
    """A line to a NATS server; it connects by itself, and again after each loss.

    Args:
        address: where it is.
        subjects: the desk.

    Raises:
        MissingExtraError: nats-py is absent.
    """
    try:
        from sim2live.venues.nats_broker import NatsBroker
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "nats":
            raise MissingExtraError("nats-py", "nats") from error
        raise
    return NatsBroker(address, subjects)
