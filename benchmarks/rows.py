"""What is measured, and the bound beside each figure. A new figure is a new `Row` below."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import bounds
import gate_rows
import gateway_rows
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
    goal: str = ""


class PlainInstrument(msgspec.Struct, frozen=True, gc=False):
    exchange: str
    symbol: str


class PlainTake(msgspec.Struct, frozen=True, gc=False):
    limit_price: float


class PlainStop(msgspec.Struct, frozen=True, gc=False):
    trigger_price: float


class PlainBracket(msgspec.Struct, frozen=True, gc=False):
    take_profit: PlainTake | None = None
    stop_loss: PlainStop | None = None


class PlainSignal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """What msgspec alone makes of a signal, and one look at its prices."""

    schema_version: str
    signal_id: str
    workflow_id: str
    instrument: PlainInstrument
    side: Literal["BUY", "SELL"]
    qty: int
    order_type: Literal["MARKET", "LIMIT", "STOP", "STOP_LIMIT"] = "MARKET"
    limit_price: float | None = None
    trigger_price: float | None = None
    bracket: PlainBracket | None = None

    def __post_init__(self) -> None:
        if (self.limit_price is not None) != (self.order_type in ("LIMIT", "STOP_LIMIT")):
            raise ValueError("limit_price")
        if (self.trigger_price is not None) != (self.order_type in ("STOP", "STOP_LIMIT")):
            raise ValueError("trigger_price")


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
    decoder = msgspec.json.Decoder(PlainSignal)
    yield lambda: decoder.decode(bench.body)


@contextmanager
def whole_path(bench: Bench) -> Iterator[Operation]:
    with gate_rows.whole_path(bench.port, bench.folder) as operation:
        yield operation


@contextmanager
def whole_path_bound(bench: Bench) -> Iterator[Operation]:
    spare = gate_rows.OUR_OWN_NS
    with gate_rows.commit_and_ping(bench.port, bench.folder, bench.body, spare) as operation:
        yield operation


@contextmanager
def gateway(bench: Bench) -> Iterator[Operation]:
    with gateway_rows.one_connection(bench.folder) as operation:
        yield operation


@contextmanager
def commit_and_ping(bench: Bench) -> Iterator[Operation]:
    with gate_rows.commit_and_ping(bench.port, bench.folder, bench.body, 0) as operation:
        yield operation


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
    Row("order to answer", "raw socket ping", order_to_answer, ping, 1000, "at most 1.5"),
    Row("requests.post", "order to answer", requests_post, order_to_answer, 150, "at least 20"),
    Row("whole path, durable", "commit, ping and 60 us", whole_path, whole_path_bound, 200,
        "at most 1.3"),
    Row("whole path, durable, beside", "requests.post", whole_path, requests_post, 150, "below 1"),
    Row("gateway, one connection", "commit and ping", gateway, commit_and_ping, 200,
        "at most 1.5"),
    Row("encode a signal", "msgspec alone", encode, encode_bound, 20_000, "at most 1.5"),
    Row("decode a signal, all rules", "msgspec Struct", read, read_bound, 10_000, "at most 1.5"),
    Row("durable row, our store", "bare SQLite FULL", store_commit, bare_commit, 200),
    Row("bare SQLite FULL", "write and fdatasync", bare_commit, raw_write, 200),
]  # fmt: skip
