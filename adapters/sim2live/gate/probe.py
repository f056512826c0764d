"""What does a blind venue do with a repeated id, too large a close, a close beside legs?

Three harmless pairs of signals on a *simulation* pool, each followed by a question to the human who
looks at its account. Only an answer sets the profile; what is not answered stays unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec
from msgspec.structs import replace

from sim2live.errors import ConfigError
from sim2live.gate.facts import Facts
from sim2live.signals import (
    BUY,
    CLOSE,
    OPEN,
    SELL,
    Bracket,
    Instrument,
    Side,
    Signal,
    StopLoss,
    TakeProfit,
    signal_id,
)
from sim2live.venues.base import Venue
from sim2live.venues.outcome import Kind, Profile

Known = Literal["yes", "no", "unknown"]
Ask = Callable[[str], int | None]
"""Puts a question to a human; a whole number, or None for "I cannot tell"."""

FACT = "profile"
FAR = 0.2
"""Legs stand this part of the price away, where nothing fills them during the probe."""


def stored(facts: Facts) -> Profile | None:
    """The profile that a probe of this venue has left, or None."""
    text = facts.get("", FACT)
    return None if text is None else msgspec.json.decode(text, type=Profile)


def keep(facts: Facts, profile: Profile) -> None:
    """Keep a profile for every later start on this venue."""
    facts.put("", FACT, msgspec.json.encode(profile).decode())


class Probe:
    """Sends the pairs and asks the questions.

    Args:
        venue: where to.
        workflow: a simulation pool that nobody else trades.
        instrument: what to trade one contract of.
        ask: the human.
        run: a name never used before, so that no id repeats one of an earlier probe.
        now: ns UTC, part of the ids.
        timeout: seconds for each exchange.
    """

    def __init__(
        self,
        venue: Venue,
        workflow: str,
        instrument: Instrument,
        ask: Ask,
        *,
        run: str,
        now: int,
        timeout: float = 5.0,
    ) -> None:
        self._venue = venue
        self._workflow = workflow
        self._instrument = instrument
        self._ask = ask
        self._run = run
        self._now = now
        self._timeout = timeout
        self._sent = 0

    def profile(self) -> Profile:
        """Go through the three pairs.

        Returns:
            The venue's profile with what was found.

        Raises:
            ConfigError: the pool is not flat, or a signal was not accepted; nothing is kept.
        """
        if self._position("before the first signal") != 0:
            raise ConfigError("the pool must be flat before the probe; nothing was sent")
        dedupe = self._same_id_twice()
        reduce_only = self._close_too_large()
        cancels = self._close_beside_legs()
        return replace(
            self._venue.profile,
            dedupe=dedupe,
            close_is_reduce_only=reduce_only,
            close_cancels_legs=cancels,
        )

    def _same_id_twice(self) -> Known:
        first = self._signal(BUY, 1, OPEN)
        self._send(first)
        self._send(first, again=True)
        held = self._position("after one BUY whose id was sent twice")
        found = _known(held, yes=1, no=2)
        self._even(held)
        return found

    def _close_too_large(self) -> Known:
        self._send(self._signal(BUY, 1, OPEN))
        self._send(self._signal(SELL, 2, CLOSE))
        held = self._position("after BUY 1 and a CLOSE of 2")
        found = _known(held, yes=0, no=-1)
        self._even(held)
        return found

    def _close_beside_legs(self) -> Known:
        price = self._ask(f"What is the last price of {self._instrument}, roughly?")
        if price is None or price <= 0:
            return "unknown"
        # A multiple of a hundred fits the tick of everything that costs so much.
        step = 100 if price >= 1_000 else 1
        down = max(step, round(price * (1 - FAR) / step) * step)
        up = round(price * (1 + FAR) / step) * step
        bracket = Bracket(take_profit=TakeProfit(float(up)), stop_loss=StopLoss(float(down)))
        self._send(replace(self._signal(BUY, 1, OPEN), bracket=bracket))
        self._send(self._signal(SELL, 1, CLOSE))
        held = self._position("after BUY 1 with a bracket and a CLOSE of 1")
        self._even(held)
        working = self._ask(
            f"How many orders of {self._instrument} are still working? (Cancel them after this.)"
        )
        if held != 0 or working is None or working < 0:
            return "unknown"
        return "yes" if working == 0 else "no"

    def _position(self, when: str) -> int | None:
        return self._ask(f"How many contracts of {self._instrument} are held, {when}?")

    def _even(self, held: int | None) -> None:
        """Back to zero before the next pair."""
        if held is None:
            raise ConfigError(
                "without the position the probe cannot go on; bring the pool to zero by hand"
            )
        if held:
            self._send(self._signal(SELL if held > 0 else BUY, abs(held), CLOSE))

    def _signal(self, side: Side, quantity: int, open_close: Literal["OPEN", "CLOSE"]) -> Signal:
        self._sent += 1
        return Signal(
            signal_id=signal_id(
                strategy="doctor",
                run=self._run,
                workflow=self._workflow,
                data=str(self._instrument),
                decided_at=self._now,
                nth=self._sent,
                leg="fix",
            ),
            workflow_id=self._workflow,
            instrument=self._instrument,
            side=side,
            qty=quantity,
            open_close=open_close,
        )

    def _send(self, signal: Signal, *, again: bool = False) -> None:
        outcome = self._venue.send(signal, timeout=self._timeout)
        # A venue may well refuse an id that it knows; that is an answer, too.
        if outcome.kind is not Kind.ACCEPTED and not (again and outcome.kind is Kind.REJECTED):
            raise ConfigError(
                f"{signal.side} {signal.qty} ended {outcome.kind.value}: {outcome.reason}; "
                "bring the pool to zero by hand, nothing is kept"
            )


def _known(found: int | None, *, yes: int, no: int) -> Known:
    if found == yes:
        return "yes"
    return "no" if found == no else "unknown"
