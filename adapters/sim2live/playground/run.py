"""Run a script of the Algo Playground against a private gateway and keep what came of it."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO

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
from sim2live.playground.record import Record, equity, fills_of, worst_drawdown
from sim2live.venues.transport import Transport

#: The platform takes no longer script.
MOST_BYTES = 200 * 1024
_BASE = "/api/topstep-sim"
_SECONDS = 60.0
_LAST_SECONDS = 10.0
_OWN_HEADER = frozenset({"api", "get_next_bar"})

Hear = Callable[[str, str], None]
"""Called with ``stdout`` or ``stderr`` and a line, from another thread."""


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
        self._hear = hear
        self._whole = is_whole(plan.script)
        self._folder = tempfile.TemporaryDirectory(prefix="sim2live-playground-")
        self.speed_file = Path(self._folder.name) / "speed"
        self.speed_file.write_text(str(plan.delay), "utf-8")
        self._gateway: Gateway | None = None
        self._process: subprocess.Popen[str] | None = None

    @property
    def progress(self) -> tuple[int, int]:
        """Bars delivered and bars in all."""
        session = None if self._gateway is None else self._gateway.second.replays.latest
        return (0, 0) if session is None else (session.done, session.total)

    def stop(self) -> None:
        """Ask the script to end; safe from any thread."""
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGTERM)

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
                code = self._execute(self._environment(client, begun))
                return self._outcome(gateway, begun, code)
            finally:
                client.close()

    # -- inside ------------------------------------------------------------------------------
    def _environment(self, client: _Client, begun: _Begun) -> dict[str, str]:
        plan = self.plan
        return {
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            "PYTHONIOENCODING": "utf-8",
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

    def _execute(self, environment: dict[str, str]) -> int:
        """Run the script and hand on its output; returns its exit code."""
        command = [sys.executable, "-u"]
        command += [] if self._whole else ["-m", "sim2live.playground"]
        process = self._process = subprocess.Popen(  # noqa: S603 - the user's own script
            [*command, str(self.plan.script)],
            env=_with_package(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        readers = [
            threading.Thread(target=self._read, args=(name, stream), daemon=True)
            for name, stream in (("stdout", process.stdout), ("stderr", process.stderr))
            if stream is not None
        ]
        try:
            for reader in readers:
                reader.start()
            for reader in readers:
                reader.join()
            return process.wait()
        finally:
            if process.poll() is None:  # we are being stopped ourselves
                process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_LAST_SECONDS)
                process.kill()
                process.wait()

    def _read(self, name: str, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                self._hear(name, line.rstrip("\n"))

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


def is_whole(script: Path) -> bool:
    """Whether a script brings its own header, or is the strategy logic alone.

    Args:
        script: The file.

    Raises:
        ConfigError: It cannot be read, is too long, or is no Python.
    """
    try:
        text = script.read_bytes()
    except OSError as error:
        raise ConfigError(f"script={str(script)!r}: {error.strerror or error}") from None
    if len(text) > MOST_BYTES:
        raise ConfigError(f"script={str(script)!r}: must be at most {MOST_BYTES} bytes")
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        raise ConfigError(f"script={str(script)!r}: {error}") from None
    defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return defined >= _OWN_HEADER


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


def _with_package(environment: dict[str, str]) -> dict[str, str]:
    """This very package, also where it is not installed."""
    here = str(Path(__file__).parents[2])
    known = environment.get("PYTHONPATH")
    return {**environment, "PYTHONPATH": here if not known else os.pathsep.join((here, known))}
