"""What has the gateway accepted? A file that says so before the sender hears it.

Signals are committed with a full sync. All else is written without one: bars and quotes move the
simulated market, and orders of the second door are a simulator's own. A power cut may take the
last of them. Read in order, the entries rebuild
the venue exactly.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from sim2live.errors import JournalError
from sim2live.exchange.tickets import Ticket
from sim2live.gate.store import MEMORY, Database, Statement
from sim2live.market.bars import Bar
from sim2live.signals import Instrument, Signal, decode

#: "s2lg": marks the file as a gateway's.
APPLICATION_ID = 0x73326C67
MIGRATIONS = (
    """
    CREATE TABLE store (id TEXT NOT NULL) STRICT;
    CREATE TABLE entry (
        seq       INTEGER PRIMARY KEY,
        time      INTEGER NOT NULL,
        kind      TEXT NOT NULL CHECK (kind IN ('signal', 'bar', 'quote')),
        signal_id TEXT UNIQUE,
        body      BLOB NOT NULL
    ) STRICT;
    """,
    # Orders of single accounts came later; a check cannot be changed in place.
    """
    CREATE TABLE entry_with_orders (
        seq       INTEGER PRIMARY KEY,
        time      INTEGER NOT NULL,
        kind      TEXT NOT NULL,
        signal_id TEXT UNIQUE,
        body      BLOB NOT NULL
    ) STRICT;
    INSERT INTO entry_with_orders SELECT seq, time, kind, signal_id, body FROM entry;
    DROP TABLE entry;
    ALTER TABLE entry_with_orders RENAME TO entry;
    """,
)
_INSERT = "INSERT INTO entry (time, kind, signal_id, body) VALUES (?, ?, ?, ?)"
_PAGE = 10_000


class PushedBar(msgspec.Struct, frozen=True, tag="bar", tag_field="kind"):
    """A bar that somebody sent, or that a file held."""

    instrument: Instrument
    bar: Bar


class Quote(msgspec.Struct, frozen=True, tag="quote", tag_field="kind"):
    """A synthetic price that an order met."""

    instrument: Instrument
    price: float


class Mark(msgspec.Struct, frozen=True, tag="mark", tag_field="kind"):
    """Where bars that are not kept have led the price; no order met them."""

    instrument: Instrument
    price: float


class Opened(msgspec.Struct, frozen=True, tag="opened", tag_field="kind"):
    """An account of its own, for a session over past bars of an instrument."""

    account: str
    instrument: Instrument


class Placed(msgspec.Struct, frozen=True, tag="placed", tag_field="kind"):
    """An order of one account; `first` is its id, 0 in a file of an earlier version."""

    account: str
    ticket: Ticket
    first: int = 0


class Changed(msgspec.Struct, frozen=True, tag="changed", tag_field="kind", omit_defaults=True):
    """An account's order has another size or other prices; earlier files name no account."""

    order_id: int
    account: str = ""
    qty: int | None = None
    limit_price: float | None = None
    trigger_price: float | None = None
    trail: float | None = None


class Cancelled(msgspec.Struct, frozen=True, tag="cancelled", tag_field="kind"):
    """An account's order was taken off the market; earlier files name no account."""

    order_id: int
    account: str = ""


class Halted(msgspec.Struct, frozen=True, tag="halted", tag_field="kind"):
    """A pool takes only what closes a position, or takes everything again."""

    pool: str
    halted: bool


Other = PushedBar | Quote | Mark | Opened | Placed | Changed | Cancelled | Halted
Entry = Signal | Other
_ENCODER = msgspec.json.Encoder()
_OTHERS: msgspec.json.Decoder[Other] = msgspec.json.Decoder(Other)


class Inbox:
    """The gateway's durable memory.

    Args:
        path: The file, or ``":memory:"`` for one that dies with the process.

    Attributes:
        store: Random name of this memory; it tells one gateway from another.

    Raises:
        JournalError: The file cannot be opened or is not a gateway's.
    """

    def __init__(self, path: str | Path = MEMORY) -> None:
        self._db = Database(path, application_id=APPLICATION_ID, migrations=MIGRATIONS)
        found = self._db.query("SELECT id FROM store")
        if not found:
            name = secrets.token_hex(8)
            self._db.commit([("INSERT INTO store (id) VALUES (?)", (name,))], durable=True)
            found = [(name,)]
        self.store: str = found[0][0]

    def write(self, entries: Sequence[tuple[int, Entry]], *, durable: bool) -> None:
        """Append entries in one transaction.

        Args:
            entries: Pairs of UTC epoch nanoseconds and entry.
            durable: Return only when they are on the disk.

        Raises:
            JournalError: They could not be written; none of them is kept.
        """
        self._db.commit([_statement(time, entry) for time, entry in entries], durable=durable)

    def replay(self) -> Iterator[tuple[int, Entry]]:
        """All entries in the order in which they were accepted.

        Raises:
            JournalError: An entry cannot be read.
        """
        sql = "SELECT seq, time, kind, body FROM entry WHERE seq > ? ORDER BY seq LIMIT ?"
        last = 0
        while rows := self._db.query(sql, (last, _PAGE)):
            for seq, time, kind, body in rows:
                try:
                    yield time, decode(body) if kind == "signal" else _OTHERS.decode(body)
                except ValueError as error:
                    raise JournalError(f"entry {seq} cannot be read: {error}") from error
            last = rows[-1][0]

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._db.close()


def _statement(time: int, entry: Entry) -> Statement:
    if isinstance(entry, Signal):
        return _INSERT, (time, "signal", entry.signal_id, entry.encode())
    kind = entry.__struct_config__.tag
    return _INSERT, (time, kind, None, _ENCODER.encode(entry))
