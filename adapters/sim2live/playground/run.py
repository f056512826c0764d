"""Run a script of the Algo Playground against a private gateway and keep what came of it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from sim2live.errors import ConfigError
from sim2live.exchange.accounts import START_BALANCE
from sim2live.gateway.projectx.build import SecondDoorOptions
from sim2live.gateway.projectx.result import tally
from sim2live.gateway.projectx.session import Session
from sim2live.gateway.server import Gateway, running_gateway
from sim2live.market.bars import Bar
from sim2live.market.contracts import contract
from sim2live.playground.child import Hear, Script
from sim2live.playground.record import Record, equity, fills_of, worst_drawdown
from sim2live.venues.transport import Transport

_BASE = "/api/topstep-sim"
_SECONDS = 60.0


class Plan(Struct, frozen=True, kw_only=True):
    """What is to be run.

    Attributes:
        script: A whole script of five sections, or the fourth alone.
        instrument: Root such as ``NQ``, or a contract.
        start: First date, YYYY-MM-DD, UTC.
        end: Last date, or None for the first alone.
        timeframe: 1s, 5s, 1m, 5m, 15m, 30m, 1h, 4h or 1D.
        bars: The data, oldest first; None for synthetic ones.
        delay: Seconds between bars, for scripts that read the speed.
        seed: Of synthetic bars.
    """

    script: Path
    instrument: str
    start: str
    end: str | None
    timeframe: str
    bars: Iterable[Bar] | None = None
    delay: float = 0.0
    seed: int = 1


class Outcome(Struct, frozen=True, kw_only=True):
    """What came of it: the record, the bars that were delivered, and the equity at each."""

    record: Record
    bars: list[Bar]
    curve: list[float]


class Run:
    """One run, to be watched while it goes on.

    Args:
        plan: What is to be run.
        hear: What is called with each line of output.

    Attributes:
        speed_file: Write seconds between bars into it to change the speed of a running script.

    Raises:
        ConfigError: The script cannot be read or is too long.
    """

    def __init__(self, plan: Plan, hear: Hear) -> None:
        self.plan = plan
        self._script = Script(plan.script, hear)
        self._folder = tempfile.TemporaryDirectory(prefix="sim2live-playground-")
        self.speed_file = Path(self._folder.name) / "speed"
        self.speed_file.write_text(str(plan.delay), "utf-8")
        self._gateway: Gateway | None = None

    @property
    def progress(self) -> tuple[int, int]:
        """Bars delivered and bars in all."""
        session = None if self._gateway is None else self._gateway.second.replays.latest
        return (0, 0) if session is None else (session.done, session.total)

    def stop(self) -> None:
        """Ask the script to end; safe from any thread."""
        self._script.stop()

    def run(self) -> Outcome:
        """Run to the end of the script.

        Returns:
            The record, also when the script failed.

        Raises:
            ConfigError: The replay could not begin; the script was not run.
        """
        plan = self.plan
        files = {} if plan.bars is None else {plan.instrument: plan.bars}
        options = SecondDoorOptions(replay=files, seed=plan.seed)
        with self._folder, running_gateway({}, second=options) as gateway:
            self._gateway = gateway
            client = _Client(gateway.url + _BASE)
            try:
                begun = client.begin(plan)
                code = self._script.execute(self._environment(client, begun))
                return self._outcome(gateway, begun, code)
            finally:
                client.close()

    # -- inside ------------------------------------------------------------------------------
    def _environment(self, client: _Client, begun: _Begun) -> dict[str, str]:
        plan = self.plan
        return {
            "TESTMAX_API_URL": client.url,
            "TESTMAX_TOKEN": client.token,
            "INSTRUMENT": plan.instrument,
            "START_DATE": plan.start,
            "END_DATE": plan.end or plan.start,
            "TIMEFRAME": plan.timeframe,
            "STEP_DELAY": str(plan.delay),
            "SPEED_FILE": str(self.speed_file),
            "ACCOUNT_ID": str(begun.accountId),
            "CONTRACT_ID": begun.contractId,
            "TOTAL_BARS": str(begun.totalBars),
        }

    def _outcome(self, gateway: Gateway, begun: _Begun, code: int) -> Outcome:
        session = gateway.second.replays.latest
        assert session is not None
        plan, exchange = self.plan, gateway.desk.exchange
        account = exchange.account(session.account)
        assert account is not None
        trades = exchange.trades(session.account)
        fills = fills_of(trades)
        count, win_rate = tally(trades)
        bars = session.whole_bars()
        curve = equity(bars, fills, START_BALANCE, _point_value(session))
        record = Record(
            script=plan.script.name,
            instrument=plan.instrument,
            contract=begun.contractId,
            timeframe=plan.timeframe,
            start=plan.start,
            end=plan.end or plan.start,
            bars=session.done,
            total_bars=session.total,
            exit_code=code,
            start_balance=START_BALANCE,
            final_balance=round(account.balance, 6),
            net_pnl=round(account.balance - START_BALANCE, 6),
            total_trades=count,
            win_rate=win_rate,
            worst_drawdown=round(worst_drawdown(curve), 6),
            open_position=sum(row.qty for row in exchange.positions_of(session.account)),
            fills=fills,
        )
        return Outcome(record=record, bars=bars, curve=curve)


class _Begun(Struct):
    """The answer of Replay/start."""

    accountId: int  # noqa: N815 - words of the wire
    contractId: str  # noqa: N815
    totalBars: int  # noqa: N815


class _Token(Struct):
    token: str


class _Refusal(Struct):
    errorMessage: str | None = None  # noqa: N815


class _Client:
    """Logs in and begins the session, as the platform does before a script starts."""

    def __init__(self, url: str) -> None:
        self.url = url
        login = Transport(url)
        answer = login.post(
            "/Auth/loginKey", b'{"userName":"playground","apiKey":"private"}', timeout=_SECONDS
        )
        login.close()
        self.token = msgspec.json.decode(answer.body, type=_Token).token
        self._transport = Transport(url, token=self.token)

    def begin(self, plan: Plan) -> _Begun:
        body = msgspec.json.encode(
            {
                "instrumentSymbol": plan.instrument,
                "startDate": plan.start,
                "endDate": plan.end,
                "timeframe": plan.timeframe,
            }
        )
        answer = self._transport.post("/Replay/start", body, timeout=_SECONDS)
        if answer.status != 200:
            refusal = msgspec.json.decode(answer.body, type=_Refusal)
            raise ConfigError(f"replay: {refusal.errorMessage}")
        return msgspec.json.decode(answer.body, type=_Begun)

    def close(self) -> None:
        self._transport.close()


def _point_value(session: Session) -> float:
    found = contract(session.instrument)
    return 1.0 if found is None else found.point_value
