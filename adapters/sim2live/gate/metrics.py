"""What does a journal tell a monitoring system? Figures in Prometheus's text format.

They are read from the journal, so that a strategy's process needs no port of its own and a process
that died still has figures. Worth an alert: ``sim2live_unknown`` above 0, ``sim2live_owed`` above 0
for more than a minute, ``sim2live_state{state="HALTED"}`` at 1 when nobody halted on purpose, and
``sim2live_heartbeat_age_seconds`` above 15 while something is presumed to be held.
"""

from __future__ import annotations

from collections.abc import Iterator

from sim2live.clock import NS, Clock
from sim2live.gate.archive import Archive
from sim2live.gate.exposition import histogram, metric
from sim2live.gate.journal import open_journal
from sim2live.gate.ledger import OWED, Line
from sim2live.gate.places import Place, places
from sim2live.signals import Instrument

_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
_STATES = ("ACTIVE", "REDUCING", "HALTED")
_Labels = dict[str, str]


def exposition(path: str, clock: Clock) -> str:
    """All figures of a journal as text.

    Args:
        path: the journal's file.
        clock: tells how old a heartbeat is.

    Raises:
        ConfigError: there is no such file.
        JournalError: it cannot be read.
    """
    archive = Archive(path)
    try:
        states = archive.states()
        counts, total = archive.latencies([round(bound * NS) for bound in _BOUNDS])
    finally:
        archive.close()
    lines, ages = _standing(path, clock)
    unknown = [one for one in states if one[2] in ("UNKNOWN", "SENDING")]
    return "".join(
        [
            metric(
                "sim2live_signals_total",
                "counter",
                "Signals by outcome.",
                [({"venue": v, "workflow": w, "state": s}, n) for v, w, s, n in states],
            ),
            histogram(
                "sim2live_latency_seconds",
                "From the first byte written to the answer read.",
                counts,
                _BOUNDS,
                total / NS,
            ),
            metric(
                "sim2live_unknown",
                "gauge",
                "Signals whose outcome nobody knows.",
                [({"venue": v, "workflow": w}, n) for v, w, _, n in unknown],
            ),
            metric(
                "sim2live_owed",
                "gauge",
                "1 while an exit is owed.",
                [(labels, float(OWED in line.reasons)) for labels, line in lines],
            ),
            metric(
                "sim2live_state",
                "gauge",
                "1 for the state that an instrument is in.",
                [
                    ({**labels, "state": name}, float(line.state == name))
                    for labels, line in lines
                    for name in _STATES
                ],
            ),
            metric(
                "sim2live_presumed",
                "gauge",
                "Contracts that the venue is presumed to hold; two bounds.",
                [bound for labels, line in lines for bound in _bounds(labels, line)],
            ),
            metric(
                "sim2live_heartbeat_age_seconds",
                "gauge",
                "Since the process of a workflow was seen alive; absent after a good end.",
                ages,
            ),
        ]
    )


def _bounds(labels: _Labels, line: Line) -> Iterator[tuple[_Labels, float]]:
    yield {**labels, "bound": "low"}, line.presumed.low
    yield {**labels, "bound": "high"}, line.presumed.high


def _standing(
    path: str, clock: Clock
) -> tuple[list[tuple[_Labels, Line]], list[tuple[_Labels, float]]]:
    lines: list[tuple[_Labels, Line]] = []
    ages: list[tuple[_Labels, float]] = []
    for place in places(path):
        kept = open_journal(path, place.venue, clock)
        try:
            found = kept.lines(place.workflow)
            beat = kept.mailbox.heartbeat(place.workflow)
        finally:
            kept.close()
        lines += [(_labels(place, name), line) for (_, name), line in found.items()]
        if beat is not None and beat[0]:
            ages.append((_labels(place), (clock.now_ns() - beat[1]) / NS))
    return lines, ages


def _labels(place: Place, instrument: Instrument | None = None) -> _Labels:
    made = {"venue": place.venue, "workflow": place.workflow}
    return made if instrument is None else {**made, "instrument": str(instrument)}
