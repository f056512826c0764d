"""A broker in this process that forgets, repeats and goes away as it is told.

It keeps the promises of `sim2live.venues.broker`, and none besides: what it has stored may be gone
after a crash, what was taken comes again until it is done, and an answer may never come.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from sim2live.clock import Clock
from sim2live.errors import NotSentError, UnknownOutcomeError
from sim2live.venues.broker import Broker, ConflictError, Entry, GoneError, Parcel, Responder
from sim2live.venues.relay_words import Subjects


@dataclass
class Store:
    """What a server keeps on its disk."""

    signals: dict[int, tuple[bytes, dict[str, str], int]] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    news: dict[str, bytes] = field(default_factory=dict)
    guarded: Entry | None = None
    number: int = 0


class Server:
    """What several clients share.

    Args:
        subjects: the desk.
        clock: stamps messages.

    Attributes:
        up: whether anybody can reach it.
        late: whether the relay answers the next question before it takes what waits.
        script: what befalls the next signals on their way in.
        faults: how often each fault came.
        tick: lets the relays work; called where time would pass.
        die: ends the strategy that is publishing.
    """

    def __init__(self, subjects: Subjects, clock: Clock) -> None:
        self.subjects = subjects
        self.clock = clock
        self.store = Store()
        self.synced = copy.deepcopy(self.store)
        self.generation = 0
        self.up = True
        self.late = False
        self.script: list[str] = []
        self.faults: Counter[str] = Counter()
        self.served: list[tuple[Double, Responder]] = []
        self.watched: list[tuple[Double, str, Callable[[bytes], None]]] = []
        self.tick: Callable[[], None] = lambda: None
        self.die: Callable[[], None] = lambda: None

    def answer(self, client: Double, answer: Responder, data: bytes) -> bytes | None:
        """Let one that serves speak; a world may keep it from speaking."""
        return answer(data)

    def sync(self) -> None:
        """What is stored now survives a power cut."""
        self.synced = copy.deepcopy(self.store)

    def lose(self) -> None:
        """A power cut: whatever was stored since the last sync is gone, and every line is cut."""
        self.store = copy.deepcopy(self.synced)
        self.generation += 1

    def drop(self, client: Double) -> None:
        self.served = [one for one in self.served if one[0] is not client]
        self.watched = [one for one in self.watched if one[0] is not client]

    def tell(self, subject: str, data: bytes) -> None:
        for _, pattern, then in list(self.watched):
            if subject.startswith(pattern.removesuffix(">")):
                then(data)


class Double(Broker):
    """One client of a `Server`."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._taken: set[int] = set()
        self._generation = -1
        self._watching: list[tuple[str, Callable[[bytes], None]]] = []
        self.closed = False

    def _reach(self) -> Store:
        if self.closed or not self._server.up:
            raise NotSentError("the server is away")
        return self._server.store

    def put(
        self, subject: str, data: bytes, *, id_: str, headers: Mapping[str, str], timeout: float
    ) -> bool:
        server = self._server
        signal = subject.startswith(server.subjects.signals.removesuffix(">"))
        fault = server.script.pop(0) if signal and server.script else ""
        if fault:
            server.faults[fault] += 1
        if fault == "relay_late":
            # The relay is well, has its lease, and answers; it takes this one only later.
            server.tick()
            server.late = True
        if fault == "line_away":
            raise NotSentError("the server is away")
        if fault == "store_lost":
            server.lose()
        store = self._reach()
        if fault == "cut_before":
            raise UnknownOutcomeError("the connection broke")
        if id_ in store.ids:
            return False
        store.ids.add(id_)
        if signal:
            store.number += 1
            store.signals[store.number] = (data, dict(headers), server.clock.now_ns())
        else:
            store.news[subject] = data
            server.tell(subject, data)
            return True
        if fault == "strategy_killed_first":
            server.die()
        if fault == "cut_after":
            raise UnknownOutcomeError("the connection broke")
        if fault != "relay_late":
            server.tick()
        if fault == "strategy_killed_later":
            server.die()
        if fault == "ack_lost":
            raise UnknownOutcomeError("no answer in time", timed_out=True)
        return True

    def last(self, subject: str, *, timeout: float) -> bytes | None:
        return self._reach().news.get(subject)

    def watch(self, subject: str, then: Callable[[bytes], None], *, stored: bool) -> None:
        self._server.watched.append((self, subject, then))
        if stored and self._server.up:
            for name, data in list(self._server.store.news.items()):
                if name.startswith(subject.removesuffix(">")):
                    then(data)

    def ask(self, subject: str, data: bytes, *, timeout: float) -> bytes:
        self._reach()
        if not self._server.late:
            self._server.tick()
        self._server.late = False
        for client, answer in list(self._server.served):
            said = self._server.answer(client, answer, data)
            if said is not None:
                return said
        raise UnknownOutcomeError("no answer in time", timed_out=True)

    def serve(self, subject: str, answer: Responder) -> None:
        self._server.served.append((self, answer))

    def begin(self) -> None:
        self._reach()
        self._taken.clear()
        self._generation = self._server.generation

    def take(self, *, timeout: float) -> list[Parcel]:
        store = self._reach() if self._server.up else None
        if store is None or self._generation != self._server.generation:
            raise GoneError("the connection broke")
        fresh = [number for number in store.signals if number not in self._taken]
        self._taken.update(fresh)
        return [self._parcel(number, *store.signals[number]) for number in fresh]

    def _parcel(self, number: int, data: bytes, headers: dict[str, str], at: int) -> Parcel:
        return Parcel(data, headers, at, partial(self._done, number, data))

    def _done(self, number: int, data: bytes) -> None:
        # After a loss another message may bear the number.
        if not self.closed and self._server.store.signals.get(number, (b"",))[0] == data:
            del self._server.store.signals[number]

    def read(self) -> Entry | None:
        return self._reach().guarded

    def write(self, value: bytes, revision: int) -> Entry:
        store = self._reach()
        if revision != (store.guarded.revision if store.guarded else 0):
            raise ConflictError("somebody else has written the lease")
        store.guarded = Entry(value, revision + 1, self._server.clock.now_ns())
        return store.guarded

    def close(self) -> None:
        self.closed = True
        self._server.drop(self)
