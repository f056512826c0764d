"""What is traded, and under which two names?"""

from __future__ import annotations

from msgspec import Struct

from sim2live import fields
from sim2live.errors import SignalError

__all__ = ["Instrument"]


class Instrument(Struct, frozen=True, order=True, forbid_unknown_fields=True, gc=False):
    """What is traded, as the venue names it.

    Attributes:
        exchange: Such as ``CME``; no colon in it.
        symbol: Such as ``MESZ6``.

    Raises:
        SignalError: A part is empty, longer than 64 characters, not printable, or has a blank
            at an end.
    """

    exchange: str
    symbol: str

    def __post_init__(self) -> None:
        exchange, symbol = self.exchange, self.symbol
        if type(exchange) is str and type(symbol) is str:
            both = exchange + symbol
            if exchange and symbol and len(both) <= fields.MAX_NAME and both.isalnum():
                return  # nearly every instrument there is, at a fraction of the cost
        fields.name("exchange", exchange)
        fields.name("symbol", symbol)
        if ":" in exchange:
            raise SignalError("exchange", exchange, "must not contain a colon")

    @classmethod
    def parse(cls, text: str) -> Instrument:
        """Read ``EXCHANGE:SYMBOL``, such as ``CME:MESZ6``.

        Raises:
            SignalError: There is no colon, or a part breaks a rule.
        """
        exchange, colon, symbol = text.partition(":")
        if not colon:
            raise SignalError("instrument", text, "must be EXCHANGE:SYMBOL, such as CME:MESZ6")
        return cls(exchange, symbol)

    def __str__(self) -> str:
        return f"{self.exchange}:{self.symbol}"
