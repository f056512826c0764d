"""Sessions over past bars: Replay/start, step, play, pause, jumpTo and end.

The documents name the endpoints and the fields of start; those of the others are assumptions.
Each session has an account of its own with 50,000, in a pool of the same name, so that signals
of the first door reach it too. Its bars move the price of the contract for everybody.
"""

from __future__ import annotations

import logging
from functools import partial

from sim2live.clock import Clock, from_ns, iso
from sim2live.errors import JournalError, SignalError, shorten
from sim2live.exchange.accounts import START_BALANCE
from sim2live.gateway.projectx import requests, shapes
from sim2live.gateway.projectx.aggregate import starts_of
from sim2live.gateway.projectx.envelope import Failure
from sim2live.gateway.projectx.moments import moment, optional_moment
from sim2live.gateway.projectx.names import Listing
from sim2live.gateway.projectx.result import tally
from sim2live.gateway.projectx.session import Session
from sim2live.gateway.projectx.sim import Sim
from sim2live.gateway.projectx.sources import Sources
from sim2live.market.bars import Bar
from sim2live.market.specs import SPECS
from sim2live.signals import Instrument

_LOG = logging.getLogger("sim2live.gateway")
#: Name -> unit, number, seconds.
TIMEFRAMES = {
    "1s": (1, 1, 1), "5s": (1, 5, 5), "1m": (2, 1, 60), "5m": (2, 5, 300), "15m": (2, 15, 900),
    "30m": (2, 30, 1_800), "1h": (3, 1, 3_600), "4h": (3, 4, 14_400), "1D": (4, 1, 86_400),
}  # fmt: skip
NO_SESSION, BUSY, WRONG = 404, 409, 400
#: Bars that one turn of the loop may play; the rest comes in the next turns.
_MOST_AT_ONCE = 2_000


