"""Which of several relays is at work: the one that holds the lease.

The lease is one guarded value at the broker. Its holder writes it again every little while, and
counts its tenure from *before* a writing that succeeded, on its own monotonic clock. Another relay
takes it only when the value has not moved for longer than a tenure, on that one's own monotonic
clock. So nobody compares the clocks of two hosts, and a relay that was asleep finds its tenure over
before it sends anything.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from sim2live.clock import NS, Clock
from sim2live.errors import ConfigError, DeliveryError
from sim2live.venues.broker import Broker, ConflictError, Entry

PATIENCE = 1.5
"""A lease that has not moved for so many tenures is free. Clocks do not drift by half."""


class Claim(Struct, frozen=True):
    """The guarded value.

    Attributes:
        holder: one process's own name; empty when it was given back.
        epoch: grows with each holder.
        journal: identity of the journal that remembers what was sent.
        host: for people.
        beat: grows with each writing, so that a living lease moves.
    """

    holder: str
    epoch: int
    journal: str
    host: str
    beat: int = 0


class Lease:
    """One process's part in it. Not shared by threads, except `valid` and `epoch`.

    Args:
        broker: guards the value.
        clock: the monotonic one measures tenures.
        holder: a name that no other process has.
        journal: identity of this relay's journal.
        host: for people.
        seconds: of a tenure.

    Attributes:
        epoch: of the tenure; part of every receipt.
    """

    def __init__(
        self,
        broker: Broker,
        clock: Clock,
        *,
        holder: str,
        journal: str,
        host: str,
        seconds: float,
    ) -> None:
        self._broker = broker
        self._clock = clock
        self._mine = Claim(holder, 0, journal, host)
        self._seconds = seconds
        self._revision: int | None = None
        self._until = float("-inf")
        self._seen: tuple[int, float] | None = None
        self._broker_ahead = 0
        self.epoch = 0

    @property
    def every(self) -> float:
        """Seconds between two writings."""
        return self._seconds / 5

    def valid(self, margin: float = 0.0) -> bool:
        """Whether this process holds it now, and will for `margin` seconds."""
        return self._clock.monotonic() + margin < self._until

    def age(self, stored_at: int) -> float:
        """Seconds since the broker stored something, by the broker's own clock."""
        return (self._clock.monotonic_ns() + self._broker_ahead - stored_at) / NS

    def hold(self, epoch: int) -> bool:
        """Take the lease, or keep it.

        Args:
            epoch: the highest that this relay's journal knows; a broker may forget.

        Returns:
            True when it is held.

        Raises:
            ConfigError: another journal has dispatched from this desk.
        """
        try:
            if self._revision is None:
                self._try_to_take(epoch)
            else:
                self._write(self._mine, self._revision)
        except ConflictError:
            self._revision = None
            self._until = float("-inf")
        except DeliveryError:
            # Perhaps it was written, perhaps not: the tenure counts on, and then is begun anew.
            if not self.valid():
                self._revision = None
        return self.valid()

    def give_back(self) -> None:
        """Let another relay take it at once."""
        if self._revision is None:
            return
        self._until = float("-inf")
        try:
            free = msgspec.structs.replace(self._mine, holder="")
            self._broker.write(msgspec.json.encode(free), self._revision)
        except DeliveryError:
            pass  # it runs out by itself
        self._revision = None

    def _try_to_take(self, epoch: int) -> None:
        entry = self._broker.read()
        claim = None if entry is None else _claim(entry)
        if entry is not None and claim is not None:
            if claim.journal != self._mine.journal:
                raise ConfigError(
                    f"another journal ({claim.journal}, on {claim.host}) remembers what was sent "
                    "from here; start the relay with that journal. If it is lost, see `sim2live "
                    "relay --help` on --new-journal"
                )
            if claim.holder not in ("", self._mine.holder) and not self._has_run_out(entry):
                return
            epoch = max(epoch, claim.epoch)
        mine = msgspec.structs.replace(self._mine, epoch=epoch + 1)
        self._write(mine, 0 if entry is None else entry.revision)
        self.epoch = epoch + 1

    def _has_run_out(self, entry: Entry) -> bool:
        now = self._clock.monotonic()
        if self._seen is None or self._seen[0] != entry.revision:
            self._seen = (entry.revision, now)
        return now - self._seen[1] > PATIENCE * self._seconds

    def _write(self, claim: Claim, revision: int) -> None:
        began = self._clock.monotonic_ns()
        self._mine = msgspec.structs.replace(claim, beat=claim.beat + 1)
        entry = self._broker.write(msgspec.json.encode(self._mine), revision)
        self._revision = entry.revision
        self._broker_ahead = entry.time - began
        self._until = began / NS + self._seconds

    def forget_others(self) -> None:
        """Take the place of a lost journal: its claim is overwritten by the next `hold`."""
        entry = self._broker.read()
        if entry is not None:
            free = msgspec.structs.replace(
                self._mine, holder="", epoch=getattr(_claim(entry), "epoch", 0)
            )
            self._broker.write(msgspec.json.encode(free), entry.revision)


def _claim(entry: Entry) -> Claim | None:
    try:
        return msgspec.json.decode(entry.value, type=Claim)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
