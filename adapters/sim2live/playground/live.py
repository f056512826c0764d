"""Run a script on a real account, through a proxy of ours that writes down and guards.

The script sees one contract of one account. When it ends, fails or is stopped, everything of
that contract is cancelled and closed; other contracts are never touched. A start that is not
flat is refused.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from msgspec import Struct

from sim2live.clock import NS, Clock, SystemClock, iso
from sim2live.errors import ConfigError, Sim2LiveError
from sim2live.gate.store import MEMORY
from sim2live.gateway.background import serving
from sim2live.gateway.projectx.dialect import TestMax
from sim2live.gateway.projectx.door import Door
from sim2live.gateway.projectx.envelope import Failure, refusal_in_envelope
from sim2live.gateway.projectx.replay import TIMEFRAMES
from sim2live.gateway.projectx.tokens import Tokens
from sim2live.gateway.shield import Front, Shield, hosts
from sim2live.playground.child import Hear, Script
from sim2live.playground.journal import Journal
from sim2live.playground.live_desk import LiveDesk
from sim2live.signals import Instrument
from sim2live.venues.projectx import ProjectX
from sim2live.venues.projectx_accounts import Accounts
from sim2live.venues.projectx_bars import ProjectXBars

_BASE = "/api/topstep-sim"


class LivePlan(Struct, frozen=True, kw_only=True):
    """What is to be run on a real account.

    Attributes:
        script: A whole script, or the strategy logic alone.
        account: Name or number of the account.
        instrument: Such as ``CME:NQZ6``.
        timeframe: 1s, 5s, 1m, 5m, 15m, 30m, 1h, 4h or 1D.
        bars: Bars until ``MAX_BARS`` is reached.
        journal: File of what was sent.
    """

    script: Path
    account: str
    instrument: Instrument
    timeframe: str
    bars: int
    journal: str | Path = MEMORY


class LiveRun:
    """One run of a script on a real account.

    Args:
        plan: What is to be run.
        venue: The server, in the ProjectX dialect; it stays open.
        hear: What is called with each line of output.
        clock: Source of time.

    Raises:
        ConfigError: The script or the timeframe breaks a rule, or the venue only simulates.
    """

    def __init__(
        self, plan: LivePlan, venue: ProjectX, hear: Hear, clock: Clock | None = None
    ) -> None:
        if plan.timeframe not in TIMEFRAMES:
            names = ", ".join(TIMEFRAMES)
            raise ConfigError(f"timeframe={plan.timeframe[:20]!r}: must be one of {names}")
        if venue.session.dialect.name != "projectx":
            raise ConfigError("venue: a live run needs the ProjectX dialect")
        self._plan, self._venue = plan, venue
        self._clock = SystemClock() if clock is None else clock
        self._script = Script(plan.script, hear)

    def stop(self) -> None:
        """Ask the script to end; the contract is flattened then. Safe from any thread."""
        self._script.stop()

    def run(self) -> int:
        """Run the script to its end and flatten its contract.

        Returns:
            The exit code of the script.

        Raises:
            ConfigError: The contract is not flat at the start; nothing was run.
            Sim2LiveError: The venue did not answer, or says at the end that the contract is not
                flat: somebody has to look.
        """
        plan, venue = self._plan, self._venue
        (account,) = Accounts(None).of(plan.account, venue.reads.read)
        contract = venue.contracts.resolve(plan.instrument, venue.reads.read).id
        bars = ProjectXBars(venue, plan.instrument, plan.timeframe, clock=self._clock)
        journal = Journal(plan.journal)
        length = TIMEFRAMES[plan.timeframe][2] * NS
        run = f"pg-{secrets.token_hex(6)}"
        desk = LiveDesk(venue, account, contract, iter(bars), length, journal, run, self._clock)
        try:
            _check_flat(desk, contract)
            tokens = Tokens(None, self._clock)
            token = tokens.login("playground", "")
            with serving(lambda port: _front(desk, tokens, port)) as url:
                try:
                    code = self._script.execute(
                        self._environment(url + _BASE, token, account.id, contract)
                    )
                finally:
                    bars.close()
                    flat = desk.flatten()
            if not flat:
                raise Sim2LiveError(f"{contract} of {account.name} is NOT FLAT; look at it now")
            return code
        finally:
            journal.close()

    def _environment(self, url: str, token: str, account: int, contract: str) -> dict[str, str]:
        plan = self._plan
        return {
            "TESTMAX_API_URL": url,
            "TESTMAX_TOKEN": token,
            "INSTRUMENT": plan.instrument.symbol,
            "START_DATE": iso(self._clock.now_ns())[:10],
            "END_DATE": "",
            "TIMEFRAME": plan.timeframe,
            "STEP_DELAY": "0",
            "SPEED_FILE": "",
            "ACCOUNT_ID": str(account),
            "CONTRACT_ID": contract,
            "TOTAL_BARS": str(plan.bars),
        }


def _check_flat(desk: LiveDesk, contract: str) -> None:
    try:
        flat = desk.is_flat()
    except Failure as failure:
        raise Sim2LiveError(f"{contract}: the venue cannot tell: {failure.message}") from None
    if not flat:
        raise ConfigError(f"{contract}: is not flat; close positions and orders first")


def _front(desk: LiveDesk, tokens: Tokens, port: int) -> Front:
    base = f"{_BASE}/".encode()
    door = Door(TestMax(), desk.endpoints(), base, tokens)
    return Front(
        lambda path: path.startswith(base), Shield(hosts(port), tell=refusal_in_envelope), door
    )