class Replays:
    """The sessions of a gateway.

    Args:
        sim: The venue.
        sources: Bars.
        clock: Source of the monotonic time, for playing.

    Attributes:
        latest: The session that began last, also when it has ended.
    """

    def __init__(self, sim: Sim, sources: Sources, clock: Clock) -> None:
        self._sim = sim
        self._sources = sources
        self._clock = clock
        self.latest: Session | None = None
        self._sessions: dict[str, Session] = {}

    # -- endpoints ---------------------------------------------------------------------------
    def start(self, request: requests.StartReplay) -> shapes.ReplayAnswer:
        """Begin a session; the first bar comes with the first step."""
        if request.timeframe not in TIMEFRAMES:
            names = ", ".join(TIMEFRAMES)
            raise Failure(WRONG, f"timeframe={shorten(request.timeframe)}: must be one of {names}")
        unit, number, seconds = TIMEFRAMES[request.timeframe]
        first = from_ns(moment("startDate", request.start_date)).date()
        ending = optional_moment("endDate", request.end_date)
        last = first if ending is None else from_ns(ending).date()
        if last < first:
            raise Failure(WRONG, f"endDate={last}: must not be before startDate={first}")
        listing = self._listing(request.instrument_symbol, moment("startDate", request.start_date))
        for session in self._sessions.values():
            if session.instrument == listing.instrument:
                number = self._sim.accounts.number(session.account)
                rule = f"is replayed already; call Replay/end for account {number} first"
                raise Failure(BUSY, f"instrumentSymbol: {listing.name} {rule}", 409)
        symbol, instrument = request.instrument_symbol, listing.instrument
        table = self._sources.table(symbol, instrument, first, last, seconds)
        if not len(table):
            raise Failure(NO_SESSION, f"There are no bars from {first} to {last}", 404)
        account = self._open(instrument)
        move = partial(self._move, account, instrument)
        session = Session(account, instrument, table, starts_of(unit, number), move)
        self._sessions[account] = self.latest = session
        begin, end = session.span
        self._set_time(session, moment("startTime", begin))
        return shapes.ReplayAnswer(
            account_id=self._sim.accounts.number(account),
            contract_id=listing.id,
            total_bars=session.total,
            start_time=begin,
            end_time=end,
        )

    def step(self, request: requests.StepReplay) -> shapes.StepAnswer:
        """Deliver the next bar, or some of them."""
        session = self._session(request.account_id)
        if session.speed is not None:
            raise Failure(BUSY, "The session plays by itself; call Replay/pause first", 409)
        rows = session.step(request.count)
        return shapes.StepAnswer(
            bar=rows[-1] if rows else None,
            bars=rows,
            current_bar=session.done,
            total_bars=session.total,
            is_complete=session.complete,
        )

    def play(self, request: requests.PlayReplay) -> shapes.ReplayState:
        """Let it run by itself; another call changes the speed."""
        session = self._session(request.account_id)
        session.play(request.speed, self._clock.monotonic())
        return self._state(session)

    def pause(self, request: requests.OfAccount) -> shapes.ReplayState:
        """Stop it where it is."""
        session = self._session(request.account_id)
        session.pause()
        return self._state(session)

    def jump(self, request: requests.JumpReplay) -> shapes.ReplayState:
        """Run on to a moment at once; orders meet all bars on the way."""
        session = self._session(request.account_id)
        target = moment("timestamp", request.timestamp)
        now = session.time
        if now is not None and target < now:
            raise Failure(WRONG, f"timestamp: time does not go back; it is {iso(now)} already")
        session.step(session.before(target))
        if session.speed is not None:
            session.play(session.speed, self._clock.monotonic())
        return self._state(session)

    def end(self, request: requests.OfAccount) -> shapes.ReplayResult:
        """End a session; its account takes no more orders. Open positions stay as they are."""
        session = self._session(request.account_id)
        exchange = self._sim.desk.exchange
        account = exchange.account(session.account)
        assert account is not None
        del self._sessions[session.account]
        self._sim.presents.pop(session.instrument, None)
        self._sim.ended.add(session.account)
        trades, win_rate = tally(exchange.trades(session.account))
        return shapes.ReplayResult(
            account_id=request.account_id,
            final_balance=round(account.balance, 10),
            total_pnl=round(account.balance - START_BALANCE, 10),
            total_trades=trades,
            win_rate=win_rate,
        )

    # -- beside them -------------------------------------------------------------------------
    @property
    def playing(self) -> bool:
        """Whether a session goes on by itself."""
        return any(session.speed is not None for session in self._sessions.values())

    def catch_up(self) -> None:
        """Deliver what is due of the sessions that play by themselves."""
        now = self._clock.monotonic()
        for session in self._sessions.values():
            due = session.due(now)
            if not due:
                continue
            try:
                session.step(min(due, _MOST_AT_ONCE))
            except JournalError as error:
                _LOG.error("a session is paused, its bar could not be stored: %s", error)
                session.pause()
            if session.complete:
                session.pause()

    def past(self, instrument: Instrument) -> list[Bar]:
        """Bars of an instrument up to its present, oldest first."""
        for session in self._sessions.values():
            if session.instrument == instrument:
                return session.past()
        return self._sim.desk.seen.bars(instrument)

    # -- inside ------------------------------------------------------------------------------
    def _session(self, number: int) -> Session:
        name = self._sim.accounts.name(number)
        found = None if name is None else self._sessions.get(name)
        if found is None:
            raise Failure(NO_SESSION, f"Account {number} has no session", 404)
        return found

    def _state(self, session: Session) -> shapes.ReplayState:
        now = session.time
        return shapes.ReplayState(
            account_id=self._sim.accounts.number(session.account),
            current_bar=session.done,
            total_bars=session.total,
            current_time=None if now is None else iso(now),
            is_complete=session.complete,
            is_playing=session.speed is not None,
            speed=session.speed,
        )

    def _listing(self, symbol: str, start: int) -> Listing:
        """The contract that a symbol means on a day: a root, a contract, or a simulated name."""
        day = from_ns(start).date()
        spec = SPECS.get(symbol)
        if spec is not None and spec.ending is not None:
            return self._sim.contracts.front(symbol, day)
        try:
            known = self._sim.contracts.find(symbol)
            if known is not None:
                return known
            instrument = Instrument("CME", symbol)
            listing = self._sim.contracts.of(instrument, day)
            if listing.id.startswith("CON.F.US."):
                return listing
            return self._sim.contracts.of(Instrument("SIM", symbol), day)
        except SignalError as error:
            raise Failure(WRONG, f"instrumentSymbol: {error.rule}") from None

    def _open(self, instrument: Instrument) -> str:
        desk = self._sim.desk
        used = {row.account for row in desk.exchange.accounts()}
        number = len(desk.sessions) + 1
        while f"replay-{number}" in used:
            number += 1
        account = f"replay-{number}"
        desk.open_account(account, instrument)
        return account

    def _move(self, account: str, instrument: Instrument, bar: Bar) -> None:
        self._sim.times[account] = self._sim.presents[instrument] = bar.time
        self._sim.desk.move(instrument, bar)

    def _set_time(self, session: Session, time: int) -> None:
        self._sim.times[session.account] = self._sim.presents[session.instrument] = time
