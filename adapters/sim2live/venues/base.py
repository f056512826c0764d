"""What every venue can be asked.

A venue has one duty, :meth:`Venue.send`. Everything else has an honest default:
"cannot tell" is ``None``, and it never means "flat".
"""

# ruff: noqa: ARG002 - a default answers without looking at its arguments
from __future__ import annotations

import abc
from typing import TYPE_CHECKING, ClassVar, Literal

import msgspec

from sim2live.signals import Instrument
from sim2live.venues.outcome import Outcome, Profile

if TYPE_CHECKING:
    from sim2live.market.bars import Bar
    from sim2live.signals import Signal
    from sim2live.venues.relay_words import Slip

__all__ = ["GUARD_EXIT", "Profile", "Report", "ReportKind", "Venue"]

GUARD_EXIT = "/exit"
"""Ends the name of an order that closes a position because its stop is missing."""

ReportKind = Literal["fill", "cancel", "reject", "expire", "accept"]


class Report(msgspec.Struct, frozen=True):
    """Later news of an order, from a venue that can report.

    Attributes:
        id: Unique at the venue; a report seen twice has the same id.
        time: When it happened, UTC epoch nanoseconds.
        kind: What happened.
        signal_id: The signal that the order came from.
        order_id: The order's id at the venue.
        account: The account's name at the venue.
        workflow: The pool that the signal was sent to.
        instrument: What was traded.
        signed_qty: Whole contracts, positive for a purchase; 0 where nothing traded.
        price: The fill's price, or None where nothing traded.
        reason: The venue's words, if any.
        name: What a later signal calls the order: the ``order_id`` of the signal, or else its
            ``signal_id``; the legs of a bracket bear the name of their entry, followed by
            ``/stop_loss`` or ``/take_profit``, and the order that closes a position whose stop
            is missing ends in `GUARD_EXIT`. Empty where the venue cannot tell.
    """

    id: str
    time: int
    kind: ReportKind
    signal_id: str
    order_id: str
    account: str
    workflow: str
    instrument: Instrument
    signed_qty: int
    price: float | None
    reason: str = ""
    name: str = ""


class Venue(abc.ABC):
    """A place that signals go to.

    Attributes:
        name: A short word for messages.
        simulated: True only when it is certain that no real money is behind it.
        can_cancel: Resting orders can be changed and cancelled, by signals of schema 1.1 with
            the action MODIFY or CANCEL and the order's name as `order_id` (see :class:`Report`).
            Both may be repeated; one for an order that is gone is REJECTED.
        can_report: Fills and later news come back through :meth:`reports`.
        here: The venue is in this process: asking it for news costs no time.
        takes_bars: Each bar must reach it by itself, because it may act on it. False where
            :meth:`on_bar` does nothing, so that bars may be handed over many at once.
        fingerprint: Who this venue is in the journal. Rows are kept by it, so
            two venues with one fingerprint share a memory of signal ids.
        profile: What has been proved of the venue.
    """

    name: ClassVar[str] = "venue"
    simulated: bool = False
    can_cancel: bool = False
    can_report: bool = False
    here: bool = False
    takes_bars: bool = True
    fingerprint: str
    profile: Profile = Profile()

    @abc.abstractmethod
    def send(self, signal: Signal, *, timeout: float) -> Outcome:
        """Hand one signal to the venue.

        Never raises for a reason of delivery, and is safe to call from several threads.

        Args:
            signal: The signal. Its id and bytes are the same at every attempt.
            timeout: Seconds for the whole exchange, connecting and one reconnect included.

        Returns:
            What became of it.
        """

    def lookup(self, signal: Signal) -> Outcome | None:
        """What the venue says became of a signal; None when it cannot tell."""
        return None

    def withdraw(self, signal: Signal) -> str:
        """Make sure that a signal of unknown outcome, once a human called it void, stays so.

        A venue that is told directly acts at once or never. One behind a queue has to be asked.

        Returns:
            Why nobody can promise that; empty when it is sure.
        """
        return ""

    def positions(self, workflow: str) -> dict[Instrument, int] | None:
        """Net whole contracts held in a pool.

        Args:
            workflow: The pool.

        Returns:
            One entry for each instrument held, or None when the venue cannot tell.
            None is never "flat"; an empty dict is.
        """
        return None

    def probe(self, *, timeout: float) -> bool:
        """Whether anybody is there. No order is sent.

        Args:
            timeout: Seconds for the whole question.
        """
        return True

    def on_bar(self, instrument: Instrument, bar: Bar) -> None:
        """Take a price, where the venue is simulated; a real venue ignores it."""
        return

    def on_way(self, slip: Slip, host: str) -> None:
        """Take how a signal came over a relay, to show it; a real venue ignores it.

        Args:
            slip: The relay's receipt.
            host: The strategy's host, or empty.
        """
        return

    def reports(self) -> list[Report]:
        """News since the last call, oldest first."""
        return []

    def close(self) -> None:
        """Let go of connections. Closing twice does no harm."""
        return
