"""What does one strategy do when it is simulated, and when it is dispatched over HTTP?

Both runs use the same class, the same prices and the same money. The first has Backtrader's own
broker; the second has the mirror, the gate, a journal on disk and a gateway on a loopback port.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import backtrader as bt
from msgspec import Struct, field

from sim2live.backtrader.barclock import moment
from sim2live.backtrader.mirror import MirrorBroker
from sim2live.cli.pool import Account, Held, PoolView
from sim2live.cli.watched import Watched
from sim2live.clock import SystemClock, iso
from sim2live.exchange.accounts import Pool
from sim2live.gateway.server import running_gateway
from sim2live.market.contracts import contract
from sim2live.parity import Verdict, compare
from sim2live.runs import Run
from sim2live.settings import Settings, connect
from sim2live.signals import Instrument

POOL: Final = "demo"
MULTIPLIERS: Final = (1, 1, 2)
DATA: Final = "SP500"
INSTRUMENT: Final = Instrument("SIM", "SP500")
CASH: Final = 50_000.0
_MARGIN: Final = 2_500.0  # for each contract; about what a micro future asks for
LEAST_ORDERS, LEAST_EXITS = 100, 20

Progress = Callable[[str, int], None]


class Seat(Struct, kw_only=True):
    """One account of the pool, compared with the strategy.

    Attributes:
        account: As the gateway shows it at the end.
        position: Whole contracts that it holds at the end.
        expected: Position of the strategy times the account's multiplier.
        agreed: At how many bars the two were equal.
    """

    account: Account
    position: int
    expected: int
    agreed: int


class PairedFill(Struct, frozen=True, kw_only=True):
    """One order's fill in the simulator and at the gateway.

    Attributes:
        time: Of the simulated fill, nanoseconds since 1970-01-01 UTC.
        size: Contracts, negative for a sale.
        entry: True when it opened, False when it closed.
        kind: Type of the order, in Backtrader's word.
        price: In the simulator, in points.
        paper: At the gateway, in the first account; None when it has no such fill.
    """

    time: int
    size: float
    entry: bool
    kind: str
    price: float
    paper: float | None

    @property
    def drift(self) -> float | None:
        """Points that the gateway filled worse; negative when it filled better."""
        if self.paper is None:
            return None
        return (self.paper - self.price) * (1 if self.size > 0 else -1)


class Rehearsal(Struct, kw_only=True):
    """Everything that the two runs did.

    Attributes:
        strategy: Name of the class.
        run: Name of the dispatched run.
        instrument: What was traded.
        simulated: The first run.
        dispatched: The second run.
        verdict: Their comparison.
        closes: Time and closing price of each bar.
        pool_equity: Time and equity of the pool's first account, after each bar.
        seats: The accounts.
        fills: Each fill of the simulator with its partner.
        signals: How many signals ended in each state, and under ``sent`` how many went out.
        latencies: From an order in the journal to its answer in the journal, nanoseconds.
        position: Of the strategy at the end.
        bars: How many bars were seen.
        pool_differences: Where an account held something else, or a fill has no partner.
        seconds: How long the runs took.
    """

    strategy: str
    run: str
    instrument: Instrument
    simulated: Run
    dispatched: Run
    verdict: Verdict
    closes: list[tuple[int, float]]
    pool_equity: list[tuple[int, float]]
    seats: list[Seat]
    fills: list[PairedFill]
    signals: dict[str, int]
    latencies: list[int]
    position: float
    bars: int
    pool_differences: list[str] = field(default_factory=list)
    seconds: tuple[float, float] = (0.0, 0.0)

    @property
    def differences(self) -> list[str]:
        """Every difference as a sentence."""
        return [*map(str, self.verdict.differences), *self.pool_differences]

    @property
    def orders(self) -> int:
        """Orders that the simulator filled."""
        return sum(decision.status == "Completed" for decision in self.simulated.decisions)

    @property
    def exits(self) -> int:
        """Fills that closed a position."""
        return sum(not fill.entry for fill in self.fills)

    @property
    def shortfalls(self) -> list[str]:
        """Why the comparison proves too little, although nothing differs."""
        found = []
        if self.orders < LEAST_ORDERS:
            found.append(f"only {self.orders} orders were filled; {LEAST_ORDERS} are needed")
        if self.exits < LEAST_EXITS:
            found.append(f"only {self.exits} exits were made; {LEAST_EXITS} are needed")
        if self.signals["held"]:
            found.append(f"{self.signals['held']} entries were held back by a rule")
        if self.signals["sent"] != self.signals["accepted"]:
            missing = self.signals["sent"] - self.signals["accepted"]
            found.append(f"{missing} signals were sent and not accepted")
        return found

    @property
    def passed(self) -> bool:
        """True when the runs agree and did enough to show it."""
        return not self.differences and not self.shortfalls

    @property
    def headline(self) -> str:
        """The verdict in a word or two."""
        if self.differences:
            return f"DIFFERENT: {len(self.differences)}"
        return "PARITY" if self.passed else "NOT PROVED"

    def latency_ms(self, share: float) -> float:
        """A percentile of order-to-ack in milliseconds; `share` from 0 to 1."""
        if not self.latencies:
            return float("nan")
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] / 1e6


def rehearse(
    strategy: Any, prices: Path, progress: Progress = lambda _stage, _bar: None
) -> Rehearsal:
    """Run a strategy twice and compare.

    Args:
        strategy: A Backtrader strategy class.
        prices: Daily bars, with a header line, as CSV.
        progress: Told the stage (``simulated`` or ``dispatched``) and the number of the bar.
    """
    clock = SystemClock()
    started = clock.monotonic()
    simulated, _ = _run(
        strategy, prices, "simulated", bt.brokers.BackBroker(),
        lambda ran: progress("simulated", len(ran)),
    )  # fmt: skip
    half = clock.monotonic()
    run = f"demo-{iso(clock.now_ns())}"
    with (
        TemporaryDirectory(prefix="sim2live-demo-", ignore_cleanup_errors=True) as folder,
        running_gateway(
            {POOL: Pool.of(POOL, MULTIPLIERS, CASH)}, journal=Path(folder) / "gateway.sqlite3"
        ) as gateway,
        connect(
            gateway.url,
            workflow=POOL,
            strategy=strategy.__name__,
            run=run,
            journal=Path(folder) / "journal.sqlite3",
            settings=Settings(),
        ) as dispatcher,
    ):
        onlooker = _Onlooker(PoolView(gateway.url, POOL), progress)
        broker = MirrorBroker(dispatcher, instruments={DATA: INSTRUMENT}, bracket="emulated")
        dispatched, kinds = _run(strategy, prices, "dispatched", broker, onlooker.look)
        onlooker.finish()
        rows = list(dispatcher.gate.journal.rows())
    seconds = (half - started, clock.monotonic() - half)
    fills, unpaired = _paired(dispatched, kinds, onlooker)
    return Rehearsal(
        strategy=strategy.__name__,
        run=run,
        instrument=INSTRUMENT,
        simulated=simulated,
        dispatched=dispatched,
        verdict=compare(simulated, dispatched),
        closes=onlooker.closes,
        pool_equity=onlooker.equity,
        seats=onlooker.seats,
        fills=fills,
        signals=_counts(rows),
        latencies=[row.answered_at - row.created_at for row in rows if row.answered_at is not None],
        position=onlooker.held,
        bars=onlooker.bars,
        pool_differences=[*onlooker.differences, *unpaired],
        seconds=seconds,
    )


def _run(
    strategy: Any, prices: Path, name: str, broker: Any, call: Callable[[Any], None]
) -> tuple[Run, list[str]]:
    known = contract(INSTRUMENT)
    assert known is not None
    cerebro = bt.Cerebro(stdstats=False)
    feed = bt.feeds.GenericCSVData(dataname=str(prices), dtformat="%Y-%m-%d", openinterest=-1)
    cerebro.adddata(feed, name=DATA)
    cerebro.addstrategy(strategy)
    cerebro.addanalyzer(Watched, name=name, call=call)
    cerebro.setbroker(broker)
    broker.setcash(CASH)
    broker.setcommission(mult=known.point_value, margin=_MARGIN)
    (ran,) = cerebro.run()
    (recorder,) = ran.analyzers
    return recorder.run, recorder.kinds


class _Onlooker:
    """Asks the gateway at each bar what the accounts hold, and compares."""

    def __init__(self, view: PoolView, progress: Progress) -> None:
        self._view = view
        self._progress = progress
        self._accounts = view.accounts()
        self._agreed: Counter[str] = Counter()
        self._before: dict[str, int] = {}
        self._wrong: dict[str, str] = {}
        self.moved_at_the_end = False
        self.bars = 0
        self.held = 0.0
        self.closes: list[tuple[int, float]] = []
        self.equity: list[tuple[int, float]] = []
        self.differences: list[str] = []
        self.seats: list[Seat] = []

    def look(self, strategy: Any) -> None:
        data = strategy.data
        time = moment([data])
        positions = self._view.positions(INSTRUMENT)
        self._compare(strategy.broker, data, iso(time)[:10], positions)
        first = self._accounts[0]
        held = positions.get(first.account)
        # The balance moves only with a fill, so between fills the position tells the equity.
        self.equity.append((time, first.balance + (held.unrealised if held else 0.0)))
        self.closes.append((time, data.close[0]))
        self._progress("dispatched", len(strategy))

    def finish(self) -> None:
        self._view.read_fills(everything=True)
        now = {name: row.qty for name, row in self._view.positions(INSTRUMENT).items()}
        self.moved_at_the_end = now != self._before
        self.seats = [
            Seat(
                account=account,
                position=self._before.get(account.account, 0),
                expected=round(self.held * account.multiplier),
                agreed=self._agreed[account.account],
            )
            for account in self._view.accounts()
        ]
        self._view.close()

    def fills_of_first(self) -> list[tuple[int, float]]:
        found = self._view.fills.get(self._accounts[0].account, [])
        return [(fill.signed_qty, fill.price) for fill in found]

    def _compare(self, broker: Any, data: Any, day: str, positions: dict[str, Held]) -> None:
        held = broker.positions.get(data)
        self.held = held.size if held is not None else 0.0
        self.bars += 1
        contracts = {name: row.qty for name, row in positions.items()}
        if contracts != self._before:
            self._view.read_fills()
            self._accounts = self._view.accounts()
            self._before = contracts
        for account in self._accounts:
            have = contracts.get(account.account, 0)
            if have == self.held * account.multiplier:
                self._agreed[account.account] += 1
                self._wrong.pop(account.account, None)
                continue
            text = f"holds {have:+d}, the strategy {self.held:+g} x {account.multiplier}"
            # One sentence for as many bars in a row as the same thing is wrong.
            if self._wrong.get(account.account) != text:
                self._wrong[account.account] = text
                self.differences.append(f"{day} {account.account}: {text}")


def _counts(rows: list[Any]) -> dict[str, int]:
    states = Counter(row.state for row in rows)
    return {
        "sent": sum(row.sends > 0 for row in rows),
        "accepted": states["ACCEPTED"],
        "held": states["HELD"],
        "rejected": states["REJECTED"],
        "not_sent": states["NOT_SENT"],
        "unknown": states["UNKNOWN"] + states["SENDING"],
    }


def _paired(run: Run, kinds: list[str], onlooker: _Onlooker) -> tuple[list[PairedFill], list[str]]:
    """The simulator's fills with those of the pool's first account, one for one and in order."""
    paper = onlooker.fills_of_first()
    found, held, wrong = [], 0.0, []
    for number, fill in enumerate(run.fills):
        partner = paper[number] if number < len(paper) else None
        if partner is None or partner[0] != fill.size:
            other = "nothing" if partner is None else f"{partner[0]:+d}"
            wrong.append(f"{iso(fill.time)[:10]} fill {number + 1}: {fill.size:+g} | {other}")
        found.append(
            PairedFill(
                time=fill.time,
                size=fill.size,
                entry=abs(held + fill.size) > abs(held),
                kind=kinds[number],
                price=fill.price,
                paper=None if partner is None else partner[1],
            )
        )
        held += fill.size
    extra = len(paper) - len(run.fills)
    # Orders of the last bar are filled at the gateway; the simulator has no bar left for them.
    if extra > 0 and not onlooker.moved_at_the_end:
        wrong.append(f"the gateway has {extra} more fills than the simulator")
    return found, wrong
