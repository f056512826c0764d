"""A strategy or two, one venue that fails, a process that dies and comes back, and what must hold.

A world is driven step by step, by a seeded campaign or by a state machine. After each step
`check` compares what really happened at the venue with what the gate says of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.campaign.venue import DEATHS, FaultyVenue

from sim2live import settings
from sim2live.clock import ManualClock
from sim2live.errors import LockedError
from sim2live.exchange.execution import Behaviour
from sim2live.gate.delivery import excess
from sim2live.gate.dispatch import Dispatcher
from sim2live.gate.ledger import LEGS, OWED, UNCONFIRMED, Presumed, sign
from sim2live.gate.operator import Operator
from sim2live.gate.receipt import Receipt
from sim2live.market.bars import Bar
from sim2live.signals import OPEN, Bracket, Instrument, OrderSpec, StopLoss, TakeProfit
from sim2live.venues.base import Venue

MES = Instrument("CME", "MESZ6")
MINUTE = 60_000_000_000
START = 1_767_625_200_000_000_000
LEGS_OF = {
    1: OrderSpec(bracket=Bracket(TakeProfit(200.0), StopLoss(10.0))),
    -1: OrderSpec(bracket=Bracket(TakeProfit(10.0), StopLoss(200.0))),
}
"""Native legs that no price here reaches: only the gate and the venue end them."""
OTHER = "slow"
"""Name of the data that belongs to a second strategy, where two share the instrument."""
FINAL = {"HELD", "ACCEPTED", "REJECTED", "NOT_SENT"}


class Killed(BaseException):
    """The process is dead: whoever catches this has been dead since it was raised."""


class Broken(AssertionError):  # noqa: N818 - read as a sentence: Broken: I1 ...
    """An invariant does not hold."""


def killed() -> None:
    raise Killed


@dataclass
class Tally:
    """What a campaign counts."""

    sequences: int = 0
    signals: int = 0
    executions: int = 0
    kills: int = 0
    in_flight: int = 0
    resolved: int = 0
    owed: int = 0
    delivered: int = 0
    real_kills: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        for name in self.__dataclass_fields__:
            if name == "faults":
                self.faults.update(other.faults)
            else:
                setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(frozen=True)
class Order:
    """One order: reach a target, add contracts, close, or un-happen; perhaps with legs."""

    kind: str
    size: int = 0
    data: str = "mes"
    legs: bool = False

    def target(self, held: int, before: int) -> int:
        match self.kind:
            case "reach":
                return self.size
            case "add":
                return held + self.size if abs(held + self.size) <= 3 else held
            case "close":
                return 0
        return before  # "unhappen": the simulator takes its last order back


@dataclass
class World:
    """A strategy whose every order is known beforehand, so that a restart replays it.

    Args:
        folder: journal and lock files; the caller removes it.
        behaviour: of the venue's account.
        proves: whether the gate knows that behaviour.
        simulated: whether bars are the clock.
        die: how a process dies here; the default abandons its objects.
        log: file of executions, where a real process dies.
        plan: the orders of each bar so far; a start replays them.
        number: of the latest bar.
        largest: the lowest and the highest position that the strategy ever wanted.
        max_age: seconds during which a bar may be acted on, by the wall.
        timeout: seconds of one exchange.
        shared: whether the data `OTHER` belongs to a second strategy on the same gate.
    """

    folder: Path
    behaviour: Behaviour = field(default_factory=Behaviour)
    proves: bool = True
    simulated: bool = True
    die: Callable[[], None] = killed
    log: Path | None = None
    tally: Tally = field(default_factory=Tally)
    plan: dict[int, list[Order]] = field(default_factory=dict)
    number: int = 0
    largest: list[int] = field(default_factory=lambda: [0, 0])
    shared: bool = False
    max_age: float = 120.0
    timeout: float = 1.0

    def __post_init__(self) -> None:
        self.clock = ManualClock(START)
        self.clock.advance(60 * self.number)
        self.venue = FaultyVenue(
            self.behaviour,
            proves=self.proves,
            simulated=self.simulated,
            log=self.log,
            die=self.die,
        )
        self.begin()
        self.doom: str | None = None
        self.owing = False
        self.start()

    def begin(self) -> None:
        """What stands between the strategy and the venue is made here."""

    def target(self) -> Venue:
        """What the strategy connects to."""
        return self.venue

    # -- life and death --------------------------------------------------------------------

    def start(self, *, lag: int = 0, last: str = OTHER) -> None:
        """Connect and replay.

        Args:
            lag: bars that pass before the second strategy has replayed.
            last: which of two strategies replays after the other.
        """
        self.mirror: dict[str, int] = {}
        self.before: dict[str, int] = {}
        self.lag = lag
        self.known: dict[str, int] = {}
        self.dispatcher = self._connect()
        other = self.dispatcher.bind(strategy="other") if self.shared else self.dispatcher
        self.handles = {"mes": self.dispatcher, OTHER: other}
        self._wire_deaths()
        if not self.shared:
            self._replay("mes", OTHER)
        elif lag:
            self._replay("mes")
        else:
            for data in sorted(self.handles, key=lambda name: name == last):
                self._replay(data)

    def _replay(self, *datas: str) -> None:
        """All bars and orders so far, as the owner of these data sees them."""
        self.replaying = True
        for number in sorted(self.plan):
            self._deliver(number, datas[0])
            for nth, order in enumerate(self.plan[number]):
                if order.data in datas:
                    self._trade(number, nth, order)
        self.replaying = False

    @property
    def behind(self) -> tuple[str, ...]:
        """Data whose strategy is still in its history."""
        return (OTHER,) if self.lag else ()

    def _catch_up(self) -> None:
        self.lag = 0
        self._replay(OTHER)
        self._same(OTHER)

    def _same(self, *datas: str) -> None:
        """The rebuilt simulator holds what the old one held."""
        # An order of the last bar that needed no signal has no row: it is decided anew, and may
        # be refused while nobody has confirmed what the venue holds, or as long as the strategy
        # whose contracts it would have closed is not here yet.
        line = self.book.line
        if UNCONFIRMED in line.reasons or (self.shared and line.state != "ACTIVE"):
            return
        for data in datas:
            known, found = self.known.get(data), self.mirror.get(data)
            if known is not None and known != found:
                raise Broken(f"replay: the simulator of {data} held {known} and now {found}")

    def _connect(self) -> Dispatcher:
        return settings.connect(
            self.target(),
            workflow="pool",
            strategy="cross",
            journal=self.folder / "journal.sqlite3",
            clock=self.clock,
            settings=settings.Settings(
                max_age=self.max_age,
                timeout=self.timeout,
                rules=settings.Rules(max_position=4, preflight=False),
            ),
        )

    def _wire_deaths(self) -> None:
        """Let the journal's side of a death happen where the script says so."""
        journal: Any = self.dispatcher.gate.journal
        intend, outcome = journal.intend, journal.outcome

        def intending(*arguments: Any) -> None:
            if self.doom == "before_journal":
                self.venue.faults["before_journal"] += 1
                self.die()
            intend(*arguments)

        def writing(*arguments: Any) -> None:
            if self.doom == "before_commit":
                self.venue.faults["before_commit"] += 1
                self.die()
            outcome(*arguments)

        journal.intend, journal.outcome = intending, writing

    @property
    def alive(self) -> bool:
        return self.dispatcher is not None

    def abandon(self) -> None:
        """The objects of a dead process let go of their files, and write nothing more."""
        gate: Any = self.dispatcher.gate
        self.tally.kills += 1
        for connection in (gate.journal._db._writer, gate.journal._db._reader):
            connection.close()
        gate.shelf.release()
        gate._closed = True
        self.doom = None
        self.venue.script.clear()

    def restart(
        self, *faults: str, kill: bool, missed: int = 0, lag: int = 0, last: str = OTHER
    ) -> None:
        """Stop, let bars go by unseen, and start again; the start may die as well."""
        known = self.known if self.lag else {}
        known = {**known, **self.mirror}
        if kill:
            self.abandon()
        else:
            self.dispatcher.close()
        for _ in range(missed):
            self.number += 1
            self.plan.setdefault(self.number, [])
            self.clock.advance(60)
        self._expect(faults)
        self._revive(lag=lag if self.shared else 0, last=last)
        self.known = known
        self._same(*({"mes", OTHER} - {*self.behind}))

    def _revive(self, **how: Any) -> None:
        try:
            self.start(**how)
        except Killed:
            self._count_in_flight()
            self.abandon()
            self._revive()

    def _count_in_flight(self) -> None:
        sending = self.dispatcher.gate.journal.counts().get("SENDING", 0)
        self.tally.in_flight += min(1, sending)

    @contextmanager
    def dying(self) -> Iterator[None]:
        """Whatever dies in here is started again."""
        try:
            yield
        except Killed:
            self._count_in_flight()
            self.abandon()
            self._revive()

    # -- steps -----------------------------------------------------------------------------

    def bar(self, *faults: str) -> None:
        """The next bar closes and is delivered."""
        self._expect(faults)
        self.number += 1
        self.plan[self.number] = []
        self.clock.advance(60)
        with self.dying():
            if self.lag == 1:
                self._catch_up()
            self.lag = max(0, self.lag - 1)
            self._deliver(self.number, "mes")
            if self.shared and not self.lag:
                self._deliver(self.number, OTHER)
        self.check()

    def order(self, order: Order, *faults: str) -> None:
        """The strategy trades at the latest bar."""
        if not self.number or self._senseless(order) or order.data in self.behind:
            return
        self._expect(faults)
        orders = self.plan[self.number]
        orders.append(order)
        with self.dying():
            self._trade(self.number, len(orders) - 1, order)
        self.check()

    def _senseless(self, order: Order) -> bool:
        orders = self.plan[self.number]
        return order.kind == "unhappen" and (not orders or orders[-1].kind == "unhappen")

    def work(self, *faults: str) -> None:
        """What the outbox does in the background."""
        self._expect(faults)
        with self.dying():
            self.dispatcher.gate.work()
        self.check()

    def human(self) -> None:
        """Somebody looks at the platform and settles what nobody here knows."""
        self._expect(())
        operator = Operator(self.dispatcher.gate)
        for id_ in list(self.book.unknown):
            if id_ not in self.book.unknown:
                continue  # what one answer freed has settled it
            operator.resolve(id_, executed=self.venue.truth(id_))
            self.tally.resolved += 1
        line = self.book.line
        if line.halted or {UNCONFIRMED, LEGS} & {*line.reasons}:
            self.venue.cancel_all("pool")
        if UNCONFIRMED in line.reasons:
            operator.confirm("pool", f"{MES}={self.held}")
        if self.book.line.halted or LEGS in self.book.line.reasons:
            operator.resume("pool")
        self.check()

    def intruder(self) -> None:
        """A second process wants the same pool while this one lives."""
        try:
            second = self._connect()
        except LockedError:
            return
        second.close()
        raise Broken("a second process was let in")

    def finish(self) -> None:
        """The venue is well again, the strategy goes home: nothing may be left anywhere."""
        self.venue.script.clear()
        self.doom = None
        self.venue.there = True
        if self.lag:
            self.lag = 1  # the second strategy arrives with the next bar
        self.clock.advance(120)
        for _ in range(3):
            self.dispatcher.gate.work()
            self.human()
            self.bar()
        for _ in range(20):
            # One data's exit may be the net position's entry, and is refused until the other went;
            # on a machine that stood still for a moment also until somebody answers again.
            if not any(self.mirror.values()):
                break
            self.dispatcher.gate.work()
            for data in sorted(self.mirror, key=lambda name: -abs(self.mirror[name])):
                self.order(Order("close", data=data))
        for _ in range(3):
            self.bar()
            self.dispatcher.gate.work()
            self.human()
        held, line = self.held, self.book.line
        if self.venue.account.working("pool"):
            raise Broken(f"I7: after everything orders work at a flat venue, {line}")
        if held or line.presumed != replaced(line.presumed, 0) or self.book.owed:
            raise Broken(
                f"after everything: held {held}, {line}, owed {self.book.owed}, "
                f"wanted {self.mirror}, still in its history {self.behind}"
            )
        if self.owing:
            self.tally.delivered += 1
        if set(self.dispatcher.gate.journal.counts()) - FINAL:
            raise Broken(f"rows are left: {self.dispatcher.gate.journal.counts()}")
        self.close()

    def close(self) -> None:
        self.tally.sequences += 1
        self.tally.signals += self.venue.tried.total()
        self.tally.executions += len(self.venue.account.executions)
        self.tally.faults.update(set(self.venue.faults))
        self.dispatcher.close()

    # -- what must hold --------------------------------------------------------------------

    @property
    def book(self) -> Any:
        return self.dispatcher.gate.book("pool", MES)

    @property
    def held(self) -> int:
        return self.venue.account.held("pool", MES)

    def check(self) -> None:
        book, held, account = self.book, self.held, self.venue.account
        line = book.line
        if not line.presumed.low <= held <= line.presumed.high:
            raise Broken(f"interval: held {held}, presumed {line.presumed}")
        for execution in account.executions:
            entry = execution.signal.open_close == OPEN
            if entry and account.counts[execution.signal.signal_id] > 1:
                raise Broken(f"I1: entry {execution.signal.signal_id} was executed twice")
            harmless = self.behaviour.close_is_reduce_only and self.proves
            if not entry and account.counts[execution.signal.signal_id] > 1 and not harmless:
                raise Broken(f"I1: exit {execution.signal.signal_id} was executed twice")
            if execution.exit_went_too_far:
                raise Broken(f"I6: an exit moved {execution.before} to {execution.after}")
        if not self.largest[0] <= held <= self.largest[1]:
            raise Broken(f"held {held}, the strategy never wanted beyond {self.largest}")
        if not held and account.working("pool") and not self._told_of_legs():
            raise Broken(f"I7: orders work at a flat venue, nobody was told: {line}")
        if set(self.behind):
            self._check_rows()
            return  # nobody can say yet what is wanted in sum
        wanted = sum(self.mirror.values())
        too_much = excess(Presumed(held, held), wanted)
        everybody = {handle.strategy for handle in self.handles.values()}
        if too_much and everybody <= book.here:
            owed = book.owed is not None or OWED in line.reasons
            if owed:
                self.tally.owed += not self.owing
                self.owing = True
            if not owed and not book.unknown:
                raise Broken(f"I3: held {held}, wanted {wanted}, nothing owed: {line}")
            if not self.dispatcher.gate.alarms.raised:
                raise Broken(f"I6: held {held}, wanted {wanted}, no alarm")
        self._check_rows()

    def _told_of_legs(self) -> bool:
        """Exits only go until a human has looked, and an alarm has said why."""
        line = self.book.line
        said = LEGS in line.reasons or line.halted or self.book.unknown
        return bool(said and self.dispatcher.gate.alarms.raised)

    def _check_rows(self) -> None:
        book = self.book
        open_rows = self.dispatcher.gate.journal.counts()
        if set(open_rows) - FINAL - {"UNKNOWN"}:
            raise Broken(f"I2: {open_rows}")
        if open_rows.get("UNKNOWN", 0) != len(book.unknown):
            raise Broken(f"I2: {open_rows} in the journal, {len(book.unknown)} in the book")

    # -- helpers ---------------------------------------------------------------------------

    def _expect(self, faults: tuple[str, ...]) -> None:
        self.doom = None
        for fault in faults:
            if fault in ("before_journal", "before_commit"):
                self.doom = fault
        self.venue.script = [f for f in faults if f not in ("before_journal", "before_commit")]

    def _deliver(self, number: int, data: str) -> None:
        price = 100.0 + number
        bar = Bar(START + number * MINUTE, price, price, price, price)
        self.handles[data].on_bar(MES, bar)

    def _trade(self, number: int, nth: int, order: Order) -> Receipt:
        held = self.mirror.get(order.data, 0)
        target = order.target(held, self.before.get(order.data, held))
        unhappens = order.kind == "unhappen"
        # The simulator has taken the order before the gate speaks; a refusal takes it back.
        self.before[order.data], self.mirror[order.data] = held, target
        total = sum({**self.known, **self.mirror}.values())
        if not (self.shared and self.replaying):  # one of two alone: nobody ever wanted that sum
            self.largest = [min(self.largest[0], total), max(self.largest[1], total)]
        receipt = self.handles[order.data].follow(
            MES,
            target,
            data=order.data,
            nth=-1 if unhappens else nth,
            decided_at=START + number * MINUTE,
            order=LEGS_OF.get(sign(target - held)) if order.legs else None,
        )
        if not unhappens:
            self.mirror[order.data] = receipt.granted
        return receipt


def replaced(presumed: Presumed, position: int) -> Presumed:
    return Presumed(position, position, presumed.source)


__all__ = ["DEATHS", "Broken", "Killed", "Order", "Tally", "World"]
