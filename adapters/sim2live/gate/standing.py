"""Where does everything stand? What a start shows, and what people ask for later."""

from __future__ import annotations

from msgspec import Struct

from sim2live.gate.book import Book
from sim2live.gate.gate import Gate


class Standing(Struct, frozen=True, kw_only=True):
    """One instrument of a workflow.

    Attributes:
        instrument: such as ``CME:MESZ6``.
        mirror: whole contracts that the strategies want (their simulators hold).
        presumed: what the venue is presumed to hold, in words.
        venue: what it said when it was read at the start; None where it cannot be read.
        state: ``ACTIVE``, ``REDUCING`` or ``HALTED``.
        reasons: why, in words.
        owed: id of the exit that did not go yet, or empty.
        unknown: ids of signals whose outcome nobody knows.
    """

    instrument: str
    mirror: int
    presumed: str
    venue: int | None
    state: str
    reasons: tuple[str, ...] = ()
    owed: str = ""
    unknown: tuple[str, ...] = ()


class Overview(Struct, frozen=True, kw_only=True):
    """A workflow at one moment.

    Attributes:
        workflow: the pool.
        fingerprint: who the venue is.
        clean: False when the process before this one ended without closing.
        readable: whether the venue says what it holds.
        lines: one for each instrument, in order of their names.
    """

    workflow: str
    fingerprint: str
    clean: bool
    readable: bool
    lines: tuple[Standing, ...]

    @property
    def settled(self) -> bool:
        """True when mirror and venue agree as far as anybody knows, and nothing is open."""
        return all(
            line.state == "ACTIVE"
            and not line.unknown
            and not line.owed
            and line.presumed == (f"{line.mirror:+d}" if line.mirror else "0")
            for line in self.lines
        )

    def text(self) -> str:
        """For a terminal or a log: one line for each instrument."""
        ended = "" if self.clean else "; the process before ended without closing"
        sight = "" if self.readable else "; the venue cannot be read"
        head = f"{self.workflow} at {self.fingerprint}{sight}{ended}"
        return "\n".join([head, *(_line(line) for line in self.lines)])

    def _repr_html_(self) -> str:
        """A small table for notebooks; every text is escaped."""
        from html import escape

        head = escape(self.text().splitlines()[0])
        rows = "".join(_row(line) for line in self.lines)
        names = "".join(f"<th>{name}</th>" for name in _HEAD)
        return f"<table><caption>{head}</caption><tr>{names}</tr>{rows}</table>"


_HEAD = ("instrument", "wanted", "presumed", "venue", "state", "open")


def _row(line: Standing) -> str:
    from html import escape

    state = line.state + (f" ({'; '.join(line.reasons)})" if line.reasons else "")
    still = ", ".join([line.owed] * bool(line.owed) + list(line.unknown))
    read = "" if line.venue is None else f"{line.venue:+d}"
    cells = (line.instrument, f"{line.mirror:+d}", line.presumed, read, state, still)
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


def _line(line: Standing) -> str:
    read = "" if line.venue is None else f", the venue says {line.venue:+d}"
    parts = [f"  {line.instrument}: wanted {line.mirror:+d}, presumed {line.presumed}{read}"]
    parts.append(line.state + (f" ({'; '.join(line.reasons)})" if line.reasons else ""))
    if line.owed:
        parts.append(f"exit owed {line.owed}")
    if line.unknown:
        parts.append(f"unknown {', '.join(line.unknown)}")
    return ", ".join(parts)


def standing(gate: Gate, workflow: str) -> Overview:
    """How a workflow of this process stands now."""
    read = gate.shelf.read.get(workflow)
    return Overview(
        workflow=workflow,
        fingerprint=gate.venue.fingerprint,
        clean=workflow not in gate.shelf.unclean,
        readable=read is not None,
        lines=tuple(
            _of(book, None if read is None else read.get(book.key[1], 0))
            for book in sorted(gate.books_of(workflow), key=lambda book: str(book.key[1]))
        ),
    )


def _of(book: Book, read: int | None) -> Standing:
    line = book.line
    reasons = [*line.reasons]
    if line.halted:
        reasons.insert(0, line.halted)
    if line.waiting:
        reasons.append("WAITING")
    if line.flat:
        reasons.append("flat until the target turns")
    if book.here:
        reasons += [f"{who}, not here yet, wants {n:+d}" for who, n in book.missing.items()]
    return Standing(
        instrument=str(book.key[1]),
        mirror=book.total,
        presumed=str(line.presumed),
        venue=read,
        state=line.state,
        reasons=tuple(reasons),
        owed=book.owed.id if book.owed is not None else "",
        unknown=tuple(sorted(book.unknown)),
    )
