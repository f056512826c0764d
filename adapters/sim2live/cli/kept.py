"""How the command shows what a journal keeps: which file, whose time, which words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sim2live.gate.archive import Archive, Entry
    from sim2live.signals import Signal

JournalFile = Annotated[
    str | None,
    typer.Option("--journal", metavar="PATH", help="The journal; by default that of the settings."),
]
#: Colour of each state of a row.
STYLES = {
    "ACCEPTED": "green",
    "REJECTED": "red",
    "NOT_SENT": "yellow",
    "UNKNOWN": "bold red",
    "HELD": "yellow",
    "SENDING": "cyan",
}
#: What each state means, for people.
MEANINGS = {
    "ACCEPTED": "The venue took it, which is not the same as a fill.",
    "REJECTED": "The venue refused it: nothing is working there.",
    "NOT_SENT": "Not one byte of it was written: the venue cannot know of it.",
    "UNKNOWN": "It may or may not have been executed. Look at the venue, then tell it with "
    "`sim2live resolve`.",
    "HELD": "A rule refused it: nothing was sent.",
    "SENDING": "It is on its way, or the process died before the answer came.",
}
_CENTRAL = frozenset({"CME", "CBOT", "NYMEX", "COMEX"})


def open_archive(journal: str | None) -> Archive:
    """The journal that is named, or that of the settings.

    Raises:
        ConfigError: there is no such file.
    """
    from sim2live.gate.archive import Archive
    from sim2live.settings import data_folder, load

    return Archive(journal or load().journal or str(data_folder() / "journal.sqlite3"))


def zone_of(exchange: str) -> str:
    """Name of the time zone that an exchange speaks of; UTC where it is not known."""
    return "America/Chicago" if exchange.upper() in _CENTRAL else "UTC"


def exchange_time(ns: int, exchange: str) -> str:
    """A moment in exchange time, with milliseconds and the distance from UTC."""
    from zoneinfo import ZoneInfo

    from sim2live.clock import from_ns

    return from_ns(ns).astimezone(ZoneInfo(zone_of(exchange))).isoformat(" ", "milliseconds")


def order_text(signal: Signal) -> str:
    """What a signal asks for, in one line."""
    prices = [signal.trigger_price, signal.limit_price]
    at = " / ".join(f"{price:g}" for price in prices if price is not None)
    words = [signal.side, str(signal.qty), str(signal.instrument), signal.order_type]
    words += [f"at {at}"] if at else []
    words += [signal.open_close] if signal.open_close else []
    bracket = signal.bracket
    if bracket is not None and bracket.take_profit is not None:
        words.append(f"target {bracket.take_profit.limit_price:g}")
    if bracket is not None and bracket.stop_loss is not None:
        words.append(f"stop {bracket.stop_loss.trigger_price:g}")
    return " ".join(words)


def facts(entry: Entry) -> dict[str, object]:
    """A row as a machine reads it; times are RFC 3339, latency is in milliseconds."""
    from sim2live.clock import iso

    row, signal = entry.row, entry.row.signal
    return {
        "signal_id": row.id,
        "venue": entry.venue,
        "workflow": row.workflow,
        "strategy": row.strategy,
        "run": row.run,
        "data": row.data,
        "instrument": str(row.instrument),
        "decided_at": iso(row.decided_at),
        "written_at": iso(row.created_at),
        "answered_at": None if row.answered_at is None else iso(row.answered_at),
        "leg": row.leg,
        "side": signal.side,
        "qty": signal.qty,
        "order_type": signal.order_type,
        "limit_price": signal.limit_price,
        "trigger_price": signal.trigger_price,
        "open_close": signal.open_close,
        "state": row.state,
        "reason": row.reason,
        "sends": row.sends,
        "latency_ms": None if row.latency is None else row.latency / 1_000_000,
    }
