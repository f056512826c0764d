"""What did one run of a strategy do? The record that two runs are compared by.

One line of JSON for each event, in the order in which the run made them, so that equal runs give
equal bytes. A line is an object with ``kind``: ``run`` (the first line), ``decision``, ``holding``,
``fill`` or ``equity``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from sim2live.errors import DataError, shorten
from sim2live.signals import Instrument


class Decision(Struct, frozen=True, kw_only=True, tag_field="kind", tag="decision"):
    """The strategy asked for an order.

    Attributes:
        time: When the bar closed on which it decided, nanoseconds since 1970-01-01 UTC.
        data: Name of the data in the framework.
        side: ``BUY`` or ``SELL``.
        qty: Size in the framework, always positive; may be a fraction.
        order_type: Type in the framework's own word, such as ``Market`` or ``StopTrail``.
        instrument: What it stands for at the venue; None where nothing is mapped.
        price: Limit or trigger price in points; None for a market order.
        status: What became of it, in the framework's own word.
        reason: Why, where somebody said so.
    """

    time: int
    data: str
    side: str
    qty: float
    order_type: str
    instrument: Instrument | None = None
    price: float | None = None
    status: str = ""
    reason: str = ""


class Holding(Struct, frozen=True, kw_only=True, tag_field="kind", tag="holding"):
    """Position of one data after a bar.

    Attributes:
        time: When the bar closed, nanoseconds since 1970-01-01 UTC.
        data: Name of the data.
        size: Units held, negative when short.
    """

    time: int
    data: str
    size: float


class FillAt(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="fill"):
    """Something was bought or sold.

    Attributes:
        time: Nanoseconds since 1970-01-01 UTC.
        data: Name of the data.
        size: Units, negative for a sale.
        price: In points.
        leg: ``stop_loss`` or ``take_profit`` where a leg of a bracket at the venue was filled.
    """

    time: int
    data: str
    size: float
    price: float
    leg: str = ""


class Run(Struct, kw_only=True):
    """Everything that one run did, each list in order of time.

    Attributes:
        name: What the run is called in a comparison.
        decisions: Orders that the strategy asked for.
        positions: What was held after each bar.
        fills: What was bought and sold.
        equity: Pairs of time (nanoseconds since 1970-01-01 UTC) and account value.
    """

    name: str
    decisions: list[Decision] = []
    positions: list[Holding] = []
    fills: list[FillAt] = []
    equity: list[tuple[int, float]] = []

    def write(self, path: str | Path) -> None:
        """Write the run as JSON lines; an existing file is replaced.

        Raises:
            DataError: An event holds what cannot be read back, such as a number that is not
                finite, which JSON cannot say.
        """
        Path(path).write_bytes(b"".join(_line(event) + b"\n" for event in self._events()))

    @classmethod
    def read(cls, path: str | Path) -> Run:
        """Read what `write` wrote.

        Raises:
            DataError: A line is no event of a run; the text names file and line.
        """
        run: Run | None = None
        for number, line in enumerate(Path(path).read_bytes().splitlines(), 1):
            try:
                event = _DECODER.decode(line)
            except (msgspec.MsgspecError, UnicodeError) as error:
                raise DataError(f"{path}, line {number}: {shorten(line)}: {error}") from None
            if isinstance(event, _Head):
                if run is not None:
                    raise DataError(f"{path}, line {number}: a second run begins here")
                run = cls(name=event.name)
            elif run is None:
                raise DataError(f"{path}, line {number}: the first line must name the run")
            elif isinstance(event, Decision):
                run.decisions.append(event)
            elif isinstance(event, Holding):
                run.positions.append(event)
            elif isinstance(event, FillAt):
                run.fills.append(event)
            else:
                run.equity.append((event.time, event.value))
        if run is None:
            raise DataError(f"{path}: holds no run")
        return run

    def _events(self) -> Iterator[_Event]:
        yield _Head(name=self.name)
        yield from self.decisions
        yield from self.positions
        yield from self.fills
        for time, value in self.equity:
            yield _Equity(time=time, value=value)


class _Head(Struct, frozen=True, kw_only=True, tag_field="kind", tag="run"):
    name: str


class _Equity(Struct, frozen=True, kw_only=True, tag_field="kind", tag="equity"):
    time: int
    value: float


_Event = _Head | Decision | Holding | FillAt | _Equity
_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(_Event)


def _line(event: _Event) -> bytes:
    """The event as it will also be written after it has been read: 3 and 3.0 are one number."""
    try:
        again = _DECODER.decode(_ENCODER.encode(event))
    except (msgspec.MsgspecError, UnicodeError, TypeError) as error:
        raise DataError(f"event={shorten(event)}: {error}") from None
    if again != event:
        raise DataError(f"event={shorten(event)}: holds a number that is not finite")
    return _ENCODER.encode(again)
