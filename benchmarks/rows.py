"""What is measured, and the bound beside each figure. A new figure is a new `Row` below."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import bounds
import msgspec
import requests
from bounds import Operation

from sim2live.gate.store import Database
from sim2live.signals import Bracket, Instrument, Signal, StopLoss, TakeProfit, decode
from sim2live.venues.evalitup import EvalItUp


@dataclass(frozen=True)
class Bench:
    """What the rows of one run share: a server's port, a folder on disk, one bracket signal."""

    port: int
    folder: Path
    signal: Signal
    body: bytes


@dataclass(frozen=True)
class Row:
    """One figure: `ours` beside `bound`, each called `count` times in a round."""

    name: str
    bound_name: str
    ours: Callable[[Bench], AbstractContextManager[Operation]]
    bound: Callable[[Bench], AbstractContextManager[Operation]]
    count: int


def example_signal() -> Signal:
    return Signal(
        signal_id="8f1f2a52-5d2b-5c44-9c0e-3a1f6d1f3e10",
        workflow_id="python-test",
        instrument=Instrument("CME", "MESZ6"),
        side="BUY",
        qty=2,
        order_type="LIMIT",
        limit_price=5070.25,
        bracket=Bracket(take_profit=TakeProfit(5090.0), stop_loss=StopLoss(5060.0)),
    )


@contextmanager
def ping(bench: Bench) -> Iterator[Operation]:
    with bounds.ping(bench.port, bench.body) as operation:
        yield operation


@contextmanager
def order_to_answer(bench: Bench) -> Iterator[Operation]:
    venue = EvalItUp(f"http://127.0.0.1:{bench.port}")
    try:
        yield lambda: venue.send(bench.signal, timeout=1.0)
    finally:
        venue.close()


@contextmanager
def requests_post(bench: Bench) -> Iterator[Operation]:
    url = f"http://127.0.0.1:{bench.port}/signal/python-test"
    payload = msgspec.json.decode(bench.body)
    yield lambda: requests.post(url, json=payload, timeout=1.0).json()


@contextmanager
def encode(bench: Bench) -> Iterator[Operation]:
    yield bench.signal.encode


@contextmanager
def encode_bound(bench: Bench) -> Iterator[Operation]:
    encoder = msgspec.json.Encoder()
    yield lambda: encoder.encode(bench.signal)


@contextmanager
def read(bench: Bench) -> Iterator[Operation]:
    yield lambda: decode(bench.body)


@contextmanager
def read_bound(bench: Bench) -> Iterator[Operation]:
    decoder = msgspec.json.Decoder()
    yield lambda: decoder.decode(bench.body)


@contextmanager
def store_commit(bench: Bench) -> Iterator[Operation]:
    table = "CREATE TABLE kept (payload BLOB) STRICT;"
    database = Database(bench.folder / "ours.sqlite", application_id=1, migrations=[table])
    statement = ("INSERT INTO kept VALUES (?)", (bench.body,))
    try:
        yield lambda: database.commit([statement], durable=True)
    finally:
        database.close()


@contextmanager
def bare_commit(bench: Bench) -> Iterator[Operation]:
    with bounds.commit(bench.folder, bench.body) as operation:
        yield operation


@contextmanager
def raw_write(bench: Bench) -> Iterator[Operation]:
    with bounds.write(bench.folder, bench.body) as operation:
        yield operation


ROWS = [
    Row("order to answer", "raw socket ping", order_to_answer, ping, 1000),
    Row("requests.post, for comparison", "raw socket ping", requests_post, ping, 150),
    Row("encode a signal", "msgspec alone", encode, encode_bound, 20_000),
    Row("decode a signal, all rules", "msgspec to a dict", read, read_bound, 10_000),
    Row("durable row, our store", "bare SQLite FULL", store_commit, bare_commit, 200),
    Row("bare SQLite FULL", "write and fdatasync", bare_commit, raw_write, 200),
]
